// What every expert keeps to, whatever it makes of the features. The table is walked: a new kind is tried by itself.
import { describe, expect, test } from "vitest";
import type { Expert } from "../../../../src/models/forecaster/expert.ts";
import { EXPERTS, type ExpertKind, NAIVE } from "../../../../src/models/forecaster/experts/table.ts";
import { specification } from "../../../../src/models/forecaster/specification.ts";
import { daily, feed, forecaster, normals } from "../series.ts";
import { Bench, type BenchOptions } from "./bench.ts";

const OPTIONS = { targets: 1, columns: 2, horizon: 5, periods: [24] } as const;
const rows = daily(150, 3);

/** The experts of a kind as one: all learn and step, in their order, and their forecasts stand side by side. */
class Trial {
  readonly bench: Bench;
  experts: readonly Expert[] = [];
  readonly #out: Float64Array[] = [];

  constructor(kind: ExpertKind, seed = 1, options: BenchOptions = OPTIONS) {
    this.bench = new Bench((layout, shape, features) => {
      this.experts = kind.open({ layout, shape, features, seed });
      const cells = shape.horizon * shape.targets;
      for (const _ of this.experts) this.#out.push(new Float64Array(cells));
      return {
        name: "all",
        learn: (settlement) => {
          for (const expert of this.experts) expert.learn(settlement);
        },
        step: (now) => {
          for (const expert of this.experts) expert.step(now);
        },
        predict: () => {},
      };
    }, options);
  }

