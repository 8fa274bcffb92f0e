// Real processes: `eddy pipe --pipeline` and `eddy serve --pipeline` as a stranger uses them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { Client } from "../server/client.ts";
import { Program } from "../server/process.ts";
import { invoke, parsed, spawnEddy } from "./invoke.ts";

/** Processes start slowly on a busy machine. */
const PATIENCE = 180_000;
/** Outside of the project: no package is found from here. */
const folder = mkdtempSync(join(tmpdir(), "eddy-pipelines-"));
const programs: Program[] = [];
afterEach(async () => {
  for (const program of programs.splice(0)) await program.stop("SIGKILL");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const file = (name: string, code: string): string => {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, code);
  return path;
};

const iso = (n: number): string => new Date(Date.UTC(2024, 0, 1) + n * 60_000).toISOString();
const column = (rows: number): string =>
  `time,value\n${Array.from({ length: rows }, (_, n) => `${iso(n)},${Math.sin(n / 5).toFixed(4)}\n`).join("")}`;

const IMPORTS = 'import { leakyAverages, pipeline } from "eddy/streams";\nimport { map } from "rxjs";\n';
const simple = (name: string, series: string, scale = 5): string =>
  `pipeline({ name: "${name}", series: "${series}", build: (r$) => r$.pipe(map(({ values }) => values.value ?? 0), leakyAverages([${scale}])) })`;

describe("eddy pipe --pipeline FILE", () => {
  test(
    "each of the examples gives what it promises",
    async () => {
      const weather = Array.from({ length: 60 }, (_, n) =>
        ["temperature", "humidity", "pressure", "wet-bulb"].map((name, i) =>
          JSON.stringify({
            series: `weather/${name}`,
            time: iso(n),
            value: [15, 60, 1013, 12][i] + Math.sin(n / 7 + i),
          }),
        ),
      );
      const input = {
        anomaly: column(60),
        denoiser: column(60),
        "virtual-sensor": weather.flat().join("\n"),
      };
      const said: Record<string, ReturnType<typeof parsed>> = {};
      for (const [name, text] of Object.entries(input)) {
        const result = await spawnEddy(
          ["pipe", "--quiet", "--pipeline", `scripts/pipelines/${name}.ts`],
          text,
        );
        expect(result).toMatchObject({ code: 0, stderr: "" });
        said[name] = parsed(result.stdout);
      }
      expect(said.anomaly).toHaveLength(60);
      expect(said.anomaly.at(-1).output.surprise).toBeGreaterThan(0);
      expect(said.denoiser).toHaveLength(60);
      expect(said.denoiser[0].output.smoothed.value).toBeTypeOf("number");
      expect(said["virtual-sensor"].length).toBeGreaterThan(50);
      expect(said["virtual-sensor"].at(-1)).toMatchObject({ series: "virtual/wet-bulb" });
    },
    PATIENCE,
  );

  test(
    "a list of two, in JavaScript, far from any package, with packages and files of its own",
    async () => {
      file("node_modules/older/package.json", '{ "name": "older", "main": "index.js" }');
      file("node_modules/older/index.js", 'const os = require("os");\nexports.end = () => os.EOL.length;\n');
      file("weights.json", "[3]");
      const path = file(
        "two.mjs",
        `${IMPORTS}import { readFileSync } from "node:fs";\nimport { end } from "older";
         const [scale] = JSON.parse(readFileSync(new URL("weights.json", import.meta.url), "utf8"));
         const a = ${simple("a", "*")};
         const b = pipeline({ name: "b", series: "*", build: (r$) => r$.pipe(map(({ values }) => new Float64Array([values.value, scale, end()]))) });
         export default [a, b];`,
      );
      const { code, stdout, stderr } = await spawnEddy(["pipe", "--quiet", "--pipeline", path], column(4));
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(parsed(stdout).map(({ series }) => series)).toEqual(["a", "b", "a", "b", "a", "b", "a", "b"]);
      expect(parsed(stdout)[1].output).toEqual([0, 3, 1]);
    },
    PATIENCE,
  );

  const wrong: [string, string | undefined, RegExp, number][] = [
    ["missing.ts", undefined, /missing\.ts: expected a file/, 1],
    ["syntax.ts", "export default = 3;\n", /syntax\.ts: expected a pipeline.*\(line 1\)/, 1],
    [
      "nothing.ts",
      "export const a = 1;\n",
      /nothing\.ts: expected export default pipeline.*no default export/,
      1,
    ],
    ["unknown.ts", 'import "no-such-package";\n', /Could not resolve "no-such-package" \(line 1\)/, 1],
    ["throws.ts", 'throw new Error("oops");\n', /throws\.ts: expected code that runs, got Error: oops/, 1],
    [
      "big.ts",
      `${IMPORTS}export default pipeline({ name: "big", series: "*", build: (r$) => r$.pipe(map(() => 1n)) });`,
      /pipeline big: output: expected data that JSON can tell.*got a bigint/,
      1,
    ],
    [
      "late.ts",
      `${IMPORTS}export default pipeline({ name: "late", series: "*", build: (r$) => r$.pipe(map(({ values }) => values.value.toFixed(200))) });`,
      /pipeline late: got an error of its own: toFixed/,
      1,
    ],
    [
      "none.ts",
      `${IMPORTS}export default pipeline({ name: "none", series: "*", build: () => undefined });`,
      /pipeline none: build: expected an Observable of its outputs, got undefined/,
      2,
    ],
  ];
  test(
    "what is wrong with a file is one line that names it",
    async () => {
      for (const [name, code, message, exit] of wrong) {
        const path = code === undefined ? join(folder, name) : file(name, code);
        const {
          code: got,
          stderr,
          stdout,
        } = await spawnEddy(["pipe", "--quiet", "--pipeline", path], column(3));
        expect(stderr).toMatch(message);
        expect(stderr.trimEnd().split("\n")).toHaveLength(1);
        expect({ name, got, stdout }).toEqual({ name, got: exit, stdout: "" });
      }
      const { code, stderr } = await invoke(["pipe", "--pipeline", folder], column(3));
      expect(stderr).toMatch(/^eddy: .*: expected a (file|pipeline)[^\n]*\n$/);
      expect(code).toBe(1);
    },
    PATIENCE,
  );
});

const post = async (url: string, from: number, to: number) => {
  const body = Array.from({ length: to - from }, (_, i) =>
    ["a", "b"].map((series) =>
      JSON.stringify({ series, time: iso(from + i), value: Math.sin((from + i) / 5) }),
    ),
  ).flat();
  const headers = { "content-type": "application/x-ndjson" };
  const response = await fetch(`${url}/v1/observations`, { method: "POST", headers, body: body.join("\n") });
  expect(response.status).toBe(200);
};
const get = async (url: string, path: string) => (await fetch(`${url}${path}`)).json();

test(
  "eddy serve --pipeline FILE: subscribers, routes, a restart; export, inspect and savepoint afterwards",
  async () => {
    const path = file(
      "served.ts",
      `${IMPORTS}export default [${simple("mean", "*")}, ${simple("of-a", "a")}];`,
    );
    const database = join(folder, "eddy.db");
    const serve = async () => {
      programs.push(Program.eddy("serve", "--port", "0", "--db", database, "--pipeline", path));
      return (programs.at(-1) as Program).url();
    };
    let url = await serve();
    const client = await Client.ready(url);
    client.send({ type: "subscribe", id: 1, series: "mean", mode: "stream" });
    await client.until(() => client.of("subscribed").length === 1);
    await post(url, 0, 20);
    await client.until(() => client.of("data").length === 40);
    expect(client.of("data").at(-1)).toMatchObject({
      output: { series: "mean", issuedAt: iso(19), output: [expect.any(Number)] },
    });
    client.close();
    const latest = await get(url, "/v1/series/mean/forecast");
    expect(await programs[0].stop("SIGKILL")).toBe("SIGKILL");
    programs.splice(0);
    url = await serve();
    expect(await get(url, "/v1/series/mean/forecast")).toEqual(latest);
    await post(url, 20, 25);
    expect(await get(url, "/v1/pipelines")).toMatchObject([
      { name: "mean", series: ["*"], readings: 50, outputs: 50, stopped: null, stages: ["leakyAverages"] },
      { name: "of-a", series: ["a"], readings: 25, outputs: 25, stopped: null },
    ]);
    expect(await programs[0].stop()).toBe(0);

    const observations = await invoke(["export", "--db", database]);
    expect(parsed(observations.stdout).map(({ series }) => series)).toEqual(
      Array(25).fill(["a", "b"]).flat(),
    );
    expect(observations.stderr).toMatch(/^eddy: pipelines "mean", "of-a" left out/);
    const outputs = await invoke([
      "export",
      "--db",
      database,
      "--what",
      "forecasts",
      "--format",
      "ndjson",
      "--series",
      "mean",
    ]);
    expect(parsed(outputs.stdout)).toHaveLength(50);
    expect(outputs.stderr).toBe("");
    expect((await invoke(["export", "--db", database, "--series", "mean"])).code).toBe(2);
    const inspected = JSON.parse((await invoke(["inspect", "--db", database, "--json"])).stdout);
    expect(inspected.series.find(({ series }: { series: string }) => series === "mean")).toMatchObject({
      model: "pipeline",
      columns: [],
      observations: 50,
    });
    const savepoint = join(folder, "saved.eddy");
    expect(await invoke(["savepoint", savepoint, "--db", database])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^eddy: pipelines "mean", "of-a" left out: [^\n]*\n[^\n]*: 2 series/),
    });
    const other = join(folder, "other.db");
    expect((await invoke(["savepoint", savepoint, "--restore", "--db", other])).code).toBe(0);
    expect(JSON.parse((await invoke(["inspect", "--db", other, "--json"])).stdout).series).toHaveLength(2);
    expect((await invoke(["savepoint", `${savepoint}2`, "--db", database, "--series", "mean"])).code).toBe(2);
  },
  PATIENCE,
);
