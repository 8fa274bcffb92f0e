/**
 * The two classical chaotic series, seeded.
 *
 * NARMA10 (Atiya & Parlos 2000): y(t+1) = 0.3 y + 0.05 y Σ_{i=0..9} y(t−i) + 1.5 u(t−9) u(t) + 0.1, u uniform in [0, 0.5].
 * Mackey-Glass (1977): ẋ = 0.2 x(t−17) / (1 + x(t−17)¹⁰) − 0.1 x by RK4 in steps of 0.1, one sample per unit of time.
 */
import { seeded } from "../../src/models/network/seeded.ts";

/** u and the y that each u leads to. A series that leaves [0, 2], as a few do for good, is drawn anew. */
export function narma10(seed: number, length: number): { u: Float64Array; d: Float64Array } {
  const random = seeded(seed, "narma10");
  for (;;) {
    const u = Float64Array.from({ length }, () => random() / 2);
    const y = new Float64Array(length + 1);
    for (let t = 9; t < length; t++) {
      let sum = 0;
      for (let i = 0; i < 10; i++) sum += y[t - i];
      y[t + 1] = 0.3 * y[t] + 0.05 * y[t] * sum + 1.5 * u[t - 9] * u[t] + 0.1;
    }
    if (y.every((value) => value >= 0 && value < 2)) return { u, d: y.subarray(1) };
  }
}

/** Mackey-Glass, τ = 17, after 1,000 units of time; the start is drawn near 1.2. The delayed term is interpolated. */
export function mackeyGlass(seed: number, length: number): Float64Array {
  const random = seeded(seed, "mackey-glass");
  const perUnit = 10;
  const lag = 17 * perUnit;
  const dt = 1 / perUnit;
  const x = new Float64Array(lag + 1 + (length + 1000) * perUnit);
  for (let i = 0; i <= lag; i++) x[i] = 1.2 + 0.2 * (random() - 0.5);
  const slope = (now: number, then: number): number => (0.2 * then) / (1 + then ** 10) - 0.1 * now;
  for (let i = lag; i < x.length - 1; i++) {
    const [from, to] = [x[i - lag], x[i - lag + 1]];
    const between = (from + to) / 2;
    const k1 = slope(x[i], from);
    const k2 = slope(x[i] + (dt / 2) * k1, between);
    const k3 = slope(x[i] + (dt / 2) * k2, between);
    const k4 = slope(x[i] + dt * k3, to);
    x[i + 1] = x[i] + (dt / 6) * (k1 + 2 * k2 + 2 * k3 + k4);
  }
  return Float64Array.from({ length }, (_, t) => x[lag + (t + 1000) * perUnit]);
}
