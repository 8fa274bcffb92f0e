import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import { CONFIRMING, FarAhead } from "../../src/streams/far-ahead.ts";
import { Series, type SeriesOptions } from "../../src/streams/series.ts";
import { told } from "../issues.ts";

const MINUTE = 60_000;
const DAY = 86_400_000;
const NOW = Date.UTC(2026, 2, 1);

/** What becomes of readings at these times: those taken in order, those refused in order, by index. */
function run(times: readonly number[], now?: (i: number) => number, end = true) {
  const ahead = new FarAhead(DAY);
  const taken: number[] = [];
  const refused: number[] = [];
  /** Readings after which each was taken. */
  const waits: number[] = [];
  const values = Float64Array.of(1);
  for (const [i, time] of times.entries()) {
    ahead.push(
      { time, offset: i, values },
      now?.(i) ?? Number.NaN,
      ({ offset }) => {
        taken.push(offset);
        waits.push(i - offset);
      },
      ({ offset }) => refused.push(offset),
    );
  }
  if (end)
    ahead.end(
      ({ offset }) => taken.push(offset),
      ({ offset }) => refused.push(offset),
    );
  return { taken, refused, waits, aside: ahead.aside };
}
const minutes = (from: number, count: number, step = MINUTE): number[] =>
  Array.from({ length: count }, (_, i) => from + i * step);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const without = (count: number, ...left: number[]): number[] => upTo(count).filter((i) => !left.includes(i));

describe("a recording", () => {
  test("one date of 2099 is refused when the next reading goes on from the old time, which is taken at once", () => {
    const times = minutes(NOW, 20);
    times[9] = Date.UTC(2099, 0, 1);
    const { taken, refused, waits } = run(times);
    expect(taken).toEqual(without(20, 9));
    expect(refused).toEqual([9]);
    // Only the first reading waits, for the second.
    expect(waits.slice(1).every((wait) => wait === 0)).toBe(true);
  });

  test("several wrong ones in a row, each of another year", () => {
    const times = minutes(NOW, 20);
    for (const [i, year] of [2036, 2080, 2036, 2106].entries())
      times[9 + i] = Date.UTC(year, 1, 7, 6, 28, 16 + i);
    expect(run(times)).toMatchObject({ taken: without(20, 9, 10, 11, 12) });
  });

  test("after a silence the next readings confirm the time, and all are taken", () => {
    const times = [...minutes(NOW, 10), ...minutes(NOW + 9 * DAY, 10)];
    const { taken, refused, waits } = run(times);
    expect(taken).toEqual(upTo(20));
    expect(refused).toEqual([]);
    expect(Math.max(...waits)).toBe(CONFIRMING - 1);
  });

  test("a wrong date right before a silence is told from it", () => {
    const times = [...minutes(NOW, 10), Date.UTC(2099, 0, 1), ...minutes(NOW + 9 * DAY, 10)];
    expect(run(times)).toMatchObject({ taken: without(21, 10), refused: [10] });
  });

  test("dated in the future as a whole, it is read as it is", () => {
    const times = minutes(Date.UTC(2099, 0, 1), 20);
    const { taken, waits } = run(times, () => NOW);
    expect(taken).toEqual(upTo(20));
    expect(waits.slice(1).every((wait) => wait === 0)).toBe(true);
  });

  test("1970 until the clock is set", () => {
    expect(run([...minutes(0, 7, 1000), ...minutes(NOW, 20)])).toMatchObject({
      taken: upTo(27),
      refused: [],
    });
    expect(run([0, ...minutes(NOW, 20)])).toMatchObject({ taken: upTo(21), refused: [] });
  });

  test("the very first date is the wrong one: two readings outvote it", () => {
    const times = [Date.UTC(2099, 0, 1), ...minutes(NOW, 10)];
    expect(run(times)).toMatchObject({ taken: without(11, 0), refused: [0] });
  });

  test("the second date is the wrong one: it comes late, as ever", () => {
    const times = [NOW, 0, ...minutes(NOW + MINUTE, 10)];
    expect(run(times)).toMatchObject({ taken: upTo(12), refused: [] });
  });

  test.each([
    ["months", minutes(0, 20, 31 * DAY)],
    ["years", minutes(0, 20, 365 * DAY)],
    ["working days", upTo(20).map((i) => (i + 2 * Math.floor(i / 5)) * DAY)],
    ["every three days after every minute", [...minutes(NOW, 20), ...minutes(NOW + 3 * DAY, 12, 3 * DAY)]],
  ])("%s: all are taken", (_, times) => {
    expect(run(times)).toMatchObject({ taken: upTo(times.length), refused: [] });
  });

  test("the end settles what is held: one alone is not believed, two are", () => {
    const times = minutes(NOW, 10);
    expect(run([...times, NOW + 9 * DAY])).toMatchObject({ taken: upTo(10), refused: [10], aside: 0 });
    expect(run([...times, ...minutes(NOW + 9 * DAY, 2)])).toMatchObject({ taken: upTo(12), refused: [] });
    expect(run([NOW])).toMatchObject({ taken: [0], refused: [] });
  });

  test("a late reading says nothing about the time", () => {
    const far = NOW + 9 * DAY;
    const times = [...minutes(NOW, 10), far, NOW - MINUTE, ...minutes(far + MINUTE, 5)];
    const { taken, refused } = run(times);
    expect(refused).toEqual([]);
    expect([...taken].sort((a, b) => a - b)).toEqual(upTo(17));
  });
});

