import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { run } from "../../src/cli/run.ts";
import { fakeWorld, invoke, parsed } from "./invoke.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-forecast-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};
const hour = (i: number): string => new Date(Date.UTC(2025, 2, 4, i)).toISOString();
const path = file(
  "load.csv",
  `time,load\n${Array.from({ length: 60 }, (_, i) => `${hour(i)},${Math.sin(i / 3)}\n`).join("")}`,
);
const two = file(
  "rooms.csv",
  `time,room,temp\n${Array.from({ length: 10 }, (_, i) => `${hour(i)},"a ""x"", b",${i}\n${hour(i)},c,${-i}\n`).join("")}`,
);

describe("eddy forecast", () => {
  test("--json: the last forecasts of eddy pipe, bit for bit", async () => {
    const { code, stdout, stderr } = await invoke(["forecast", path, "--horizon", "5", "--json", "--quiet"]);
    expect([code, stderr]).toEqual([0, ""]);
    const text = `time,load\n${Array.from({ length: 60 }, (_, i) => `${hour(i)},${Math.sin(i / 3)}\n`).join("")}`;
    const piped = parsed((await invoke(["pipe", "--horizon", "5", "--quiet"], text)).stdout).at(-1);
    expect(JSON.parse(stdout)).toEqual([{ ...piped, series: "load" }]);
    expect(JSON.parse(stdout)[0].horizon[4].time).toBe(hour(64));
  });

  test("--csv: a row per series, column and step, quoted where it must be", async () => {
    const { stdout } = await invoke([
      "forecast",
      two,
      "--horizon",
      "2",
      "--model",
      "persistence",
      "--csv",
      "--quantiles",
      "0.5",
      "--quiet",
    ]);
    const [head, ...rows] = stdout.trimEnd().split("\n");
    expect(head).toBe("series,target,step,time,mean,lower,upper,q0.5");
    expect(rows.map((row) => row.split(/,(?=temp)/)[0])).toEqual(['"a ""x"", b"', '"a ""x"", b"', "c", "c"]);
    expect(rows[0]).toContain(`,temp,1,${hour(10)},9,`);
    expect(rows[3]).toContain(`,temp,2,${hour(11)},-9,`);
  });

  test("a table, without times where the file has none", async () => {
    const timed = await invoke(["forecast", path, "--horizon", "2", "--model", "persistence"]);
    expect(timed.stderr).toMatch(
      /^eddy: .*load\.csv: read as a table \(--format csv\), cut by comma.*time: time, .*values: load \(--value\)\n$/,
    );
    expect(timed.stdout.split("\n")[0]).toMatch(/^load {2}load {2}\(persistence, 90 % interval/);
    expect(timed.stdout.split("\n")[1]).toMatch(/^ +step +time +mean +lower +upper$/);
    expect(timed.stdout.split("\n")[2]).toMatch(/^ +1 +2025-03-06T12:00:00Z +[\d.-]+ +[\d.-]+ +[\d.-]+$/);
    const bare = file("bare.txt", "1\n2\n3\n4\n");
    const untimed = await invoke(["forecast", bare, "--horizon", "2", "--model", "persistence", "--quiet"]);
    expect(untimed.stdout).toMatch(/^ +step +mean +lower +upper$/m);
    const json = await invoke([
      "forecast",
      bare,
      "--horizon",
      "1",
      "--model",
      "persistence",
      "--quiet",
      "--json",
    ]);
    expect(JSON.parse(json.stdout)[0]).toMatchObject({
      series: "bare",
      issuedAt: null,
      horizon: [{ step: 1, time: null, mean: 4 }],
    });
  });

  test("on a terminal a chart stands above the table", async () => {
    const { world, written } = fakeWorld("", {}, true);
    expect(await run(["forecast", path, "--horizon", "8", "--model", "persistence", "--quiet"], world)).toBe(
      0,
    );
    expect(written.stdout).toMatch(/load load +[▁▂▃▄▅▆▇█]{32}/);
    expect(written.stdout).toContain("step");
  });

  test("too little, too much and both", async () => {
    const one = await invoke(["forecast", file("one.csv", "time,v\n2025-03-04,1\n"), "--quiet"]);
    expect([one.code, one.stderr]).toEqual([
      1,
      expect.stringContaining("expected at least two readings of a series, got 1\n"),
    ]);
    const both = await invoke(["forecast", path, "--csv", "--json"]);
    expect([both.code, both.stderr]).toEqual([2, "eddy: --csv: cannot be given together with --json\n"]);
    const bad = await invoke([
      "forecast",
      file("bad.csv", "time,v\n2025-03-04,1\n2025-03-05,x!\n2025-03-06,3,4\n2025-03-07,4\n"),
      "--quiet",
      "--model",
      "persistence",
    ]);
    expect(bad.stderr.trimEnd().split("\n").at(-1)).toMatch(
      /: 2 observations taken, 2 refused \(1 bad-number, 1 bad-line\)$/,
    );
  });
});

describe("eddy recognise", () => {
  test("says in one line what a file is, and shows its first readings", async () => {
    const german = file(
      "messung.csv",
      "Zeit;Druck (hPa);Ort\n28.02.2025 06:00;1013,2;Nord\n28.02.2025 06:05;1013,4;Nord\n",
    );
    const { code, stdout, stderr } = await invoke(["recognise", german]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout.split("\n")[0]).toBe(
      `eddy: ${german}: read as a table (--format csv), cut by semicolon (--separator); numbers with a decimal comma (--decimal); ` +
        'time: Zeit, as "28.02.2025 06:00", day first, UTC where none is named (--time, --time-format, --time-zone); series: one (--series); ' +
        "values: Druck (hPa) (--value); left out of 3 lines looked at: columns without numbers Ort",
    );
    expect(stdout.split("\n")[1]).toBe('  line 2: messung 2025-02-28T06:00:00.000Z {"Druck (hPa)":1013.2}');
    const json = JSON.parse((await invoke(["recognise", german, "--json"])).stdout);
    expect(json).toMatchObject({
      format: "csv",
      separator: ";",
      decimal: ",",
      time: { columns: ["Zeit"], zone: "UTC" },
      series: { columns: [], inLine: false },
      columns: [{ name: "Druck (hPa)", unit: "" }],
      leftOut: { columns: ["Ort"], comments: 0, unreadable: 0 },
      lines: 3,
    });
    expect(json.sample).toHaveLength(2);
  });

  test("every part can be said instead", async () => {
    const open = file("open.txt", "02/01/2025 06:00|1,500\n02/01/2025 06:05|1,600\n");
    expect((await invoke(["recognise", open])).stderr).toContain(
      "2 January or 1 February? say --time-format 'DD/MM/YYYY HH:mm'",
    );
    const said = [
      "--format",
      "csv",
      "--separator",
      "|",
      "--decimal",
      "point",
      "--time",
      "column1",
      "--time-format",
      "MM/DD/YYYY HH:mm",
      "--time-zone",
      "+01:00",
      "--value",
      "column2",
    ];
    const { sample } = JSON.parse((await invoke(["recognise", open, "--json", ...said])).stdout);
    expect(sample[1]).toEqual({
      line: 2,
      series: "open",
      time: "2025-02-01T05:05:00.000Z",
      values: { column2: 1600 },
    });
  });

  test("stdin too; what is wrong with a flag is wrong usage", async () => {
    const { stdout } = await invoke(["recognise", "-", "--json"], "a.b:3|g\na.b:4|g\n");
    expect(JSON.parse(stdout)).toMatchObject({ format: "statsd", series: { inLine: true, seen: ["a.b"] } });
    for (const [flag, value, words] of [
      ["--time-format", "DD/QQ", "a pattern such as DD/MM/YYYY HH:mm:ss"],
      ["--time-zone", "Mars/Olympus", "UTC, an offset such as +02:00, or a name such as Europe/Berlin"],
      ["--separator", "ab", "one character, or the word tab"],
    ]) {
      const { code, stderr } = await invoke(["recognise", path, flag as string, value as string]);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(
          new RegExp(
            `^eddy: ${flag}: expected ${(words as string).replaceAll("+", "\\+")}.*, got "${value}"`,
          ),
        ),
      ]);
    }
  });
});

