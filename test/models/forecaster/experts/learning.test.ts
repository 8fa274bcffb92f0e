import { Matrix, solve } from "ml-matrix";
import { describe, expect, it } from "vitest";
import type { Expert } from "../../../../src/models/forecaster/expert.ts";
import { AnomalyReadout } from "../../../../src/models/forecaster/experts/anomaly-readout.ts";
import { Autoregression } from "../../../../src/models/forecaster/experts/autoregression.ts";
import {
  EchoState,
  plainEcho,
  sharpEcho,
  smoothEcho,
} from "../../../../src/models/forecaster/experts/echo-state.ts";
import { LearnedNetwork } from "../../../../src/models/forecaster/experts/learned-network.ts";
import { VectorAutoregression } from "../../../../src/models/forecaster/experts/vector-autoregression.ts";
import { wiringOf } from "../../../../src/models/network/model-spec.ts";
import { daily, normals } from "../series.ts";
import { Bench } from "./bench.ts";

/** Mean squared error at each step of an expert over the rows from `first` on, for target 0, and of persistence. */
function errors(bench: Bench, rows: readonly (readonly number[])[], first: number): [number, number][] {
  const { horizon: H, targets: D } = bench.shape;
  const said: number[][] = [];
  const sums = Array.from({ length: H }, (): [number, number] => [0, 0]);
  rows.forEach((row, t) => {
    for (let h = 1; h <= Math.min(H, t - first); h++) {
      sums[h - 1][0] += (said[t - h][(h - 1) * D] - row[0]) ** 2 / (rows.length - first - h);
      sums[h - 1][1] += (rows[t - h][0] - row[0]) ** 2 / (rows.length - first - h);
    }
    said.push([...bench.take(row)]);
  });
  return sums;
}

describe("an anomaly readout", () => {
  it("equals the batch ridge solution per horizon, labels late as they are", () => {
    const H = 3;
    let readout: AnomalyReadout | undefined;
    const bench = new Bench(
      (layout, shape, features): Expert => {
        const own = new AnomalyReadout(layout, "own", shape, features, {
          features: 2,
          delta: 2,
          forgetting: 1,
        });
        readout = own;
        return {
          name: "own",
          learn: (settlement) => own.learn(settlement),
          step(now) {
            own.phi[0] = 1;
            own.phi[1] = now.last.view[0];
            own.issue();
          },
          predict: (out) => own.predict(out),
        };
      },
      { horizon: H },
    );
    const normal = normals(1);
    const values: number[] = [];
    for (let t = 0; t < 60; t++) {
      values.push(0.5 * (values[t - 1] ?? 0) + normal());
      bench.take([values[t]]);
    }
    expect(readout).toBeDefined();
    const n = values.length;
    for (let h = 1; h <= H; h++) {
      const rows = values.slice(0, n - h).map((v) => [1, v]);
      const labels = values.slice(0, n - h).map((v, t) => values[t + h] - v);
      const X = new Matrix(rows);
      const gram = X.transpose().mmul(X);
      // The covariance has taken every φ when the label of h > 1 is learned with the gain of its own time: exact.
      const w = solve(
        gram.add(Matrix.eye(2).mul(2)),
        X.transpose().mmul(Matrix.columnVector(labels)),
      ).to1DArray();
      expect(bench.forecast[h - 1]).toBeCloseTo(values[n - 1] + w[0] + w[1] * values[n - 1], 6);
    }
  });
});

describe("autoregression", () => {
  it("learns a linear recurrence to the last digit that matters", () => {
    const rows = Array.from({ length: 1500 }, (_, t) => [Math.sin(t / 5) + 0.5 * Math.cos(t / 13)]);
    const bench = new Bench((layout, shape, features) => new Autoregression(layout, shape, features));
    for (const [own, naive] of errors(bench, rows, 1000)) expect(own / naive).toBeLessThan(5e-3);
  });

  it("of several columns uses the one that leads", () => {
    const rows = daily(1500).map(([a, b]) => [b, a]);
    const make = (name: "own" | "all"): [number, number][] =>
      errors(
        new Bench(
          (layout, shape, features) =>
            name === "own"
              ? new Autoregression(layout, shape, features)
              : new VectorAutoregression(layout, shape, features),
          { targets: 1, columns: 2, horizon: 1 },
        ),
        rows,
        700,
      );
    expect(make("all")[0][0]).toBeLessThan(0.5 * make("own")[0][0]);
  });
});

/** Mackey-Glass, τ = 17, one value per unit of time, with noise. */
function mackeyGlass(length: number): number[][] {
  const normal = normals(2);
  const v = new Array<number>(length * 10 + 200).fill(1.2);
  for (let t = 170; t + 1 < v.length; t++) {
    v[t + 1] = v[t] + 0.1 * ((0.2 * v[t - 170]) / (1 + v[t - 170] ** 10) - 0.1 * v[t]);
  }
  return Array.from({ length }, (_, t) => [v[t * 10 + 199] + 0.01 * normal()]);
}

describe("echo state", () => {
  it("learns a nonlinear recurrence that linear autoregression cannot", () => {
    const rows = mackeyGlass(2500);
    const error = (make: ConstructorParameters<typeof Bench>[0]): number =>
      errors(new Bench(make, { horizon: 8 }), rows, 1200)[7][0];
    const linear = error((layout, shape, features) => new Autoregression(layout, shape, features));
    for (const options of [sharpEcho(1), plainEcho(1)]) {
      const echo = error(
        (layout, shape, features) => new EchoState(layout, "echo", shape, features, options, 1),
      );
      expect(echo).toBeLessThan(0.6 * linear);
    }
  });

  it("forecasts alike from the same seed and otherwise from another", () => {
    const rows = mackeyGlass(120);
    const say = (seed: number): number[] => [
      ...new Bench(
        (layout, shape, features) => new EchoState(layout, "echo", shape, features, smoothEcho(1), seed),
      ).takeAll(rows),
    ];
    expect(say(1)).toEqual(say(1));
    expect(say(1)).not.toEqual(say(2));
  });
});

describe("a learned network", () => {
  for (const cell of ["lstm", "gru"] as const) {
    it(`of ${cell} cells learns to beat persistence, with its readout and with its own heads`, () => {
      const rows = mackeyGlass(3000);
      let network: LearnedNetwork | undefined;
      const make = (heads: boolean): number => {
        const bench = new Bench(
          (layout, shape, features): Expert => {
            const made = new LearnedNetwork(
              layout,
              shape,
              features,
              { name: cell, wire: (sizes) => wiringOf(`${cell}:hidden=16`, sizes) },
              1,
            );
            network = made;
            return heads ? { ...stepping(made), predict: (out) => made.heads.predict(out) } : stepping(made);
          },
          { horizon: 4 },
        );
        const [own, naive] = errors(bench, rows, 2000)[3];
        return own / naive;
      };
      expect(make(false)).toBeLessThan(0.3);
      expect(make(true)).toBeLessThan(0.5);
      expect(network?.name).toBe(cell);
    });
  }
});

function stepping(expert: LearnedNetwork): Expert {
  return {
    name: expert.name,
    learn: (settlement) => expert.learn(settlement),
    step: (features) => expert.step(features),
    predict: (out) => expert.predict(out),
  };
}
