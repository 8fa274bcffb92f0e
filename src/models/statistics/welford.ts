import type { Layout, Slice } from "../kernels/layout.ts";

/**
 * Mean and variance of everything seen (Welford 1962), one per component:
 *
 *     n ← n + 1,   δ = v − mean,   mean ← mean + δ / n,   M ← M + δ (v − mean)
 *     population variance M / n,   sample variance M / (n − 1)
 *
 * A value that is not finite is missing: its component stays as it is. State: 3 float64 per component, in the layout.
 *
 * @example
 * ```ts
 * const layout = new Layout(new Arena({ backend: "reference64" }));
 * const moments = new Welford(layout, "moments", 1);
 * layout.allocate();
 * for (const v of [1, 2, 3, Number.NaN]) moments.add([v]);
 * moments.mean(0) === 2 && moments.sampleVariance(0) === 1; // true
 * ```
 */
export class Welford {
  readonly size: number;
  readonly #n: Slice<Float64Array>;
  readonly #mean: Slice<Float64Array>;
  readonly #M: Slice<Float64Array>;

  constructor(layout: Layout, name: string, size: number) {
    this.size = size;
    this.#n = layout.float64(`${name}.n`, size);
    this.#mean = layout.float64(`${name}.mean`, size);
    this.#M = layout.float64(`${name}.M`, size);
  }

  /** Takes one value per component. */
  add(values: ArrayLike<number>): void {
    for (let i = 0; i < this.size; i++) {
      const v = values[i];
      if (!Number.isFinite(v)) continue;
      this.#n.view[i] += 1;
      const delta = v - this.#mean.view[i];
      this.#mean.view[i] += delta / this.#n.view[i];
      this.#M.view[i] += delta * (v - this.#mean.view[i]);
    }
  }

  /** Values seen of component i. */
  count(i: number): number {
    return this.#n.view[i];
  }

  /** 0 before the first value. */
  mean(i: number): number {
    return this.#mean.view[i];
  }

  /** M / n; 0 before the first value. */
  populationVariance(i: number): number {
    return this.#M.view[i] / Math.max(this.#n.view[i], 1);
  }

  /** M / (n − 1); 0 before the second value. */
  sampleVariance(i: number): number {
    return this.#M.view[i] / Math.max(this.#n.view[i] - 1, 1);
  }
}
