import { cpus, freemem, loadavg, totalmem } from "node:os";
import { type Static, Type } from "@sinclair/typebox";
import { Observable } from "rxjs";
import { itemAt } from "../../models/item-at.ts";
import type { Observation } from "../../models/observation.ts";
import { duration, milliseconds, strict, text } from "../checked.ts";
import type { SourceBatches, SourceContext } from "./source.ts";

export const MachineOptionsSchema = Type.Object(
  { every: Type.Optional(duration()), disk: Type.Optional(text("a path on the disk to watch")) },
  strict,
);
export type MachineOptions = Static<typeof MachineOptionsSchema>;

/** Bytes that went through the network cards since they were started, and the time they were asked. */
interface Traffic {
  readonly time: number;
  readonly received: number;
  readonly sent: number;
}

/**
 * This machine's own state, sampled every so often (1 s by default), as series under `machine/`: processor in use (per cent of all
 * cores since the last sample), load average, memory in use (per cent), disk in use (per cent), bytes a second in and out
 * over the network (not the loopback). What a system does not tell is left out.
 */
export function machineMetrics(options: MachineOptions, context: SourceContext): SourceBatches {
  const interval = milliseconds(options.every ?? "1s");
  return new Observable((subscriber) => {
    const { after, now, status } = context;
    const machine = new Machine(context.fs, options.disk ?? "/");
    let waiting = false;
    let cancel = (): void => {};
    status.connected();
    const turn = (due: number): void => {
      if (!waiting) {
        waiting = true;
        const readings = machine
          .sample(now())
          .map((observation, row) => ({ line: row + 1, row, timed: true, observation }));
        subscriber.next({
          readings,
          acknowledge: () => {
            waiting = false;
          },
        });
      }
      const next = Math.max(due + interval, now());
      cancel = after(next - now(), () => turn(next));
    };
    turn(now());
    return () => cancel();
  });
}

class Machine {
  readonly #fs: SourceContext["fs"];
  readonly #disk: string;
  #busy = 0;
  #all = 0;
  #traffic: Traffic | undefined;

  constructor(fs: SourceContext["fs"], disk: string) {
    this.#fs = fs;
    this.#disk = disk;
    this.#processor();
  }

  sample(time: number): Observation[] {
    const load = itemAt(loadavg(), 0);
    const found: Observation[] = [];
    const add = (name: string, value: number): void => {
      if (Number.isFinite(value)) found.push({ series: `machine/${name}`, time, values: { value } });
    };
    add("processor", this.#processor());
    add("load", load);
    add("memory", 100 * (1 - freemem() / totalmem()));
    try {
      const { blocks, bavail } = this.#fs.statfsSync(this.#disk);
      add("disk", 100 * (1 - bavail / blocks));
    } catch {
      // A system that does not tell.
    }
    const traffic = this.#network(time);
    const before = this.#traffic;
    if (traffic !== undefined && before !== undefined && traffic.time > before.time) {
      const rate = (now: number, then: number): number =>
        (1000 * Math.max(0, now - then)) / (traffic.time - before.time);
      add("network-in", rate(traffic.received, before.received));
      add("network-out", rate(traffic.sent, before.sent));
    }
    this.#traffic = traffic;
    return found;
  }

  /** Per cent of all processors' time that was not idle since the last call. */
  #processor(): number {
    let busy = 0;
    let all = 0;
    for (const { times } of cpus()) {
      const total = times.user + times.nice + times.sys + times.idle + times.irq;
      all += total;
      busy += total - times.idle;
    }
    const share = all > this.#all ? (busy - this.#busy) / (all - this.#all) : 0;
    this.#busy = busy;
    this.#all = all;
    return 100 * share;
  }

  #network(time: number): Traffic | undefined {
    let text: string;
    try {
      text = this.#fs.readFileSync("/proc/net/dev", "utf8");
    } catch {
      return undefined;
    }
    let [received, sent] = [0, 0];
    for (const line of text.split("\n").slice(2)) {
      const [name, counts = ""] = line.split(":");
      if (name?.trim() === "lo") continue;
      const columns = counts.trim().split(/\s+/).map(Number);
      if (columns.length < 9) continue;
      received += itemAt(columns, 0);
      sent += itemAt(columns, 8);
    }
    return { time, received, sent };
  }
}