  /** The forecasts as they stand, one after the other. */
  predict(): Float64Array {
    this.experts.forEach((expert, i) => {
      expert.predict(this.#out[i] as Float64Array);
    });
    return Float64Array.from(this.#out.flatMap((out) => [...out]));
  }

  /** The forecast after every row, as text: to the last bit, and quickly compared. */
  take(given: readonly (readonly number[])[]): string[] {
    return given.map((row) => {
      this.bench.observe(row);
      return this.predict().join();
    });
  }
}

test("every name stands for one kind, and no family is called like one", () => {
  const kinds = [...NAIVE, ...EXPERTS];
  const names = kinds.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { families = [] } of kinds) for (const family of families) expect(names).not.toContain(family);
  const experts = kinds.flatMap((kind) => new Trial(kind).experts.map(({ name }) => name));
  expect(new Set(experts).size).toBe(experts.length);
});

describe.each([...NAIVE, ...EXPERTS].map((kind) => [kind.name, kind] as const))("%s", (name, kind) => {
  test("forecasts the same from the same events and seed", () => {
    expect(new Trial(kind).take(rows)).toEqual(new Trial(kind).take(rows));
  });

  test("goes on from what was saved to the same bits", () => {
    const whole = new Trial(kind);
    whole.take(rows.slice(0, 90));
    const resumed = new Trial(kind);
    // What it was given before must not matter.
    resumed.take(daily(40, 8));
    resumed.bench.resume(whole.bench);
    expect(resumed.take(rows.slice(90))).toEqual(whole.take(rows.slice(90)));
  });

  test("keeps no state but what it saves, of values below zero too", () => {
    const below = rows.map((row) => row.map((v) => v - 60));
    // Whatever falls due next, it is right after a restart once.
    for (let cut = 80; cut < 88; cut++) {
      const whole = new Trial(kind);
      whole.take(below.slice(0, cut));
      const resumed = new Trial(kind);
      resumed.take(daily(60, 8));
      resumed.bench.resume(whole.bench);
      for (const trial of [whole, resumed]) trial.take(below.slice(cut, cut + 20));
      const [own, other] = [resumed.bench.block.save(), whole.bench.block.save()];
      expect(own.findIndex((byte, i) => byte !== other[i])).toBe(-1);
    }
  });

  test("sees nothing of what comes later", () => {
    const other = rows.map((row, t) => (t > 100 ? row.map((v) => 3 * v - t) : row));
    const [a, b] = [new Trial(kind).take(rows), new Trial(kind).take(other)];
    expect(b.slice(0, 101)).toEqual(a.slice(0, 101));
    expect(b.slice(101)).not.toEqual(a.slice(101));
  });

  test("goes on alike whether it is asked for its forecast or not", () => {
    const [often, once] = [new Trial(kind), new Trial(kind)];
    for (const row of rows) {
      often.bench.observe(row);
      expect(often.predict().join()).toBe(often.predict().join());
      once.bench.observe(row);
    }
    expect(once.predict().join()).toBe(often.predict().join());
  });

  test("stays finite whatever comes", () => {
    const normal = normals(5);
    const hard: Record<string, (t: number) => number> = {
      constant: () => 7,
      zero: () => 0,
      tiny: () => 1e-200 * normal(),
      negative: () => -1e9 + normal(),
      alternating: (t) => (t % 2 ? 1e6 : -1e6),
      spikes: (t) => (t % 37 === 36 ? 1e12 : normal()),
      shift: (t) => (t < 60 ? 0 : 1e9) + normal(),
      growing: (t) => 1.1 ** t,
      missing: (t) => (t > 2 && t % 3 ? Number.NaN : normal()),
      gone: (t) => (t > 40 ? Number.NaN : normal()),
    };
    for (const [what, at] of Object.entries(hard)) {
      const trial = new Trial(kind);
      for (let t = 0; t < 120; t++) {
        const v = at(t);
        trial.bench.observe([v, v]);
        if (!trial.predict().every(Number.isFinite)) expect.fail(`${what} is not finite after ${t}`);
      }
    }
  });

  test("forecasts alone when it is asked for by its name", () => {
    const model = forecaster({ horizon: 3, model: name, periods: [24] });
    feed(
      model,
      daily(40).map(([v]) => [v as number]),
    );
    const [first] = new Trial(kind).experts;
    expect(model.experts[[...model.weights(2, 0)].indexOf(1)]).toBe(first?.name);
    expect([...model.mean].every(Number.isFinite)).toBe(true);
  });
});

/** They take readings into running figures, as the features do, and learn from no label. */
const SMOOTHERS = [
  ...NAIVE.map(({ name }) => name),
  "average",
  "second-naive",
  "profile",
  "second-profile",
  "profile-revert",
  "seasonal-drift",
  "holt-winters",
  "repetition",
  "exponential-smoothing",
  "seasonal-arima",
  "theta",
];

test.each(EXPERTS.filter(({ name }) => !SMOOTHERS.includes(name)).map((kind) => [kind.name, kind] as const))(
  "%s learns from the labels it is handed, and from nothing else",
  (_, kind) => {
    const learned = new Trial(kind);
    const untaught = new Trial(kind, 1, { ...OPTIONS, withhold: true });
    for (const row of rows) {
      learned.bench.observe(row);
      untaught.bench.observe(row);
    }
    const { features, shape } = untaught.bench;
    // Without a weight learned, an expert says that it stays as it is, or goes on as its season does.
    const naive = Array.from(
      { length: shape.horizon },
      (_, h) => features.base(0) + features.known(0, h + 1),
    );
    const last = Array.from({ length: shape.horizon }, () => features.last.view[0]);
    const { horizon } = shape;
    const said = untaught.predict();
    untaught.experts.forEach((expert, e) => {
      const forecast = [...said.subarray(e * horizon, (e + 1) * horizon)];
      expect([naive, last], expert.name).toContainEqual(forecast);
    });
    expect(learned.predict()).not.toEqual(said);
  },
);

test("an expert that cannot be of use leaves the series to the seasonal naive forecast", () => {
  const particular = EXPERTS.filter(({ needs }) => needs !== undefined);
  expect(particular.length).toBeGreaterThan(0);
  for (const { name, needs } of particular) {
    const options = { horizon: 3, model: name, periods: [5000] };
    expect(needs?.(specification(options)), name).toBe(false);
    const model = forecaster(options);
    expect([...model.weights(2, 0)], name).toEqual([0, 1]);
  }
});

test("what all others are measured against cannot be left out", () => {
  for (const { name } of NAIVE) {
    expect(() => forecaster({ model: `auto:without=${name}` })).toThrow(
      /^model auto: expected average, .*, got/,
    );
  }
});
