import { describe, expect, it } from "vitest";
import { Amplitude } from "../../../../src/models/forecaster/mixture/amplitude.ts";
import { Arena } from "../../../../src/models/kernels/arena.ts";
import { Layout } from "../../../../src/models/kernels/layout.ts";
import { normals } from "../series.ts";

function made(horizon: number, targets: number): Amplitude {
  const layout = new Layout(new Arena());
  const amplitude = new Amplitude(layout, "amplitude", horizon, targets);
  layout.allocate();
  return amplitude;
}

describe("how much of a forecast move is believed", () => {
  it("is all of it before a label, and while there are few", () => {
    const amplitude = made(4, 2);
    amplitude.weigh();
    expect([...amplitude.share]).toEqual(new Array(8).fill(1));
    for (let t = 0; t < 3; t++) amplitude.take(0, 1, -1);
    amplitude.weigh();
    expect(amplitude.share[0]).toBeGreaterThan(0.99);
    expect(amplitude.share[7]).toBe(1);
  });

  it("falls to little where moves come to nothing, and stays whole where they come true", () => {
    const normal = normals(7);
    const amplitude = made(1, 1);
    for (let t = 0; t < 1000; t++) amplitude.take(0, 0.3 * normal(), normal());
    amplitude.weigh();
    expect(amplitude.share[0]).toBeLessThan(0.2);
    const good = made(1, 1);
    for (let t = 0; t < 1000; t++) {
      const move = normal();
      // Half as far as was said, and a good forecast all the same.
      good.take(0, move, 0.6 * move + 0.2 * normal());
    }
    good.weigh();
    expect(good.share[0]).toBe(1);
  });

  it("does not go on to doubt because of a few moves that were forecast many times too large", () => {
    const normal = normals(9);
    const amplitude = made(1, 1);
    for (let t = 0; t < 10; t++) amplitude.take(0, 1000 * normal(), normal());
    for (let t = 0; t < 100; t++) {
      const move = normal();
      amplitude.take(0, move, move + 0.3 * normal());
    }
    amplitude.weigh();
    expect(amplitude.share[0]).toBe(1);
  });

  it("is the slope of what came on what was said, by the formula written out", () => {
    const normal = normals(8);
    const [H, D, n] = [3, 2, 400];
    const amplitude = made(H, D);
    const sums = Array.from({ length: H * D }, () => [0, 0, 0]);
    for (let t = 1; t <= n; t++) {
      for (let cell = 0; cell < H * D; cell++) {
        const said = 0.4 * normal();
        const came = 0.3 * said + (1 + cell) * normal();
        amplitude.take(cell, said, came);
        const kept = 1 - 1 / Math.max(t, 10);
        for (const [k, product] of [said * came, said * said, came * came].entries())
          sums[cell][k] = kept * sums[cell][k] + product;
      }
    }
    amplitude.weigh();
    const scaled = sums.map(([a, s, c]) => [(a * n) / c, (s * n) / c, n]);
    const around = [[1], [1, 2, 3], [2, 3]];
    for (let h = 1; h <= H; h++) {
      const each = [0, 1].map((d) =>
        [0, 1, 2].map((k) => {
          const steps = around[h - 1];
          const near = steps.reduce((sum, other) => sum + scaled[(other - 1) * D + d][k], 0) / steps.length;
          return 0.5 * scaled[(h - 1) * D + d][k] + 0.5 * near;
        }),
      );
      for (let d = 0; d < D; d++) {
        const [agreed, said, came] = each[d].map((own, k) => 0.5 * own + 0.25 * (each[0][k] + each[1][k]));
        const q = Math.sqrt(h) * (70 / n) ** 2;
        const slope = Math.max(0, Math.min(1, (agreed / said + q) / (1 + q)));
        const doubt = Math.max(0, Math.min(1, 1 - (2 * agreed - said) / came / 0.2));
        expect(amplitude.share[(h - 1) * D + d]).toBeCloseTo(1 - (1 - slope) * doubt, 9);
      }
    }
  });
});
