import { describe, expect, it } from "vitest";
import type { Expert } from "../../../../src/models/forecaster/expert.ts";
import { Autoregression } from "../../../../src/models/forecaster/experts/autoregression.ts";
import { Persistence } from "../../../../src/models/forecaster/experts/persistence.ts";
import { Rollout } from "../../../../src/models/forecaster/experts/rollout.ts";
import { EXPERTS } from "../../../../src/models/forecaster/experts/table.ts";
import type { Features } from "../../../../src/models/forecaster/features.ts";
import type { Shape } from "../../../../src/models/forecaster/shape.ts";
import { Arena } from "../../../../src/models/kernels/arena.ts";
import { Layout } from "../../../../src/models/kernels/layout.ts";
import { DelayedLeastSquares } from "../../../../src/models/learning/rls-delayed.ts";
import { feed, forecaster, normals } from "../series.ts";
import { Bench } from "./bench.ts";

const HORIZON = 24;
const rolling = (): Bench =>
  new Bench(
    (layout, shape, features) =>
      new Rollout(layout, shape, features, new Autoregression(layout, shape, features, "standing"), true),
    { horizon: HORIZON },
  );
const direct = (): Bench =>
  new Bench((layout, shape, features) => new Autoregression(layout, shape, features, "standing"), {
    horizon: HORIZON,
  });

/** A stationary second-order autoregression: its one-step law is all there is to know. */
function autoregressive(length: number, seed: number): number[][] {
  const normal = normals(seed);
  let [one, two] = [0, 0];
  return Array.from({ length }, () => {
    const v = 1.9 * one - 0.95 * two + normal();
    [one, two] = [v, one];
    return [v];
  });
}

/** Mean squared error at the last step over the rows from `first` on. */
function far(bench: Bench, rows: readonly (readonly number[])[], first: number): number {
  const said: number[] = [];
  let sum = 0;
  rows.forEach((row, t) => {
    if (t >= first) sum += (said[t - HORIZON] - row[0]) ** 2 / (rows.length - first);
    said.push(bench.take(row)[HORIZON - 1]);
  });
  return sum;
}

const same = (a: Float64Array, b: Float64Array): boolean =>
  Buffer.compare(
    Buffer.from(a.buffer, a.byteOffset, a.byteLength),
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  ) === 0;

/** Bounds what is rolled out and read. */
const clip = (v: number, bound: number): number => Math.max(-bound, Math.min(bound, v));

/** What a roll-out over persistence issues for one target, from whole histories; NaN is missing. */
class Written {
  readonly #law: DelayedLeastSquares;
  readonly #target: number;
  /** Values without their season, and as persistence says them. */
  readonly #b: number[] = [];
  readonly #last: number[] = [];
  readonly #averages = [0, 0, 0, 0];
  readonly #said: number[][] = [];
  readonly #sound: boolean[] = [];
  readonly #squares: [rolled: number, direct: number, labels: number][] = [];
  rolled = 0;

  constructor(target = 0) {
    this.#target = target;
    const layout = new Layout(new Arena());
    const options = { features: 30, horizon: 1, forgetting: 0.9998, delta: 30 };
    this.#law = new DelayedLeastSquares(layout, "law", options);
    layout.allocate();
    for (let h = 1; h <= HORIZON; h++) this.#squares.push([0, 0, 0]);
  }

