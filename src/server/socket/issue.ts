import type { Forecast } from "../../models/forecast.ts";
import type { SubscriptionId } from "./messages.ts";

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

  /** The `data` frame for a subscription, in UTF-8. `steps`: those wanted, or null for all. */
  frame(id: SubscriptionId, steps: ReadonlySet<number> | null, observed: boolean): Buffer {
    const view = `${observed && this.#observed !== undefined ? "o" : ""}${steps === null ? "" : [...steps].join()}`;
    const key = `${JSON.stringify(id)} ${view}`;
    let frame = this.#frames.get(key);
    if (frame === undefined) {
      let body = this.#bodies.get(view);
      if (body === undefined) {
        const { forecast } = this;
        const wanted =
          steps === null
            ? forecast
            : { ...forecast, horizon: forecast.horizon.filter(({ step }) => steps.has(step)) };
        const tail = view.startsWith("o") ? `,"observed":${JSON.stringify(this.#observed)}` : "";
        body = `,"epoch":${this.#epoch},"offset":${forecast.offset},"forecast":${JSON.stringify(wanted)}${tail}}`;
        this.#bodies.set(view, body);
      }
      frame = Buffer.from(`{"type":"data","id":${JSON.stringify(id)}${body}`);
      this.#frames.set(key, frame);
    }
    return frame;
  }
}
