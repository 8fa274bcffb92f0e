import { describe, expect, it } from "vitest";
import {
  CALENDAR_FEATURES,
  calendarFeatures,
  calendarPeriods,
  calendarPhase,
  seasonFeatures,
} from "../../../src/models/forecaster/calendar.ts";
import { EventClock } from "../../../src/models/forecaster/event-clock.ts";
import { Ledger } from "../../../src/models/forecaster/ledger.ts";
import { PeriodFinder } from "../../../src/models/forecaster/period-finder.ts";
import { Scaling } from "../../../src/models/forecaster/scaling.ts";
import { Season } from "../../../src/models/forecaster/season.ts";
import { Units } from "../../../src/models/forecaster/units.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { daily, feed, forecaster, HOUR, normals, START } from "./series.ts";

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

  it("makes harmonics of the day and of the week, and zeros where a cycle is too long", () => {
    const out = new Float64Array(CALENDAR_FEATURES);
    calendarFeatures(out, 6 * HOUR, HOUR);
    // A quarter of a day, four harmonics; six hours of a week, two.
    const week = (2 * Math.PI * 6) / 168;
    const angles = [1, 2, 3, 4].map((k) => (k * Math.PI) / 2).concat(week, 2 * week);
    for (const [k, angle] of angles.entries()) {
      expect(out[2 * k]).toBeCloseTo(Math.sin(angle), 12);
      expect(out[2 * k + 1]).toBeCloseTo(Math.cos(angle), 12);
    }
    calendarFeatures(out, 6 * HOUR, 1000);
    expect([...out]).toEqual(new Array(12).fill(0));
  });

  it("makes harmonics of counted seasons, as far as a season has so many", () => {
    const out = new Float64Array(CALENDAR_FEATURES);
    for (const [periods, harmonics] of [
      [[4], [2, 0]],
      [
        [24, 168],
        [4, 2],
      ],
      [
        [2, 3],
        [1, 1],
      ],
      [
        [10, 20],
        [4, 2],
      ],
    ] as const) {
      const clock = made((layout) => new EventClock(layout));
      const finder = made((layout) => new PeriodFinder(layout, 1));
      const season = made((layout) => new Season(layout, periods));
      for (let t = 0; t <= 6; t++) {
        clock.tick(t * HOUR);
        season.advance(clock.events, clock.time, HOUR, t === 0 ? 0 : 1, finder);
      }
      seasonFeatures(out, season);
      for (const [k, at] of [0, 8].entries()) {
        const period = periods[k] ?? 0;
        for (let i = 0; i < (k === 0 ? 4 : 2); i++) {
          const angle = (2 * Math.PI * (i + 1) * season.phase(k as 0 | 1)) / period;
          const [sin, cos] = i < harmonics[k] ? [Math.sin(angle), Math.cos(angle)] : [0, 0];
          expect(out[at + 2 * i], `${periods} ${k} ${i}`).toBeCloseTo(sin, 12);
          expect(out[at + 2 * i + 1], `${periods} ${k} ${i}`).toBeCloseTo(cos, 12);
        }
      }
    }
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
      const levels = [0];
      for (let t = 0; t < 2000; t++) {
        const u = step();
        levels.push((levels.at(-1) as number) + u);
        finder.add(Float64Array.of(u), Float64Array.of(1), (_, back) => levels.at(-1 - back) as number);
      }
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
    const clock = made((layout) => new EventClock(layout));
    expect(clock.stepMilliseconds).toBe(1000);
    for (const [i, time] of [0, 10, 20, 30, 80].entries()) clock.tick(time, i === 0 ? 0 : time - clock.time);
    expect(clock.stepMilliseconds).toBe(10);
    expect(clock.dt).toBe(5);
    expect(clock.events).toBe(5);
  });

  it("counts events that are made up, and learns no interval from them", () => {
    const clock = made((layout) => new EventClock(layout));
    for (let i = 0; i <= 8; i++) clock.tick(10 * i, i === 0 ? 0 : 10);
    expect(clock.regular).toBe(true);
    for (let i = 9; i < 40; i++) clock.tick(10 * i);
    clock.tick(400, 320);
    expect([clock.events, clock.stepMilliseconds, clock.dt, clock.regular]).toEqual([41, 10, 1, true]);
  });

  it("calls a series regular when most intervals are alike, and not before it has seen some", () => {
    for (const [intervals, regular] of [
      [[10, 10, 10], false],
      [[10, 10.5, 9.7, 10, 10, 10.2, 10], true],
      [[10, 10, 10, 10, 10, 10, 10, 50, 10, 30], true],
      [[10, 20, 10, 25, 10, 40, 10, 5, 10, 30], false],
      [[0, 0, 0, 0, 0, 0, 0, 0], false],
    ] as const) {
      const clock = made((layout) => new EventClock(layout));
      clock.tick(1000);
      for (const interval of intervals) clock.tick(clock.time + interval, interval);
      expect(clock.regular, `${intervals}`).toBe(regular);
    }
  });
});