  take(y: number, features: Features): number[] {
    const { scaling, events, expected } = features;
    const d = this.#target;
    const b = this.#b;
    // What was issued while the reading was missing has no label.
    this.#law.settle(Float64Array.of(this.#sound.at(-1) ? y - expected[d] - (b.at(-1) ?? 0) : Number.NaN));
    if (!Number.isNaN(y)) {
      for (let h = 1; h <= Math.min(HORIZON, b.length); h++) {
        if (!this.#sound[b.length - h]) continue;
        const square = this.#squares[h - 1];
        const rate = Math.max(1 / ++square[2], 1 / (500 + 10 * h));
        square[0] += rate * ((this.#said[b.length - h][h - 1] - y) ** 2 - square[0]);
        square[1] += rate * ((this.#last[b.length - h] - y) ** 2 - square[1]);
      }
    }
    this.#sound.push(!Number.isNaN(y));
    const last = features.last.view[d];
    if (!Number.isNaN(y)) expect(last).toBe(y);
    this.#last.push(last);
    const now = last - features.known(d, 0);
    b.push(now);
    this.#follow(this.#averages, now, events);
    const [mean, deviation, step] = [scaling.mean(d), scaling.deviation(d) || 1, scaling.step(d) || 1];
    const phi = (path: readonly number[], averages: readonly number[]): Float64Array => {
      const v = path[path.length - 1];
      const steps = Array.from({ length: 24 }, (_, lag) => {
        const at = path.length - 1 - lag;
        return at > 0 ? path[at] - path[at - 1] : 0;
      });
      return Float64Array.of(
        1,
        clip((v - mean) / deviation, 6),
        ...steps.map((one) => clip(one / step, 10)),
        ...averages.map((one) => clip((v - one) / deviation, 6)),
      );
    };
    this.#law.issue(phi(b, this.#averages), !Number.isNaN(y));
    const path = b.slice(-30);
    const averages = [...this.#averages];
    const out: number[] = [];
    for (let h = 1; h <= HORIZON; h++) {
      const move = phi(path, averages).reduce((sum, v, i) => sum + v * this.#law.weights[i], 0);
      const widest = 8 * scaling.step(d) * Math.sqrt(h) + 4 * scaling.deviation(d);
      // A band around what spans the last value and the slow average.
      const slow = features.average(d, 3);
      const [low, high] = [Math.min(now, slow) - widest, Math.max(now, slow) + widest];
      const next = Math.max(low, Math.min(high, path[path.length - 1] + move));
      path.push(next);
      this.#follow(averages, next, Number.POSITIVE_INFINITY);
      out.push(next + features.known(d, h));
    }
    this.#said.push(out);
    return out.map((v, i) => {
      const [rolled, direct, labels] = this.#squares[i];
      const won = labels >= 100 && rolled < 0.98 * direct;
      if (won) this.rolled++;
      return won ? v : last;
    });
  }

  #follow(averages: number[], v: number, n: number): void {
    for (const [k, scale] of [4, 16, 64, 256].entries())
      averages[k] += Math.max(1 / n, 1 / scale) * (v - averages[k]);
  }
}

/** A random walk: nothing beats the last value. */
function walk(length: number, seed: number): number[][] {
  const normal = normals(seed);
  let v = 0;
  return Array.from({ length }, () => {
    v += normal();
    return [v];
  });
}

const overPersistence = (layout: Layout, shape: Shape, features: Features): Expert =>
  new Rollout(layout, shape, features, new Persistence(shape, features), true);

describe("roll-out", () => {
  it("is the recursion and the rule written out, over gaps, a season and several targets too", () => {
    const plain = autoregressive(1300, 1);
    const gaps = autoregressive(500, 2).map((row, t) => (t % 60 > 55 ? [Number.NaN] : row));
    const season = autoregressive(700, 4).map(([v], t) => [
      v + 20 * Math.sin((2 * Math.PI * t) / 12),
      plain[t][0] + (t % 12),
    ]);
    for (const [rows, periods, least, most] of [
      [plain, [], 20_000, Number.POSITIVE_INFINITY],
      [gaps, [], 5000, Number.POSITIVE_INFINITY],
      [season, [12], 6000, Number.POSITIVE_INFINITY],
      // On a walk the last value stays.
      [walk(400, 3), [], 0, 300],
    ] as const) {
      const targets = rows[0].length;
      const bench = new Bench(overPersistence, { horizon: HORIZON, targets, periods });
      const written = Array.from({ length: targets }, (_, d) => new Written(d));
      for (const [t, row] of rows.entries()) {
        const said = bench.take(row);
        for (const [d, one] of written.entries()) {
          const expected = one.take(row[d], bench.features);
          for (let i = 0; i < HORIZON; i++)
            expect(Math.abs(said[i * targets + d] - expected[i]), `${t} ${i} ${d}`).toBeLessThan(1e-6);
        }
      }
      expect(bench.features.season.trusted).toBe(periods.length > 0);
      const rolled = written.reduce((sum, one) => sum + one.rolled, 0);
      expect(rolled).toBeGreaterThanOrEqual(least);
      expect(rolled).toBeLessThan(most);
    }
  });

  it("is the other forecast at every step and event, bit by bit, where it loses", () => {
    const bench = new Bench(overPersistence, { horizon: HORIZON });
    const plain = new Bench((_, shape, features) => new Persistence(shape, features), { horizon: HORIZON });
    for (const [t, row] of walk(1500, 1).entries())
      expect(same(bench.take(row), plain.take(row)), `${t}`).toBe(true);
  });

  it("teaches the direct autoregression only when that is no expert of its own", () => {
    const rows = autoregressive(150, 7);
    const alone = rolling();
    const shared = new Bench(
      (layout, shape, features): Expert => {
        const own = new Autoregression(layout, shape, features, "standing");
        const rollout = new Rollout(layout, shape, features, own, false);
        return {
          name: "both",
          learn(settlement) {
            own.learn(settlement);
            rollout.learn(settlement);
          },
          step(now) {
            own.step(now);
            rollout.step(now);
          },
          predict: (out) => rollout.predict(out),
        };
      },
      { horizon: HORIZON },
    );
    for (const [t, row] of rows.entries()) expect(same(shared.take(row), alone.take(row)), `${t}`).toBe(true);
  });

  it("beats the direct autoregression where the one-step law holds", () => {
    let mean = 0;
    for (const seed of [1, 2, 3]) {
      const rows = autoregressive(1500, seed);
      const ratio = far(rolling(), rows, 500) / far(direct(), rows, 500);
      expect(ratio).toBeLessThan(1.01);
      mean += ratio / 3;
    }
    expect(mean).toBeLessThan(0.99);
  });

  it("is the direct forecast, bit by bit, until it has won over a hundred labels", () => {
    const rows = autoregressive(1500, 2);
    const [a, b] = [rolling(), direct()];
    let apart = -1;
    rows.forEach((row, t) => {
      if (!same(a.take(row), b.take(row)) && apart < 0) apart = t;
    });
    // Step 1 has its hundredth label at event 100 (from 0), step 24 at event 123.
    expect(apart).toBeGreaterThanOrEqual(100);
    expect(apart).toBeLessThan(200);
  });

  it("takes gaps, and says finite things in them", () => {
    const rows = autoregressive(600, 3).map((row, t) => (t % 50 > 40 ? [Number.NaN] : row));
    const bench = rolling();
    let [own, naive] = [0, 0];
    const said: number[] = [];
    for (const [t, row] of rows.entries()) {
      // A gap of nine is shorter than the horizon: what is said of step 12 has a label more often than not.
      const [label, last] = [row[0], rows[Math.max(0, t - 12)][0]];
      if (t > 300 && Number.isFinite(label) && Number.isFinite(last)) {
        own += (said[t - 12] - label) ** 2;
        naive += (last - label) ** 2;
      }
      const out = bench.take(row);
      for (const v of out) expect(Number.isFinite(v)).toBe(true);
      said.push(out[11]);
    }
    expect(own).toBeLessThan(0.6 * naive);
  });

  it("forecasts alone, and goes on from a checkpoint to the same bits", () => {
    const rows = autoregressive(700, 4);
    const options = { horizon: HORIZON, model: "rollout" };
    const whole = forecaster(options);
    // Squared errors of the last step over all that was issued, and those of the last value.
    const said: number[] = [];
    let [own, naive] = [0, 0];
    const score = (t: number): void => {
      if (t > HORIZON) {
        own += (said[t - HORIZON] - rows[t][0]) ** 2;
        naive += (rows[t - HORIZON][0] - rows[t][0]) ** 2;
      }
      said.push(whole.mean[HORIZON - 1]);
    };
    feed(whole, rows.slice(0, 500), score);
    const resumed = forecaster(options);
    feed(resumed, autoregressive(40, 9));
    resumed.restore(whole.save());
    feed(
      whole,
      rows,
      (t) => {
        feed(resumed, rows.slice(0, t + 1), () => {}, t);
        expect(resumed.mean).toEqual(whole.mean);
        score(t);
      },
      500,
    );
    expect(1 - own / naive).toBeGreaterThan(0.3);
    expect(whole.experts).toEqual(["persistence", "seasonal-naive", "rollout"]);
  });

  it("and the direct kind can each be left out", () => {
    expect(forecaster({ model: "auto:without=rollout" }).experts).not.toContain("rollout");
    const { experts } = forecaster({ model: "auto:without=autoregression" });
    expect(experts).toContain("rollout");
    expect(experts).not.toContain("autoregression");
    const rows = autoregressive(200, 8);
    for (const model of ["auto:without=rollout", "auto:without=autoregression"]) {
      const one = forecaster({ horizon: 6, model });
      feed(one, rows);
      expect([...one.mean].every(Number.isFinite), model).toBe(true);
      expect(one.skill(3, 0), model).toBeGreaterThan(0.3);
      expect([...one.weights(6, 0)].reduce((a, b) => a + b)).toBeCloseTo(1, 9);
    }
  });

  it("leaves the autoregression beside it as it would be by itself", () => {
    const rows = autoregressive(90, 10);
    const others = EXPERTS.filter(({ apart }) => !apart)
      .map(({ name }) => name)
      .filter((name) => name !== "autoregression" && name !== "rollout");
    const say = (model: string): { mean: Float64Array; experts: readonly string[] } => {
      const one = forecaster({ horizon: 3, model });
      feed(one, rows);
      return one;
    };
    const both = say(`auto:without=${others.join("+")},mixture=equal`);
    expect(both.experts).toEqual(["persistence", "seasonal-naive", "autoregression", "rollout"]);
    // Within its first hundred labels the roll-out says what the direct one says.
    const [naive, seasonal, direct] = ["persistence", "seasonal", "autoregression"].map((m) => say(m).mean);
    for (const [i, v] of both.mean.entries())
      expect(v).toBeCloseTo((naive[i] + seasonal[i] + 2 * direct[i]) / 4, 9);
  });

  it("sees no label before it exists: another future leaves earlier forecasts as they are, won or not", () => {
    const rows = autoregressive(260, 2);
    const other = rows.map(([v], t) => [t > 200 ? 3 * v - t : v]);
    const say = (of: readonly (readonly number[])[]): number[][] => {
      const model = forecaster({ horizon: HORIZON, model: "rollout", quantiles: [0.1, 0.9] });
      const all: number[][] = [];
      feed(model, of, () =>
        all.push([...model.mean, ...model.lower, ...model.upper, ...model.quantiles.flatMap((q) => [...q])]),
      );
      return all;
    };
    const [a, b] = [say(rows), say(other)];
    expect(b.slice(0, 201)).toEqual(a.slice(0, 201));
    expect(b.slice(201)).not.toEqual(a.slice(201));
  });
});

describe("model names", () => {
  it("of a family stand for a mixture of its members", () => {
    const model = forecaster({ model: "recurrent" });
    expect(model.experts.slice(2)).toEqual(["echo-sharp", "echo-plain", "echo-smooth", "lstm", "lstm-heads"]);
    feed(model, autoregressive(300, 5));
    const w = model.weights(1, 0);
    expect([...w].filter((v) => v > 0).length).toBeGreaterThan(2);
  });

  it("take another rule for the intervals, which leaves the forecast as it is", () => {
    const rows = autoregressive(300, 6);
    const [tracked, aci] = [
      forecaster({ model: "autoregression" }),
      forecaster({ model: "autoregression:intervals=aci" }),
    ];
    feed(tracked, rows);
    feed(aci, rows);
    expect(aci.mean).toEqual(tracked.mean);
    expect(aci.upper).not.toEqual(tracked.upper);
    expect(Math.abs((aci.coverage(1, 0) ?? 0) - 0.9)).toBeLessThan(0.04);
    expect(() => forecaster({ model: "auto:intervals=none" })).toThrow(
      /expected intervals=fan\|aci, got "?none/,
    );
  });
});
