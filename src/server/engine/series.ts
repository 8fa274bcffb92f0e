import type { Crossing, Range } from "../../models/forecaster/crossing.ts";
import type { ForecasterSpecification } from "../../models/forecaster/specification.ts";
import type { Issue } from "../../models/issue.ts";
import { Arena } from "../../models/kernels/arena.ts";
import type { Observation } from "../../models/observation.ts";
import type { Generation, LoggedIssue, StoredSeries } from "../../storage/store.ts";
import { type Outcome, Series, type SeriesOptions } from "../../streams/series.ts";
import type { BoundRules } from "./alerts/alerts.ts";
import { Hosting, isHosted, PIPELINE_BYTES } from "./hosting.ts";
import { Prices } from "./prices.ts";

/** What the engine asks of a series: deterministic steps and opaque bytes. `Series` is the one of real life. */
export interface LiveSeries {
  readonly specification: ForecasterSpecification;
  push(observation: Observation, offset: number): Outcome;
  /** Bytes of `save` as things stand. */
  readonly stateBytes: number;
  /** The state, after `headroom` bytes that are left free for a frame. */
  save(headroom?: number): Uint8Array;
  restore(bytes: Uint8Array): void;
  release(): void;
  /** Why it takes nothing more, and cannot be saved; null or undefined while it runs. Only a pipeline can stop. */
  readonly stopped?: string | null;
  /** How likely its next readings are to leave a range, and when; absent where it cannot tell. Asking changes nothing. */
  crossing?(target: string, range: Range, within: number): Crossing;
}

/** Opens series: a new one for its first observation, a known one from what was stored of it. */
export interface SeriesMaker {
  open(first: Observation): LiveSeries;
  /** What it would be opened with. */
  plan(first: Observation): ForecasterSpecification;
  /** Bytes that a series of this specification takes in memory, told without opening it. */
  price(specification: ForecasterSpecification): number;
  /** What `reopen` needs, as JSON. */
  describe(series: LiveSeries): string;
  /** The specification within a description, without opening the series. */
  specification(description: string): ForecasterSpecification;
  reopen(name: string, description: string): LiveSeries;
  /** The pipelines beside the series. */
  readonly hosting: Hosting;
}

/** Opens `Series` in one arena. `options` may differ from series to series; they are fixed when a series is born. */
export function seriesMaker(
  options: SeriesOptions | ((series: string) => SeriesOptions) = {},
  arena: Arena = new Arena(),
  hosting = new Hosting([], { info() {}, warn() {}, error() {} }),
): SeriesMaker {
  const asked = typeof options === "function" ? options : () => options;
  // Times too far ahead are refused at intake, by the clock: what was acknowledged is not set aside afterwards.
  const optionsOf = (series: string): SeriesOptions => ({ ...asked(series), ahead: 0 });
  const prices = new Prices(arena);
  return {
    plan: (first) => Series.plan(first, optionsOf(first.series)),
    hosting,
    price: (specification) => (isHosted({ specification }) ? PIPELINE_BYTES : prices.of(specification)),
    open: (first) => Series.open(first, optionsOf(first.series), arena),
    describe: (series) => JSON.stringify(series.specification),
    specification: (description) => JSON.parse(description),
    reopen(name, description) {
      const specification = JSON.parse(description);
      return isHosted({ specification }) ? hosting.open(name) : new Series(name, specification, arena);
    },
  };
}

/** What the engine knows of one series, in memory or not. */
export interface SeriesEntry {
  readonly stored: StoredSeries;
  readonly specification: ForecasterSpecification;
  /** Undefined while it is evicted. */
  live: LiveSeries | undefined;
  /** Bytes of its state, as last saved. */
  stateBytes: number;
  /** Bytes counted for it while it is in memory. */
  heldBytes: number;
  /** Position of the last observation applied. */
  applied: number;
  observations: number;
  lastTime: number;
  /** What was forecast last. */
  latest: LoggedIssue | undefined;
  /** The rules for alerts that are about it, as last looked up. */
  alerts?: BoundRules;
  /**
   * Of a pipeline that is in the database and was not given at this start: it stands still, and the journal is kept after this
   * position for it.
   */
  dormantAt?: number;
  /** Kept checkpoints, oldest first. Before there are enough, birth itself is one to fall back to. */
  generations: readonly Generation[];
}

/** What applying one observation led to. */
export interface Applied {
  readonly issues: readonly Issue[];
  readonly refused?: string;
  /** In words, when it was refused. */
  readonly message: string;
}
