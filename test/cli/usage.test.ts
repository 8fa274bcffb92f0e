import { describe, expect, test } from "vitest";
import { nearest } from "../../src/cli/arguments.ts";
import { commands } from "../../src/cli/registry.ts";
import { readSpan } from "../../src/models/kinds.ts";
import { invoke, spawnEddy } from "./invoke.ts";

describe("help", () => {
  test("of the program: every command with its summary", async () => {
    const { code, stdout, stderr } = await invoke(["--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    for (const [name, { summary }] of Object.entries(commands)) {
      expect(stdout).toContain(`  ${name} `);
      expect(stdout.replace(/\s+/g, " ")).toContain(summary);
    }
    expect((await invoke(["help"])).stdout).toBe(stdout);
  });

  test("without a command, on stderr, as wrong usage", async () => {
    const { code, stdout, stderr } = await invoke([]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("Usage: eddy COMMAND");
  });

  test.each(Object.keys(commands))("of %s: every flag, in lines that fit", async (name) => {
    const command = await commands[name]?.load();
    const { code, stdout, stderr } = await invoke([name, "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`Usage: eddy ${name}`);
    for (const flag of Object.keys(command?.flags ?? {}))
      expect(stdout).toMatch(new RegExp(`^ {2}--${flag}\\b`, "m"));
    for (const line of stdout.split("\n")) expect(line.length, line).toBeLessThanOrEqual(104);
    expect((await invoke(["help", name])).stdout).toBe(stdout);
  });

  test.each(["pipe", "replay", "evaluate"])("of %s, word for word", async (name) => {
    expect((await invoke([name, "--help"])).stdout).toMatchSnapshot();
  });

  test("--version", async () => {
    expect((await invoke(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("wrong usage: exit code 2 and one line that names the flag, what was expected, what came", () => {
  test.each([
    [["pip"], /^eddy: command: expected one of .*, got "pip" \(did you mean pipe\?\)\n$/],
    [["pipe", "--horizn", "3"], "eddy: --horizn: eddy pipe has no such flag (did you mean --horizon?)\n"],
    [["pipe", "-x"], "eddy: -x: eddy pipe has no such flag (see eddy pipe --help)\n"],
    [["pipe", "--horizon"], "eddy: --horizon: expected a value (N), got none\n"],
    [["pipe", "--horizon", "--json"], "eddy: --horizon: expected a value (N), got none\n"],
    [["pipe", "--horizon="], 'eddy: --horizon: expected a whole number from 1 to 512, got ""\n'],
    [["pipe", "--horizon", "0"], 'eddy: --horizon: expected a whole number from 1 to 512, got "0"\n'],
    [["pipe", "--horizon", "-3"], 'eddy: --horizon: expected a whole number from 1 to 512, got "-3"\n'],
    [["pipe", "--horizon", "1.5"], 'eddy: --horizon: expected a whole number from 1 to 512, got "1.5"\n'],
    [["pipe", "--horizon", "2", "--horizon", "3"], "eddy: --horizon: given twice\n"],
    [["pipe", "--coverage", "90"], 'eddy: --coverage: expected a number between 0 and 1, got "90"\n'],
    [["pipe", "--every", "5"], 'eddy: --every: expected a span such as 500ms, 5s, 15m, 1h or 1d, got "5"\n'],
    [
      ["pipe", "--format", "xml"],
      'eddy: --format: expected one of auto, csv, ndjson, json, lines, logfmt, prometheus, influx, opentsdb, statsd, graphite, names, text, log, got "xml"\n',
    ],
    [["pipe", "--detail=yes"], 'eddy: --detail: expected no value, got "yes"\n'],
    [["pipe", "--value", "a,,b"], 'eddy: --value: expected names with commas between, got "a,,b"\n'],
    [
      ["pipe", "--period", "1"],
      'eddy: --period: expected at most 16 whole numbers from 2 to 100000 with commas between, got "1"\n',
    ],
    [["pipe", "--model", "nope"], /^eddy: --model: expected .*auto, persistence.*, got "nope"\n$/],
    [
      ["pipe", "file.csv"],
      'eddy: "file.csv": not expected, eddy pipe takes only flags (a file is read with < FILE, or by eddy forecast FILE)\n',
    ],
    [
      ["evaluate"],
      "eddy: FILE: expected a recording of one series or of many: any text that eddy pipe reads, Arrow, Parquet, got nothing\n",
    ],
    [
      ["evaluate", "a.csv", "b.csv"],
      'eddy: "b.csv": not expected, eddy evaluate takes only FILE and flags\n',
    ],
    [
      ["evaluate", "a.csv", "--test", "5:2"],
      'eddy: --test: expected A:B, rows with 1 <= A < B, or last or last:W, windows with 1 <= W, got "5:2"\n',
    ],
    [["replay", "a.csv", "--speed", "0"], 'eddy: --speed: expected a number above 0, or max, got "0"\n'],
    [
      ["inspect", "eddy.db"],
      'eddy: "eddy.db": not expected, eddy inspect takes only flags (the database is named by --db)\n',
    ],
    [
      ["pipe", "--model", "leaky:slowest=0.1"],
      /^eddy: --model leaky:slowest=0\.1, node h \(leaky\): alpha: expected a share .*\n$/,
    ],
    [["replay", "a.csv", "--into", "nowhere"], /^eddy: --into: expected a URL such as .*, got "nowhere"\n$/],
  ] as [string[], string | RegExp][])("%j", async (typed, line) => {
    const { code, stdout, stderr } = await invoke(typed, "1\n2\n");
    expect([code, stdout]).toEqual([2, ""]);
    if (typeof line === "string") expect(stderr).toBe(line);
    else expect(stderr).toMatch(line);
  });

  test.each([["forecast"], ["evaluate"], ["replay"], ["recognise"], ["serve", "--config"]])(
    "eddy %s: a folder, and what is not there, are told in plain words",
    async (...command) => {
      for (const [path, got] of [
        ["test", "a folder"],
        ["no-such-file.csv", "no such file or folder"],
      ] as const) {
        const { code, stderr } = await invoke([...command, path], "");
        expect([code, stderr]).toEqual([
          1,
          `eddy: ${path}: expected a file that can be opened, got ${got}\n`,
        ]);
      }
    },
  );

  test("the real command: exit codes and nothing but the line", async () => {
    const [wrong, failed, done] = await Promise.all([
      spawnEddy(["pipe", "--horizon", "many"]),
      spawnEddy(["evaluate", "no-such-file.csv"]),
      spawnEddy(["pipe", "--quiet", "--model", "persistence"], "1\n2\n"),
    ]);
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      'eddy: --horizon: expected a whole number from 1 to 512, got "many"\n',
    ]);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toBe(
      "eddy: no-such-file.csv: expected a file that can be opened, got no such file or folder\n",
    );
    expect([done.code, done.stderr]).toEqual([0, ""]);
  });

  test("what is not foreseen is one line too, and exit code 1", async () => {
    const broken = {
      boom: { summary: "breaks", load: () => Promise.reject(new TypeError("undefined is not a function")) },
    };
    const { run } = await import("../../src/cli/run.ts");
    const { fakeWorld } = await import("./invoke.ts");
    const { world, written } = fakeWorld("");
    expect(await run(["boom"], world, broken)).toBe(1);
    expect(written.stderr).toBe("eddy: internal error: undefined is not a function\n");
  });
});

test.each([
  ["500ms", 500],
  ["5s", 5000],
  ["1.5m", 90_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  ["1w", 604_800_000],
  ["1.1s", 1100],
  ["0s", 0],
  ["0.1ms", undefined],
  ["99999w", undefined],
  ["5", undefined],
  ["-5s", undefined],
  ["5 s", undefined],
])("the span %s is %j ms", (text, milliseconds) => {
  expect(readSpan(text)).toBe(milliseconds);
});

test("the nearest name, if one is near", () => {
  expect(nearest("evalaute", ["pipe", "evaluate"])).toBe("evaluate");
  expect(nearest("xyzzy", ["pipe", "evaluate"])).toBeUndefined();
});
