import { clip } from "../../kernels/clip.ts";
import type { Layout, Slice } from "../../kernels/layout.ts";
import { DelayedLeastSquares } from "../../learning/rls-delayed.ts";
import type { Settlement } from "../expert.ts";
import type { Ledger } from "../ledger.ts";
import type { Shape } from "../shape.ts";

/** Errors one step ahead that are read, and those of further steps: of forecasts made as long ago. */
const LAGS = 4;
const FURTHER = [2, 4, 8, 16] as const;
/** An error counts as at most this many usual ones. */
const LARGEST = 2;
/** Labels by which it is known what is usual; each counts as at most ten usual ones. */
const USUAL = 500;
const MOST_SQUARED = 100;
const DELTA = 100;
const FORGETTING = 0.9995;
/** Labels by which it is known whether corrections were right, at step h by PER_STEP h more. */
const REMEMBERED = 2000;
const PER_STEP = 20;
const LEAST_REMEMBERED = 10;

/** Per cell: mean square of the errors; Σ p e, Σ p², Σ e² and the labels, discounted, with p the correction and e the error; labels. */
const SQUARE = 0;
const AGREED = 1;
const SAID = 2;
const CAME = 3;
const WEIGHT = 4;
const LABELS = 5;
const FIELDS = 6;

/**
 * What the last errors of a forecast say of its next ones: the moving-average part of an ARMA model (Box & Jenkins 1970), put behind
 * a mixture. With e_k(t) the error, in usual ones, of the forecast made k steps before t,
 *
 *     correction_h = w_h φ(t),   φ(t) = e_1(t), e_1(t-1), e_1(t-2), e_1(t-3), e_2(t), e_4(t), e_8(t), e_16(t)
 *
 * by recursive least squares on the errors as they come, and of it as much as has been right,
 *
 *     share_h = (Σ p e - √(h Σ p² Σ e² / n)) / Σ p²,   0 ≤ share_h ≤ 1
 *
 * over the last n labels, p the corrections that were ready for them. What is taken off is as much as Σ p e is by chance, h labels in a row
 * being much alike: where errors are chance nothing is corrected. State per target: 31 H + 54. Cost: 30 H operations per target and event.
 */
export class ErrorFeedback {
  readonly #shape: Shape;
  readonly #features: number;
  readonly #readouts: readonly DelayedLeastSquares[];
  readonly #cells: Slice<Float64Array>;
  /** Errors one step ahead [D x LAGS], the last one first. */
  readonly #last: Slice<Float64Array>;
  readonly #phi: Float64Array;
  /** Of one target, in usual errors [H]: the errors that came with this event, by the step they were made at; corrections. */
  readonly #errors: Float64Array;
  readonly #corrections: Float64Array;

  constructor(layout: Layout, name: string, shape: Shape) {
    const { targets, horizon } = shape;
    this.#shape = shape;
    const features = LAGS + FURTHER.filter((step) => step <= horizon).length;
    this.#features = features;
    this.#readouts = Array.from(
      { length: targets },
      (_, d) =>
        new DelayedLeastSquares(layout, `${name}.${d}`, {
          features,
          horizon,
          delta: DELTA,
          forgetting: FORGETTING,
        }),
    );
    this.#cells = layout.float64(`${name}.cells`, FIELDS * horizon * targets);
    this.#last = layout.float64(`${name}.last`, LAGS * targets);
    this.#phi = new Float64Array(features);
    this.#errors = new Float64Array(horizon);
    this.#corrections = new Float64Array(horizon);
  }

  /** Learns from the labels: `row` of the ledger has the forecasts before correction, the next one those with the whole of it. */
  learn(ledger: Ledger, { labels, y, steps }: Settlement, row: number): void {
    const { targets: D } = this.#shape;
    const { values, rowLength } = ledger;
    for (let d = 0; d < D; d++) {
      this.#errors.fill(Number.NaN);
      for (let h = 1; h <= steps; h++) {
        const cell = (h - 1) * D + d;
        if (Number.isNaN(labels[cell])) continue;
        const at = ledger.settled(h) + row * rowLength + d;
        this.#errors[h - 1] = this.#take(
          cell,
          h,
          labels[cell] - values[at],
          values[at + rowLength] - values[at],
        );
      }
      this.#readouts[d].settle(this.#errors);
      this.#issue(d, !Number.isNaN(y[d]));
    }
  }

  /** Takes the error of a cell and the correction that was ready for it; the error in usual ones. */
  #take(cell: number, h: number, error: number, correction: number): number {
    const s = this.#cells.view;
    const at = FIELDS * cell;
    const n = ++s[at + LABELS];
    const square = s[at + SQUARE];
    const bounded = square > 0 ? Math.min(error * error, MOST_SQUARED * square) : error * error;
    s[at + SQUARE] += (bounded - square) / Math.min(n, USUAL);
    const per = s[at + SQUARE] > 0 ? 1 / Math.sqrt(s[at + SQUARE]) : 0;
    const e = clip(error * per, LARGEST);
    const p = clip(correction * per, LARGEST);
    const gamma = 1 - 1 / Math.min(Math.max(n, LEAST_REMEMBERED), REMEMBERED + PER_STEP * h);
    s[at + AGREED] = gamma * s[at + AGREED] + p * e;
    s[at + SAID] = gamma * s[at + SAID] + p * p;
    s[at + CAME] = gamma * s[at + CAME] + e * e;
    s[at + WEIGHT] = gamma * s[at + WEIGHT] + 1;
    return e;
  }

  /** Makes the features of the issue of this event; without a reading they say nothing. */
  #issue(d: number, read: boolean): void {
    const last = this.#last.view.subarray(LAGS * d, LAGS * (d + 1));
    const phi = this.#phi;
    const error = (h: number): number => {
      const e = this.#errors[h - 1];
      return Number.isNaN(e) ? 0 : e;
    };
    last.copyWithin(1, 0, LAGS - 1);
    last[0] = error(1);
    if (read) {
      phi.set(last);
      for (let i = LAGS; i < this.#features; i++) phi[i] = error(FURTHER[i - LAGS]);
    } else phi.fill(0);
    this.#readouts[d].issue(phi, read);
  }

  /** Corrects `forecast` [H x D] by as much as has been right, into `out`; `whole` has it with the whole of the correction. */
  correct(forecast: Float64Array, whole: Float64Array, out: Float64Array): void {
    const { targets: D, horizon: H } = this.#shape;
    const s = this.#cells.view;
    for (let d = 0; d < D; d++) {
      this.#readouts[d].predict(this.#corrections);
      for (let h = 1; h <= H; h++) {
        const cell = (h - 1) * D + d;
        const at = FIELDS * cell;
        const correction = clip(this.#corrections[h - 1], LARGEST) * Math.sqrt(s[at + SQUARE]);
        whole[cell] = forecast[cell] + correction;
        out[cell] = forecast[cell] + this.#share(at, h) * correction;
      }
    }
  }

  /** How much of the corrections of the cell at `at`, of step h, has been right beyond chance. */
  #share(at: number, h: number): number {
    const s = this.#cells.view;
    if (!(s[at + SAID] > 0)) return 0;
    const chance = Math.sqrt((h * s[at + SAID] * s[at + CAME]) / s[at + WEIGHT]);
    return Math.max(0, Math.min(1, (s[at + AGREED] - chance) / s[at + SAID]));
  }
}
