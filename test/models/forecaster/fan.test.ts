import { describe, expect, it } from "vitest";
import { Fan } from "../../../src/models/forecaster/fan.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { normals } from "./series.ts";

const arena = new Arena();
const MAD = Math.sqrt(2 / Math.PI);

interface Issue {
  readonly size: readonly number[];
  /** Per level, then step. */
  readonly offsets: readonly (readonly number[])[];
}

/**
 * Runs the errors of a forecast through a fan, as a forecaster does: at event t the issues of up to H events ago get their
 * labels, error(t, h) being that of step h of the issue made h events ago (NaN: none), then the next issue is made. Calls
 * `after` with each issue as it stands.
 */
function run(
  levels: readonly number[],
  error: (t: number, h: number) => number,
  length: number,
  options: { horizon?: number; unknown?: number; after?: (issue: Issue, t: number, fan: Fan) => void } = {},
): Fan {
  const { horizon: H = 1, unknown = 1, after } = options;
  const layout = new Layout(arena);
  const fan = new Fan(layout, { targets: 1, columns: 1, horizon: H }, levels);
  layout.allocate();
  const issues: Issue[] = [];
  const errors = new Float64Array(H);
  for (let t = 0; t < length; t++) {
    errors.fill(Number.NaN);
    for (let h = 1; h <= Math.min(H, t); h++) errors[h - 1] = error(t, h);
    fan.takeErrors(0, errors, (h, level) => issues[t - h].offsets[level][h - 1]);
    fan.issue(0, unknown);
    fan.issueMade();
    const steps = Array.from({ length: H }, (_, i) => i + 1);
    const issue = {
      size: steps.map((h) => fan.size(0, h, h)),
      offsets: levels.map((_, l) => steps.map((h) => fan.offset(0, h, h, l))),
    };
    issues.push(issue);
    after?.(issue, t, fan);
  }
  return fan;
}

/** Share of the labels below each level in every quarter, from one-step errors. */
function below(levels: readonly number[], error: (t: number) => number, length: number): number[][] {
  const quarters = levels.map(() => [0, 0, 0, 0]);
  let issued: Issue | undefined;
  run(
    levels,
    (t) => {
      const e = error(t);
      for (const [k, counts] of quarters.entries()) {
        if (issued !== undefined && e <= issued.offsets[k][0])
          counts[Math.floor((4 * t) / length)] += 4 / length;
      }
      return e;
    },
    length,
    {
      after: (issue) => {
        issued = issue;
      },
    },
  );
  return quarters;
}

/** Errors of a forecast that says the last value of a series: of a walk they grow with the step. */
const lastValue =
  (series: readonly number[]) =>
  (t: number, h: number): number =>
    series[t] - series[t - h];

function walk(length: number, seed: number): number[] {
  const normal = normals(seed);
  let v = 0;
  return Array.from({ length }, () => (v += normal()));
}