describe("the ledger", () => {
  it("hands out step h of the issue h events ago, and nothing that was not issued", () => {
    const ledger = made((layout) => new Ledger(layout, { targets: 2, columns: 2, horizon: 3 }, 2));
    for (let t = 0; t < 10; t++) {
      const { y, steps, labels } = ledger.settle(Float64Array.of(t, -t));
      expect([...y]).toEqual([t, -t]);
      for (let h = 1; h <= 3; h++) {
        // The second target had no reading at every fourth issue: nothing is to be learned from those.
        const sound = h <= t && (t - h) % 4 !== 2;
        if (h <= t) expect(ledger.sound(h, 1)).toBe(sound);
        expect(labels[2 * (h - 1)]).toBe(h <= t ? t : Number.NaN);
        expect(labels[2 * (h - 1) + 1]).toBe(sound ? -t : Number.NaN);
      }
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
      ledger.issue(Float64Array.of(0, t % 4 === 2 ? 1 : 0));
    }
  });
});

/** An hourly load with quiet weekends, from a Monday on. */
function load(length: number, seed: number): number[] {
  const normal = normals(seed);
  return Array.from({ length }, (_, t) => {
    const quiet = Math.floor(t / 24) % 7 > 4 ? 0.4 : 1;
    return (200 + 90 * Math.sin((2 * Math.PI * (t - 8)) / 24)) * quiet * (1 + 0.04 * normal());
  });
}

describe("two seasons", () => {
  const H = 12;

  /** Per week of events `step` milliseconds apart: absolute error of all steps, over that of the value one week before. */
  function weeks(values: readonly number[], step: number, options = {}): number[] {
    const week = 168;
    const model = forecaster({ horizon: H, model: "auto:without=recurrent", ...options });
    const said: Float64Array[] = [];
    const own = new Float64Array(values.length / week);
    const naive = own.slice();
    for (const [t, v] of values.entries()) {
      model.observe(Date.UTC(2026, 0, 5) + t * step, Float64Array.of(v));
      for (let h = 1; h <= H && t >= 2 * week; h++) {
        own[Math.floor(t / week)] += Math.abs(said[t - h][h - 1] - v);
        naive[Math.floor(t / week)] += Math.abs(values[t - week] - v);
      }
      said.push(model.mean.slice());
    }
    model.release();
    return [...own.subarray(2)].map((sum, i) => sum / naive[i + 2]);
  }

  const known = [
    ["by the calendar", HOUR, {}],
    ["given, with dates", HOUR, { periods: [24, 168] }],
    // A step that the calendar makes nothing of.
    ["given, without dates", 1000, { periods: [24, 168] }],
  ] as const;

  it("of the calendar or given do at least as well as the value one week before from the fifth week on", () => {
    for (const [name, step, options] of known) {
      const later = weeks(load(8 * 168, 1), step, options).slice(2);
      expect(later.reduce((a, b) => a + b) / later.length, name).toBeLessThan(1);
    }
  });

  it("are found without dates, the second a multiple of the first", () => {
    const values = load(8 * 168, 2);
    const model = forecaster({ horizon: 2, model: "auto:without=recurrent" });
    for (const [t, v] of values.entries()) model.observe(t * 1000, Float64Array.of(v));
    expect(model.periods).toContain(168);
    const other = forecaster({ horizon: 2, model: "auto:without=recurrent" });
    const normal = normals(3);
    for (let t = 0; t < 1200; t++) {
      const peak = t % 48 >= 36 ? 6 : 0;
      other.observe(
        t * 1000,
        Float64Array.of(
          5 * Math.sin((2 * Math.PI * t) / 12) + peak * Math.sin((2 * Math.PI * t) / 12) + 0.3 * normal(),
        ),
      );
    }
    expect(other.periods).toEqual([12, 48]);
  });

  it("are found in the third turn where days are alike but for their level, as of a week with quiet weekends", () => {
    for (let seed = 1; seed <= 5; seed++) {
      const normal = normals(60 + seed);
      const model = forecaster({ horizon: 1, model: "profile" });
      for (let t = 0; t < 400; t++) {
        const quiet = Math.floor(t / 20) % 7 > 4 ? 0.4 : 1;
        const v = quiet * (90 + 50 * Math.sin((2 * Math.PI * t) / 20)) * (1 + 0.06 * normal());
        model.observe(t * 1000, Float64Array.of(v));
      }
      expect(model.periods, `seed ${seed}`).toEqual([20, 140]);
      model.release();
    }
  });

  it("are not found where there is one, or none", () => {
    let [season, wrong] = [0, 0];
    for (let seed = 1; seed <= 10; seed++) {
      const normal = normals(seed);
      for (const [first, value] of [
        [24, (t: number): number => 5 * Math.sin((2 * Math.PI * t) / 24) + (t % 24 === 3 ? 4 : 0) + normal()],
        [0, (): number => normal()],
      ] as const) {
        const finder = made((layout) => new PeriodFinder(layout, 1));
        const values = [0];
        for (let t = 0; t < 2600; t++) {
          const before = values.at(-1) as number;
          values.push(value(t));
          const step = ((values.at(-1) as number) - before) / 2;
          finder.add(Float64Array.of(step), Float64Array.of(2), (_, back) => values.at(-1 - back) as number);
        }
        if (finder.found !== first) season++;
        if (finder.second > 0) wrong++;
      }
    }
    // A multiple of the season is a season too: that it looks a little better by chance is no reason.
    expect(wrong).toBeLessThanOrEqual(1);
    expect(season).toBeLessThanOrEqual(2);
  });
});

