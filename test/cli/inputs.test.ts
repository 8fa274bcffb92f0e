import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { afterAll, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { fakeWorld, invoke, parsed } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-inputs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const flags = ["--quiet", "--model", "persistence", "--horizon", "2"];
const START = Date.UTC(2024, 0, 1);
const minute = (i: number): string => new Date(START + i * 60_000).toISOString();
/** A table of one column a minute; `at` may give a row another time. */
const table = (values: readonly (number | string)[], at: Readonly<Record<number, string>> = {}): string =>
  `time,v\n${values.map((value, i) => `${at[i] ?? minute(i)},${value}\n`).join("")}`;
const rows = (n: number): number[] => Array.from({ length: n }, (_, i) => (i * 7) % 5);

/** What is told once everything is read: observations taken and refused come to the lines there were. */
const lines = (stderr: string): number => {
  const [, taken, refused] = /: (\d+) observations taken, (\d+) refused/.exec(stderr) ?? [];
  return Number(taken) + Number(refused);
};

describe("--min, --max, --integer", () => {
  test("keep forecasts within, and take a reading beyond as missing, told by line and counted", async () => {
    const text = "time,temp,hum\n".concat(
      ...rows(60).map((v, i) => `${minute(i)},${i === 30 ? -127 : v},${i === 40 ? 255 : 98 + (v % 3)}\n`),
    );
    const { code, stdout, stderr } = await invoke(
      ["pipe", "--quiet", "--horizon", "2", "--min", "temp=-40", "--max", "hum=100", "--min", "hum=0"],
      text,
    );
    expect(code).toBe(0);
    expect(stderr.trimEnd().split("\n")).toEqual([
      "eddy: stdin line 32: temp: expected a number of at least -40, got -127 (the rest of the line is taken)",
      "eddy: stdin line 42: hum: expected a number from 0 to 100, got 255 (the rest of the line is taken)",
      "eddy: stdin: 60 observations taken, 0 refused, 2 cells left out (2 out-of-range)",
    ]);
    const forecasts = parsed(stdout);
    expect(forecasts).toHaveLength(2 * 59);
    for (const { target, horizon } of forecasts) {
      for (const { lower, upper } of horizon) {
        if (target === "hum") expect(lower >= 0 && upper <= 100).toBe(true);
        else expect(lower > -40).toBe(true);
      }
    }
  });

  test("--min 0 is of every column; --integer alone, with names, or before the file", async () => {
    const path = file("counts.csv", table(rows(40)));
    const whole = async (typed: string[]) => {
      const { code, stdout } = await invoke(typed);
      expect(code).toBe(0);
      const bounds = parsed(stdout).flatMap(({ horizon }) =>
        horizon.map(({ lower }: { lower: number }) => lower),
      );
      return bounds.every(Number.isInteger) && bounds.every((bound) => bound >= 0);
    };
    const replay = ["replay", path, "--horizon", "2", "--min", "0"];
    expect(await whole(replay)).toBe(false);
    expect(await whole([...replay, "--integer"])).toBe(true);
    expect(await whole([...replay, "--integer", "v"])).toBe(true);
    expect(await whole([...replay, "--integer", "all"])).toBe(true);
    expect(await whole([...replay, "--integer=v"])).toBe(true);
    expect(await whole(["replay", "--horizon", "2", "--min", "0", "--integer", path])).toBe(true);
  });

  test("evaluate scores what was issued, and its figures count what was left out", async () => {
    const path = file("power.csv", table(rows(200).map((v, i) => (i === 150 ? -500 : v))));
    const { stdout, stderr } = await invoke(["evaluate", path, "--horizon", "2", "--min", "0", "--json"]);
    expect(stderr).toContain(
      "line 152: v: expected a number of at least 0, got -500 (the rest of the line is taken)",
    );
    const { counts, coverage } = JSON.parse(stdout).models[0];
    expect(counts).toMatchObject({ taken: 200, "out-of-range": 1 });
    expect(coverage).toBeGreaterThan(0.8);
  });

  test.each([
    [
      ["--min", "abc"],
      '--min: expected a number, or COLUMN=NUMBER with commas between, each column once, got "abc"',
    ],
    [
      ["--max", "v="],
      '--max: expected a number, or COLUMN=NUMBER with commas between, each column once, got "v="',
    ],
    [
      ["--min", "v=1,v=2"],
      '--min: expected a number, or COLUMN=NUMBER with commas between, each column once, got "v=1,v=2"',
    ],
    [["--min", "w=1"], '--min: expected one of the columns "v", got "w"'],
    [["--min", "5", "--max", "3"], '--min: expected less than max of "value", 3, got 5'],
    [["--value", "v", "--max", "w=3"], '--max: expected one of the columns "v", got "w"'],
    [["--integer", "w"], '--integer: expected one of the columns "v", got "w"'],
    [["--counter", "w"], '--counter: expected one of the columns "v", got "w"'],
    [["--ahead", "soon"], '--ahead: expected a span such as 500ms, 5s, 15m, 1h or 1d, got "soon"'],
  ])("%j is wrong usage in one line", async (typed, message) => {
    const path = file("wrong.csv", table(rows(100)));
    for (const command of [["pipe"], ["forecast", path], ["replay", path], ["evaluate", path]]) {
      if (command[0] === "evaluate" && typed[0] === "--value") continue;
      // What the input was found to be is not told before an error that its columns show.
      const { code, stderr } = await invoke([...command, ...typed], table(rows(100)));
      expect([code, stderr]).toEqual([2, `eddy: ${message}\n`]);
    }
  });

  test("a series that comes later may lack the column", async () => {
    const text = [
      '{"series":"x","values":{"a":1}}',
      '{"series":"y","values":{"b":-5}}',
      '{"series":"y","values":{"b":-6}}',
    ];
    const { code, stdout } = await invoke(["pipe", ...flags, "--min", "a=0"], `${text.join("\n")}\n`);
    expect(code).toBe(0);
    expect(parsed(stdout)[0].horizon[0].mean).toBe(-6);
  });
});

describe("--counter", () => {
  const totals = [100, 110, 120, 130, 5, 15, 25, "", 45, 55];

  test("says totals as the counter tells them, over a new beginning and a gap", async () => {
    const { code, stdout, stderr } = await invoke(["pipe", ...flags, "--counter"], table(totals));
    expect([code, stderr]).toEqual([0, ""]);
    const means = parsed(stdout).map(({ horizon }) => horizon.map(({ mean }: { mean: number }) => mean));
    expect(means[2]).toEqual([140, 150]);
    expect(means[3]).toEqual([10, 15]);
    expect(means[5]).toEqual([35, 45]);
    expect(means[8]).toEqual([65, 75]);
  });

  test("bare numbers, all at once", async () => {
    const { stdout } = await invoke(
      ["pipe", ...flags, "--counter", "value"],
      `${rows(30)
        .map((_, i) => i * 3)
        .join("\n")}\n`,
    );
    expect(
      parsed(stdout)
        .at(-1)
        .horizon.map(({ mean }: { mean: number }) => mean),
    ).toEqual([90, 93]);
  });

  test("evaluate tells how often it began anew, and writes forecasts in the units of the file", async () => {
    const readings = Array.from({ length: 120 }, (_, i) => 10 * (i % 50));
    const out = join(folder, "counter.arrow");
    const path = file("counter.csv", table(readings));
    const { code, stdout } = await invoke([
      ...["evaluate", path, ...flags, "--counter", "v", "--json", "--forecasts", out],
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).models[0].counts.resets).toBe(2);
    const wrong = [...tableFromIPC(readFileSync(out))].filter(
      ({ row, step, mean }) => row % 50 > 1 && mean !== (readings[row] as number) + 10 * step,
    );
    expect(wrong).toEqual([]);
  });
});

describe("times far ahead", () => {
  const wrong = { 9: "2099-01-01T00:00:00Z", 20: "2036-02-07T06:28:16Z", 21: "2036-02-07T06:28:17Z" };

  test.each([
    ["a recording through a live pipe", Date.UTC(2026, 5, 1)],
    ["a live pipe", START],
  ])("%s: told by line, nothing after them is late, every ordinary line has its forecast", async (_, now) => {
    const { code, stdout, stderr } = await invoke(["pipe", ...flags], table(rows(30), wrong), {
      now: () => now,
    });
    expect(code).toBe(0);
    expect(stderr.trimEnd().split("\n")).toEqual([
      ...[
        ["11", "2099-01-01T00:00:00.000Z"],
        ["22", "2036-02-07T06:28:16.000Z"],
        ["23", "2036-02-07T06:28:17.000Z"],
      ].map(
        ([line, time]) =>
          `eddy: stdin line ${line}: time: too far ahead of the clock, or of the readings around it (see --ahead): ${time}`,
      ),
      "eddy: stdin: 27 observations taken, 3 refused (3 far-ahead)",
    ]);
    expect(parsed(stdout).map(({ offset }) => offset)).toEqual(
      rows(30).flatMap((_, i) => (i === 0 || i in wrong ? [] : [i])),
    );
  });

  test("a live pipe never takes a time beyond the bound, however often it comes", async () => {
    const future = Object.fromEntries(
      rows(12).map((_, i) => [10 + i, new Date(START + 30 * 86_400_000 + i * 60_000).toISOString()]),
    );
    const live = await invoke(["pipe", ...flags], table(rows(30), future), { now: () => START });
    expect(live.stderr).toContain("18 observations taken, 12 refused (12 far-ahead)");
    const allowed = await invoke(["pipe", ...flags, "--ahead", "40d"], table(rows(22), future), {
      now: () => START,
    });
    expect([allowed.stderr, parsed(allowed.stdout).length]).toEqual(["", 21]);
  });

  test("1970 until the clock is set; the very first date wrong; all of it in the future", async () => {
    const boot = Object.fromEntries(rows(5).map((_, i) => [i, new Date(i * 1000).toISOString()]));
    for (const now of [START, Date.UTC(2026, 5, 1)]) {
      const of = (text: string) => invoke(["pipe", ...flags], text, { now: () => now });
      const booted = await of(table(rows(30), boot));
      expect([booted.stderr, parsed(booted.stdout).length]).toEqual(["", 29]);
      const first = await of(table(rows(30), { 0: "2099-01-01T00:00:00Z" }));
      expect(first.stderr).toContain("29 observations taken, 1 refused (1 far-ahead)");
      expect(parsed(first.stdout)).toHaveLength(28);
      const future = await of(table(rows(30)).replaceAll("2024-", "2099-"));
      expect([future.stderr, parsed(future.stdout).length]).toEqual(["", 29]);
    }
  });

  test("replay: the same, waits for no wrong date, and does not end at one", async () => {
    const path = file("wrong-dates.csv", table(rows(30), wrong));
    const piped = await invoke(["pipe", ...flags], table(rows(30), wrong), {
      now: () => Date.UTC(2026, 5, 1),
    });
    const { world, written, clock } = fakeWorld("");
    const code = await run(["replay", path, ...flags, "--speed", "1"], world);
    expect(code).toBe(0);
    expect(written.stdout.replaceAll('"wrong-dates"', '"stdin"')).toBe(piped.stdout);
    expect(written.stderr).toContain("27 observations taken, 3 refused (3 far-ahead)");
    expect(clock.slept.reduce((sum, slept) => sum + slept, 0)).toBe(29 * 60_000);
    const to = await invoke(["replay", path, ...flags, "--to", minute(15)]);
    expect(parsed(to.stdout).map(({ offset }) => offset)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14,
    ]);
  });

  test("evaluate: scored around them, told once for several models", async () => {
    const path = file("evaluated.csv", table(rows(120), wrong));
    const { code, stdout, stderr } = await invoke([
      ...["evaluate", path, "--horizon", "2", "--model", "persistence,average", "--json"],
    ]);
    expect(code).toBe(0);
    expect(stderr.match(/far-ahead/g)).toHaveLength(1);
    expect(lines(stderr)).toBe(120);
    for (const { refused } of JSON.parse(stdout).models) expect(refused).toEqual({ "far-ahead": 3 });
  });

  test("at the end, one far ahead alone is not believed", async () => {
    const { stderr, stdout } = await invoke(
      ["pipe", ...flags],
      table(rows(10), { 9: "2025-01-01T00:00:00Z" }),
    );
    expect(lines(stderr)).toBe(10);
    expect(parsed(stdout)).toHaveLength(8);
  });
});
