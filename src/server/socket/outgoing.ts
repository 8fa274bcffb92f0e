import { type Forecast, type PipelineOutput, told } from "../../models/forecast.ts";
import { forecastsIn, type Issue } from "../../models/issue.ts";
import { itemAt } from "../../models/item-at.ts";
import type { SubscriptionId } from "../../protocol/client-messages.ts";
import type { LogPlace } from "../engine.ts";
import { Kept } from "./kept.ts";

/** What a subscription wants to see of a forecast. */
export class View {
  /** The steps wanted, ascending, or null for all. */
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

/** How the `data` message to a subscription begins. */
export const messageHead = (id: SubscriptionId): Buffer =>
  Buffer.from(`{"type":"data","id":${JSON.stringify(id)}`);

/** One forecast on its way to many subscribers: it is put into words once, and for each view of it serialised once. */
export class Outgoing {
  readonly issue: Issue;
  /** Which of the targets of the issue it is about. */
  readonly target: number;
  /** Its place in the log of forecasts: the journal position of the observation with which it was made, ... */
  readonly offset: number;
  /** ... and which it is of all that this observation led to. */
  readonly ordinal: number;
  /** The slot it takes: a newer forecast of the same series and target, or a newer output of the same pipeline, replaces it. */
  readonly slot: string;
  readonly #told: () => Forecast | PipelineOutput;
  readonly #epoch: string;
  /** Clients choose steps as they like. */
  readonly #tails = new Kept<Buffer>();

  constructor(
    issue: Issue,
    target: number,
    { position, ordinal }: LogPlace,
    epoch: string,
    words: () => Forecast | PipelineOutput,
  ) {
    this.issue = issue;
    this.target = target;
    this.offset = position;
    this.ordinal = ordinal + target;
    this.slot = `${issue.series}\u0000${issue.targets[target]?.name ?? ""}`;
    this.#told = words;
    this.#epoch = JSON.stringify(epoch);
  }

  get series(): string {
    return this.issue.series;
  }

  /** The `data` message to a subscription, in UTF-8. */
  message(id: SubscriptionId, view: View): Buffer {
    return Buffer.concat([messageHead(id), this.tail(view)]);
  }

  /** What follows on the head of that message. */
  tail({ key, steps, observed }: View): Buffer {
    return this.#tails.get(key, () => {
      const place = `,"epoch":${this.#epoch},"offset":${this.offset},"ordinal":${this.ordinal}`;
      const forecast = this.#told();
      if ("output" in forecast) return Buffer.from(`${place},"output":${JSON.stringify(forecast)}}`);
      const wanted =
        steps === null
          ? forecast
          : { ...forecast, horizon: forecast.horizon.filter(({ step }) => steps.has(step)) };
      const value = observed ? `,"observed":${JSON.stringify(forecast.observed.value)}` : "";
      return Buffer.from(`${place},"forecast":${JSON.stringify(wanted)}${value}}`);
    });
  }
}

/** Makes the forecasts of an issue ready to be sent once, however many subscribers ask for them. */
export class Dispatch {
  readonly #epoch: string;
  readonly #known = new WeakMap<Issue, readonly Outgoing[]>();

  constructor(epoch: string) {
    this.#epoch = epoch;
  }

  /** One for each target, or the output of a pipeline. */
  of(logged: LogPlace & { readonly issue: Issue }): readonly Outgoing[] {
    const { issue } = logged;
    let outgoing = this.#known.get(issue);
    if (outgoing === undefined) {
      let all: readonly (Forecast | PipelineOutput)[] | undefined;
      const words = (d: number): Forecast | PipelineOutput => {
        all ??= told(issue);
        return itemAt(all, d);
      };
      outgoing = Array.from(
        { length: forecastsIn(issue) },
        (_, d) => new Outgoing(issue, d, logged, this.#epoch, () => words(d)),
      );
      this.#known.set(issue, outgoing);
    }
    return outgoing;
  }
}
