import type { Forecast } from "../../models/forecast.ts";
import type { SubscriptionId } from "./messages.ts";

/** What a subscription wants to see of a forecast. */
export class View {
  /** The steps wanted, or null for all. */
  readonly steps: ReadonlySet<number> | null;
  /** Whether the value that led to the forecast comes beside it. */
  readonly observed: boolean;
  /** Equal for equal views. */
  readonly key: string;

  constructor(horizons: readonly number[] | undefined, observed: boolean) {
    this.steps = horizons === undefined ? null : new Set([...horizons].sort((a, b) => a - b));
    this.observed = observed;
    this.key = `${observed ? "o" : ""}${this.steps === null ? "" : [...this.steps].join()}`;
  }
}

/** Frames that one forecast keeps for the next subscriber; clients choose ids and steps as they like. */
const KEPT = 32;

/** One forecast on its way to many subscribers: each distinct frame of it is serialised once. */
export class Issue {
  readonly forecast: Forecast;
  /** The slot it takes: a newer forecast of the same series and target replaces it. */
  readonly slot: string;
  readonly #epoch: string;
  readonly #observed: number | null | undefined;
  readonly #bodies = new Map<string, string>();
  readonly #frames = new Map<string, Buffer>();

  constructor(forecast: Forecast, epoch: string, observed?: number | null) {
    this.forecast = forecast;
    this.slot = `${forecast.series}\u0000${forecast.target}`;
    this.#epoch = JSON.stringify(epoch);
    this.#observed = observed;
  }

  /** The `data` frame for a subscription, in UTF-8. */
  frame(id: SubscriptionId, view: View): Buffer {
    const key = `${JSON.stringify(id)} ${view.key}`;
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      frame = Buffer.from(`{"type":"data","id":${JSON.stringify(id)}${this.#body(view)}`);
      if (this.#frames.size >= KEPT) this.#frames.clear();
      this.#frames.set(key, frame);
    }
    return frame;
  }

  #body({ key, steps, observed }: View): string {
    let body = this.#bodies.get(key);
    if (body === undefined) {
      const { forecast } = this;
      const wanted =
        steps === null
          ? forecast
          : { ...forecast, horizon: forecast.horizon.filter(({ step }) => steps.has(step)) };
      const tail =
        observed && this.#observed !== undefined ? `,"observed":${JSON.stringify(this.#observed)}` : "";
      body = `,"epoch":${this.#epoch},"offset":${forecast.offset},"forecast":${JSON.stringify(wanted)}${tail}}`;
      if (this.#bodies.size >= KEPT) this.#bodies.clear();
      this.#bodies.set(key, body);
    }
    return body;
  }
}

/** Makes one `Issue` of each forecast, however many subscribers ask for it. */
export class Issues {
  readonly epoch: string;
  readonly #known = new WeakMap<Forecast, Issue>();

  constructor(epoch: string) {
    this.epoch = epoch;
  }

  of(forecast: Forecast, observed?: number | null): Issue {
    let issue = this.#known.get(forecast);
    if (issue === undefined) {
      issue = new Issue(forecast, this.epoch, observed);
      this.#known.set(forecast, issue);
    }
    return issue;
  }
}