describe("the quantiles of a fan", () => {
  const levels = [0.02, 0.1, 0.25, 0.5, 0.9, 0.99];

  it("have the share of labels below them that they say, in every quarter, whatever the errors do", () => {
    const normal = normals(1);
    for (const error of [
      () => normal(),
      (t: number) => normal() * (1 + 9 * Math.floor(t / 2000)),
      (t: number) => normal() + t / 4000,
      () => Math.exp(normal()) - 1,
    ]) {
      for (const [k, shares] of below(levels, error, 8000).entries()) {
        for (const [quarter, share] of shares.entries()) {
          // From those of normal errors, the far tail of lopsided ones is a long way: 0.04 in the first quarter.
          const within = quarter === 0 && levels[k] > 0.98 ? 0.04 : 0.03;
          expect(Math.abs(share - levels[k]), `${levels[k]} ${quarter}`).toBeLessThan(within);
        }
      }
    }
  });

  it("have it at every step of a walk, at knots and in between", () => {
    const H = 12;
    const [length, first] = [6000, 500];
    const series = walk(length, 2);
    const issued: Issue[] = [];
    const counts = [0.05, 0.5, 0.95].map(() => new Array<number>(H).fill(0));
    const error = lastValue(series);
    run(
      [0.05, 0.5, 0.95],
      (t, h) => {
        const e = error(t, h);
        for (const [k, count] of counts.entries())
          if (t >= first && e <= issued[t - h].offsets[k][h - 1]) count[h - 1] += 1 / (length - first);
        return e;
      },
      length,
      { horizon: H, after: (issue) => issued.push(issue) },
    );
    for (const [k, level] of [0.05, 0.5, 0.95].entries()) {
      // A walk's own drift over so many steps moves the middle by more than the tails.
      for (const [i, share] of counts[k].entries())
        expect(Math.abs(share - level), `${level} ${i + 1}`).toBeLessThan(level === 0.5 ? 0.05 : 0.025);
    }
  });

  it("hold what an interval says at the width it takes, and another share when asked", () => {
    for (const [coverage, exact] of [
      [0.9, 3.29],
      [0.5, 1.349],
      [0.77, 2.4007],
    ]) {
      const tail = (1 - coverage) / 2;
      const normal = normals(3);
      let width = 0;
      let issued: Issue | undefined;
      const held = [0, 0, 0, 0];
      run(
        [tail, 1 - tail],
        (t) => {
          const e = normal();
          if (issued !== undefined) {
            const [[low], [high]] = issued.offsets;
            if (e >= low && e <= high) held[Math.floor(t / 2000)] += 1 / 2000;
            if (t > 100) width += (high - low) / 7900;
          }
          return e;
        },
        8000,
        {
          after: (issue) => {
            issued = issue;
          },
        },
      );
      for (const share of held) expect(Math.abs(share - coverage), `${coverage}`).toBeLessThan(0.025);
      expect(width / exact, `${coverage}`).toBeLessThan(1.05);
      expect(width / exact, `${coverage}`).toBeGreaterThan(0.93);
    }
  });

  it("lie where the quantiles of the errors are", () => {
    const normal = normals(4);
    const sums = levels.map(() => 0);
    run(levels, () => 3 * normal(), 12_000, {
      after: ({ offsets }, t) => {
        if (t >= 2000) for (let k = 0; k < sums.length; k++) sums[k] += offsets[k][0] / 10_000;
      },
    });
    for (const [k, exact] of [-2.0537, -1.2816, -0.6745, 0, 1.2816, 2.3263].entries())
      expect(Math.abs(sums[k] / 3 - exact), `${levels[k]}`).toBeLessThan(0.15);
  });

  it("begin as those of normal errors of the size that is known, and widen while it is known from few labels", () => {
    let widest = Number.POSITIVE_INFINITY;
    run([0.05, 0.5, 0.95], () => Number.NaN, 3, {
      unknown: 4,
      after: ({ offsets: [[low], [middle], [high]] }) => {
        // Mean size 4 without a label: no narrower than that of normal errors of this size.
        expect(middle).toBeCloseTo(0, 2);
        expect(high).toBeGreaterThanOrEqual((4 * 1.6449) / MAD - 0.01);
        expect(low).toBeCloseTo(-high, 9);
      },
    });
    // Errors of one size: every label makes the size better known, and the fan no wider.
    run([0.05, 0.95], (t) => (t % 2 ? 1 : -1), 40, {
      after: ({ offsets: [[low], [high]] }, t) => {
        if (t < 1) return;
        expect(high - low, `${t}`).toBeLessThanOrEqual(widest * 1.02);
        widest = high - low;
      },
    });
  });

  it("are mirrored for mirrored errors, bit by bit", () => {
    const pair = [0.1, 0.3, 0.7, 0.9];
    const normal = normals(5);
    const errors = Array.from({ length: 3000 }, () => Math.exp(normal()) - 1);
    const say = (sign: number, levelsInOrder: (offsets: Issue["offsets"]) => number[]): number[][] => {
      const all: number[][] = [];
      run(pair, (t, h) => sign * errors[t] * Math.sqrt(h), 1000, {
        horizon: 3,
        after: ({ offsets }) => all.push(levelsInOrder(offsets)),
      });
      return all;
    };
    const one = say(1, (offsets) => offsets.flat());
    const other = say(-1, (offsets) => [...offsets].reverse().flatMap((steps) => steps.map((v) => -v)));
    expect(other).toEqual(one);
  });

  it("stand still while there is no error at all, and are there when errors come", () => {
    const normal = normals(6);
    let held = 0;
    let issued: Issue | undefined;
    run(
      [0.05, 0.95],
      (t) => {
        const e = t < 3000 ? 0 : normal();
        if (t >= 3000 && issued !== undefined && e >= issued.offsets[0][0] && e <= issued.offsets[1][0])
          held += 1 / 500;
        return e;
      },
      3500,
      {
        after: (issue, t) => {
          if (t > 1 && t < 3000)
            expect(issue.offsets).toEqual([[-0], [0]].map(([v]) => [expect.closeTo(v, 200)]));
          issued = issue;
        },
      },
    );
    expect(held).toBeGreaterThan(0.85);
    expect(held).toBeLessThan(0.95);
  });

  it("tell targets apart", () => {
    const layout = new Layout(arena);
    const fan = new Fan(layout, { targets: 2, columns: 2, horizon: 2 }, [0.1, 0.9]);
    layout.allocate();
    const none = Float64Array.of(Number.NaN, Number.NaN);
    for (let t = 0; t < 200; t++) {
      const offset = (h: number, l: number): number => (l === 0 ? -1 : 1) * h;
      fan.takeErrors(0, t < 2 ? none : Float64Array.of(t % 2 ? 1 : -1, 2), offset);
      fan.takeErrors(1, t < 2 ? none : Float64Array.of(t % 2 ? 100 : -100, 300), offset);
      fan.issue(0, 1);
      fan.issue(1, 1);
      fan.issueMade();
    }
    expect(fan.labels(0)).toBe(198);
    expect(fan.size(0, 1, 1)).toBeCloseTo(1, 6);
    expect(fan.size(0, 2, 2) / 2).toBeCloseTo(1, 1);
    expect(fan.size(1, 1, 1) / 100).toBeCloseTo(1, 6);
    expect(fan.size(1, 2, 2) / 300).toBeCloseTo(1, 1);
  });

  it("and sizes are finite whatever comes", () => {
    const hard = [0, 0, 0, 1e50, -1e50, 0, 1e-300, 5e-324, 1, 3e-323, ...new Array(3000).fill(0), 2, 1e50, 0];
    run([0.1, 0.9], (t, h) => (hard[t] ?? 0) * (h === 2 ? -1 : 1), hard.length, {
      horizon: 5,
      after: ({ size, offsets }, t) => {
        for (const v of [...size, ...offsets.flat()]) expect(Number.isFinite(v), `${t}`).toBe(true);
        for (const v of size) expect(v).toBeGreaterThanOrEqual(0);
      },
    });
  });
});

