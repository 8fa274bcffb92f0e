import { power } from "../kernels/power.ts";
import { normalQuantile, normalShare } from "../statistics/normal.ts";
import type { KnownErrors } from "./error-paths.ts";
import { logistic } from "./error-shares.ts";
import type { FarAhead } from "./far-trend.ts";
import type { FirstPassage } from "./first-passage.ts";

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
/** Beyond the horizon the path is looked at again when its length has grown by this factor, 2^¼. */
const STRIDE = 1.189207115002721;

/** What the future of a target looks like, in the units of its models. */
export interface Outlook {
  readonly horizon: number;
  /** The farthest step of which anything is known. */
  readonly farthest: number;
  /** Steps since its last reading: step h lies h + gap steps from it. */
  readonly gap: number;
  /** What is expected at step h, up to the horizon. */
  readonly mean: (h: number) => number;
  /** The last reading where it is held, and how likely its level is there to stay. */
  readonly held: number;
  readonly stays: number;
  /** The size of the errors of step h, up to the horizon. */
  readonly size: (h: number) => number;
  /** What is expected at step h beyond the horizon. */
  readonly far: (h: number) => FarAhead;
  readonly errors: KnownErrors;
  /** Whether its readings never fall: of several above a limit the last one is. */
  readonly rises: boolean;
  /** What to reckon with. */
  readonly passage: FirstPassage;
  /** What a probability of a crossing within h steps, as reckoned, is worth. */
  readonly worth: (h: number, p: number) => number;
}

/** Fields of a look at the path: its step, the scores of the limits there, what is common and how much of it goes on. */
const STEP = 0;
const LOW = 1;
const HIGH = 2;
const COMMON = 3;
const CARRIED = 4;
const FIELDS = 5;

/**
 * How likely the readings of the next `within` steps leave the range, and when they first do. `low` and `high` as the models see
 * them; infinite where nothing can be beyond. When they do is reckoned once it is asked for.
 */
export function crossingOf(outlook: Outlook, range: Range, within: number): Crossing {
  const told = Math.min(within, outlook.farthest);
  const steps = stepsTo(outlook, told);
  const near = told <= outlook.horizon ? told : steps.indexOf(told) + 1;
  const paths = [{ weight: 1 - outlook.stays, stays: false }];
  if (outlook.stays > 0) paths.push({ weight: outlook.stays, stays: true });
  const chancesTo = (count: number): Float64Array => {
    const chances = new Float64Array(count);
    for (const { weight, stays } of paths) {
      follow(outlook, weight, looksAt(outlook, range, steps, count, stays), chances);
    }
    for (let i = 0, most = 0; i < count; i++) {
      most = Math.max(most, outlook.worth(steps[i], Math.min(1, chances[i])));
      chances[i] = most;
    }
    return chances;
  };
  const probability = new Float64Array(within).fill(Number.NaN);
  const chances = chancesTo(near);
  for (let i = 0, from = 0, before = 0; i < near; i++) {
    for (let h = from + 1; h <= steps[i]; h++)
      probability[h - 1] = before + ((h - from) / (steps[i] - from)) * (chances[i] - before);
    from = steps[i];
    before = chances[i];
  }
  let first: [number, number, number] | undefined;
  return {
    probability,
    get steps() {
      first ??= firstSteps(steps, chancesTo(steps.length));
      return first;
    },
  };
}

/** The steps at which the path is looked at, as far as anything is known; `within` is one of them. */
function stepsTo({ horizon, farthest }: Outlook, within: number): number[] {
  const steps: number[] = [];
  for (let h = 1; h <= Math.min(horizon, farthest); h++) steps.push(h);
  for (let h = horizon; h < farthest; ) {
    h = Math.min(Math.max(h + 1, Math.round(h * STRIDE)), h < within ? within : farthest);
    steps.push(h);
  }
  return steps;
}

