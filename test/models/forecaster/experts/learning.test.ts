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
    const bench = new Bench(
      (layout, shape, features) => new Autoregression(layout, shape, features, "autoregression"),
    );
    for (const [own, naive] of errors(bench, rows, 1000)) expect(own / naive).toBeLessThan(5e-3);
  });

  it("of several columns uses the one that leads", () => {
    const rows = daily(1500).map(([a, b]) => [b, a]);
    const make = (name: "own" | "all"): [number, number][] =>
      errors(
        new Bench(
          (layout, shape, features) =>
            name === "own"
              ? new Autoregression(layout, shape, features, "autoregression")
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
    const linear = error(
      (layout, shape, features) => new Autoregression(layout, shape, features, "autoregression"),
    );
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
    it(`of ${cell} cells learns to beat persistence`, () => {
      const rows = mackeyGlass(3000);
      let network: LearnedNetwork | undefined;
      const make = (): number => {
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
            return stepping(made);
          },
          { horizon: 4 },
        );
        const [own, naive] = errors(bench, rows, 2000)[3];
        return own / naive;
      };
      expect(make()).toBeLessThan(0.3);
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

/** The intensity of a laser that pulses chaotically: x² of the Lorenz equations (Haken 1975; σ 2, r 15, b 1/4), in whole numbers. */
function laser(rows: number): number[][] {
  const move = ([x, y, z]: number[]): number[] => [2 * (y - x), (15 - z) * x - y, x * y - z / 4];
  const add = (a: number[], b: number[], w: number): number[] => a.map((v, i) => v + w * b[i]);
  const dt = 0.02;
  let at = [1, 2, 11];
  const out: number[][] = [];
  for (let i = 0; i < 4 * (rows + 300); i++) {
    const k1 = move(at);
    const k2 = move(add(at, k1, dt / 2));
    const k3 = move(add(at, k2, dt / 2));
    const k4 = move(add(at, k3, dt));
    at = at.map((v, j) => v + (dt / 6) * (k1[j] + 2 * k2[j] + 2 * k3[j] + k4[j]));
    if (i % 4 === 0 && i >= 1200) out.push([Math.round(at[0] ** 2)]);
  }
  return out;
}

describe("an echo state net without a calendar", () => {
  it("learns a chaotic law better when the season that seems to be there does not drive it", () => {
    const rows = laser(1500);
    const of = (options: Parameters<typeof plainEcho>[0], free: boolean): number[] => {
      const bench = new Bench(
        (layout, shape, features) =>
          new EchoState(layout, "own", shape, features, { ...plainEcho(options), free }, 1),
        { horizon: 6 },
      );
      const ratios = errors(bench, rows, 600).map(([own, persistence]) => own / persistence);
      // Else there is nothing to be driven by, and the two are one.
      expect(bench.features.season.period(0)).toBeGreaterThan(0);
      return ratios;
    };
    const [free, driven] = [of(1, true), of(1, false)];
    expect(free[2]).toBeLessThan(0.12);
    expect(free[2]).toBeLessThan(0.7 * driven[2]);
    expect(free[5]).toBeLessThan(0.7 * driven[5]);
  });
});

describe("a periodic autoregression", () => {
  it("knows that what a reading far from its season means differs by the hour", () => {
    const normal = normals(5);
    const rows: number[][] = [];
    let anomaly = 0;
    for (let t = 0; t < 4000; t++) {
      // By night what is unusual stays, by day it is gone at once.
      anomaly = (t % 24 < 12 ? 0.95 : 0.1) * anomaly + normal();
      rows.push([40 + 5 * Math.sin((2 * Math.PI * t) / 24) + anomaly]);
    }
    const bench = new Bench(
      (layout, shape, features) => new Autoregression(layout, shape, features, "periodic-autoregression"),
      {
        horizon: 3,
        periods: [24],
      },
    );
    // Nothing can be better than the noise, 1; with one law for all hours it is 1.48.
    expect(errors(bench, rows, 2000)[0][0]).toBeLessThan(1.25);
  });
});
