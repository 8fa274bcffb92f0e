// The packed tarball, laid into an empty project beside what it depends on and nothing else: every subpath of the export map
// can be imported and its types hold, the command runs, and what the README speaks of is there.
import { execFileSync, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";

const home = mkdtempSync(join(tmpdir(), "eddy-package-"));
const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const lock: Readonly<Record<string, LockEntry>> = JSON.parse(
  readFileSync("package-lock.json", "utf8"),
).packages;
const installed = join(home, "node_modules", "eddy");
const subpaths = Object.keys(manifest.exports).filter((subpath) => !subpath.endsWith(".json"));

interface LockEntry {
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

/** Packages that come with an installed eddy, as paths of this checkout. */
const production = Object.entries(lock)
  .filter(
    ([path, { dev, devOptional }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && !dev && !devOptional,
  )
  .map(([path]) => path)
  .filter((path) => existsSync(path));

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
  for (const path of production) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    symlinkSync(resolve(path), join(home, path));
  }
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

test("the lock file names the native packages of every platform", () => {
  const missing = Object.entries(lock).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) =>
        lock[`node_modules/${name}`] === undefined && lock[`${path}/node_modules/${name}`] === undefined,
    ),
  );
  expect(missing).toEqual([]);
});

test("publint finds nothing wrong", async () => {
  const { messages } = await publint({ pkgDir: installed, pack: false });
  expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
});

test("what the README links to or runs is in the package", () => {
  const readme = readFileSync("README.md", "utf8");
  const named = [...readme.matchAll(/\]\(((?!https?:)[^)#]+)|\b(scripts\/[\w/.-]+\.ts)/g)];
  const paths = named.map(([, link, script]) => link ?? script ?? "");
  expect(paths.length).toBeGreaterThan(10);
  expect(paths.filter((path) => !existsSync(join(installed, path)))).toEqual([]);
});

test("a script of the package finds all that it imports", () => {
  const { status, stderr } = spawnSync(process.execPath, ["--import", "tsx", "scripts/replay.ts"], {
    cwd: installed,
    encoding: "utf8",
  });
  expect(stderr).toContain("usage:");
  expect(status).toBe(2);
});

// Links are not followed, so that only the types of what is installed with the package are found.
test.each(subpaths)("the types of %s hold for a project that checks them all and names none", (subpath) => {
  const file = join(home, `types${subpath.slice(1).replace("/", "-")}.ts`);
  writeFileSync(file, `export * from "eddy${subpath.slice(1)}";\n`);
  const flags = "--ignoreConfig --preserveSymlinks --strict --noEmit --pretty false --skipLibCheck false";
  const { stdout } = spawnSync(
    process.execPath,
    [
      resolve("node_modules/typescript/bin/tsc"),
      ...`${flags} --target es2022 --module nodenext`.split(" "),
      file,
    ],
    { cwd: home, encoding: "utf8" },
  );
  expect(stdout).toBe("");
});

test.each(subpaths)("import %s", (subpath) => {
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