/** The steps until probabilities of a crossing reach the levels. */
function firstSteps(steps: readonly number[], chances: Float64Array): [number, number, number] {
  const first: [number, number, number] = [Infinity, Infinity, Infinity];
  let level = 0;
  for (let i = 0, from = 0, before = 0; i < steps.length; i++) {
    for (; level < LEVELS.length && chances[i] >= LEVELS[level]; level++) {
      const share = chances[i] > before ? (LEVELS[level] - before) / (chances[i] - before) : 1;
      first[level] = Math.max(1, Math.ceil(from + share * (steps[i] - from)));
    }
    from = steps[i];
    before = chances[i];
  }
  return first;
}

/** The first looks at the path. */
function looksAt(
  outlook: Outlook,
  { low, high }: Range,
  steps: readonly number[],
  count: number,
  stays: boolean,
): Float64Array {
  const { gap, errors, horizon } = outlook;
  const last = outlook.size(horizon);
  const looks = new Float64Array(count * FIELDS);
  for (let i = 0; i < count; i++) {
    const h = steps[i];
    const far = h > horizon ? outlook.far(h) : undefined;
    const mean = stays ? outlook.held : (far?.value ?? outlook.mean(h));
    const x = h + gap;
    let [under, above] = [0, 0];
    if (far === undefined) {
      const size = outlook.size(h);
      if (low > -Infinity) under = errors.below(x, inSizes(low - mean, size));
      if (high < Infinity) above = errors.above(x, inSizes(high - mean, size));
    } else {
      if (low > -Infinity) under = logistic(inSizes(low - mean, far.sizes[0]));
      if (high < Infinity) above = logistic(-inSizes(high - mean, far.sizes[1]));
    }
    const at = i * FIELDS;
    looks[at + STEP] = h;
    looks[at + LOW] = normalQuantile(under);
    looks[at + HIGH] = -normalQuantile(above);
    // Of two limits each counts by how likely it is to be passed here.
    const up = above > 0 ? above / (above + under) : 0;
    const from = i === 0 ? x : looks[at - FIELDS] + gap;
    let [common, carried] = [0, 0];
    if (up > 0) {
      common += up * errors.common(x, 1);
      carried += up * errors.carried(from, x, 1);
    }
    if (up < 1) {
      common += (1 - up) * errors.common(x, 0);
      carried += (1 - up) * errors.carried(from, x, 0);
    }
    if (far !== undefined) {
      // What each reading has of its own does not grow with the distance, …
      const size = Math.max(...far.sizes);
      if (size > 0) common = Math.sqrt(Math.max(0, 1 - (1 - common * common) * (last / size) ** 2));
      // … and what grows with it is the same all the way; what grows like its root is a walk.
      const walk = power(from / x, Math.max(0, Math.min(0.5, 1 - far.growth)));
      carried = far.growth >= 0.5 ? walk : carried + 2 * far.growth * (walk - carried);
    }
    looks[at + COMMON] = common;
    looks[at + CARRIED] = Math.max(0, Math.min(1, carried));
  }
  return looks;
}

/** Follows a path over its looks, and adds how likely it has crossed by each of them. */
function follow(
  { passage, rises }: Outlook,
  weight: number,
  looks: Float64Array,
  chances: Float64Array,
): void {
  passage.begin();
  for (let i = 0, most = 0; i < chances.length; i++) {
    const at = i * FIELDS;
    const [low, high] = [looks[at + LOW], looks[at + HIGH]];
    let now: number;
    if (rises) now = normalShare(low) + normalShare(-high);
    else {
      const from = i === 0 ? looks[at + STEP] : looks[at - FIELDS + STEP];
      passage.look(low, high, looks[at + COMMON], looks[at + CARRIED], looks[at + STEP] - from);
      now = passage.probability;
    }
    most = Math.min(1, Math.max(most, now));
    chances[i] += weight * most;
  }
}

/** How far away, in sizes; a limit that is not passed by going there. */
function inSizes(away: number, size: number): number {
  if (size > 0) return away / size;
  return away === 0 ? 0 : away * Number.POSITIVE_INFINITY;
}
