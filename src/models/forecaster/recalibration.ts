import type { Layout, Slice } from "../kernels/layout.ts";
import type { Range } from "./crossing.ts";
import type { Shape } from "./shape.ts";

/** Windows grow by this factor, from one step to the horizon. */
const GROWTH = 4;
/** A window is asked about as often as it is long, but not more often than every so many events; a single step together with longer ones. */
const LEAST_EVERY = 16;
/** For so many events both sides are asked about each time, to learn sooner; afterwards one after the other. */
const BOTH = 4096;
/** Readings that limits are chosen from, and as many as there have to be. */
const READINGS = 64;
const LEAST_READINGS = 16;
/** Shares of these readings that lie within a limit, one after the other. */
const LEVELS = [1, 0.8, 0.95, 0.5, 0.98, 0.9] as const;
/** Beyond the horizon what was learned there counts for less, and for nothing so many horizons ahead. */
const FORGOTTEN = 8;
/** Of a question: limit, side (1 above, -1 below, 0 none), age in events, whether a reading was beyond, then what was said per window. */
const LIMIT = 0;
const SIDE = 1;
const AGE = 2;
const CAME = 3;
const SAID = 4;
/** Of a map: a, b, c, the precision of these as the upper triangle of a matrix, then by how much it has told more than what was said. */
const MAP = 10;
const PRECISION = 3;
const GAIN = 9;
/** Precision of a = b = 1, c = 0 before labels tell. */
const PRIOR_SLOPE = 6;
const PRIOR_SHIFT = 2;
/** Labels that are remembered. */
const MEMORY = 1000;
/** No closer to 0 and 1 is anything learned; further out a share of what was said is told. */
const EDGE = 1e-3;
const LEAST_SLOPE = 0.05;

/**
 * Whether what was said of limits came as often, learned from the series itself: as it goes on, the forecaster asks itself about
 * limits among its recent readings, now above, now below, waits until the window has ended, and learns how what it said has to be
 * bent so that it comes as often. Per window (1, 4, 16, … steps and the horizon) the map is
 *
 *     log p' / (1 - p') = a log p - b log (1 - p) + c,   a, b ≥ 0      (Kull, Silva Filho & Flach, *Beta calibration*, 2017)
 *
 * which begins as p' = p, never turns round, and keeps 0 and 1. Learned by online Newton steps on the log loss with a prior. What is
 * told lies between p and p', by how much more likely p' has made what came before it was learned from. State: per target 64 readings,
 * and per window 14 and as many as there are windows. Cost: less than two looks at the path per event and window.
 */
export class Recalibration {
  readonly #windows: readonly number[];
  readonly #maps: Slice<Float64Array>;
  /** Per target: events, readings kept so far, then the last of those readings. */
  readonly #readings: Slice<Float64Array>;
  /** Per target, the last questions about each window: of a limit above, and of one below. */
  readonly #questions: Slice<Float64Array>;

  constructor(layout: Layout, { targets: D, horizon: H }: Shape) {
    const windows = [];
    for (let w = 1; w === 1 || 2 * w < H; w *= GROWTH) windows.push(w);
    if (H > 1) windows.push(H);
    this.#windows = windows;
    const W = windows.length;
    this.#maps = layout.float64("recalibration.maps", D * W * MAP);
    this.#readings = layout.float64("recalibration.readings", D * (2 + READINGS));
    this.#questions = layout.float64("recalibration.questions", D * 2 * W * (SAID + W));
    layout.whenAllocated(() => {
      for (let m = 0; m < D * W; m++) {
        this.#maps.view.set([1, 1, 0, PRIOR_SLOPE, 0, 0, PRIOR_SLOPE, 0, PRIOR_SHIFT, 0], m * MAP);
      }
    });
  }