describe("missing readings", () => {
  const H = 6;

  /** A daily pattern about a level with autocorrelated noise, with what is known of it without the noise. */
  function signal(length: number, seed: number): { readings: number[]; pattern: number[] } {
    const normal = normals(seed);
    let e = 0;
    const pattern = Array.from(
      { length },
      (_, t) => 50 + 12 * Math.sin((2 * Math.PI * t) / 24) + 4 * Math.cos((4 * Math.PI * t) / 24),
    );
    const readings = pattern.map((v) => {
      e = 0.6 * e + 0.8 * normal();
      return v + e;
    });
    return { readings, pattern };
  }

  it("are gone through with their season: means stay near it, and intervals hold what comes", () => {
    for (const gap of [50, 150, 300]) {
      let [error, held, n] = [0, 0, 0];
      for (const seed of [1, 2]) {
        const { readings, pattern } = signal(500 + gap + H, seed);
        const model = forecaster({ horizon: H, model: "auto:without=recurrent" });
        feed(
          model,
          readings.slice(0, 500 + gap).map((v, t) => [t >= 500 ? Number.NaN : v]),
          (t) => {
            if (t < 500) return;
            for (let h = 1; h <= H; h++) {
              n++;
              error += Math.abs(model.mean[h - 1] - pattern[t + h]);
              const v = readings[t + h];
              if (v >= model.lower[h - 1] && v <= model.upper[h - 1]) held++;
            }
          },
        );
        model.release();
      }
      // The noise has a deviation of 1, the pattern swings by more than ten.
      expect(error / n, `${gap}`).toBeLessThan(1.5);
      expect(held / n, `${gap}`).toBeGreaterThan(0.8);
    }
  });

  it("make step h as unsure as a step h + g, g steps after the last reading", () => {
    const normal = normals(5);
    const length = 1500;
    let v = 0;
    const values = Array.from({ length }, () => (v += normal()));
    const rows = values.map((one) => [one]);
    const model = forecaster({ horizon: 12, model: "persistence" });
    feed(model, rows);
    const width = (h: number): number => model.upper[h - 1] - model.lower[h - 1];
    const fresh = Array.from({ length: 12 }, (_, i) => width(i + 1));
    let before = 0;
    for (let g = 1; g < 60; g++) {
      model.observe(START + (length - 1 + g) * HOUR, Float64Array.of(Number.NaN));
      for (let h = 1; h + g <= 12; h++) expect(width(h) / fresh[h + g - 1], `${g} ${h}`).toBeCloseTo(1, 6);
      expect(width(12), `${g}`).toBeGreaterThanOrEqual(before);
      before = width(12);
    }
    // Of a walk: like the root of the distance.
    expect(width(12) / fresh[0] / Math.sqrt(71)).toBeGreaterThan(0.6);
    expect(width(12) / fresh[0] / Math.sqrt(71)).toBeLessThan(1.6);
  });

  it("are the same as absent rows of a regular series", () => {
    for (const [gap, seed] of [
      [1, 6],
      [50, 7],
      [300, 8],
    ]) {
      const { readings } = signal(400 + gap + 60, seed);
      for (const model of ["auto", "autoregression", "holt-winters", "esn", "repetition"]) {
        const [missing, absent] = [forecaster({ horizon: H, model }), forecaster({ horizon: H, model })];
        for (const [t, v] of readings.entries()) {
          const gone = t >= 400 && t < 400 + gap;
          missing.observe(START + t * HOUR, Float64Array.of(gone ? Number.NaN : v));
          if (gone) continue;
          absent.observe(START + t * HOUR, Float64Array.of(v));
          for (let i = 0; i < H; i++) {
            // Also of a mixture: its weights move only where something is learned.
            for (const field of ["mean", "lower", "upper"] as const)
              expect(absent[field][i], `${model} ${gap} ${t}`).toBe(missing[field][i]);
          }
        }
        missing.release();
        absent.release();
      }
    }
  });

  it("before the first are as if they had never been", () => {
    const { readings } = signal(200, 9);
    const [late, plain] = [forecaster({ horizon: H }), forecaster({ horizon: H })];
    for (let t = -300; t < 200; t++) {
      late.observe(START + t * HOUR, Float64Array.of(t < 0 ? Number.NaN : readings[t]));
      if (t < 0) {
        expect([late.ready, late.knows(0)]).toEqual([false, false]);
        continue;
      }
      plain.observe(START + t * HOUR, Float64Array.of(readings[t]));
      expect([...late.mean, ...late.lower, ...late.upper], `${t}`).toEqual([
        ...plain.mean,
        ...plain.lower,
        ...plain.upper,
      ]);
    }
  });
});
