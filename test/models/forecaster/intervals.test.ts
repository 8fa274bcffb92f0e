import { describe, expect, it } from "vitest";
import { ConformalBounds } from "../../../src/models/forecaster/conformal-bounds.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { normals } from "./series.ts";

/** Runs errors through the bounds around 0: the share held per quarter, the mean width and the largest error. */
function run(
  error: (t: number) => number,
  length: number,
  coverage: number,
): { quarters: number[]; width: number; largest: number } {
  const layout = new Layout(new Arena());
  const bounds = new ConformalBounds(layout, { targets: 1, columns: 1, horizon: 1 }, coverage);
  layout.allocate();
  const quarters = [0, 0, 0, 0];
  let [width, largest] = [0, 0];
  for (let t = 0; t < length; t++) {
    const radius = bounds.radius(1, 0);
    const y = error(t);
    largest = Math.max(largest, Math.abs(y));
    if (Math.abs(y) <= radius) quarters[Math.floor((4 * t) / length)] += 4 / length;
    width += (2 * radius) / length;
    bounds.judge(1, 0, 0, y);
  }
  return { quarters, width, largest };
}

describe("intervals of the published rule to compare with", () => {
  it("hold what they say, through no more than the largest error", () => {
    const normal = normals(6);
    const { quarters, width, largest } = run(() => normal(), 8000, 0.9);
    for (const share of quarters) expect(Math.abs(share - 0.9)).toBeLessThan(0.02);
    // The exact width is 2 × 1.645.
    expect(width).toBeLessThan(3.29 * 1.1);
    expect(width).toBeLessThan(2 * largest);
  });

  it("hold another share when asked, and under drift of the size", () => {
    const normal = normals(3);
    for (const share of run(() => normal(), 8000, 0.5).quarters)
      expect(Math.abs(share - 0.5)).toBeLessThan(0.03);
    for (const share of run((t) => normal() * (1 + 9 * Math.floor(t / 2000)), 8000, 0.9).quarters)
      expect(Math.abs(share - 0.9)).toBeLessThan(0.03);
  });

  it("learn for each step and target by themselves", () => {
    const layout = new Layout(new Arena());
    const bounds = new ConformalBounds(layout, { targets: 2, columns: 2, horizon: 2 }, 0.9);
    layout.allocate();
    for (let t = 0; t < 100; t++) bounds.judge(2, 1, 1, 1 + (t % 10));
    expect(bounds.radius(2, 1)).toBeGreaterThan(5);
    expect([bounds.radius(1, 0), bounds.radius(1, 1), bounds.radius(2, 0)]).toEqual([0, 0, 0]);
  });
});
