// What goes to the disk comes back the same, bit for bit, and altered bytes are refused.
import fc from "fast-check";
import { expect, test } from "vitest";
import { EddyError } from "../../src/models/errors.ts";
import { words } from "../../src/models/forecast.ts";
import type { Issue } from "../../src/models/issue.ts";
import {
  frameCheckpoint,
  packIssue,
  packValues,
  partitionOf,
  readFrame,
  unpackIssue,
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

test("issues: several targets, quantiles, details, what is not known", () => {
  const names = fc.uniqueArray(fc.string(), { maxLength: 3 });
  const maybe = fc.oneof(number, fc.constant(Number.NaN));
  const issues = fc.integer({ min: 1, max: 5 }).chain((horizon) =>
    fc
      .tuple(names, names, fc.subarray([0.001, 0.1, 0.30000000000000004]))
      .chain(([targets, experts, levels]) => {
        const row = (of: fc.Arbitrary<number>, length = horizon) =>
          fc.array(of, { minLength: length, maxLength: length }).map((values) => Float64Array.from(values));
        const detail = fc.record({
          persistence: row(maybe),
          seasonalNaive: row(maybe),
          coverage: row(maybe),
          weights: row(number, experts.length),
        });
        const target = (name: string) =>
          fc.record({
            name: fc.constant(name),
            coverage: maybe,
            skill: maybe,
            observed: maybe,
            surprise: maybe,
            taken: fc.constantFrom(0, 1, Number.NaN),
            mean: row(number),
            lower: row(number),
            upper: row(number),
            quantiles: fc.tuple(...levels.map(() => row(number))),
            ...(experts.length > 0 ? { detail } : {}),
          });
        return fc.record({
          series: fc.constant("s"),
          time: fc.oneof(moment, fc.double({ min: -8e15, max: 8e15, noNaN: true })),
          step: fc.oneof(fc.nat(), fc.double({ min: 0, max: 1e9, noNaN: true })),
          offset: fc.maxSafeNat(),
          level: fc.constant(0.9),
          model: fc.constant("auto"),
          horizon: fc.constant(horizon),
          quantileLevels: fc.constant(levels),
          experts: fc.constant(experts),
          targets: fc.tuple(...targets.map(target)),
        });
      }),
  );
  fc.assert(
    fc.property(issues, fc.nat(), (issue: Issue, at) => {
      const packed = packIssue(issue);
      const back = unpackIssue(packed, "s");
      expect(back).toEqual(issue);
      // A stored forecast is told with the bytes that were told live.
      expect(JSON.stringify(words(back))).toBe(JSON.stringify(words(issue)));
      expect(packIssue(back)).toEqual(packed);
      refusesEveryFlip(packed, at % (8 * packed.length), (bytes) => unpackIssue(bytes, "s"));
    }),
  );
});

test("partitions never change: state may live on another machine by them", () => {
  expect(["a", "mote-1/humidity", "ü", "x".repeat(100)].map(partitionOf)).toEqual([44, 60, 74, 85]);
  const spread = new Set(Array.from({ length: 2000 }, (_, i) => partitionOf(`sensor-${i}`)));
  expect(spread.size).toBe(128);
});
