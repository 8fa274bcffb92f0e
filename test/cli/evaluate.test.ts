import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { afterAll, describe, expect, test } from "vitest";
import { calendarSeason } from "../../src/cli/evaluate.ts";
import { invoke, spawnEddy } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-evaluate-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

const HOUR = 3_600_000;
const rows = 400;
const load = (i: number): number => 10 * Math.sin((2 * Math.PI * i) / 24) + ((i * 7919) % 13);
const heat = (i: number): number => 3 + ((i * 104_729) % 17) / 5;
const time = (i: number): string => new Date(Date.UTC(2024, 0, 1) + i * HOUR).toISOString();
const csv = `date,load,heat\n${Array.from({ length: rows }, (_, i) => `${time(i)},${load(i)},${heat(i)}\n`).join("")}`;
const path = file("two.csv", csv);

/** The protocol once more, from the data and the forecasts file alone. */
function score(forecasts: string, train: number, from: number, to: number, H: number) {
  const columns = {
    load: Array.from({ length: rows }, (_, i) => load(i)),
    heat: Array.from({ length: rows }, (_, i) => heat(i)),
  };
  const deviation = (values: number[]) => {
    const first = values.slice(0, train);
    const mean = first.reduce((a, b) => a + b, 0) / train;
    return Math.sqrt(first.reduce((a, b) => a + (b - mean) ** 2, 0) / train);
  };
  const table = tableFromIPC(readFileSync(forecasts));
  let [squared, absolute, inside, n] = [0, 0, 0, 0];
  const windows = new Set<number>();
  for (const { row, step, target, mean, lower, upper } of table) {
    const values = columns[target as keyof typeof columns];
    const y = values[row + step] as number;
    const error = (mean - y) / deviation(values);
    squared += error ** 2;
    absolute += Math.abs(error);
    inside += y >= lower && y <= upper ? 1 : 0;
    n++;
    windows.add(row);
  }
  expect([Math.min(...windows), Math.max(...windows)]).toEqual([from - 1, to - H - 1]);
  expect(n).toBe((to - H - from + 1) * H * 2);
  return { mse: squared / n, mae: absolute / n, coverage: inside / n };
}

