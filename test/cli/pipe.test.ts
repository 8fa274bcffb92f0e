import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { fakeWorld, invoke, parsed, spawnEddy } from "./invoke.ts";

const persistence = ["--model", "persistence", "--horizon", "2", "--quiet"];
const hour = (i: number): string => new Date(Date.UTC(2024, 0, 1, i)).toISOString();
const table = (rows: number, value = (i: number): string | number => Math.sin(i)): string =>
  `time,load\n${Array.from({ length: rows }, (_, i) => `${hour(i)},${value(i)}\n`).join("")}`;

describe("eddy pipe", () => {
  test("500 rows, three of them bad: one forecast per observation from the second on, in the contract's shape", async () => {
    const lines = table(500).split("\n");
    lines[100] = `${hour(99)},1e999`;
    lines.splice(200, 0, "");
    const { code, stdout, stderr } = await spawnEddy(
      ["pipe", "--horizon", "12", "--quiet"],
      lines.join("\n").slice(0, -25),
    );
    expect(code).toBe(0);
    expect(stderr.trimEnd().split("\n")).toEqual([
      'eddy: stdin line 101: load: expected a finite number, got "1e999"',
      "eddy: stdin line 201: expected a record, got an empty line",
      "eddy: stdin line 502: expected 2 fields, got 1",
      "eddy: stdin: 498 observations taken, 3 refused (1 bad-number, 1 empty-line, 1 bad-line)",
    ]);
    const forecasts = parsed(stdout);
    expect(forecasts).toHaveLength(497);
    const [first] = forecasts;
    expect(Object.keys(first)).toEqual([
      "series",
      "target",
      "issuedAt",
      "offset",
      "horizon",
      "level",
      "coverage",
      "skill",
      "model",
      "observed",
    ]);
    expect(first).toMatchObject({
      series: "stdin",
      target: "load",
      issuedAt: hour(1),
      offset: 1,
      model: "auto",
    });
    expect(first.horizon.map(({ step }: { step: number }) => step)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
    ]);
    for (const { horizon, level, coverage, skill } of forecasts) {
      expect(level).toBe(0.9);
      expect(coverage === null || (coverage >= 0 && coverage <= 1)).toBe(true);
      expect(skill === null || Number.isFinite(skill)).toBe(true);
      for (const { time, mean, lower, upper } of horizon) {
        expect(new Date(time).toISOString()).toBe(time);
        expect(lower <= mean && mean <= upper).toBe(true);
      }
    }
    expect(forecasts.at(-1).horizon[0].time).toBe(hour(499));
  });

  test("altering the future alters no earlier forecast, byte by byte", async () => {
    const before = await invoke(["pipe", "--horizon", "3"], table(60));
    const after = await invoke(
      ["pipe", "--horizon", "3"],
      table(60, (i) => (i < 40 ? Math.sin(i) : 1e3 - i)),
    );
    const [a, b] = [before.stdout.split("\n"), after.stdout.split("\n")];
    expect(a).toHaveLength(60);
    expect(b.slice(0, 39)).toEqual(a.slice(0, 39));
    expect(b[40]).not.toBe(a[40]);
  });

  test("several columns: one line per target and observation; chosen ones; inputs are not forecast", async () => {
    const input = "a,b,c\n1,2,3\n4,5,6\n";
    const targets = async (...flags: string[]) =>
      parsed((await invoke(["pipe", ...persistence, ...flags], input)).stdout).map(({ target }) => target);
    expect(await targets()).toEqual(["a", "b", "c"]);
    expect(await targets("--value", "c,a")).toEqual(["c", "a"]);
    expect(await targets("--with", "b")).toEqual(["a", "c"]);
    expect(await targets("--value", "a", "--with", "b,c")).toEqual(["a"]);
  });

  test.each(["--value", "--with", "--time", "--series"])(
    "%s with a column that is not there is wrong usage",
    async (flag) => {
      const { code, stderr } = await invoke(["pipe", ...persistence, flag, "nope"], "a,b\n1,2\n3,4\n");
      expect(code).toBe(2);
      expect(stderr).toMatch(
        new RegExp(`^eddy: ${flag}: expected one of the columns .*a, b.*, got "nope"\n$`),
      );
    },
  );

  test("a series per name, each with forecasts of its own", async () => {
    const input = "series,value\nx,1\ny,10\nx,2\ny,20\n";
    const { stdout } = await invoke(["pipe", ...persistence], input);
    expect(parsed(stdout).map(({ series, horizon }) => [series, horizon[0].mean])).toEqual([
      ["x", 2],
      ["y", 20],
    ]);
  });

  test("numbers without a time are stamped on arrival", async () => {
    const { stdout, stderr } = await invoke(["pipe", ...persistence], "1\n2\n3\n");
    expect(stderr).toBe("");
    expect(
      parsed(stdout).map(({ issuedAt, offset, horizon }) => [issuedAt, offset, horizon[1].mean]),
    ).toEqual([
      ["2024-01-01T00:00:00.000Z", 1, 2],
      ["2024-01-01T00:00:00.000Z", 2, 3],
    ]);
  });

  test("late and duplicate times are told by line; within the lateness they are put in order", async () => {
    const input = `time,v\n${[0, 2, 1, 2, 3].map((i) => `${hour(i)},${i}\n`).join("")}`;
    const strict = await invoke(["pipe", ...persistence], input);
    expect(strict.stderr.trimEnd().split("\n").slice(0, 2)).toEqual([
      "eddy: stdin line 4: time: earlier than that of a reading already taken (see --lateness)",
      "eddy: stdin line 5: time: the series has a reading of this time already",
    ]);
    const patient = await invoke(["pipe", ...persistence, "--lateness", "2h"], input);
    expect(parsed(patient.stdout).map(({ issuedAt }) => issuedAt)).toEqual([hour(1), hour(2), hour(3)]);
    expect(patient.stderr).toContain("1 refused (1 duplicate-time)");
  });

  test("--every makes steps of one length, by the aggregate asked for", async () => {
    const input = `time,v\n${Array.from({ length: 8 }, (_, i) => `${hour(i)},${i}\n`).join("")}`;
    const steps = async (aggregate: string) =>
      parsed(
        (await invoke(["pipe", ...persistence, "--every", "2h", "--aggregate", aggregate], input)).stdout,
      ).map(({ issuedAt, horizon }) => [issuedAt, horizon[0].time, horizon[0].mean]);
    expect(await steps("mean")).toEqual([
      [hour(4), hour(6), 2.5],
      [hour(6), hour(8), 4.5],
      [hour(8), hour(10), 6.5],
    ]);
    expect((await steps("max")).map(([, , mean]) => mean)).toEqual([3, 5, 7]);
  });

  test("--detail tells skill and coverage by step, and weights", async () => {
    const { stdout } = await invoke(["pipe", "--horizon", "2", "--detail"], table(30));
    const { detail } = parsed(stdout).at(-1);
    expect(detail.skill.persistence).toHaveLength(2);
    expect(detail.skill.seasonalNaive).toHaveLength(2);
    expect(detail.coverage).toHaveLength(2);
    const weights = Object.values(detail.weights) as number[];
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 6);
  });

  test("--quantiles tells the quantile of each level in every step, and leaves the rest as it is", async () => {
    const plain = parsed((await invoke(["pipe", "--horizon", "3"], table(60))).stdout);
    const { stdout, stderr } = await invoke(
      ["pipe", "--horizon", "3", "--quiet", "--quantiles", "0.9,0.1,0.5"],
      table(60),
    );
    expect(stderr).toBe("");
    const asked = parsed(stdout);
    for (const { horizon } of asked) {
      for (const step of horizon) {
        const { "0.1": low, "0.5": middle, "0.9": high } = step.quantiles;
        expect(Object.keys(step.quantiles)).toEqual(["0.1", "0.5", "0.9"]);
        expect(low <= middle && middle <= high).toBe(true);
        delete step.quantiles;
      }
    }
    expect(asked).toEqual(plain);
  });

  test.each([
    ["0.1,0.1", 'expected at most 32 different numbers between 0 and 1 with commas between, got "0.1,0.1"'],
    ["0.5,1", 'expected at most 32 different numbers between 0 and 1 with commas between, got "0.5,1"'],
    ["0.1,,0.9", 'expected at most 32 different numbers between 0 and 1 with commas between, got "0.1,,0.9"'],
    ["half", 'expected at most 32 different numbers between 0 and 1 with commas between, got "half"'],
  ])("--quantiles %s is wrong usage", async (levels, words) => {
    const { code, stdout, stderr } = await invoke(["pipe", "--quantiles", levels], "1\n2\n");
    expect([code, stdout, stderr]).toEqual([2, "", `eddy: --quantiles: ${words}\n`]);
  });

  test("nothing but refusals is a failure; so is nothing at all, which says what was expected", async () => {
    const bad = await invoke(["pipe", ...persistence, "--format", "ndjson"], "x\ny\n");
    expect(bad.code).toBe(1);
    expect(bad.stderr).toContain("0 observations taken, 2 refused (2 bad-line)");
    for (const [input, ...flags] of [[""], ["time,load\n"], ["", "--format", "log"]] as const) {
      expect(await invoke(["pipe", ...persistence, ...flags], input)).toEqual({
        code: 1,
        stdout: "",
        stderr:
          "eddy: stdin: expected observations, one per line (see --format), got an end before the first one\n" +
          "eddy: stdin: 0 observations taken, 0 refused\n",
      });
    }
  });

  test("Ctrl-C before the first line is no empty input", async () => {
    expect(await invoke(["pipe", ...persistence], "", { stop: AbortSignal.abort() })).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });

  test("a flood of bad lines is told up to a point, and counted to the end", async () => {
    const { stderr } = await invoke(["pipe", ...persistence], `1\n${"x\n".repeat(1000)}2\n`);
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(102);
    expect(lines.at(-1)).toBe("eddy: stdin: 2 observations taken, 1000 refused (1000 bad-number)");
  });

  test("live: a forecast is there before the next line comes", async () => {
    const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", "pipe", ...persistence]);
    const next = () =>
      new Promise<string>((resolve) => {
        child.stdout.once("data", (chunk) => resolve(String(chunk)));
      });
    child.stdin.write("1\n2\n");
    expect(JSON.parse(await next()).horizon[0].mean).toBe(2);
    child.stdin.write("3\n");
    expect(JSON.parse(await next()).horizon[0].mean).toBe(3);
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.stdin.end();
    expect(await closed).toBe(0);
  });

  test("whoever reads may go: a quiet exit 0", async () => {
    const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", "pipe", ...persistence]);
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.stdin.on("error", () => {});
    const closed = new Promise((resolve) => child.once("close", resolve));
    child.stdout.once("data", () => child.stdout.destroy());
    const feed = setInterval(() => child.stdin.write("1\n2\n".repeat(1000)), 5);
    const code = await closed;
    clearInterval(feed);
    expect([code, stderr]).toEqual([0, ""]);
  });

  test("Ctrl-C ends it in order, even when stdin stays open", async () => {
    const child = spawn(process.execPath, ["--import", "tsx", "src/cli/main.ts", "pipe", ...persistence]);
    const closed = new Promise((resolve) => child.once("close", (code) => resolve(code)));
    child.stdin.write("1\n2\n");
    await new Promise((resolve) => child.stdout.once("data", resolve));
    child.kill("SIGINT");
    expect(await closed).toBe(0);
  });
});

describe("eddy pipe --chart", () => {
  test("draws every target in its place on a terminal", async () => {
    const { world, written } = fakeWorld("a,b\n1,10\n2,20\n3,30\n", {}, true);
    expect(await run(["pipe", ...persistence, "--chart"], world)).toBe(0);
    const plain = written.stdout.replace(new RegExp(`${String.fromCharCode(27)}\\[\\d*[a-zA-Z]`, "g"), "");
    expect(
      plain
        .trimEnd()
        .split("\n")
        .map((line) => line.replace(/ +/g, " ")),
    ).toEqual([
      expect.stringMatching(/^stdin a ▁▅███ 3 → 3 \[.*\] in 2$/),
      expect.stringMatching(/^stdin b ▁▅███ 30 → 30 \[.*\] in 2$/),
    ]);
  });

  test("needs a terminal", async () => {
    const { code, stderr } = await invoke(["pipe", "--chart"], "1\n2\n");
    expect([code, stderr]).toEqual([2, "eddy: --chart: expected a terminal on stdout, got none\n"]);
  });
});
