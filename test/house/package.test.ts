// The packed tarball, laid into an empty project: every subpath of the export map can be imported, and the command runs.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const home = mkdtempSync(join(tmpdir(), "eddy-package-"));
const { exports, dependencies } = JSON.parse(readFileSync("package.json", "utf8"));
const installed = join(home, "node_modules", "eddy");

beforeAll(() => {
  // --ignore-scripts: `npm test` has built the package already.
  const out = execFileSync("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", home], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });
  const packed = JSON.parse(out);
  const { filename } = Array.isArray(packed) ? packed[0] : (Object.values(packed)[0] as { filename: string });
  mkdirSync(installed, { recursive: true });
  execFileSync("tar", ["-xzf", join(home, filename), "-C", installed, "--strip-components=1"]);
  for (const name of Object.keys(dependencies)) {
    const target = join(home, "node_modules", name);
    mkdirSync(join(target, ".."), { recursive: true });
    symlinkSync(resolve("node_modules", name), target);
  }
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

test.each(Object.keys(exports).filter((subpath) => !subpath.endsWith(".json")))("import %s", (subpath) => {
  const name = `eddy${subpath.slice(1)}`;
  const code = `const m = await import(${JSON.stringify(name)}); if (Object.keys(m).length === 0) throw new Error("empty");`;
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: home,
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
});

test("the command forecasts from the second line on", () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [
      join(installed, "dist/cli/main.js"),
      "pipe",
      "--format",
      "lines",
      "--horizon",
      "2",
      "--model",
      "persistence",
    ],
    { cwd: home, input: "1\n2\n3\n", encoding: "utf8" },
  );
  expect(status, stderr).toBe(0);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines).toHaveLength(2);
  expect(lines[1].horizon[0].mean).toBe(3);
});

test("the thread that copies the log starts from the package", () => {
  const code = `
    const { openEngine } = await import("eddy/server");
    let copied = false;
    const engine = await openEngine({
      database: "a.db",
      series: { model: "persistence" },
      failpoint: (name) => { copied ||= name === "copy:done"; },
    });
    for (let n = 0; n < 2000 && !copied; n++) await engine.ingest([{ series: "a", time: 1000 * n, values: { value: n } }]);
    const { log_copy_failures_total } = engine.metrics();
    await engine.close();
    process.stdout.write(JSON.stringify({ copied, log_copy_failures_total }));`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: home,
    encoding: "utf8",
  });
  expect(status, stderr).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ copied: true, log_copy_failures_total: 0 });
});
