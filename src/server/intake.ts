import { EddyError } from "../models/errors.ts";
import type { Forecast } from "../models/forecast.ts";
import type { Observation } from "../models/observation.ts";
import type { Engine, IngestOptions, Receipt } from "./engine.ts";

/**
 * The one door through which observations enter a running server: HTTP, WebSocket and sources inside the process. It can
 * be shut, and told when the last batch has been answered.
 */
export class Intake {
  readonly #engine: Engine;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Observations handed to the engine and not yet answered, by series and event time. */
  readonly #handed = new Map<string, Map<number, Observation>>();
  /** Newest time handed over per series, while any of its observations is under way. */
  readonly #newest = new Map<string, number>();
  readonly #now: () => number;
  #open = true;

  /** `now`: wall clock, epoch milliseconds, for observations that come without a time. */
  constructor(engine: Engine, now: () => number) {
    this.#engine = engine;
    this.#now = now;
  }

  get open(): boolean {
    return this.#open;
  }

  /**
   * Resolves once every accepted observation is durable and applied.
   *
   * @throws EddyError `busy` when the engine is full or the server is shutting down
   */
  async ingest(given: readonly Observation[], options?: IngestOptions): Promise<Receipt> {
    if (!this.#open)
      throw new EddyError("busy", "the server is shutting down", { hint: "send it again later" });
    const now = this.#now();
    const batch = given.map((observation) => this.#stamp(observation, now));
    for (const observation of batch) {
      const those = this.#handed.get(observation.series);
      if (those === undefined)
        this.#handed.set(observation.series, new Map([[observation.time, observation]]));
      else those.set(observation.time, observation);
    }
    const answer = this.#engine.ingest(batch, options);
    this.#underWay.add(answer);
    try {
      return await answer;
    } finally {
      this.#underWay.delete(answer);
      for (const observation of batch) {
        const those = this.#handed.get(observation.series);
        if (those?.get(observation.time) !== observation) continue;
        those.delete(observation.time);
        if (those.size > 0) continue;
        this.#handed.delete(observation.series);
        this.#newest.delete(observation.series);
      }
    }
  }

  /** Readings that arrive together and name no time keep their order, a millisecond apart. */
  #stamp(observation: Observation, now: number): Observation {
    const { series, time } = observation;
    // What the engine will refuse for lying ahead moves no time.
    const latest = now + this.#engine.ahead;
    if (time > latest) return observation;
    let newest = this.#newest.get(series);
    if (newest === undefined) {
      const known = this.#engine.lastTime(series);
      newest = known <= latest ? known : Number.NEGATIVE_INFINITY;
    }
    const stamped = Number.isNaN(time) ? Math.max(now, newest + 1) : time;
    this.#newest.set(series, Math.max(newest, stamped));
    return stamped === time ? observation : { ...observation, time: stamped };
  }

  /** The value that led to a forecast, while its batch is under way; undefined when it is not known here. */
  observed(forecast: Forecast): number | null | undefined {
    const those = this.#handed.get(forecast.series);
    return those?.get(Date.parse(forecast.issuedAt))?.values[forecast.target];
  }

  /** Takes nothing more; resolves when everything taken has been answered. */
  async shut(): Promise<void> {
    this.#open = false;
    await Promise.allSettled(this.#underWay);
  }
}
