import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { afterAll, describe, expect, test } from "vitest";
import { Benchmark, DECILES, SeasonalChange } from "../../src/cli/evaluation/benchmark.ts";
import { invoke } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-benchmark-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe("the figures of benchmarks", () => {
  test("two labels worked out by hand", () => {
    const benchmark = new Benchmark(0.9);
    // The median is off by 2, then by 4, the mean by 1 and 4; the season's change is 2, so that MASE is (1 + 2) / 2.
    const deciles = (median: number) => DECILES.map((level) => median + 10 * (level - 0.5));
    benchmark.add(10, { mean: 11, lower: 6, upper: 14, deciles: deciles(12), seasonal: 13 }, 2);
    benchmark.add(-20, { mean: -16, lower: -18, upper: -12, deciles: deciles(-16), seasonal: -20 }, 2);
    // First label: quantiles 8, 9, ... 16; twice the pinball losses: .1*2 .2*1 0 .6*1 .5*2 .4*3 .3*4 .2*5 .1*6, times 2.
    const first = 2 * (0.2 + 0.2 + 0 + 0.6 + 1 + 1.2 + 1.2 + 1 + 0.6);
    // Second: quantiles -20, -19, ... -12: 0 .8*1 .7*2 .6*3 .5*4 .4*5 .3*6 .2*7 .1*8.
    const second = 2 * (0 + 0.8 + 1.4 + 1.8 + 2 + 2 + 1.8 + 1.4 + 0.8);
    const wql = (first + second) / 9 / 30;
    const { figures } = benchmark;
    expect(figures.mase).toBeCloseTo(1.5, 12);
    expect(figures.maseOfMean).toBeCloseTo((0.5 + 2) / 2, 12);
    expect(figures.wql).toBeCloseTo(wql, 12);
    // Widths 8 and 6; the second label is 2 below its interval, which counts 2 / .1 times.
    expect(figures.msis).toBeCloseTo((8 / 2 + (6 + 20 * 2) / 2) / 2, 12);
    expect(figures.maseSeasonalNaive).toBeCloseTo(0.75, 12);
    expect(figures.wqlSeasonalNaive).toBeCloseTo(3 / 30, 12);
    expect(figures.maseRatio).toBeCloseTo(2, 12);
    expect(figures.wqlRatio).toBeCloseTo(wql / 0.1, 12);
  });

  test("a window that nothing changed before has no scale, and counts in the weighted quantile loss alone", () => {
    const benchmark = new Benchmark(0.9);
    const deciles = DECILES.map(() => 3);
    benchmark.add(1, { mean: 3, lower: 0, upper: 4, deciles, seasonal: 1 }, 0);
    expect(benchmark.figures).toMatchObject({
      mase: null,
      msis: null,
      maseRatio: null,
      wql: expect.closeTo(2, 12),
    });
    benchmark.add(1, { mean: 3, lower: 0, upper: 4, deciles, seasonal: 1 }, 4);
    expect(benchmark.figures).toMatchObject({
      mase: 0.5,
      msis: 1,
      wql: expect.closeTo(2, 12),
      wqlSeasonalNaive: 0,
    });
  });

  test("without deciles, or without a value one season before, there is no figure that needs them", () => {
    const benchmark = new Benchmark(0.9);
    benchmark.add(1, { mean: 3, lower: 0, upper: 4, deciles: [], seasonal: Number.NaN }, 4);
    expect(benchmark.figures).toMatchObject({
      mase: null,
      wql: null,
      maseOfMean: 0.5,
      maseSeasonalNaive: null,
    });
  });

  test("the change in a season is that of the values before; in a step while no season has passed", () => {
    const change = new SeasonalChange(1);
    const values = [1, 4, 2, 8, 7];
    const [season, seen] = [3, [] as number[]];
    for (const [i, y] of values.entries()) {
      change.take(0, y, values[i - season] ?? Number.NaN, values[i - 1] ?? Number.NaN);
      seen.push(change.of(0));
    }
    expect(seen).toEqual([Number.NaN, 3, 2.5, 7, 5]);
  });
});

