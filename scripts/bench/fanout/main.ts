// What thousands of subscribers cost, beside a bare `ws` broadcast of the same bytes in the same run:
// npm run bench:fanout [-- --subscribers 1000,3000,5000 --rate 200 --seconds 10 --slow --resume 2000]
// `--slow`: one of the subscribers stops reading. `--resume N`: N are dropped at once and come back to where they were.
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { parseArgs } from "node:util";
import WebSocket from "ws";
import { Target } from "../../hostile/target.ts";
import { memory, processor } from "../process.ts";
import type { Asked, Told } from "./words.ts";

const { values } = parseArgs({
  options: {
    subscribers: { type: "string", default: "1000,3000,5000" },
    rate: { type: "string", default: "200" },
    seconds: { type: "string", default: "10" },
    model: { type: "string", default: "persistence" },
    horizon: { type: "string", default: "6" },
    mode: { type: "string", default: "latest" },
    slow: { type: "boolean", default: false },
  },
});
const rate = Number(values.rate);
const seconds = Number(values.seconds);
const SERIES = 50;
/** Milliseconds until a process that has just started, and was asked by all at once, does what it does all day. */
const WARM = 6000;
const here = import.meta.dirname;
const PROTOCOL = "eddy.v1.json";

class Readers {
  readonly #child = fork(join(here, "readers.ts"), { execArgv: ["--import", "tsx"] });

