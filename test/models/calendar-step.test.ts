import { describe, expect, it } from "vitest";
import { afterSteps, MONTH, monthsPerStep } from "../../src/models/calendar-step.ts";
import { momentOf } from "../../src/models/issue.ts";
import { Arena } from "../../src/models/kernels/arena.ts";
import { MAX_TIME } from "../../src/models/observation.ts";
import { Series } from "../../src/streams/series.ts";

const DAY = 86_400_000;
const day = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** Intervals before the last of some times, the newest first. */
const intervals = (times: readonly number[]): number[] =>
  times
    .slice(1)
    .map((time, i) => time - (times[i] as number))
    .reverse();
const months = (times: readonly number[]): number => monthsPerStep(times.at(-1) as number, intervals(times));

/** The times of the forecasts that a series makes at the last of these, as days. */
function told(times: readonly number[], horizon: number): string[] {
  const series = Series.open(
    { series: "s", time: times[0] as number, values: { v: 1 } },
    { horizon, model: "persistence" },
    new Arena(),
  );
  let days: string[] = [];
  for (const [i, time] of times.entries()) {
    const { issues } = series.push({ series: "s", time, values: { v: i } }, i);
    for (const issue of issues) days = Array.from({ length: horizon }, (_, k) => day(momentOf(issue, k + 1)));
  }
  series.release();
  return days;
}

describe("steps of the calendar", () => {
  it("are told from days: months, quarters, years, the last of each month, with rows missing, on the clock of a zone", () => {
    const every = (n: number, one: (i: number) => number): number[] =>
      Array.from({ length: n }, (_, i) => one(i));
    expect(months(every(9, (i) => Date.UTC(2023, i)))).toBe(1);
    expect(months(every(9, (i) => Date.UTC(2023, i, 15, 6, 30)))).toBe(1);
    expect(months(every(9, (i) => Date.UTC(2023, 3 * i)))).toBe(3);
    expect(months(every(4, (i) => Date.UTC(2019 + i, 6)))).toBe(12);
    expect(months(every(20, (i) => Date.UTC(2023, i + 1, 0)))).toBe(1);
    expect(months(every(9, (i) => Date.UTC(2023, i)).filter((_, i) => i !== 3 && i !== 4))).toBe(1);
    // Midnight in Berlin, an hour earlier in summer.
    expect(months(every(12, (i) => Date.UTC(2023, i) - (i > 2 && i < 10 ? 2 : 1) * 3_600_000))).toBe(1);
    for (const days of [1, 7, 14, 28, 29, 30, 90, 91, 364])
      expect(months(every(16, (i) => Date.UTC(2023, 0) + i * days * DAY)), `${days} days`).toBe(0);
    expect(months([Date.UTC(2023, 0), Date.UTC(2023, 1)])).toBe(0);
    expect(months([])).toBe(0);
    expect(months([0, 0, 0])).toBe(0);
    expect(months([0, Date.UTC(1990, 0), MAX_TIME])).toBe(0);
  });

  it("are the same day so many months on, or the last of a shorter month", () => {
    expect(day(afterSteps(Date.UTC(2023, 10, 30, 12), MONTH, 3))).toBe("2024-02-29");
    expect(day(afterSteps(Date.UTC(2024, 0, 31), MONTH, 3))).toBe("2024-04-30");
    expect(day(afterSteps(Date.UTC(2024, 1, 29), MONTH, 1))).toBe("2024-03-31");
    expect(day(afterSteps(Date.UTC(2024, 2, 1), MONTH, -1))).toBe("2024-02-01");
    expect(day(afterSteps(Date.UTC(2024, 0, 1), 12 * MONTH, 100))).toBe("2124-01-01");
    expect(afterSteps(Date.UTC(2024, 0, 1), MONTH, 1.5)).toBe(Date.UTC(2024, 1, 15, 12));
    expect(afterSteps(1000, 250, 3)).toBe(1750);
    expect(afterSteps(1000, MONTH / 2, 2)).toBe(1000 + MONTH);
    expect(afterSteps(MAX_TIME, MONTH, 5)).toBe(MAX_TIME + 5 * MONTH);
    expect(afterSteps(0, MONTH, Number.NaN)).toBeNaN();
  });

  it("date the forecasts of a monthly series by the first of each month, four years on", () => {
    const times = Array.from({ length: 30 }, (_, i) => Date.UTC(2015, i));
    const days = told(times, 48);
    expect(days).toEqual(Array.from({ length: 48 }, (_, i) => day(Date.UTC(2017, 6 + i))));
    // Four weeks are four weeks.
    const weeks = Array.from({ length: 30 }, (_, i) => Date.UTC(2015, 0) + 28 * DAY * i);
    expect(told(weeks, 2)).toEqual([30, 31].map((i) => day(Date.UTC(2015, 0) + 28 * DAY * i)));
  });
});