describe("eddy evaluate over many series", () => {
  const month = (i: number): string => new Date(Date.UTC(2000, i, 1)).toISOString().slice(0, 10);
  const value = (series: number, i: number): number => 100 * series + i + 10 * ((i * 7) % 12);
  const lengths = [40, 33, 5];
  const rows = lengths.flatMap((n, s) =>
    Array.from({ length: n }, (_, i) => `N${s},${month(i)},${value(s, i)}`),
  );
  const path = file("months.csv", `series,date,value\n${rows.join("\n")}\n`);
  const evaluate = async (...more: string[]) => {
    const { code, stdout, stderr } = await invoke([
      "evaluate",
      path,
      "--quiet",
      "--horizon",
      "6",
      "--json",
      ...more,
    ]);
    return { code, stderr, result: code === 0 ? JSON.parse(stdout) : undefined };
  };

  test("one forecast at the end of each, by hand; what is too short is left out and counted", async () => {
    const { result } = await evaluate("--test", "last", "--model", "seasonal-naive");
    expect(result).toMatchObject({
      seriesCount: 2,
      seriesLeftOut: 1,
      rows: 73,
      train: null,
      test: null,
      season: 12,
    });
    const [model] = result.models;
    // 12 months on the value is 12 higher: the naive forecast is off by 12 everywhere, and so is every change in a season.
    expect(model).toMatchObject({
      windows: 2,
      labels: 12,
      benchmark: { maseOfMean: 1, maseSeasonalNaive: 1 },
    });
    expect(
      model.series.map(({ series, test: [from, to] }: { series: string; test: number[] }) => [
        series,
        from,
        to,
      ]),
    ).toEqual([
      ["N0", 34, 40],
      ["N1", 27, 33],
    ]);
    const labels = [0, 1].flatMap((s) =>
      Array.from({ length: 6 }, (_, h) => value(s, (lengths[s] as number) - 6 + h)),
    );
    expect(model.benchmark.wqlSeasonalNaive).toBeCloseTo((12 * 12) / labels.reduce((a, b) => a + b, 0), 12);
  });

  test("what is left out is named, and figures that some labels have no scale for say of how many they are", async () => {
    const months = (i: number): string =>
      `${2000 + Math.floor(i / 12)}-${String(1 + (i % 12)).padStart(2, "0")}-01`;
    const said: readonly (readonly [string, number, (i: number) => number])[] = [
      ["constant", 40, () => 7],
      ["nothing", 40, () => 0],
      // The last digits of a sine are not the same a year later.
      ["wave", 40, (i) => 3 + Math.sin((i * Math.PI) / 6)],
      ["grows", 40, (i) => i],
      ["short", 4, (i) => i],
      ["one", 1, () => 1],
    ];
    const path = file(
      "scales.csv",
      `series,date,value\n${said
        .flatMap(([name, n, f]) => Array.from({ length: n }, (_, i) => `${name},${months(i)},${f(i)}`))
        .join("\n")}\n`,
    );
    const flags = ["evaluate", path, "--horizon", "6", "--test", "last", "--model", "seasonal-naive"];
    const { stdout, stderr } = await invoke(flags);
    expect(stderr).toContain(`2 of 6 series are left out, too few rows: "short", "one"\n`);
    expect(stdout).toContain(
      "mase and msis are of 6 of 24 labels: before the others nothing had changed from season to season",
    );
    const told = await invoke([...flags, "--json"]);
    expect(JSON.parse(told.stdout).models[0]).toMatchObject({
      benchmark: { labels: 24, labelsScaled: 6, maseOfMean: 1, maseSeasonalNaive: 1 },
      series: [
        { series: "constant", mase: null, msis: null, labels: 6, labelsScaled: 0 },
        { series: "nothing", mase: null, wql: null },
        { series: "wave", mase: null },
        { series: "grows", labelsScaled: 6 },
      ],
    });
  });

  test("a series has the figures that it has in a file of its own, and its name is in the forecasts file", async () => {
    const out = join(folder, "many.arrow");
    const flags = ["--test", "last:2", "--model", "persistence,holt-winters"];
    const { result } = await evaluate(...flags, "--forecasts", out);
    const [first] = result.models[1].series;
    const alone = file(
      "alone.csv",
      `date,value\n${rows
        .slice(0, 40)
        .map((row) => row.slice(3))
        .join("\n")}\n`,
    );
    const { stdout } = await invoke(["evaluate", alone, "--quiet", "--horizon", "6", "--json", ...flags]);
    const own = JSON.parse(stdout);
    expect(own).toMatchObject({ train: 28, test: [28, 40], seriesCount: 1 });
    expect(first).toEqual({
      series: "N0",
      test: [28, 40],
      windows: 2,
      coverage: own.models[1].coverage,
      ...own.models[1].benchmark,
    });
    const table = tableFromIPC(readFileSync(out));
    const windows = new Set([...table].map(({ series, row }) => `${series} ${row}`));
    expect([...windows]).toEqual(["N0 27", "N0 33", "N1 20", "N1 26"]);
  });

  test("readings that come mixed are those of their series", async () => {
    const mixed = file(
      "mixed.csv",
      `series,date,value\n${[...rows].sort((a, b) => a.slice(3, 13).localeCompare(b.slice(3, 13))).join("\n")}\n`,
    );
    const flags = ["--quiet", "--horizon", "6", "--json", "--test", "last", "--model", "holt-winters"];
    const [one, other] = await Promise.all([path, mixed].map((from) => invoke(["evaluate", from, ...flags])));
    const figures = (text: string | undefined) => JSON.parse(text ?? "").models[0].benchmark;
    expect(figures(other?.stdout)).toEqual(figures(one?.stdout));
  });

  test("rows from 1 on, as of one series; nothing long enough is an error in words", async () => {
    const { result } = await evaluate("--test", "20:30", "--model", "persistence");
    expect(result).toMatchObject({ test: [20, 30], seriesCount: 2 });
    expect(result.models[0].windows).toBe(10);
    const none = await evaluate("--test", "last:9", "--model", "persistence");
    expect(none).toMatchObject({
      code: 2,
      stderr: `eddy: --test: expected a series of at least 55 rows among the 3 of ${path}, got none\n`,
    });
  });
});