describe("the sizes of a fan", () => {
  /** One-step sizes as issued, one per event. */
  function sizes(error: (t: number) => number, length: number): number[] {
    const all: number[] = [];
    run([0.5], (t) => error(t), length, { after: ({ size }) => all.push(size[0]) });
    return all;
  }

  it("of one step are the mixture of running means written out, and its quantiles the rule", () => {
    const normal = normals(13);
    // Zeros first, an outlier now and then, and longer than labels are remembered or compared.
    const errors = Array.from({ length: 2600 }, (_, t) =>
      t < 5 ? 0 : normal() * (t > 60 ? 5 : 1) * (t % 97 === 0 ? 40 : 1),
    );
    const memories = [10, 40, 160, 640];
    const s = [0, 0, 0, 0];
    const loss = [0, 0, 0, 0];
    let [judged, low, high, q] = [0, 0, 0, [-1.6449, 1.6449].map((z) => z / MAD)];
    run([0.05, 0.95], (t) => errors[t], errors.length, {
      after: ({ size, offsets }, t, fan) => {
        const e = errors[t];
        const n = t;
        if (t > 0) {
          if (s[0] > 0) {
            judged++;
            for (let j = 0; j < 4; j++) {
              const one = Math.log(s[j]) + Math.min(Math.abs(e) / s[j], 10);
              loss[j] += Math.max(1 / judged, 1 / 1000) * (one - loss[j]);
            }
          }
          for (let j = 0; j < 4; j++) s[j] += Math.max(1 / n, 1 / memories[j]) * (Math.abs(e) - s[j]);
          // A label right on the forecast moves nothing.
          if (e !== 0)
            q = [q[0] + 0.03 * (0.05 - (e < low ? 1 : 0)), q[1] + 0.03 * (0.95 - (e <= high ? 1 : 0))];
        }
        if (t < 6) q = [0, 1].map((l) => (size[0] > 0 ? offsets[l][0] / size[0] / widening(n) : q[l]));
        else {
          const least = Math.min(...loss);
          const w = loss.map((one) => Math.exp(-Math.min(n, 1000) * (one - least)));
          const total = w.reduce((a, b) => a + b);
          const expected = w.reduce((sum, one, j) => sum + (one * s[j]) / total, 0);
          expect(size[0] / expected, `${t}`).toBeCloseTo(1, 9);
          for (const l of [0, 1])
            expect(offsets[l][0] / (q[l] * size[0] * widening(n)), `${t} ${l}`).toBeCloseTo(1, 6);
        }
        [low, high] = [offsets[0][0], offsets[1][0]];
        expect(fan.labels(0)).toBe(n);
      },
    });

    /** Student's 95 % quantile over the normal one: from the tables 6.314, 2.353, 1.812 and 1.697 over 1.645. */
    function widening(labels: number): number {
      const n = Math.max(1, labels);
      return 1 + 0.95 / n + 1.85 / n ** 3;
    }
    for (const [n, exact] of [
      [1, 6.314],
      [3, 2.353],
      [10, 1.812],
      [30, 1.697],
    ])
      expect(widening(n) / (exact / 1.645)).toBeCloseTo(1, 1);
  });

  it("remember long where errors are alike and short where they cluster", () => {
    const normal = normals(7);
    // A memory of 10 would be off by a quarter, one of 640 by three per cent.
    let off = 0;
    for (const size of sizes(() => normal(), 4000).slice(2000)) off += Math.abs(size / MAD - 1) / 2000;
    expect(off).toBeLessThan(0.06);
    let level = 0;
    const deviations: number[] = [];
    const clustered = sizes(() => {
      level = 0.95 * level + 0.4 * normal();
      deviations.push(Math.exp(level));
      return Math.exp(level) * normal();
    }, 4000);
    // What is issued at event t is for the error to come.
    const logs = clustered.slice(2000, 3998).map(Math.log);
    expect(pearson(logs, deviations.slice(2000, 3998).map(Math.log))).toBeGreaterThan(0.7);
  });

  it("are about as likely as the best memory alone, whichever that is", () => {
    const normal = normals(8);
    let level = 0;
    for (const deviation of [
      () => 1,
      (t: number) => (Math.floor(t / 1000) % 2 ? 3 : 1),
      () => {
        level = 0.95 * level + 0.4 * normal();
        return Math.exp(level);
      },
    ]) {
      const errors = Array.from({ length: 6000 }, (_, t) => deviation(t) * normal());
      const loss = (issued: readonly number[]): number => {
        let sum = 0;
        for (let t = 2001; t < errors.length; t++)
          sum += Math.log(issued[t - 1]) + Math.abs(errors[t]) / issued[t - 1];
        return sum / (errors.length - 2001);
      };
      const own = loss(sizes((t) => errors[t], errors.length));
      const alone = [10, 40, 160, 640].map((memory) => {
        let s = 0;
        return loss(
          errors.map((e, t) => {
            if (t > 0) s += Math.max(1 / t, 1 / memory) * (Math.abs(e) - s);
            return s;
          }),
        );
      });
      expect(own - Math.min(...alone)).toBeLessThan(0.01);
      expect(Math.max(...alone) - own).toBeGreaterThan(0.01);
    }
  });

  it("grow like √x where the errors of a walk do, within the horizon and beyond it", () => {
    // The width of a walk's 90 % interval, on average over eight of them at eight times each: one estimate is a rough one.
    for (const H of [1, 2, 6, 12]) {
      for (const x of [H, 5 * H, 20 * H]) {
        const ratios: number[] = [];
        for (let seed = 70; seed < 78; seed++) {
          run([0.05, 0.95], lastValue(walk(1400, seed)), 1400, {
            horizon: H,
            after: (_, t, fan) => {
              if (t >= 600 && t % 100 === 0)
                ratios.push((fan.offset(0, x, x, 1) - fan.offset(0, x, x, 0)) / (3.29 * Math.sqrt(x)));
            },
          });
        }
        const mean = ratios.reduce((a, b) => a + b) / ratios.length;
        expect(mean, `${H} ${x}`).toBeGreaterThan(0.85);
        expect(mean, `${H} ${x}`).toBeLessThan(1.2);
      }
    }
  });

  it("stay flat where errors are noise about a level", () => {
    const normal = normals(10);
    const noise = Array.from({ length: 3000 }, () => normal());
    for (const H of [3, 12, 48]) {
      const fan = run([0.5], (t) => noise[t], 3000, { horizon: H });
      for (const x of [2, H]) {
        expect(fan.size(0, x, x) / fan.size(0, 1, 1), `${H} ${x}`).toBeGreaterThan(0.85);
        expect(fan.size(0, x, x) / fan.size(0, 1, 1), `${H} ${x}`).toBeLessThan(1.2);
      }
    }
  });

  it("borrow from the steps before while a step is young: never zero, never less than the step before by much", () => {
    const H = 48;
    const normal = normals(11);
    const series = walk(80, 11);
    for (const error of [lastValue(series), (): number => normal()]) {
      run([0.05, 0.95], error, 60, {
        horizon: H,
        unknown: 10,
        after: ({ size, offsets }, t) => {
          for (let h = 1; h <= H; h++) {
            expect(size[h - 1], `${t} ${h}`).toBeGreaterThan(0);
            expect(offsets[1][h - 1] - offsets[0][h - 1], `${t} ${h}`).toBeGreaterThan(0);
            // No label of step h before event h: it is then as uncertain as a walk from the last step that has some.
            if (h > 1 && h > t)
              expect(size[h - 1], `${t} ${h}`).toBeGreaterThanOrEqual(size[h - 2] * (1 - 1e-9));
          }
        },
      });
    }
  });

  it("hold at least eight in ten of the first labels of every step", () => {
    const H = 48;
    let [held, all] = [0, 0];
    for (let seed = 20; seed < 60; seed++) {
      const series = walk(60, seed);
      const issued: Issue[] = [];
      const error = lastValue(series);
      run(
        [0.05, 0.95],
        (t, h) => {
          const e = error(t, h);
          const { offsets } = issued[t - h];
          if (t - h >= 1) {
            all++;
            if (e >= offsets[0][h - 1] && e <= offsets[1][h - 1]) held++;
          }
          return e;
        },
        60,
        { horizon: H, unknown: 10, after: (issue) => issued.push(issue) },
      );
    }
    expect(held / all).toBeGreaterThan(0.8);
  });

  it("have no notch after a jump: neighbouring steps go on from each other", () => {
    const H = 12;
    const normal = normals(12);
    // The level jumps at 600: each of the issues before it is wrong by it at one step or more.
    const series = Array.from({ length: 700 }, (_, t) => normal() + (t >= 600 ? 30 : 0));
    let checked = 0;
    run([0.05, 0.95], lastValue(series), 700, {
      horizon: H,
      after: ({ offsets }, t) => {
        if (t < 300) return;
        const width = offsets[1].map((high, i) => high - offsets[0][i]);
        const mean = width.reduce((a, b) => a + b) / H;
        for (let h = 2; h < H; h++) {
          checked++;
          expect(Math.abs(width[h] - 2 * width[h - 1] + width[h - 2]) / mean, `${t} ${h}`).toBeLessThan(0.5);
          // Neither narrower than both neighbours nor wider than both, but for what the labels of a step leave unsure.
          const [low, high] = [Math.min(width[h - 2], width[h]), Math.max(width[h - 2], width[h])];
          expect((low - width[h - 1]) / mean, `dip at ${t} ${h}`).toBeLessThan(0.15);
          expect((width[h - 1] - high) / mean, `peak at ${t} ${h}`).toBeLessThan(0.15);
        }
        // No step is a stranger: none three times as wide as its neighbour, and later ones hardly narrower.
        for (let h = 1; h < H; h++) {
          expect(width[h] / width[h - 1], `${t} ${h}`).toBeLessThan(3);
          expect(width[h] / width[h - 1], `${t} ${h}`).toBeGreaterThan(1 / 1.5);
        }
      },
    });
    expect(checked).toBe(4000);
  });

  it("are zero only where there has never been an error", () => {
    run([0.05, 0.95], (t) => (t === 30 ? 1e-3 : 0), 2000, {
      horizon: 4,
      after: ({ size }, t) => {
        for (const v of size) {
          if (t > 1 && t < 30) expect(v).toBe(0);
          if (t >= 30) expect(v, `${t}`).toBeGreaterThan(0);
        }
      },
    });
  });
});