describe("with a clock", () => {
  const live = (i: number) => NOW + i * MINUTE;

  test("what is further ahead than the bound is refused at once, however often it comes", () => {
    const times = minutes(NOW, 30);
    for (let i = 10; i < 20; i++) times[i] = Date.UTC(2036, 1, 7) + i * MINUTE;
    const { taken, refused, waits } = run(times, live);
    expect(taken).toEqual(without(30, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19));
    expect(refused).toHaveLength(10);
    expect(Math.max(...waits)).toBe(0);
  });

  test("a silence is nothing to wonder at: the clock vouches for the reading after it", () => {
    const times = [...minutes(NOW, 10), ...minutes(NOW + 40 * DAY, 10)];
    const { taken, waits } = run(times, (i) => times[i] as number);
    expect(taken).toEqual(upTo(20));
    expect(Math.max(...waits)).toBe(0);
  });

  test("1970 until the clock is set, then at once", () => {
    const times = [...minutes(0, 5, 1000), ...minutes(NOW + 5 * MINUTE, 10)];
    const { taken, waits } = run(times, live);
    expect(taken).toEqual(upTo(15));
    expect(Math.max(...waits.slice(1))).toBe(0);
  });

  test("a first date far ahead of it is refused with the second reading", () => {
    const times = [Date.UTC(2099, 0, 1), ...minutes(NOW, 10)];
    expect(run(times, () => NOW)).toMatchObject({ taken: without(11, 0), refused: [0] });
  });

  test("an hourly schedule that reaches from the past into the next week is read on", () => {
    const times = minutes(NOW - DAY, 9 * 24, 3_600_000);
    const { taken, refused } = run(times, () => NOW);
    expect([taken.length, refused.length]).toEqual([times.length, 0]);
  });

  test("an old recording through a live pipe is read like a file", () => {
    const old = Date.UTC(2019, 0, 1);
    const times = [...minutes(old, 10), ...minutes(old + 30 * DAY, 10)];
    times[5] = Date.UTC(2099, 0, 1);
    expect(run(times, () => NOW)).toMatchObject({ taken: without(20, 5), refused: [5] });
  });
});

test("nothing is lost: every reading is taken or refused, once, whatever the times", () => {
  const time = fc.oneof(
    fc.integer({ min: 0, max: 50 }).map((i) => NOW + i * MINUTE),
    fc.integer({ min: -40, max: 40 }).map((i) => NOW + i * DAY),
    fc.constantFrom(0, -8.64e15, 8.64e15, Date.UTC(2099, 0, 1)),
  );
  fc.assert(
    fc.property(fc.array(time, { maxLength: 40 }), fc.boolean(), (times, clocked) => {
      const { taken, refused, aside } = run(times, clocked ? () => NOW : undefined);
      expect([...taken, ...refused].sort((a, b) => a - b)).toEqual(upTo(times.length));
      expect(aside).toBe(0);
    }),
    { numRuns: 300 },
  );
});