  /** Takes the reading that an event has of target d, NaN for none: open questions are a step older, and learned from at their end. */
  take(d: number, reading: number): void {
    const questions = this.#questions.view;
    const W = this.#windows.length;
    for (let q = 0; q < 2 * W; q++) {
      const at = (d * 2 * W + q) * (SAID + W);
      const side = questions[at + SIDE];
      if (side === 0) continue;
      const age = ++questions[at + AGE];
      if (side * (reading - questions[at + LIMIT]) > 0) questions[at + CAME] = 1;
      const w = this.#windows.indexOf(age);
      if (w >= 0) this.#learn(d, w, questions[at + SAID + w], questions[at + CAME] === 1);
      if (age >= this.#windows[q >> 1]) questions[at + SIDE] = 0;
    }
    this.#readings.view[d * (2 + READINGS)]++;
  }

  /** What to ask about now, mostly nothing: `reading` is the last one of target d. */
  questions(d: number, reading: number): readonly Question[] {
    const state = this.#readings.view;
    const at = d * (2 + READINGS);
    const events = state[at];
    let k = this.#windows.length - 1;
    while (k >= 0 && events % Math.max(LEAST_EVERY, this.#windows[k]) !== 0) k--;
    if (k < 0 || Number.isNaN(reading)) return [];
    const kept = Math.min(state[at + 1], READINGS);
    const sorted = state.slice(at + 2, at + 2 + kept).sort();
    state[at + 2 + (state[at + 1] % READINGS)] = reading;
    state[at + 1]++;
    if (kept < LEAST_READINGS) return [];
    const within = this.#windows[k];
    const turn = events / Math.max(LEAST_EVERY, within);
    const share = LEVELS[(turn >> 1) % LEVELS.length];
    const above = { low: Number.NEGATIVE_INFINITY, high: sorted[Math.round(share * (kept - 1))], within };
    const below = {
      low: sorted[Math.round((1 - share) * (kept - 1))],
      high: Number.POSITIVE_INFINITY,
      within,
    };
    if (events < BOTH) return [above, below];
    return turn % 2 === 0 ? [above] : [below];
  }

  /** Keeps a question of target d with its answer: how likely the range is left within 1, 2, … steps, as it was reckoned. */
  asked(d: number, { low, high, within }: Question, probability: Float64Array): void {
    const questions = this.#questions.view;
    const W = this.#windows.length;
    const k = this.#windows.indexOf(within);
    const isAbove = high < Infinity;
    const at = ((d * W + k) * 2 + (isAbove ? 0 : 1)) * (SAID + W);
    questions[at + LIMIT] = isAbove ? high : low;
    questions[at + SIDE] = isAbove ? 1 : -1;
    questions[at + AGE] = 0;
    questions[at + CAME] = 0;
    for (let w = 0; w <= k; w++) questions[at + SAID + w] = probability[this.#windows[w] - 1];
  }

  /** What a probability of target d that was reckoned for `within` steps is worth. */
  tell(d: number, within: number, p: number): number {
    if (!(p > 0 && p < 1)) return p;
    const windows = this.#windows;
    const W = windows.length;
    let w = 0;
    while (w + 1 < W && windows[w + 1] <= within) w++;
    const next = w + 1 < W ? windows[w + 1] : windows[w] * FORGOTTEN;
    const share =
      within <= windows[w] ? 0 : Math.min(1, Math.log(within / windows[w]) / Math.log(next / windows[w]));
    const near = this.#told(d, w, p);
    const far = w + 1 < W ? this.#told(d, w + 1, p) : p;
    return near + share * (far - near);
  }

  /** What a probability is worth in a window. */
  #told(d: number, w: number, p: number): number {
    const maps = this.#maps.view;
    const at = (d * this.#windows.length + w) * MAP;
    const weight = 1 / (1 + Math.exp(-maps[at + GAIN]));
    return p + weight * (bent(maps[at], maps[at + 1], maps[at + 2], p) - p);
  }

  /** A Newton step on the log loss of what was said in a window that has ended. */
  #learn(d: number, w: number, said: number, came: boolean): void {
    if (Number.isNaN(said)) return;
    const maps = this.#maps.view;
    const at = (d * this.#windows.length + w) * MAP;
    const p = Math.max(EDGE, Math.min(1 - EDGE, said));
    const [x, y] = [Math.log(p), -Math.log(1 - p)];
    const told = bent(maps[at], maps[at + 1], maps[at + 2], p);
    const m = at + PRECISION;
    // What is forgotten falls back to the prior.
    const keep = 1 - 1 / MEMORY;
    const curve = Math.max(told * (1 - told), EDGE);
    maps[m] = keep * maps[m] + (1 - keep) * PRIOR_SLOPE + curve * x * x;
    maps[m + 1] = keep * maps[m + 1] + curve * x * y;
    maps[m + 2] = keep * maps[m + 2] + curve * x;
    maps[m + 3] = keep * maps[m + 3] + (1 - keep) * PRIOR_SLOPE + curve * y * y;
    maps[m + 4] = keep * maps[m + 4] + curve * y;
    maps[m + 5] = keep * maps[m + 5] + (1 - keep) * PRIOR_SHIFT + curve;
    const gain = came ? told / p : (1 - told) / (1 - p);
    maps[at + GAIN] = keep * maps[at + GAIN] + Math.log(Math.max(gain, Number.MIN_VALUE));
    const pull = 1 - keep;
    const miss = told - (came ? 1 : 0);
    const step = solved(
      maps.subarray(m, m + 6),
      miss * x + pull * PRIOR_SLOPE * (maps[at] - 1),
      miss * y + pull * PRIOR_SLOPE * (maps[at + 1] - 1),
      miss + pull * PRIOR_SHIFT * maps[at + 2],
    );
    maps[at] = Math.max(LEAST_SLOPE, maps[at] - step[0]);
    maps[at + 1] = Math.max(LEAST_SLOPE, maps[at + 1] - step[1]);
    maps[at + 2] -= step[2];
  }
}

/** A range to ask about, for a window of so many steps. */
export interface Question extends Range {
  readonly within: number;
}

/** The map at p; near 0 and 1 in proportion, so that these stay. */
function bent(a: number, b: number, c: number, p: number): number {
  if (p < EDGE) return (p / EDGE) * bent(a, b, c, EDGE);
  if (p > 1 - EDGE) return 1 - ((1 - p) / EDGE) * (1 - bent(a, b, c, 1 - EDGE));
  return 1 / (1 + Math.exp(-(a * Math.log(p) - b * Math.log(1 - p) + c)));
}

/** Solves a symmetric system of three, given as its upper triangle. */
function solved(
  [xx, xy, xz, yy, yz, zz]: Float64Array,
  x: number,
  y: number,
  z: number,
): [number, number, number] {
  const [A, B, C] = [yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy];
  const [E, F, I] = [xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy];
  const whole = xx * A + xy * B + xz * C;
  return [(A * x + B * y + C * z) / whole, (B * x + E * y + F * z) / whole, (C * x + F * y + I * z) / whole];
}
