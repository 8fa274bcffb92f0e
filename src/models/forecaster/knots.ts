/** Steps x = 1, 2, 4, … H at which something is known; a step h between two of them is read in between, along log x. */
export class Knots {
  readonly x: readonly number[];
  /** Per step: the knot at or below it, and how far it is on the way to the next. */
  readonly below: Int32Array;
  readonly share: Float64Array;

  constructor(horizon: number) {
    const x = [1];
    while (2 * (x.at(-1) as number) < horizon) x.push(2 * (x.at(-1) as number));
    if (horizon > 1) x.push(horizon);
    this.x = x;
    this.below = new Int32Array(horizon + 1);
    this.share = new Float64Array(horizon + 1);
    if (horizon === 1) return;
    for (let h = 1; h <= horizon; h++) {
      let k = 0;
      while (k + 2 < x.length && x[k + 1] <= h) k++;
      this.below[h] = k;
      this.share[h] = Math.log(h / x[k]) / Math.log(x[k + 1] / x[k]);
    }
  }

  get length(): number {
    return this.x.length;
  }

  /** What `values` say of step h, from `first` on an element for each knot, `stride` apart. */
  read(values: Float64Array, first: number, h: number, stride = 1): number {
    const at = first + stride * this.below[h];
    const share = this.share[h];
    return share === 0 ? values[at] : values[at] + share * (values[at + stride] - values[at]);
  }
}