describe("eddy pipe says what it found", () => {
  test("one line on stderr, that --quiet silences; cells left out and late columns are counted", async () => {
    const rows = Array.from(
      { length: 80 },
      (_, i) => `${hour(i)},${i === 3 ? "oops" : i}${i > 70 ? `,${i}` : ","}\n`,
    );
    const { stderr } = await invoke(["pipe", "--model", "persistence"], `time,a,note\n${rows.join("")}`);
    const lines = stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^eddy: stdin: read as a table/);
    expect(lines[1]).toBe(
      'eddy: stdin line 5: a: expected a finite number, got "oops" (the rest of the line is taken)',
    );
    expect(lines[2]).toBe("eddy: stdin: 80 observations taken, 0 refused, 1 cell left out (1 bad-number)");
  });

  test("a column that has no numbers at first is counted when they come", async () => {
    const rows = Array.from({ length: 90 }, (_, i) => `${hour(i)},${i},${i < 80 ? "ok" : i}\n`);
    const { stderr } = await invoke(
      ["pipe", "--model", "persistence", "--quiet"],
      `time,a,b\n${rows.join("")}`,
    );
    expect(stderr).toBe(
      "eddy: stdin: 90 observations taken, 0 refused, 10 values left out of columns that the first readings did not have\n",
    );
  });
});
