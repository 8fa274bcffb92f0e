import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { run } from "../../src/cli/run.ts";
import { normals } from "../models/forecaster/series.ts";
import { fakeWorld } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-alerts-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A tank that fills at an even rate and is emptied, again and again: 95 is passed at rows 80 and 200 and so on. */
function tank(): string {
  const lines = ["time,level"];
  for (let t = 0; t < 600; t++) {
    const level = (t % 120) * 1.2 + (t % 2) * 0.2;
    lines.push(`${new Date(Date.UTC(2026, 0, 1) + t * 60_000).toISOString()},${level.toFixed(2)}`);
  }
  const path = join(folder, "tank.csv");
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

async function tried(rule: string, ...more: string[]) {
  const { world, written } = fakeWorld("");
  const args = ["alerts", "test", rule, "--on", tank(), "--model", "holt-winters", "--quiet", ...more];
  return { code: await run(args, world), ...written };
}

describe("eddy alerts test", () => {
  it("tells how early a rule fires, beside the reading and a straight line", async () => {
    const rule = { when: { forecast: "above", limit: 95, within: 10 } };
    const { code, stdout } = await tried(JSON.stringify(rule), "--json");
    expect(code).toBe(0);
    const { targets, ways, changes } = JSON.parse(stdout);
    expect(targets).toBe(1);
    const by = Object.fromEntries(ways.map((way: { way: string }) => [way.way, way]));
    expect(Object.keys(by)).toEqual(["rule", "reading", "line"]);
    expect(by.rule.crossings).toBe(5);
    expect(by.rule.foretold).toBeGreaterThanOrEqual(4);
    expect(by.rule.lead).toBeGreaterThanOrEqual(5 * 60_000);
    expect(by.reading).toMatchObject({ crossings: 5, foretold: 0, lead: null, firings: 5, falseAlarms: 0 });
    expect(by.line.foretold).toBeGreaterThanOrEqual(4);
    expect(changes[0]).toMatchObject({ state: "firing", target: "level" });
    expect(changes[0].probability).toBeGreaterThanOrEqual(0.8);
  });

  it("prints a table, and takes a rule from a file", async () => {
    const path = join(folder, "rule.json");
    writeFileSync(
      path,
      JSON.stringify({ name: "full", series: "*", when: { reading: "above", limit: 95 }, to: ["ops"] }),
    );
    const { code, stdout } = await tried(path);
    expect(code).toBe(0);
    expect(stdout).toContain("the rule");
    expect(stdout).toContain("firing");
  });

  it("tells that no reading was beyond the limit: it may be one in another unit", async () => {
    for (const when of [
      { reading: "above", limit: 950 },
      { forecast: "outside", limit: [-50, 950], within: 5 },
    ]) {
      const { stdout } = await tried(JSON.stringify({ when }));
      expect(stdout).toMatch(/no reading was beyond (-50 and )?950: they lie from 0 to 143/);
    }
    const { stdout } = await tried(JSON.stringify({ when: { reading: "above", limit: 95 } }));
    expect(stdout).not.toContain("no reading");
    const { readings } = JSON.parse((await tried('{"when":{"surprise":0.01}}', "--json")).stdout);
    expect(readings.lowest).toBe(0);
  });

  /** What people are told of in vain by a straight line through the last hours. */
  for (const [kind, used] of [
    [
      "a new disk that fills at once and then stays",
      (t: number) => 20 + 35 * (1 - Math.exp(-t / 6)) + 0.0004 * t,
    ],
    ["logs that are rotated", (t: number) => 40 + (t % 24) * 0.9],
    [
      "a job at three that leaves its file for half an hour",
      (t: number) => 60 + (t % 288 > 36 && t % 288 < 43 ? 25 : 0),
    ],
  ] as const) {
    it(`gives no date for ${kind}`, async () => {
      const noise = normals(5);
      const lines = Array.from({ length: 700 }, (_, t) => {
        const time = new Date(Date.UTC(2026, 2, 2) + t * 300_000).toISOString();
        return `${time},${(used(t) + 0.05 * noise()).toFixed(3)}`;
      });
      const path = join(folder, "used.csv");
      writeFileSync(path, `time,used\n${lines.join("\n")}\n`);
      const { world, written } = fakeWorld("");
      const rule = JSON.stringify({ when: { reaches: "above", limit: 95, within: "1d" } });
      expect(
        await run(
          ["alerts", "test", rule, "--on", path, "--model", "holt-winters", "--quiet", "--json"],
          world,
        ),
      ).toBe(0);
      const { changes } = JSON.parse(written.stdout);
      expect(changes).toEqual([]);
    });
  }

  it("refuses what is no rule, and a rule that a file cannot try, naming the field", async () => {
    for (const [rule, exit, words] of [
      ["{", 2, "RULE: expected a rule as JSON"],
      ["no-such-rule.json", 1, "a file with a rule"],
      ['{"when":{"forecast":"over","limit":1,"within":3}}', 2, "when.forecast"],
      ['{"when":{"silent":"10m"}}', 2, "when nothing came"],
    ] as const) {
      const { code, stderr } = await tried(rule);
      expect(code).toBe(exit);
      expect(stderr).toContain(words);
      expect(stderr.split("\n").filter((line) => line !== "")).toHaveLength(1);
    }
  });
});
