import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { shopLog } from "../streams/logs/lines.ts";
import { invoke, parsed } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-logs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const lines = shopLog(400, 11);
const log = `${lines.join("\n")}\n`;

describe("eddy pipe, the lines of a log", () => {
  test("recognised by itself: one JSON line a line, and one line on what it is", async () => {
    const { code, stdout, stderr } = await invoke(["pipe"], log);
    expect(code).toBe(0);
    const told = parsed(stdout);
    expect(told.map(({ line }) => line)).toEqual(lines.map((_, i) => i + 1));
    expect(Object.keys(told[0])).toEqual(["line", "template", "pattern", "probability", "surprise", "level"]);
    expect(stderr.trimEnd().split("\n")).toEqual([
      expect.stringMatching(
        /^eddy: stdin: read as a log \(--format log; .*\); time: as "2025-11-25T.*; hosts and levels: info/,
      ),
      "eddy: stdin: 400 lines taken, 0 refused, 4 templates",
    ]);
  });

  test("the same log gives the same bytes, however it is cut into pieces", async () => {
    const once = await invoke(["pipe", "--format", "log", "--quiet"], log);
    const { Readable } = await import("node:stream");
    const pieces = Array.from({ length: Math.ceil(log.length / 777) }, (_, i) =>
      Buffer.from(log.slice(777 * i, 777 * (i + 1))),
    );
    const again = await invoke(["pipe", "--format", "log", "--quiet"], "", {
      stdin: Readable.from(pieces) as never,
    });
    expect(again.stdout).toBe(once.stdout);
  });

  test("--alert tells only lines as rare as that, with their text", async () => {
    const foreign = "2025-11-26T09:00:00Z ERROR shop.Orders - thermal runaway, coolant valve stuck";
    const { stdout } = await invoke(["pipe", "--alert", "0.005"], `${log}${foreign}\n${lines[0]}\n`);
    const told = parsed(stdout);
    expect(told.length).toBeLessThan(12);
    expect(told.at(-1)).toMatchObject({ line: 401, text: foreign, level: "error" });
    for (const { surprise } of told) expect(surprise).toBeLessThanOrEqual(0.005);
  });

  test("--session tells what is known of the session of each line", async () => {
    const { stdout } = await invoke(["pipe", "--session", "order (\\d+)"], log);
    const { session } = parsed(stdout).at(-1);
    expect(session).toMatchObject({ key: /order (\d+)/.exec(lines.at(-1) ?? "")?.[1], end: null });
  });

  test("--every counts the lines and forecasts the counts", async () => {
    const { code, stdout } = await invoke(
      ["pipe", "--every", "20s", "--model", "persistence", "--horizon", "2", "--quiet"],
      log,
    );
    expect(code).toBe(0);
    const series = new Set(parsed(stdout).map((forecast) => `${forecast.series} / ${forecast.target}`));
    expect(series).toContain("all lines / count");
    expect(series).toContain("level info / count");
    expect(
      [...series].some(
        (name) =>
          /^template \d: order <\*> paid, took <\*> ms \/ paid took ms$/.test(name) || name.includes("paid"),
      ),
    ).toBe(true);
    const [first] = parsed(stdout).filter((forecast) => forecast.series === "all lines");
    expect(new Date(first.horizon[1].time).getTime() - new Date(first.horizon[0].time).getTime()).toBe(
      20_000,
    );
  });

  test("eddy forecast and eddy recognise read the file as well", async () => {
    const path = join(folder, "shop.log");
    writeFileSync(path, log);
    const { stdout } = await invoke(["recognise", path]);
    expect(stdout).toContain("read as a log");
    const forecast = await invoke([
      "forecast",
      path,
      "--horizon",
      "2",
      "--model",
      "persistence",
      "--json",
      "--quiet",
    ]);
    expect(forecast.code).toBe(0);
    expect(forecast.stdout).toContain("all lines");
  });

  test("bad lines are refused by number and counted, the rest goes on", async () => {
    const bad = [
      lines[0],
      "\u0000\u0001\u0002\u0003\u0004\u0005",
      "\tat a.b.C(C.java:1)",
      "",
      lines[1],
      `${lines[2]} ${"x".repeat(2 ** 20)}`,
      lines[3],
    ];
    const { code, stdout, stderr } = await invoke(["pipe", "--format", "log"], `${bad.join("\n")}\n`);
    expect(code).toBe(0);
    expect(parsed(stdout).map(({ line }) => line)).toEqual([1, 5, 7]);
    expect(stderr.trimEnd().split("\n").slice(1)).toEqual([
      "eddy: stdin line 2: expected a line of text, got binary data",
      "eddy: stdin line 6: expected at most 1048576 characters, got more",
      "eddy: stdin: 3 lines taken, 2 refused (1 binary, 1 too-long), 1 that go on with the line before them, 2 templates",
    ]);
  });

  test.each([
    [
      ["--session", "("],
      log,
      `--session: expected a regular expression, such as 'request_id=(\\S+)', got "("`,
    ],
    [["--alert", "2"], log, '--alert: expected a number between 0 and 1, got "2"'],
    [
      ["--alert", "0.01"],
      "1\n2\n3\n",
      "--alert: expected the lines of a log, got readings (--format log if it is one)",
    ],
    [
      ["--session", "a"],
      "1\n2\n3\n",
      "--session: expected the lines of a log, got readings (--format log if it is one)",
    ],
    [
      ["--alert", "0.01", "--every", "1m"],
      log,
      "--alert: expected no --every: with it, lines are counted, not told, got --every",
    ],
  ])("%j is wrong usage in one line", async (typed, input, message) => {
    const { code, stderr } = await invoke(["pipe", "--quiet", ...typed], input);
    expect([code, stderr]).toEqual([2, `eddy: ${message}\n`]);
  });
});
