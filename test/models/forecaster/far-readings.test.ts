import { describe, expect, it } from "vitest";
import { FarReadings } from "../../../src/models/forecaster/far-readings.ts";

/** Readings u, forecast as m with usual errors of `usual`, in a column measured by `scale` and `zero` so far, in units of one. */
function far(u: readonly number[], m: readonly number[], usual: number, scale = 1, zero = 0): FarReadings {
  return new FarReadings(Float64Array.from(u), Float64Array.from(m), { scale, zero }, 1, usual);
}

describe("far readings", () => {
  it("say by which measure they are what was forecast", () => {
    const m = [20, 20.4, 21.1];
    const of = (told: (v: number) => number) => far(m.map(told), m, 0.2).measure();
    expect(of((v) => 1000 * v)).toEqual({ scale: 1000, zero: 0 });
    expect(of((v) => 1.8 * v + 32)).toEqual({ scale: 1.8, zero: 32 });
    expect(of((v) => v - 300)?.zero).toBeCloseTo(-300, 9);
    expect(of((v) => v - 300)?.scale).toBe(1);
    // Of a column told in thousandths from another zero, the temperature is that of what is told.
    const thousandths = far([68, 68.9], [20_000 - 5000, 20_500 - 5000], 200, 0.001, 5).measure();
    expect(thousandths?.scale).toBeCloseTo(0.0018, 12);
    expect(thousandths?.zero).toBeCloseTo(1.8 * 5 + 32, 12);
  });

  it("say nothing where they agree on no measure, but for the side that they are on", () => {
    const wild = far([400, -900, 70], [20, 20, 20], 0.2);
    expect([wild.agree, wild.measure(), wild.sameWay()]).toEqual([false, undefined, undefined]);
    const above = far([100, 130, 90], [20, 20, 20], 0.2);
    expect([above.agree, above.measure()]).toEqual([false, undefined]);
    expect(above.sameWay()).toEqual({ scale: 1, zero: 70 });
    // As they come on the whole: the middle one, with a scale as wide as they move.
    expect(wild.onTheWhole(300)).toEqual({ scale: 300, zero: 70 - 300 * 20 });
    expect(wild.onTheWhole(0.5)).toEqual({ scale: 1, zero: 50 });
  });

  it("are temperatures of another kind only where anybody would measure such, and close to what was forecast", () => {
    expect(far([68], [20], 0.2).asTemperature()).toEqual({ scale: 1.8, zero: 32 });
    expect(far([68.9], [20], 0.2).asTemperature()).toBeUndefined();
    expect(far([932], [500], 1).asTemperature()).toBeUndefined();
  });
});
