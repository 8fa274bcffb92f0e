import { clip } from "../../kernels/clip.ts";
import type { Layout, Slice } from "../../kernels/layout.ts";

/** Labels remembered at most, and at least while there are few. */
const MOST_REMEMBERED = 1000;
const LEAST_REMEMBERED = 10;
/** A move that was forecast counts as at most this many that came: what a young readout said far off tells nothing of it later. */
const LARGEST = 3;
/** With fewer labels than this a move is believed, and by the square of their number less with more. */
const BELIEVED = 70;
/** Part of the squared moves explained from which on the whole of a forecast move is believed. */
const EXPLAINED = 0.2;
/** Share of the evidence at a step that comes from the steps within half its distance, and at a target from all of them. */
const SMOOTHED = 0.5;
const REACH = 0.5;
const POOLED = 0.5;

/** Per cell: Σ m y, Σ m², Σ y² over labels, discounted, with m the move that was forecast and y the one that came; labels. */
const AGREED = 0;
const SAID = 1;
const CAME = 2;
const LABELS = 3;
const FIELDS = 4;
const SUMS = 3;

/**
 * How much of a move away from the last value to believe, per step and target: the slope of the moves that came on those that were
 * forecast,
 *
 *     λ = (Σ m y + q Σ m²) / (Σ m² + q Σ m²),   q = √h (70 / n)²,   0 ≤ λ ≤ 1
 *
 * and all of it where the forecast has explained a fifth of the squared moves or more. On a walk even the best combination moves by
 * its luck, and pays for it in squared error; what it says there is drawn back to the last value. Half of each sum comes from the
 * steps around, then half from all targets, each step and target in units of its own moves. State: 4 per cell. Cost: some 30
 * operations per cell and event.
 */
export class Amplitude {
  readonly #horizon: number;
  readonly #targets: number;
  readonly #state: Slice<Float64Array>;
  /** The three sums of each cell, in units of the moves of its step. */
  readonly #scaled: Float64Array;
  /** Their running totals over the steps of a target. */
  readonly #totals: Float64Array;
  /** The sums of one step and those around it, per target; and their mean over the targets. */
  readonly #near: Float64Array;
  readonly #pooled = new Float64Array(SUMS);
  /** λ [H x D], as of the last `weigh`. */
  readonly share: Float64Array;

  constructor(layout: Layout, name: string, horizon: number, targets: number) {
    this.#horizon = horizon;
    this.#targets = targets;
    this.#state = layout.float64(name, FIELDS * horizon * targets);
    this.#scaled = new Float64Array(SUMS * horizon * targets);
    this.#totals = new Float64Array(SUMS * (horizon + 1) * targets);
    this.#near = new Float64Array(SUMS * targets);
    this.share = new Float64Array(horizon * targets).fill(1);
  }

  /** Takes the move that was forecast for a cell and the one that came. */
  take(cell: number, said: number, came: number): void {
    const s = this.#state.view;
    const at = FIELDS * cell;
    const n = ++s[at + LABELS];
    const gamma = 1 - 1 / Math.min(Math.max(n, LEAST_REMEMBERED), MOST_REMEMBERED);
    s[at + CAME] = gamma * s[at + CAME] + came * came;
    const move = clip(said, LARGEST * Math.sqrt(s[at + CAME] / Math.min(n, MOST_REMEMBERED)));
    s[at + AGREED] = gamma * s[at + AGREED] + move * came;
    s[at + SAID] = gamma * s[at + SAID] + move * move;
  }

  /** Computes `share` from what has been taken. */
  weigh(): void {
    const { share } = this;
    const D = this.#targets;
    const H = this.#horizon;
    const s = this.#state.view;
    for (let cell = 0; cell < share.length; cell++) {
      const at = FIELDS * cell;
      const n = Math.min(s[at + LABELS], MOST_REMEMBERED);
      const unit = s[at + CAME] > 0 ? n / s[at + CAME] : 0;
      for (let k = 0; k < SUMS; k++) {
        const sum = unit * s[at + k];
        this.#scaled[SUMS * cell + k] = sum;
        this.#totals[SUMS * (cell + D) + k] = this.#totals[SUMS * cell + k] + sum;
      }
    }
    const near = this.#near;
    const pooled = this.#pooled;
    const totals = this.#totals;
    for (let h = 1; h <= H; h++) {
      const reach = Math.floor(REACH * h);
      const [from, to] = [h - reach, Math.min(H, h + reach)];
      const around = SMOOTHED / (to - from + 1);
      const row = SUMS * D;
      pooled.fill(0);
      for (let i = 0; i < row; i++) {
        const sum = totals[to * row + i] - totals[(from - 1) * row + i];
        near[i] = (1 - SMOOTHED) * this.#scaled[(h - 1) * row + i] + around * sum;
        pooled[i % SUMS] += near[i] / D;
      }
      for (let d = 0; d < D; d++) {
        const cell = (h - 1) * D + d;
        const n = Math.min(s[FIELDS * cell + LABELS], MOST_REMEMBERED);
        const at = SUMS * d;
        const agreed = (1 - POOLED) * near[at + AGREED] + POOLED * pooled[AGREED];
        const said = (1 - POOLED) * near[at + SAID] + POOLED * pooled[SAID];
        const came = (1 - POOLED) * near[at + CAME] + POOLED * pooled[CAME];
        if (n === 0 || !(said > 0)) {
          share[cell] = 1;
          continue;
        }
        const explained = (2 * agreed - said) / came;
        if (explained >= EXPLAINED) {
          share[cell] = 1;
          continue;
        }
        const q = Math.sqrt(h) * (BELIEVED / n) ** 2;
        const slope = Math.max(0, Math.min(1, (agreed / said + q) / (1 + q)));
        share[cell] = 1 - (1 - slope) * Math.min(1, 1 - explained / EXPLAINED);
      }
    }
  }
}
