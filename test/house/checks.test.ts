// The house rules that a tool can hold: types, lint, formatting, layers, nothing unused. What `npm run check` runs, and its proof.
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { buildSync } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const run = (args: string[]) => spawnSync(process.execPath, args, { encoding: "utf8" });
const biome = "node_modules/@biomejs/biome/bin/biome";

test("types hold", () => {
  const { stdout } = run(["node_modules/typescript/bin/tsc", "--noEmit", "--pretty", "false"]);
  expect(stdout).toBe("");
});

test("indexed access is checked, but where the list says", () => {
  const { status, stdout } = run(["--import", "tsx", "scripts/check/indexing.ts"]);
  expect(stdout).toBe("");
  expect(status).toBe(0);
});

test("lint and formatting hold, the layer rule among them", () => {
  const { status, stdout, stderr } = run([biome, "check", "."]);
  expect(status, stdout + stderr).toBe(0);
});

test("nothing is unused: no file, export or dependency", () => {
  const { status, stdout, stderr } = run(["node_modules/knip/bin/knip.js", "--no-progress"]);
  expect(status, stdout + stderr).toBe(0);
});

test("the client is nothing but itself: of the protocol and the models it has types alone", () => {
  const { inputs } = buildSync({
    entryPoints: ["src/client/index.ts"],
    bundle: true,
    write: false,
    metafile: true,
    logLevel: "silent",
  }).metafile;
  expect(Object.keys(inputs).filter((path) => !path.startsWith("src/client/"))).toEqual([]);
  expect(Object.keys(inputs).length).toBeGreaterThan(5);
});

test("models raise to no power that rounds differently from one Node to another", () => {
  const powers = readdirSync("src/models", { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.includes("assembly") && !name.includes("generated"))
    .flatMap((name) =>
      readFileSync(join("src/models", name), "utf8")
        .split("\n")
        .map((line) => `${name}: ${line}`),
    )
    // Squares and powers of two are exact; in a comment it is no code.
    .filter((line) => /\S \*\* (?!2\b)|Math\.pow/.test(line) && !/(: | )2 \*\* |: *(\/?\*|\/\/)/.test(line));
  expect(powers).toEqual([]);
});

test("SQLite is reached through one module, which knows what each Node can load", () => {
  const importers = ["src", "scripts", "test"].flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .map((name) => join(folder, name))
      .filter((path) => /^import .* from "better-sqlite3/m.test(readFileSync(path, "utf8"))),
  );
  expect(importers).toEqual(["src/storage/sqlite/driver.ts"]);
});

const PLANTED = [
  ["src/models/kernels/planted.ts", "../network/network.ts"],
  ["src/models/statistics/planted.ts", "../learning/ridge.ts"],
  ["src/models/readouts/planted.ts", "../network/network.ts"],
  ["src/models/recursive/planted.ts", "../learning/tbptt.ts"],
  ["src/models/network/planted.ts", "../learning/tbptt.ts"],
  ["src/models/network/cells/planted.ts", "../../forecaster/expert.ts"],
  ["src/models/network/planted-too.ts", "node:fs"],
  ["src/models/learning/planted.ts", "../forecaster/expert.ts"],
  ["src/models/sequence/planted.ts", "../forecaster/expert.ts"],
  ["src/models/forecaster/planted.ts", "../sequence/sequence-model.ts"],
  ["src/models/forecaster/experts/planted.ts", "../../../streams/series.ts"],
  ["src/models/network/planted-three.ts", "../../stages/stage.ts"],
  ["src/stages/planted.ts", "../streams/series.ts"],
  ["src/models/planted.ts", "../protocol/observation.ts"],
  ["src/protocol/planted.ts", "../streams/series.ts"],
  ["src/protocol/planted-too.ts", "../server/engine.ts"],
  ["src/protocol/planted-three.ts", "node:fs"],
  ["src/streams/planted.ts", "../storage/index.ts"],
  ["src/storage/planted.ts", "../streams/series.ts"],
  ["src/client/planted.ts", "../streams/json.ts"],
  ["src/client/planted-too.ts", "../server/server.ts"],
  ["src/client/planted-three.ts", "rxjs"],
  ["src/server/planted-too.ts", "../client/client.ts"],
  ["src/server/planted.ts", "../cli/main.ts"],
  ["src/storage/allowed.ts", "../stages/stage.ts"],
  ["src/client/allowed.ts", "../protocol/server-messages.ts"],
  ["src/browser/allowed.ts", "../client/index.ts"],
  ["src/streams/allowed.ts", "../models/errors.ts"],
  ["src/streams/allowed-too.ts", "../protocol/observation.ts"],
  ["src/protocol/allowed.ts", "../models/forecast.ts"],
  ["src/models/forecaster/experts/allowed.ts", "../../network/network.ts"],
] as const;

describe("the layer rule", () => {
  const folder = mkdtempSync(join(tmpdir(), "eddy-layers-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  let report = "";
  beforeAll(() => {
    for (const file of ["biome.json", ".gitignore"]) copyFileSync(file, join(folder, file));
    for (const [file, target] of PLANTED) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `import * as planted from "${target}";\n\nexport default planted;\n`);
    }
    for (const [name, other] of [
      ["egg", "hen"],
      ["hen", "egg"],
    ]) {
      const text = `import type { ${other} } from "./${other}.ts";\n\nexport type ${name} = ${other}[];\n`;
      writeFileSync(join(folder, `src/models/forecaster/${name}.ts`), text);
    }
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [resolve(biome), "lint", "--reporter=github", "."],
      {
        cwd: folder,
        encoding: "utf8",
      },
    );
    report = stdout + stderr;
  });
  const refused = (file: string): boolean =>
    report.split("\n").some((line) => line.includes(file) && line.includes("noRestrictedImports"));

  test.each(PLANTED.filter(([file]) => file.includes("planted")))("%s may not import %s", (file) => {
    expect(refused(file), report).toBe(true);
  });

  test("models may not import each other in a circle, not even for a type", () => {
    const lines = report.split("\n").filter((line) => line.includes("noImportCycles"));
    for (const name of ["egg", "hen"]) expect(lines.join("\n")).toContain(`forecaster/${name}.ts`);
  });

  test.each(PLANTED.filter(([file]) => file.includes("allowed")))("%s may import %s", (file) => {
    expect(refused(file)).toBe(false);
  });
});
