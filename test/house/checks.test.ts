// The house rules that a tool can hold: types, lint, formatting, layers.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";

const run = (args: string[], input?: string) =>
  spawnSync(process.execPath, args, { encoding: "utf8", ...(input === undefined ? {} : { input }) });
const biome = "node_modules/@biomejs/biome/bin/biome";

test("types hold", () => {
  const { stdout } = run(["node_modules/typescript/bin/tsc", "--noEmit", "--pretty", "false"]);
  expect(stdout).toBe("");
});

test("lint and formatting hold, the layer rule among them", () => {
  const { status, stdout, stderr } = run([biome, "check", "."]);
  expect(status, stdout + stderr).toBe(0);
});

test.each([
  ["src/models/kernels/planted.ts", "../network/graph.ts"],
  ["src/models/forecaster/planted.ts", "../../streams/series.ts"],
  ["src/models/network/planted.ts", "node:fs"],
  ["src/streams/planted.ts", "../storage/index.ts"],
  ["src/storage/planted.ts", "../streams/series.ts"],
  ["src/storage/planted.ts", "../server/engine.ts"],
  ["src/server/planted.ts", "../cli/main.ts"],
])("%s may not import %s", (file, target) => {
  const code = `import * as planted from "${target}";\nexport default planted;\n`;
  const { stdout, stderr } = run([biome, "lint", `--stdin-file-path=${file}`], code);
  expect(stdout + stderr).toContain("noRestrictedImports");
});

test("an import that points down is allowed", () => {
  const code = `import * as below from "../models/errors.ts";\n\nexport default below;\n`;
  const { stdout, stderr } = run([biome, "lint", "--stdin-file-path=src/streams/planted.ts"], code);
  expect(stdout + stderr).not.toContain("noRestrictedImports");
});