function pearson(a: readonly number[], b: readonly number[]): number {
  const mean = (v: readonly number[]): number => v.reduce((x, y) => x + y) / v.length;
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((v, i) => {
    ab += (v - ma) * (b[i] - mb);
    aa += (v - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  });
  return ab / Math.sqrt(aa * bb);
}

describe("quantiles that are not promised", () => {
  const levels = [0.05, 0.95, 0.1, 0.5, 0.9];

  /** Last offsets one step ahead, and mean distance of the median from zero at the last step, in sizes. */
  function shape(error: (t: number, h: number) => number, length: number, H: number, promised: number) {
    const layout = new Layout(arena);
    const fan = new Fan(layout, { targets: 1, columns: 1, horizon: H }, levels, { promised });
    layout.allocate();
    const issued: number[][][] = [];
    const errors = new Float64Array(H);
    let away = 0;
    for (let t = 0; t < length; t++) {
      errors.fill(Number.NaN);
      for (let h = 1; h <= Math.min(H, t); h++) errors[h - 1] = error(t, h);
      fan.takeErrors(0, errors, (h, level) => issued[t - h][level][h - 1]);
      fan.issue(0, 1);
      fan.issueMade();
      issued.push(levels.map((_, l) => Array.from({ length: H }, (_, i) => fan.offset(0, i + 1, i + 1, l))));
      if (2 * t >= length) away += (2 / length) * Math.abs(fan.offset(0, H, H, 3) / fan.size(0, H, H));
    }
    return { offsets: levels.map((_, l) => fan.offset(0, 1, 1, l)), away };
  }

  it("come to the shape of the errors, lopsided ones too", () => {
    const normal = normals(5);
    const errors = Array.from({ length: 4000 }, () => Math.exp(normal()));
    const { offsets } = shape((t) => errors[t], 4000, 1, 2);
    const sorted = [...errors].sort((a, b) => a - b);
    for (const [l, p] of levels.entries()) {
      const share = sorted.filter((e) => e <= offsets[l]).length / sorted.length;
      expect(Math.abs(share - p), `level ${p}`).toBeLessThan(0.03);
    }
  });

  it("do not follow a run of errors of one sign, as far steps of a walk have them", () => {
    const H = 24;
    const normal = normals(6);
    const walk = [0];
    for (let t = 1; t < 3000; t++) walk.push(walk[t - 1] + normal());
    const far = (t: number, h: number) => walk[t] - walk[t - h];
    const promised = shape(far, 3000, H, levels.length).away;
    expect(shape(far, 3000, H, 2).away).toBeLessThan(promised / 3);
  });
});
