import { describe, expect, it } from "vitest";
import {
  CALENDAR_FEATURES,
  calendarFeatures,
  calendarPeriods,
  calendarPhase,
} from "../../../src/models/forecaster/calendar.ts";
import { Clock } from "../../../src/models/forecaster/clock.ts";
import { Ledger } from "../../../src/models/forecaster/ledger.ts";
import { PeriodFinder } from "../../../src/models/forecaster/period-finder.ts";
import { Scaling } from "../../../src/models/forecaster/scaling.ts";
import { Units } from "../../../src/models/forecaster/units.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { daily, feed, forecaster, HOUR, normals } from "./series.ts";

function made<T>(build: (layout: Layout) => T): T {
  const layout = new Layout(new Arena());
  const built = build(layout);
  layout.allocate();
  return built;
}

describe("the calendar", () => {
  it("suggests a day and a week, a week of days, a year of months, or nothing", () => {
    expect(calendarPeriods(HOUR)).toEqual([24, 168]);
    expect(calendarPeriods(HOUR / 12)).toEqual([288, 2016]);
    expect(calendarPeriods(24 * HOUR)).toEqual([7, 0]);
    expect(calendarPeriods(30 * 24 * HOUR)).toEqual([12, 0]);
    expect(calendarPeriods(1000)).toEqual([0, 0]);
  });

  it("counts the phase of the day and of the week in steps", () => {
    const monday = Date.UTC(2026, 0, 5);
    for (let hour = 0; hour < 400; hour++) {
      const time = monday + hour * HOUR;
      expect(calendarPhase(time, 24, HOUR)).toBe(hour % 24);
      // Epoch weeks begin on Thursday.
      expect(calendarPhase(time, 168, HOUR)).toBe((hour + 96) % 168);
    }
    expect(calendarPhase(-HOUR, 24, HOUR)).toBe(23);
  });

  it("makes harmonics, of the calendar or of a counted season, and zeros where a cycle is too long", () => {
    const out = new Float64Array(CALENDAR_FEATURES);
    calendarFeatures(out, 6 * HOUR, HOUR, 0, 0);
    expect(out[0]).toBeCloseTo(1, 12);
    expect(out[1]).toBeCloseTo(0, 12);
    calendarFeatures(out, 6 * HOUR, HOUR, 4, 2);
    expect(out[1]).toBeCloseTo(-1, 12);
    expect([...out.subarray(4)]).toEqual(new Array(8).fill(0));
    calendarFeatures(out, 6 * HOUR, 1000, 0, 0);
    expect([...out]).toEqual(new Array(12).fill(0));
  });
});

describe("a period without a calendar", () => {
  it("is found where there is one", () => {
    const normal = normals(1);
    const model = forecaster({ horizon: 2 });
    for (let t = 0; t < 400; t++) {
      model.observe(
        t * 1000,
        Float64Array.of(5 * Math.sin((2 * Math.PI * t) / 17) + (t % 17 === 3 ? 4 : 0) + normal()),
      );
    }
    expect(model.periods[0]).toBe(17);
  });

  it("is not found in noise, in a random walk or in a slow wave", () => {
    const normal = normals(2);
    for (const step of [() => normal(), (): number => normal() - normal()]) {
      const finder = made((layout) => new PeriodFinder(layout, 1));
      for (let t = 0; t < 2000; t++) finder.add(Float64Array.of(step()));
      expect(finder.found).toBe(0);
    }
  });

  it("is what was given, two of them if given", () => {
    const model = forecaster({ periods: [12, 60], targets: ["a", "b"] });
    feed(model, daily(5));
    expect(model.periods).toEqual([12, 60]);
  });
});

describe("units", () => {
  it("are powers of two fixed by the first value that is not zero, and bound what is beyond them", () => {
    const units = made((layout) => new Units(layout, 1));
    const out = new Float64Array(1);
    for (const [value, expected] of [
      [0, 0],
      [5, 1.25],
      [1e300, 1e50],
      [Number.NaN, Number.NaN],
      [Number.POSITIVE_INFINITY, Number.NaN],
    ]) {
      units.toUnits(out, Float64Array.of(value));
      expect(out[0]).toBe(expected);
    }
    expect(units.fromUnits(0, 1.25)).toBe(5);
    expect(units.fromUnits(0, 1e308)).toBe(Number.MAX_VALUE);
  });
});

describe("scaling", () => {
  it("equals mean, deviation and root mean square step of what it has seen", () => {
    const scaling = made((layout) => new Scaling(layout, 1));
    const values = [2, 4, 4, 4, 5, 5, 7, 9];
    values.forEach((v, i) => {
      scaling.add(0, v, values[Math.max(0, i - 1)]);
    });
    expect(scaling.mean(0)).toBeCloseTo(5, 12);
    expect(scaling.deviation(0)).toBeCloseTo(2, 12);
    const squares = values.slice(1).reduce((sum, v, i) => sum + (v - values[i]) ** 2, 0);
    expect(scaling.step(0)).toBeCloseTo(Math.sqrt(squares / 7), 12);
  });
});

describe("the clock", () => {
  it("knows the usual interval and the time since the last event in it", () => {
    const clock = made((layout) => new Clock(layout));
    expect(clock.stepMilliseconds).toBe(1000);
    for (const time of [0, 10, 20, 30, 80]) clock.tick(time);
    expect(clock.stepMilliseconds).toBe(10);
    expect(clock.dt).toBe(5);
    expect(clock.events).toBe(5);
  });
});

describe("the ledger", () => {
  it("hands out step h of the issue h events ago, and nothing that was not issued", () => {
    const ledger = made((layout) => new Ledger(layout, { targets: 2, columns: 2, horizon: 3 }, 2));
    for (let t = 0; t < 10; t++) {
      const { y, steps } = ledger.settle(Float64Array.of(t, -t));
      expect([...y]).toEqual([t, -t]);
      expect(steps).toBe(Math.min(3, t));
      for (let h = 1; h <= steps; h++) {
        const at = ledger.settled(h);
        expect(ledger.values[at]).toBe(1000 * (t - h) + h);
        expect(ledger.values[at + ledger.rowLength + 1]).toBe(-(1000 * (t - h) + h));
      }
      for (let h = 1; h <= 3; h++) {
        ledger.row(0)[(h - 1) * 2] = 1000 * t + h;
        ledger.row(1)[(h - 1) * 2 + 1] = -(1000 * t + h);
      }
      ledger.issue();
    }
  });
});
