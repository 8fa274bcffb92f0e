import { normalQuantile } from "../statistics/normal.ts";
import type { KnownErrors } from "./error-paths.ts";
import { FirstPassage } from "./first-passage.ts";

/** Readings are to stay from `low` to `high`; -Infinity or Infinity where there is no such limit. In the units of the readings. */
export interface Range {
  readonly low: number;
  readonly high: number;
}

/** How likely, and when, the readings to come leave a range. */
export interface Crossing {
  /**
   * [within] How likely at least one of the readings at steps 1..h lies outside the range: of the whole path up to there, so that it
   * never falls with h. NaN while nothing is known, and beyond the steps of which anything is known.
   */
  readonly probability: Float64Array;
  /**
   * The .1, .5 and .9 quantiles of the number of steps until the first reading outside. They may lie beyond the horizon, as far as
   * the errors there have been measured; Infinity: not within what is known. NaN while nothing is known.
   */
  readonly steps: readonly [number, number, number];
}

/** The farthest step that may be asked for. */
export const LONGEST_WITHIN = 100_000;

/** Probabilities whose steps are told. */
const LEVELS = [0.1, 0.5, 0.9] as const;
/** Beyond the horizon the path is looked at again after this part of its length. */
const STRIDE = 1 / 8;

/** What the future of a target looks like, in the units of its models. */
export interface Outlook {
  /** Steps since its last reading: step h lies h + gap steps from it. */
  readonly gap: number;
  /** What is expected at step h. */
  readonly mean: (h: number) => number;
  /** The size of the errors of step h. */
  readonly size: (h: number) => number;
  readonly errors: KnownErrors;
  /** Whether its readings never fall: of several above a limit the last one is. */
  readonly rises: boolean;
}

/**
 * How likely the readings of the next `within` steps leave the range, and when they first do, looking as far as `farthest` steps.
 * `low` and `high` as the models see them; infinite where nothing can be beyond.
 */
export function crossingOf(
  outlook: Outlook,
  { low, high }: Range,
  { within, horizon, farthest }: { within: number; horizon: number; farthest: number },
): Crossing {
  const { gap, errors } = outlook;
  const probability = new Float64Array(within).fill(Number.NaN);
  const told = Math.min(within, farthest);
  const steps: [number, number, number] = [Infinity, Infinity, Infinity];
  const passage = new FirstPassage();
  passage.begin();
  let [at, before, level] = [0, 0, 0];
  while (at < told || (level < LEVELS.length && at < farthest)) {
    const stride = at < horizon ? 1 : Math.max(1, Math.floor(STRIDE * at));
    const h = Math.min(at + stride, at < told ? told : farthest);
    const [mean, size] = [outlook.mean(h), outlook.size(h)];
    const x = h + gap;
    const under = low === -Infinity ? 0 : errors.below(x, inSizes(low - mean, size));
    const above = high === Infinity ? 0 : errors.above(x, inSizes(high - mean, size));
    let now: number;
    if (outlook.rises) now = Math.max(before, Math.min(1, under + above));
    else {
      passage.look(
        normalQuantile(under),
        -normalQuantile(above),
        errors.common(x),
        errors.carried(x),
        at === 0 ? 0 : h - at,
      );
      now = Math.max(before, passage.probability);
    }
    for (let s = at + 1; s <= h && s <= told; s++)
      probability[s - 1] = before + ((s - at) / (h - at)) * (now - before);
    for (; level < LEVELS.length && now >= LEVELS[level]; level++) {
      const share = now > before ? (LEVELS[level] - before) / (now - before) : 1;
      steps[level] = Math.max(1, Math.ceil(at + share * (h - at)));
    }
    [at, before] = [h, now];
  }
  return { probability, steps };
}

/** How far away, in sizes; a limit that is not passed by going there. */
function inSizes(away: number, size: number): number {
  if (size > 0) return away / size;
  return away === 0 ? 0 : away * Number.POSITIVE_INFINITY;
}
