import type { Layout, Slice } from "../kernels/layout.ts";
import type { Units } from "./units.ts";

/** The fewest readings that tell, and the most that are waited for. */
const LEAST = 5;
const LONGEST = 24;
/** What was forecast must have moved by so many usual errors, … */
const MOVED = 2;
/** … the readings have moved by so many times more or less, … */
const LEAST_FACTOR = 1.25;
/** … lie within so many usual errors of the line, and in the unit before, from any zero, be so many times further from it. */
const CLOSE = 2;
const FURTHER = 2;

/** Per target: steps since the issue, 0 when nothing is waited for; readings, Σ m, Σ m², Σ u, Σ m u, Σ u², Σ of usual errors. */
const DISTANCE = 0;
const COUNT = 1;
const SUM_M = 2;
const SUM_MM = 3;
const SUM_U = 4;
const SUM_MU = 5;
const SUM_UU = 6;
const USUAL = 7;
const FIELDS = 8;

/**
 * Whether a target that is measured from another zero is measured in another unit as well, as degrees Celsius and Fahrenheit are: one reading
 * tells of the zero, a few of both. What was forecast for them before the change, m, is compared with the readings u by the least-squares line
 *
 *     u = a + b m
 *
 * which is the new measure where m moved by two usual errors or more, b is a quarter more or less than the unit so far, and readings lie within two usual
 * errors of the line and twice as far from any in that unit. Where forecasts hardly move, as on a walk, nothing is told. State: 8 per target.
 */
export class NewUnit {
  readonly #units: Units;
  readonly #horizon: number;
  readonly #state: Slice<Float64Array>;

  constructor(layout: Layout, targets: number, horizon: number, units: Units) {
    this.#units = units;
    this.#horizon = Math.min(horizon, LONGEST);
    this.#state = layout.float64("new-unit", FIELDS * targets);
  }

  /** Target d is measured from another zero since a reading that came `distance` steps after the last one before. */
  begin(d: number, distance: number): void {
    const s = this.#state.view.subarray(FIELDS * d, FIELDS * (d + 1));
    s.fill(0);
    s[DISTANCE] = distance;
  }

  /** Another event has come: how many steps ago the last issue before the change was made; 0 when nothing is waited for. */
  advance(d: number): number {
    const s = this.#state.view;
    const at = FIELDS * d + DISTANCE;
    if (s[at] > 0 && ++s[at] > this.#horizon) s[at] = 0;
    return s[at];
  }

  /** Takes reading u, forecast as m before the change with errors of `usual`; changes the measure of target d where that is what they say. */
  take(d: number, u: number, m: number, usual: number): void {
    const s = this.#state.view.subarray(FIELDS * d, FIELDS * (d + 1));
    const n = ++s[COUNT];
    s[SUM_M] += m;
    s[SUM_MM] += m * m;
    s[SUM_U] += u;
    s[SUM_MU] += m * u;
    s[SUM_UU] += u * u;
    s[USUAL] += usual;
    if (n < LEAST) return;
    const scale = this.#units.scale(d);
    const error = s[USUAL] / n;
    const mm = s[SUM_MM] / n - (s[SUM_M] / n) ** 2;
    const mu = s[SUM_MU] / n - (s[SUM_M] / n) * (s[SUM_U] / n);
    const uu = s[SUM_UU] / n - (s[SUM_U] / n) ** 2;
    if (!(mm >= (MOVED * error) ** 2) || !(error > 0)) return;
    const b = mu / mm;
    if (!(b > 0)) return;
    const left = Math.max((Math.min(b, scale) * error) ** 2 / 4, uu - b * mu);
    if (Math.abs(Math.log(b / scale)) < Math.log(LEAST_FACTOR) || left > (CLOSE * b * error) ** 2) return;
    const before = uu - 2 * scale * mu + scale * scale * mm;
    if (before > FURTHER ** 2 * left) this.#units.change(d, b, s[SUM_U] / n - (b * s[SUM_M]) / n, false);
  }
}
