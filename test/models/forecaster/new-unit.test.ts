import { describe, expect, it } from "vitest";
import { NewUnit } from "../../../src/models/forecaster/new-unit.ts";
import { Units } from "../../../src/models/forecaster/units.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { forecaster, HOUR, normals, START } from "./series.ts";

interface Pair {
  /** What was forecast before the change, and the reading that came. */
  readonly m: number;
  readonly u: number;
}

/** Scale and zero after readings whose usual error is 0.2, from another zero since the first. */
function measured(pairs: readonly Pair[], horizon = 12): [scale: number, zero: number] {
  const layout = new Layout(new Arena());
  const units = new Units(layout, 1);
  const unit = new NewUnit(layout, 1, horizon, units);
  layout.allocate();
  units.change(0, 1, pairs[0].u - pairs[0].m, true);
  unit.begin(0, 1);
  for (const [i, { m, u }] of pairs.entries()) {
    if ((i === 0 ? 1 : unit.advance(0)) === 0) break;
    unit.take(0, u, m, 0.2);
  }
  return [units.scale(0), units.zero(0)];
}

/** Readings that are a m + b and a little off, of forecasts that rise and fall by `moved`. */
function pairs(a: number, b: number, moved = 2, n = 12): Pair[] {
  const normal = normals(7);
  return Array.from({ length: n }, (_, i) => {
    const m = 20 + moved * Math.sin(i / 2);
    return { m, u: a * (m + 0.2 * normal()) + b };
  });
}

describe("a unit that changes with the zero", () => {
  it("is told by readings beside what was forecast for them before", () => {
    const [scale, zero] = measured(pairs(1.8, 32));
    expect(Math.abs(scale / 1.8 - 1)).toBeLessThan(0.12);
    expect(Math.abs(zero + 20 * scale - 68)).toBeLessThan(0.5);
    const [back] = measured(pairs(1 / 1.8, -17.8));
    expect(Math.abs(back * 1.8 - 1)).toBeLessThan(0.12);
  });

  it("stays where the zero alone has changed, where forecasts hardly move, and where readings follow nothing", () => {
    expect(measured(pairs(1, 50))[0]).toBe(1);
    expect(measured(pairs(1.8, 32, 0.1))[0]).toBe(1);
    const normal = normals(9);
    expect(measured(pairs(1, 0).map(({ m }) => ({ m, u: 70 + 3 * normal() })))[0]).toBe(1);
    expect(measured(pairs(-1.5, 80))[0]).toBe(1);
  });

  it("is not told by less than five readings, nor by any that come later than was forecast", () => {
    expect(measured(pairs(1.8, 32, 2, 4))[0]).toBe(1);
    expect(measured(pairs(1.8, 32), 4)[0]).toBe(1);
  });

  it("lets a room go on as it was when its sensor is turned to Fahrenheit and back", () => {
    const normal = normals(21);
    const room = Array.from(
      { length: 900 },
      (_, t) => 21 + 3 * Math.sin((2 * Math.PI * t) / 24) + 0.2 * normal(),
    );
    const fahrenheit = (v: number): number => 1.8 * v + 32;
    const [turned, twin] = [forecaster({ horizon: 12 }), forecaster({ horizon: 12 })];
    let [own, other] = [0, 0];
    for (const [t, v] of room.entries()) {
      const isTurned = t >= 600 && t < 750;
      turned.observe(START + t * HOUR, Float64Array.of(isTurned ? fahrenheit(v) : v));
      twin.observe(START + t * HOUR, Float64Array.of(v));
      // Not while it is found out, nor across the turn back.
      if (!(t > 615 && t < 735) && !(t > 765 && t < 880)) continue;
      for (let h = 1; h <= 12; h++) {
        const said = isTurned ? (turned.mean[h - 1] - 32) / 1.8 : turned.mean[h - 1];
        own += Math.abs(said - room[t + h]);
        other += Math.abs(twin.mean[h - 1] - room[t + h]);
      }
    }
    expect(own / other).toBeLessThan(1.1);
    expect(turned.changes(0)).toBeGreaterThan(0);
    turned.release();
    twin.release();
  });
});