describe("in a series", () => {
  const arena = new Arena({ bankBytes: 2 ** 20 });
  const open = (options: SeriesOptions = {}) =>
    new Series("s", { horizon: 1, model: "persistence", ...options }, arena);
  const at = (time: number, value = 1) => ({ series: "s", time, values: { value } });

  test("one wrong date makes nothing late, and every line is counted", () => {
    const series = open();
    const times = minutes(NOW, 20);
    times[9] = Date.UTC(2099, 0, 1);
    let forecasts = 0;
    for (const [i, time] of times.entries()) {
      const outcome = series.push(at(time), i);
      forecasts += outcome.issues.length;
      if (i === 9) {
        expect(outcome).toEqual({ issues: [] });
        expect(series.aside).toBe(1);
      }
      if (i === 10) expect(outcome.later).toEqual([{ offset: 9, time: times[9], refused: "far-ahead" }]);
    }
    expect(forecasts).toBe(18);
    expect(series.counts).toMatchObject({ taken: 19, "far-ahead": 1, late: 0, aside: 0 });
  });

  test("ahead is how far: a longer one takes at once what a shorter one holds aside", () => {
    const [day, week] = [open(), open({ ahead: 7 * DAY })];
    for (const series of [day, week]) {
      for (const [i, time] of [...minutes(NOW, 5), NOW + 3 * DAY].entries()) series.push(at(time), i);
    }
    expect([day.aside, week.aside]).toEqual([1, 0]);
  });

  test("saved anywhere and restored, what is held aside goes on to the same bytes", () => {
    const far = NOW + 9 * DAY;
    const times = [
      Date.UTC(2099, 0, 1),
      ...minutes(NOW, 4),
      far,
      far + MINUTE,
      NOW + 4 * MINUTE,
      ...minutes(far, 7),
    ];
    for (let cut = 1; cut < times.length; cut++) {
      const [whole, before, after] = [open(), open(), open()];
      const feed = (series: Series, i: number) => JSON.stringify(series.push(at(times[i] as number, i), i));
      for (let i = 0; i < cut; i++) expect(feed(before, i)).toBe(feed(whole, i));
      after.restore(before.save());
      for (let i = cut; i < times.length; i++) expect(feed(after, i)).toBe(feed(whole, i));
      expect(JSON.stringify(after.end())).toBe(JSON.stringify(whole.end()));
      expect(after.counts).toEqual(whole.counts);
    }
  });

  test("a state that holds more aside than can be is refused", () => {
    const ahead = new FarAhead(DAY);
    const state = Float64Array.from(ahead.save());
    state[state.length - 1] = 1e9;
    expect(() => ahead.restore(state, 1)).toThrow("fewer than 5 readings held aside");
  });
});

describe("values out of range", () => {
  const arena = new Arena({ bankBytes: 2 ** 20 });
  const options: SeriesOptions = {
    horizon: 1,
    model: "persistence",
    targets: ["temp", "hum"],
    inputs: ["fan"],
  };

  test("are missing, told by column and counted, and their observation is taken for the rest", () => {
    const series = new Series("s", { ...options, min: { temp: -40 }, max: { hum: 100, fan: 1 } }, arena);
    const push = (i: number, temp: number, hum: number, fan: number) =>
      series.push({ series: "s", time: i * MINUTE, values: { temp, hum, fan } }, i);
    push(0, 20, 50, 0);
    const outcome = push(1, -127, 104, 0);
    expect(outcome.outOfRange).toEqual([
      { column: "temp", value: -127 },
      { column: "hum", value: 104 },
    ]);
    expect(told(outcome).map(({ horizon }) => horizon[0]?.mean)).toEqual([20, 50]);
    expect(push(2, 21, 51, 7)).toMatchObject({ outOfRange: [{ column: "fan", value: 7 }] });
    expect(push(3, -40, 100, 1).outOfRange).toBeUndefined();
    expect(series.counts).toMatchObject({ taken: 4, "out-of-range": 3 });
  });

  test("of readings that are summed up, only the sum has limits", () => {
    const sum = new Series("s", { ...options, every: MINUTE, aggregate: "sum", max: { temp: 10 } }, arena);
    expect(sum.push({ series: "s", time: 0, values: { temp: 11 } }, 0).outOfRange).toBeUndefined();
  });
});
