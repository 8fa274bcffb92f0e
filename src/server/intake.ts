import { EddyError } from "../models/errors.ts";
import type { Observation } from "../models/observation.ts";
import type { Engine, IngestOptions, Receipt } from "./engine.ts";

/**
 * The one door through which observations enter a running server: HTTP, WebSocket and sources inside the process. It can
 * be shut, and told when the last batch has been answered.
 */
export class Intake {
  readonly #engine: Engine;
  readonly #underWay = new Set<Promise<unknown>>();
  /** Per series of which observations are under way: how many, and the newest time of them. */
  readonly #handed = new Map<string, { count: number; newest: number }>();
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
    const answer = this.#engine.ingest(batch, options);
    this.#underWay.add(answer);
    try {
      return await answer;
    } finally {
      this.#underWay.delete(answer);
      for (const { series } of batch) {
        const handed = this.#handed.get(series);
        if (handed !== undefined && --handed.count === 0) this.#handed.delete(series);
      }
    }
  }

  /** Readings that arrive together and name no time keep their order, a millisecond apart. */
  #stamp(observation: Observation, now: number): Observation {
    const { series, time } = observation;
    // What the engine will refuse for lying ahead moves no time.
    const latest = now + this.#engine.ahead;
    let handed = this.#handed.get(series);
    if (handed === undefined) {
      const known = this.#engine.lastTime(series);
      handed = { count: 0, newest: known <= latest ? known : Number.NEGATIVE_INFINITY };
      this.#handed.set(series, handed);
    }
    handed.count++;
    if (time > latest) return observation;
    const stamped = Number.isNaN(time) ? Math.max(now, handed.newest + 1) : time;
    handed.newest = Math.max(handed.newest, stamped);
    return stamped === time ? observation : { ...observation, time: stamped };
  }

  /** Takes nothing more; resolves when everything taken has been answered. */
  async shut(): Promise<void> {
    this.#open = false;
    await Promise.allSettled(this.#underWay);
  }
}