  /** Seconds of processor that it has had. */
  get processor(): number {
    return processor(this.#child.pid);
  }

  async ask<K extends Told["told"]>(asked: Asked): Promise<Extract<Told, { told: K }>> {
    const answered = once(this.#child, "message");
    this.#child.send(asked);
    const [told] = await answered;
    return told;
  }

  async end(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.send({ do: "end" } satisfies Asked);
    await ended;
  }
}

/** A server, and one connection that sends it readings at the rate. */
async function served(
  configuration: object,
): Promise<{ target: Target; stop: () => Promise<void>; sent: () => number }> {
  const folder = mkdtempSync(join(tmpdir(), "eddy-fanout-"));
  const target = new Target({
    command: [
      ...(process.env.PROF ? ["--cpu-prof", `--cpu-prof-dir=${process.env.PROF}`] : []),
      "dist/cli/main.js",
    ],
    database: join(folder, "fanout.db"),
    configuration: { forecast: { model: values.model, horizon: Number(values.horizon) }, ...configuration },
  });
  const refusal = await target.start();
  if (refusal !== undefined) throw new Error(refusal);
  const ws = new WebSocket(`${target.url.replace("http", "ws")}/v1/stream`, PROTOCOL);
  await once(ws, "open");
  ws.send('{"type":"init"}');
  const started = performance.now();
  let sent = 0;
  const timer = setInterval(() => {
    for (; sent < ((performance.now() - started) * rate) / 1000; sent++) {
      const value = Math.round(1000 * Math.sin(sent / 900)) / 10;
      ws.send(JSON.stringify({ type: "observe", series: `fan/${sent % SERIES}`, time: Date.now(), value }));
    }
  }, 5);
  const stop = async (): Promise<void> => {
    clearInterval(timer);
    ws.terminate();
    await target.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  return { target, stop, sent: () => sent };
}

interface Measured {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Share of a processor that the readers had: near 1, it is they who are waited for. */
  readonly busy: number;
  /** Microseconds of processor for a delivery. */
  readonly cost: number;
}

async function measured(readers: Readers, pid: number | undefined): Promise<Measured> {
  await readers.ask({ do: "forget" });
  const [before, own, started] = [processor(pid), readers.processor, performance.now()];
  await wait(1000 * seconds);
  const { frames, p50, p99 } = await readers.ask<"measured">({ do: "measure", skip: 0 });
  const elapsed = (performance.now() - started) / 1000;
  const busy = (readers.processor - own) / elapsed;
  return { busy, perSecond: frames / elapsed, p50, p99, cost: (1e6 * (processor(pid) - before)) / frames };
}

const row = (name: string, cells: readonly (number | string)[]): void =>
  console.log(
    name.padEnd(28) +
      cells
        .map((cell) => (typeof cell === "string" ? cell : cell.toFixed(cell < 10 ? 1 : 0)).padStart(12))
        .join(""),
  );

/** The frame that a subscriber of the server gets, for the peer to send. */
async function frameOf(target: Target): Promise<string> {
  const ws = new WebSocket(`${target.url.replace("http", "ws")}/v1/stream`, PROTOCOL);
  await once(ws, "open");
  const frame = new Promise<string>((resolve) => {
    ws.on("message", (data) => {
      if (String(data).startsWith('{"type":"data"')) resolve(String(data));
    });
  });
  ws.send('{"type":"init"}');
  ws.send('{"type":"subscribe","id":1,"pattern":"*"}');
  const found = await frame;
  ws.terminate();
  return found;
}

const subscribe = { type: "subscribe", id: 1, pattern: "*", mode: values.mode };

async function beside(count: number): Promise<void> {
  const { target, stop } = await served({});
  await wait(2000);
  const frame = await frameOf(target);
  const resident = memory(target.process);
  const readers = new Readers();
  await readers.ask({
    do: "open",
    port: target.port,
    protocol: PROTOCOL,
    count,
    subscribe,
  });
  await wait(WARM);
  let eddy: Measured | undefined;
  const seen = await target.watch(async () => {
    eddy = await measured(readers, target.process);
  });
  const each = (memory(target.process) - resident) / count;
  await readers.end();
  await stop();

  const peer: ChildProcess = fork(join(here, "bare.ts"), [frame, String(rate)], {
    execArgv: ["--import", "tsx"],
  });
  const [port] = await once(peer, "message");
  const others = new Readers();
  await others.ask({ do: "open", port, protocol: "", count, subscribe: {} });
  await wait(WARM);
  const bare = await measured(others, peer.pid);
  await others.end();
  peer.kill();
  if (eddy === undefined) return;
  row(`${count} subscribers`, [
    eddy.perSecond,
    eddy.p50,
    eddy.p99,
    eddy.cost,
    eddy.busy.toFixed(2),
    seen.block ?? Number.NaN,
    seen.own ?? Number.NaN,
    each,
  ]);
  row(`  bare ws, ${Buffer.byteLength(frame)} bytes`, [
    bare.perSecond,
    bare.p50,
    bare.p99,
    bare.cost,
    bare.busy.toFixed(2),
    "",
    "",
    "",
  ]);
  row("  ratio", [
    (eddy.perSecond / bare.perSecond).toFixed(2),
    (eddy.p50 / bare.p50).toFixed(2),
    (eddy.p99 / bare.p99).toFixed(2),
    (eddy.cost / bare.cost).toFixed(2),
    "",
    "",
    "",
  ]);
}

/** The others' waits while one of them does not read. */
async function slow(count: number): Promise<void> {
  const { target, stop } = await served({});
  const readers = new Readers();
  const idle = new Readers();
  const open = { do: "open", port: target.port, protocol: PROTOCOL } as const;
  await readers.ask({ ...open, count: count - 1, subscribe });
  await idle.ask({ ...open, count: 1, subscribe: { ...subscribe, mode: "stream" } });
  await wait(WARM);
  const before = await measured(readers, target.process);
  await idle.ask({ do: "pause", count: 1 });
  const resident = memory(target.process);
  const after = await measured(readers, target.process);
  row(`${count - 1} others, p50 p99`, [before.p50, before.p99]);
  row("  while one does not read", [after.p50, after.p99]);
  row("  MiB more meanwhile", [(memory(target.process) - resident) / 1024]);
  const metrics = await target.metrics();
  row("  ended as too slow", [/^eddy_socket_too_slow_total (\d+)$/m.exec(metrics)?.[1] ?? "not told"]);
  await readers.end();
  await idle.end();
  await stop();
}

if (values.slow) {
  await slow(Number(values.subscribers.split(",")[0]));
} else {
  row("", ["deliveries/s", "p50 ms", "p99 ms", "µs each", "readers", "held ms", "by itself", "KiB each"]);
  for (const count of values.subscribers.split(",").map(Number)) await beside(count);
}
