import type { Outbox } from "../../../storage/outbox.ts";
import type { EngineLog } from "../../engine.ts";
import { alertmanager } from "./alertmanager.ts";
import { command } from "./command.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { DeliveryWorld, Receiver } from "./receiver.ts";
import type { ReceiverSettings, Receivers } from "./settings.ts";
import { webhook } from "./webhook.ts";

/** How long messages under way may take when the server stops, milliseconds. */
const CLOSE_MS = 2000;

/** What `GET /v1/alerts/receivers` tells of one receiver. */
export interface ReceiverReport {
  readonly name: string;
  readonly kind: Receiver["kind"];
  /** Deliveries that wait, that it is reminded of, and that were given up. */
  readonly waiting: number;
  readonly reminded: number;
  readonly dead: number;
  /** Deliveries told since the start, and attempts in vain. */
  readonly told: number;
  readonly failures: number;
  /** Whether the last attempt reached it; null before the first one. */
  readonly reached: boolean | null;
  readonly lastTold: string | null;
  readonly lastError: { readonly time: string; readonly message: string } | null;
}

/** The receivers of a server, each told by itself: none holds up another. */
export class Deliveries {
  readonly #receivers: readonly Receiver[];
  readonly #world: DeliveryWorld;
  readonly #log: EngineLog;
  #dispatchers: readonly Dispatcher[] = [];
  #outbox: Outbox | undefined;
  #unwatch = (): void => {};

  /** @throws EddyError `bad-config` when a secret cannot be read */
  constructor(receivers: Receivers, world: DeliveryWorld, log: EngineLog) {
    this.#world = world;
    this.#log = log;
    this.#receivers = Object.entries(receivers).map(([name, settings]) =>
      openReceiver(name, settings, world),
    );
  }

  /** Tells what waits, and from now on whatever comes. */
  open(outbox: Outbox): void {
    this.#outbox = outbox;
    const given = outbox.disown(new Set(this.names));
    if (given > 0)
      this.#log.warn(`${given} alerts wait for receivers that are not in the configuration: given up`);
    const dispatchers = new Map(
      this.#receivers.map((receiver) => [
        receiver.name,
        new Dispatcher(receiver, outbox, this.#world, this.#log),
      ]),
    );
    this.#dispatchers = [...dispatchers.values()];
    this.#unwatch = outbox.watch((receiver, lane) => dispatchers.get(receiver)?.added(lane));
  }

  /** The outbox; undefined until it is open. */
  get outbox(): Outbox | undefined {
    return this.#outbox;
  }

  /** Names of the receivers. */
  get names(): readonly string[] {
    return this.#receivers.map(({ name }) => name);
  }

  get report(): readonly ReceiverReport[] {
    const counts = this.#outbox?.counts();
    return this.#dispatchers.map(({ receiver: { name, kind }, health }) => {
      const { told, failures, failing, lastTold, lastError } = health;
      const { waiting = 0, reminded = 0, dead = 0 } = counts?.get(name) ?? {};
      return {
        name,
        kind,
        waiting,
        reminded,
        dead,
        told,
        failures,
        reached: told === 0 && failures === 0 ? null : failing === 0,
        lastTold: lastTold === null ? null : iso(lastTold),
        lastError: lastError && { ...lastError, time: iso(lastError.time) },
      };
    });
  }

  /** Figures in the text format of Prometheus, labelled with names of the configuration. */
  get metrics(): string {
    const reports = this.report;
    if (reports.length === 0) return "";
    const lines: string[] = [];
    const metric = (
      name: string,
      type: string,
      help: string,
      of: (report: ReceiverReport) => number,
    ): void => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      for (const report of reports) lines.push(`${name}{receiver="${report.name}"} ${of(report)}`);
    };
    metric("eddy_receiver_told_total", "counter", "Alerts that a receiver was told", ({ told }) => told);
    metric(
      "eddy_receiver_failures_total",
      "counter",
      "Attempts in vain to tell it",
      ({ failures }) => failures,
    );
    metric("eddy_receiver_waiting", "gauge", "Alerts that it has still to be told", ({ waiting }) => waiting);
    metric("eddy_receiver_reminded", "gauge", "Alerts that it is reminded of", ({ reminded }) => reminded);
    metric("eddy_receiver_dead", "gauge", "Alerts that were given up", ({ dead }) => dead);
    metric("eddy_receiver_reached", "gauge", "Whether the last attempt reached it", ({ reached }) =>
      reached === false ? 0 : 1,
    );
    lines.push(
      "# HELP eddy_receivers_dropped_total Given up alerts that had to make room for newer ones",
      "# TYPE eddy_receivers_dropped_total counter",
      `eddy_receivers_dropped_total ${this.#outbox?.dropped ?? 0}`,
    );
    return `${lines.join("\n")}\n`;
  }

  /** Resolves once nothing is under way. */
  async stop(): Promise<void> {
    this.#unwatch();
    await Promise.all(this.#dispatchers.map((dispatcher) => dispatcher.stop(CLOSE_MS)));
  }
}

const iso = (time: number): string => new Date(time).toISOString();

function openReceiver(name: string, settings: ReceiverSettings, world: DeliveryWorld): Receiver {
  if ("webhook" in settings) return webhook(name, settings, world);
  if ("alertmanager" in settings) return alertmanager(name, settings, world);
  return command(name, settings, world);
}
