/**
 * x^y for x ≥ 0, to the same bits on every Node: what `**` rounds to has changed from one version of its engine to another,
 * what `exp` and `log` say has not. Squares and powers of two are exact with `**` too. Relative error some |y log x| · 1e-16.
 */
export function power(x: number, y: number): number {
  return y === 0 ? 1 : Math.exp(y * Math.log(x));
}