describe("eddy evaluate", () => {
  test("the figures are those of the forecasts file, scored once more by hand", async () => {
    const out = join(folder, "out.arrow");
    const { code, stdout, stderr } = await invoke([
      "evaluate",
      "--quiet",
      path,
      "--horizon",
      "5",
      "--train",
      "100",
      "--test",
      "150:350",
      "--target",
      "all",
      "--model",
      "persistence,auto,seasonal-naive",
      "--period",
      "24",
      "--json",
      "--forecasts",
      out,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      rows,
      train: 100,
      test: [150, 350],
      horizon: 5,
      targets: ["load", "heat"],
      inputs: [],
      season: 24,
    });
    expect(result.models.map(({ model }: { model: string }) => model)).toEqual([
      "persistence",
      "auto",
      "seasonal-naive",
    ]);
    const [persistence, auto] = result.models;
    const scored = score(out, 100, 150, 350, 5);
    expect(auto.mse).toBeCloseTo(scored.mse, 10);
    expect(auto.mae).toBeCloseTo(scored.mae, 10);
    expect(auto.coverage).toBeCloseTo(scored.coverage, 10);
    expect(auto.windows).toBe(196);
    // A reading that is held at arm's length is not repeated: persistence then says a little else than the last reading.
    expect(Math.abs(persistence.skill)).toBeLessThan(0.005);
    expect(auto.skill).toBeCloseTo(1 - auto.mse / persistence.mse, 3);
    expect(auto.steps).toHaveLength(5);
    expect(auto.targets.map(({ target }: { target: string }) => target)).toEqual(["load", "heat"]);
    expect(auto.coverageQuarters).toHaveLength(4);
    expect(auto.targets[0].ownMae).toBeCloseTo(auto.targets[0].mae * auto.targets[0].deviation, 10);
  });

  test("persistence and seasonal naive as a person would compute them", async () => {
    const { stdout } = await invoke([
      "evaluate",
      "--quiet",
      path,
      "--horizon",
      "3",
      "--train",
      "100",
      "--test",
      "200:300",
      "--target",
      "load",
      "--model",
      "persistence",
      "--period",
      "24",
      "--json",
    ]);
    const [{ mse, steps, skillSeasonal }] = JSON.parse(stdout).models;
    const first = Array.from({ length: 100 }, (_, i) => load(i));
    const mean = first.reduce((a, b) => a + b, 0) / 100;
    const variance = first.reduce((a, b) => a + (b - mean) ** 2, 0) / 100;
    let [last, seasonal, n] = [0, 0, 0];
    for (let row = 199; row <= 296; row++) {
      for (let h = 1; h <= 3; h++) {
        last += (load(row) - load(row + h)) ** 2 / variance;
        seasonal += (load(row + h - 24) - load(row + h)) ** 2 / variance;
        n++;
      }
    }
    expect(mse).toBeCloseTo(last / n, 10);
    expect(skillSeasonal).toBeCloseTo(1 - last / seasonal, 10);
    expect(steps[0].msePersistence).toBeCloseTo(steps[0].mse, 12);
  });

  test("altering what comes after a row alters no forecast issued up to it, byte by byte", async () => {
    const altered = csv
      .split("\n")
      .map((line, i) => (i > 251 && line !== "" ? `${line.split(",")[0]},999,-999` : line))
      .join("\n");
    const issued = async (from: string, name: string) => {
      const out = join(folder, name);
      await invoke([
        "evaluate",
        "--quiet",
        from,
        "--horizon",
        "4",
        "--train",
        "100",
        "--test",
        "150:350",
        "--forecasts",
        out,
      ]);
      return [...tableFromIPC(readFileSync(out))]
        .map((row) => JSON.stringify(row))
        .filter((row) => JSON.parse(row).row <= 250);
    };
    const before = await issued(path, "before.arrow");
    expect(before).toHaveLength((250 - 149 + 1) * 4 * 2);
    expect(await issued(file("altered.csv", altered), "after.arrow")).toEqual(before);
  });

  test("--quantiles: share below and pinball loss are those of the forecasts file, whose first columns stay", async () => {
    const [out, plain] = [join(folder, "q.arrow"), join(folder, "plain.arrow")];
    const command = (...flags: string[]) =>
      invoke([
        "evaluate",
        "--quiet",
        path,
        "--horizon",
        "3",
        "--train",
        "100",
        "--test",
        "150:350",
        ...flags,
      ]);
    const asked = await command(
      "--quantiles",
      "0.9,0.1",
      "--model",
      "persistence,auto",
      "--json",
      "--forecasts",
      out,
    );
    expect([asked.code, asked.stderr]).toEqual([0, ""]);
    const unasked = await command("--model", "auto", "--json", "--forecasts", plain);
    const table = tableFromIPC(readFileSync(out));
    const contract = ["row", "step", "target", "mean", "lower", "upper"];
    expect(table.schema.fields.map(({ name, type }) => `${name} ${type}`)).toEqual([
      "row Int32",
      "step Int32",
      "target Utf8",
      ...["mean", "lower", "upper", "q0.1", "q0.9"].map((name) => `${name} Float64`),
    ]);
    const before = tableFromIPC(readFileSync(plain));
    expect(before.schema.fields.map(({ name }) => name)).toEqual(contract);
    expect(JSON.stringify([...table.select(contract)])).toBe(JSON.stringify([...before]));

    const deviation = (values: number[]) => {
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      return Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
    };
    const at = { load, heat };
    const scale = {
      load: deviation(Array.from({ length: 100 }, (_, i) => load(i))),
      heat: deviation(Array.from({ length: 100 }, (_, i) => heat(i))),
    };
    const figures = (level: number, chosen: (step: number, target: string) => boolean) => {
      let [below, pinball, n] = [0, 0, 0];
      for (const one of table) {
        const target = one.target as "load" | "heat";
        if (!chosen(one.step, target)) continue;
        const error = (at[target](one.row + one.step) - one[`q${level}`]) / scale[target];
        below += error <= 0 ? 1 : 0;
        pinball += error > 0 ? level * error : (level - 1) * error;
        n++;
      }
      return { level, below: expect.closeTo(below / n, 10), pinball: expect.closeTo(pinball / n, 10) };
    };
    const [persistence, auto] = JSON.parse(asked.stdout).models;
    const both = (chosen: (step: number, target: string) => boolean) => [
      figures(0.1, chosen),
      figures(0.9, chosen),
    ];
    expect(auto.quantiles).toEqual(both(() => true));
    expect(auto.steps[2].quantiles).toEqual(both((step) => step === 3));
    expect(auto.targets[1].quantiles).toEqual(both((_, target) => target === "heat"));
    expect(auto.targets[0].steps[1].quantiles).toEqual(
      both((step, target) => step === 2 && target === "load"),
    );
    expect(persistence.quantiles.map(({ level }: { level: number }) => level)).toEqual([0.1, 0.9]);
    expect(persistence.quantiles[0].pinball).toBeGreaterThan(auto.quantiles[0].pinball);
    expect(unasked.stdout).not.toContain("quantiles");
    expect(JSON.parse(unasked.stdout).models[0].mse).toBe(auto.mse);

    const people = (await command("--quantiles", "0.1,0.9", "--model", "persistence,auto")).stdout;
    const share = (100 * auto.quantiles[0].below).toFixed(1);
    expect(people).toMatch(/^below quantile +0\.1 +0\.9$/m);
    expect(people).toMatch(new RegExp(`^auto +${share}% +\\d+\\.\\d%$`, "m"));
    expect(people).toMatch(/^pinball +0\.1 +0\.9$/m);
    expect(people).toMatch(new RegExp(`^auto +${auto.quantiles[0].pinball.toFixed(4)} +\\d\\.\\d{4}$`, "m"));
  });

  test("without --train the first fifth; without --test all after it; one target, one input", async () => {
    const { stdout } = await invoke([
      "evaluate",
      "--quiet",
      path,
      "--horizon",
      "2",
      "--target",
      "heat",
      "--with",
      "load",
      "--model",
      "persistence",
      "--json",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      train: 80,
      test: [80, 400],
      targets: ["heat"],
      inputs: ["load"],
    });
    expect(JSON.parse(stdout).models[0].windows).toBe(319);
  });

  test("a table for people", async () => {
    const { stdout } = await invoke([
      "evaluate",
      "--quiet",
      path,
      "--horizon",
      "2",
      "--model",
      "persistence,seasonal-naive",
    ]);
    expect(stdout).toMatch(
      /^.*two\.csv: 400 rows, scaled by the first 80, scored 80:400\nhorizon 2; targets load, heat; season 24\n/,
    );
    expect(stdout).toMatch(/^persistence +\d+\.\d{4} +\d+\.\d{4} +-?0\.000 /m);
    expect(stdout).toMatch(/^seasonal-naive +.* 0\.000 /m);
    expect(stdout).toMatch(/^mse by target +load +heat$/m);
  });

  test("bad rows are told by line and counted, and rows go on counting", async () => {
    const lines = csv.split("\n");
    lines[120] = `${time(119)},1e999,1`;
    lines[130] = "";
    lines[140] = `${time(5)},1,1`;
    const bad = file("bad.csv", lines.join("\n"));
    const { code, stdout, stderr } = await invoke([
      "evaluate",
      "--quiet",
      bad,
      "--horizon",
      "2",
      "--model",
      "persistence",
      "--json",
    ]);
    expect(code).toBe(0);
    expect(stderr.trimEnd().split("\n")).toEqual([
      `eddy: ${bad} line 121: load: expected a finite number, got "1e999" (the rest of the line is taken)`,
      `eddy: ${bad} line 131: expected a record, got an empty line`,
      `eddy: ${bad} line 141: time: earlier than that of a reading already taken (see --lateness)`,
      `eddy: ${bad}: 398 observations taken, 2 refused (1 empty-line, 1 late), 1 cell left out (1 bad-number)`,
    ]);
    expect(JSON.parse(stdout)).toMatchObject({
      rows: 400,
      models: [{ refused: { "lost-cell": 1, "empty-line": 1, late: 1 } }],
    });
  });

  test("--every: rows are steps", async () => {
    const { stdout } = await invoke([
      "evaluate",
      "--quiet",
      path,
      "--horizon",
      "2",
      "--every",
      "4h",
      "--model",
      "persistence",
      "--json",
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 100, train: 20, test: [20, 100], season: 6 });
    expect(JSON.parse(stdout).models[0].windows).toBe(79);
  });

  test("a report that needs nothing else, and takes names from the file as text only", async () => {
    const hostile = file(
      "hostile.csv",
      csv.replace("load,heat", '</script><img src=x onerror=alert(1)>,"<b>"'),
    );
    const report = join(folder, "report.html");
    await invoke(["evaluate", hostile, "--horizon", "3", "--model", "persistence", "--report", report]);
    const page = readFileSync(report, "utf8");
    expect(page).not.toContain("<img");
    expect(page).not.toContain("<b>");
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    const itself = page.replace(/<script type="application\/json" id="report">.*<\/script>/, "");
    expect(/\b(?:src|href)=|https?:\/\/(?!www\.w3\.org\/2000\/svg)/.test(itself)).toBe(false);
    const data = JSON.parse(
      /<script type="application\/json" id="report">(.*)<\/script>/.exec(page)?.[1] ?? "",
    );
    expect(data.head.targets).toEqual(["</script><img src=x onerror=alert(1)>", "<b>"]);
    expect(data.curves.rows).toHaveLength(318);
    expect(data.curves.curves[0].targets[0].label[0]).toBeCloseTo(load(80), 4);
  });

  test.each([
    [["--target", "nope"], 2, '--target: expected one of the columns "load, heat", got "nope"'],
    [["--with", "nope"], 2, '--with: expected one of the columns "load, heat", got "nope"'],
    [
      ["--test", "390:395", "--horizon", "12"],
      2,
      "--test: expected at least 12 rows (the horizon) among the 400 of",
    ],
    [["--target", "load", "--with", "load"], 2, "targets: expected each column once"],
    [["--forecasts", join(folder, "no", "such", "folder.arrow")], 1, "got no such file or folder"],
  ] as [string[], number, string][])("%j", async (flags, exitCode, words) => {
    const { code, stdout, stderr } = await invoke([
      "evaluate",
      "--quiet",
      path,
      "--model",
      "persistence",
      ...flags,
    ]);
    expect([code, stdout]).toEqual([exitCode, ""]);
    expect(stderr).toContain(words);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  test("a file without observations", async () => {
    const none = await invoke(["evaluate", file("empty.csv", ""), "--model", "persistence"]);
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringContaining("expected a recording with observations, got none"),
    ]);
  });

  test("the real command", async () => {
    const out = join(folder, "child.arrow");
    const { code, stdout, stderr } = await spawnEddy([
      "evaluate",
      "--quiet",
      path,
      "--horizon",
      "2",
      "--model",
      "persistence",
      "--json",
      "--forecasts",
      out,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(JSON.parse(stdout).models[0].mse).toBeGreaterThan(0);
    expect(existsSync(out)).toBe(true);
  });
});

test.each([
  [HOUR, 24],
  [HOUR / 4, 96],
  [24 * HOUR, 7],
  [30 * 24 * HOUR, 12],
  [7 * HOUR, null],
  [365 * 24 * HOUR, null],
])("the calendar's season of a step of %d ms is %j", (step, season) => {
  expect(calendarSeason(step)).toBe(season);
});
