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
  #open = true;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  get open(): boolean {
    return this.#open;
  }

  /**
   * Resolves once every accepted observation is durable and applied.
   *
   * @throws EddyError `busy` when the engine is full or the server is shutting down
   */
  async ingest(batch: readonly Observation[], options?: IngestOptions): Promise<Receipt> {
    if (!this.#open)
      throw new EddyError("busy", "the server is shutting down", { hint: "send it again later" });
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
        if (those.size === 0) this.#handed.delete(observation.series);
      }
    }
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
