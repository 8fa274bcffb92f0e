import { describe, expect, test } from "vitest";
import { Arena } from "../../src/models/kernels/arena.ts";
import { Layout } from "../../src/models/kernels/layout.ts";
import { AdaptiveConformal } from "../../src/models/statistics/adaptive-conformal.ts";
import { ExponentialMoments } from "../../src/models/statistics/exponential-moments.ts";
import { quantileLinear, quantileNearestRank } from "../../src/models/statistics/quantiles.ts";
import { RunningAverages } from "../../src/models/statistics/running-averages.ts";
import { Welford } from "../../src/models/statistics/welford.ts";
import { expectClose, load, numbers } from "./load.ts";

const newLayout = (): Layout => new Layout(new Arena({ backend: "reference64" }));

describe("20_stats", () => {
  const { config, inputs, expect: wanted, tolerance } = load("20_stats");
  const v = numbers(inputs.v);

  test("Welford", () => {
    const layout = newLayout();
    const moments = new Welford(layout, "moments", 1);
    layout.allocate();
    const got = { mean: [] as number[], population: [] as number[], sample: [] as number[] };
    for (const value of v) {
      moments.add([value]);
      got.mean.push(moments.mean(0));
      got.population.push(moments.populationVariance(0));
      got.sample.push(moments.sampleVariance(0));
    }
    expectClose(got.mean, wanted.welford.mean, tolerance, "mean");
    expectClose(got.population, wanted.welford.variance_population, tolerance, "population variance");
    expectClose(got.sample, wanted.welford.variance_sample, tolerance, "sample variance");
  });

  wanted.exponential.forEach((reference: Record<string, never>, at: number) => {
    for (const start of ["first-value", "normalised"] as const) {
      test(`exponential, decay ${config.decays[at]}, ${start}`, () => {
        const layout = newLayout();
        const moments = new ExponentialMoments(layout, "moments", { decay: config.decays[at], start });
        layout.allocate();
        const mean: number[] = [];
        const variance: number[] = [];
        for (const value of v) {
          moments.add([value]);
          mean.push(moments.mean(0));
          variance.push(moments.variance(0));
        }
        const expected = wanted.exponential[at][start.replace("-", "_")];
        expect(reference).toBeDefined();
        expectClose(mean, expected.mean, tolerance, "mean");
        expectClose(variance, expected.variance, tolerance, "variance");
      });
    }
  });

  test("quantiles", () => {
    const probabilities: number[] = config.probabilities;
    for (const { n, linear, nearest_rank } of wanted.quantiles) {
      const sorted = v.slice(0, n).sort();
      expectClose(
        probabilities.map((p) => quantileLinear(sorted, p)),
        linear,
        tolerance,
        `linear, n = ${n}`,
      );
      expectClose(
        probabilities.map((p) => quantileNearestRank(sorted, p)),
        nearest_rank,
        tolerance,
        `nearest rank, n = ${n}`,
      );
    }
  });
});

describe.each(["20_aci", "20_aci_burst"])("%s", (name) => {
  const { config, inputs, expect: wanted, tolerance } = load(name);
  const score = numbers(inputs.score);
  const yhat = numbers(inputs.yhat);

  test("scores are |y − ŷ|", () => {
    const y = numbers(inputs.y);
    expectClose(
      yhat.map((p, t) => Math.abs(y[t] - p)),
      score,
      tolerance,
    );
  });

  for (const past of ["expanding", "rolling"] as const) {
    for (const rank of ["n", "n+1"] as const) {
      const key = `${past}_rank_${rank === "n" ? "n" : "n_plus_1"}`;
      test(key, () => {
        const layout = newLayout();
        const conformal = new AdaptiveConformal(layout, "aci", {
          miscoverage: config.alpha,
          rate: config.gamma,
          window: past === "expanding" ? config.steps : config.window,
          rank,
        });
        layout.allocate();
        conformal.initialise();
        const reference = wanted[key];
        const got = {
          alpha_t: [] as number[],
          radius: [] as number[],
          lower: [] as number[],
          upper: [] as number[],
          err: [] as number[],
          running_coverage: [] as number[],
        };
        for (let t = 0; t < config.warmup; t++) conformal.add(score[t]);
        for (let t = config.warmup; t < config.steps; t++) {
          const radius = conformal.radius();
          got.alpha_t.push(conformal.level);
          got.radius.push(radius);
          got.lower.push(yhat[t] - radius);
          got.upper.push(yhat[t] + radius);
          got.err.push(conformal.judge(score[t]) ? 1 : 0);
          got.running_coverage.push(conformal.coverage);
        }
        expect(got.err).toEqual([...numbers(reference.err)]);
        for (const field of ["alpha_t", "radius", "lower", "upper", "running_coverage"] as const) {
          expectClose(got[field], reference[field], tolerance, field);
        }
        expectClose(conformal.level, reference.alpha_next, tolerance, "alpha_next");
        expectClose(conformal.coverage, reference.coverage, tolerance, "coverage");
        expect(got.radius.filter((r) => r === Number.POSITIVE_INFINITY).length).toBe(reference.infinite_count);
      });
    }
  }
});

test("11_running_average", () => {
  const { config, inputs, expect: wanted, tolerance } = load("11_running_average");
  const v = numbers(inputs.v);
  const layout = newLayout();
  const averages = new RunningAverages(layout, "averages", config.alphas);
  layout.allocate();
  const plain: number[][] = config.alphas.map(() => []);
  const corrected: number[][] = config.alphas.map(() => []);
  for (const value of v) {
    averages.add([value]);
    plain.forEach((row, scale) => {
      row.push(averages.plain(scale, 0));
    });
    corrected.forEach((row, scale) => {
      row.push(averages.corrected(scale, 0));
    });
  }
  expectClose(plain.flat(), wanted.plain, tolerance, "plain");
  expectClose(corrected.flat(), wanted.corrected, tolerance, "corrected");
});
