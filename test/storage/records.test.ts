// What goes to the disk comes back the same, bit for bit, and altered bytes are refused.
import fc from "fast-check";
import { expect, test } from "vitest";
import { EddyError } from "../../src/models/errors.ts";
import type { Forecast } from "../../src/models/forecast.ts";
import {
  frameCheckpoint,
  packForecasts,
  packValues,
  partitionOf,
  readFrame,
  unpackForecasts,
  unpackValues,
} from "../../src/storage/index.ts";

/** -0 and 0, and every NaN, are told apart. */
const bits = (value: number): bigint => new BigUint64Array(Float64Array.of(value).buffer)[0];
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const moment = fc.integer({ min: -8e15, max: 8e15 });

const refusesEveryFlip = (bytes: Uint8Array, bit: number, read: (bytes: Uint8Array) => unknown): void => {
  const altered = Uint8Array.from(bytes);
  altered[bit >> 3] ^= 1 << (bit & 7);
  expect(() => read(altered)).toThrow(EddyError);
};

test("journal values: numbers, null and absent, in any order of columns", () => {
  const columns = ["a", "b", "c", "d"];
  const values = fc.dictionary(fc.constantFrom(...columns), fc.oneof(number, fc.constant(null)), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(values, moment, fc.nat(), (given, time, at) => {
      const packed = packValues({ series: "s", time, values: given }, columns);
      const back = unpackValues(packed, columns, time, 1);
      expect(Object.keys(back).sort()).toEqual(Object.keys(given).sort());
      for (const [column, value] of Object.entries(given)) {
        expect(value === null ? null : bits(value)).toBe(
          back[column] === null ? null : bits(back[column] ?? 0),
        );
      }
      refusesEveryFlip(packed, at % (8 * packed.length), (bytes) => unpackValues(bytes, columns, time, 1));
      expect(() => unpackValues(packed, columns, time + 1, 1)).toThrow(/journal row 1/);
      expect(() => unpackValues(packed, ["a"], time, 1)).toThrow(/journal row 1/);
    }),
  );
});

test("checkpoints: every bit is guarded, and the series it belongs to", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 60 }),
      fc.nat(2 ** 31),
      number,
      fc.nat(),
      (state, series, lastTime, at) => {
        const framed = frameCheckpoint({ series, position: 2 ** 40 + 1, observations: 7, lastTime, state });
        const back = readFrame(framed, series);
        expect(back).toEqual({ series, position: 2 ** 40 + 1, observations: 7, lastTime, state });
        refusesEveryFlip(framed, at % (8 * framed.length), (bytes) => readFrame(bytes, series));
        expect(() => readFrame(framed, series + 1)).toThrow(/expected series/);
        expect(() => readFrame(framed.subarray(0, at % framed.length), series)).toThrow(EddyError);
      },
    ),
  );
});

test("forecasts as issued: regular and irregular steps, several targets, quantiles, details", () => {
  const forecast = fc.record({
    targets: fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 3 }),
    times: fc.array(moment, { minLength: 1, maxLength: 5 }),
    regular: fc.boolean(),
    numbers: fc.array(number, { minLength: 110, maxLength: 110 }),
    levels: fc.subarray([0.001, 0.1, 0.30000000000000004], { minLength: 0 }),
    offset: fc.maxSafeNat(),
    detailed: fc.boolean(),
  });
  fc.assert(
    fc.property(forecast, fc.nat(), ({ targets, times, regular, numbers, levels, offset, detailed }, at) => {
      let n = 0;
      const issue: Forecast[] = targets.map((target) => ({
        series: "s",
        target,
        issuedAt: new Date(times[0]).toISOString(),
        offset,
        horizon: times.map((time, i) => ({
          step: i + 1,
          time: new Date(regular ? Math.trunc(times[0] / 2) + 1000 * i : time).toISOString(),
          mean: numbers[n++],
          lower: numbers[n++],
          upper: numbers[n++],
          ...(levels.length > 0
            ? { quantiles: Object.fromEntries(levels.map((level) => [String(level), numbers[n++]])) }
            : {}),
        })),
        level: 0.9,
        coverage: 0.9,
        skill: numbers[n++] > 0 ? numbers[n] : null,
        model: "auto",
        observed: { value: 1, surprise: 0.5, taken: true },
        ...(detailed
          ? {
              detail: {
                // Details are JSON, which has no -0.
                skill: { persistence: [null, numbers[0] + 0], seasonalNaive: [null, null] },
                coverage: [0.5],
                weights: { a: 0.25, b: 0.75 },
              },
            }
          : {}),
      }));
      const packed = packForecasts(issue);
      const back = unpackForecasts(packed, "s");
      expect(back).toEqual(issue);
      // The order of keys too: a stored forecast is told with the bytes that were told live.
      expect(JSON.stringify(back)).toBe(JSON.stringify(issue));
      refusesEveryFlip(packed, at % (8 * packed.length), (bytes) => unpackForecasts(bytes, "s"));
    }),
  );
});

test("partitions never change: state may live on another machine by them", () => {
  expect(["a", "mote-1/humidity", "ü", "x".repeat(100)].map(partitionOf)).toEqual([44, 60, 74, 85]);
  const spread = new Set(Array.from({ length: 2000 }, (_, i) => partitionOf(`sensor-${i}`)));
  expect(spread.size).toBe(128);
});
