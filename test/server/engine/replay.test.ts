// A live run and the replay of what it recorded give the same forecasts, in every format of the export.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { run } from "../../../src/cli/run.ts";
import { openEngine } from "../../../src/server/engine.ts";
import { EXPORT_FORMATS } from "../../../src/storage/index.ts";
import { collectingWorld } from "./collecting-world.ts";
import { remains, temporaryFolder, wave } from "./fixture.ts";

const folder = temporaryFolder();

test("what is exported and replayed is forecast with the same bits", async () => {
  const database = join(folder(), "live.db");
  const engine = await openEngine({ database, series: { model: "auto", horizon: 3 } });
  for (let n = 0; n < 60; n++) {
    // Two series, some of their observations late.
    await engine.ingest(["x", "y"].map((series) => wave(series, n % 17 === 16 ? n - 3 : n)));
  }
  await engine.close();
  // Journal positions count from 1, rows of a file from 0.
  const live = remains(database).forecasts.map((forecast) => ({ ...forecast, offset: forecast.offset - 1 }));
  expect(live.length).toBeGreaterThan(100);

  for (const format of EXPORT_FORMATS) {
    const exported = collectingWorld();
    expect(await run(["export", "--db", database, "--format", format], exported.world)).toBe(0);
    const file = join(folder(), `live.${format}`);
    writeFileSync(file, exported.bytes());
    const replayed = collectingWorld();
    expect(await run(["replay", file, "--speed", "max", "--horizon", "3"], replayed.world)).toBe(0);
    const lines = replayed.text().trimEnd().split("\n");
    expect(
      lines.map((line) => JSON.parse(line)),
      format,
    ).toEqual(live);
  }

  const forecasts = collectingWorld();
  await run(["export", "--db", database, "--what", "forecasts", "--series", "x"], forecasts.world);
  expect(
    forecasts
      .text()
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).series),
  ).toEqual(live.filter(({ series }) => series === "x").map(({ series }) => series));
});

test("inspect tells of a database, and with its exit code of damage; wrong patterns are refused", async () => {
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series: { model: "persistence" } });
  for (let n = 0; n < 5; n++) await engine.ingest([wave("x", n)], { sources: { file: String(n) } });
  await engine.close();
  const json = collectingWorld();
  expect(await run(["inspect", "--db", database, "--json"], json.world)).toBe(0);
  expect(JSON.parse(json.text())).toMatchObject({
    rows: { series: 1, journal: 5, forecasts: 4 },
    sources: { file: "4" },
    series: [
      { series: "x", model: "persistence", observations: 5, checkpoints: [{ position: 5, good: true }] },
    ],
  });
  const table = collectingWorld();
  expect(await run(["inspect", "--db", database], table.world)).toBe(0);
  expect(table.text()).toMatch(
    /^x +persistence +value +5 +2023-11-14T22:13:24.000Z +\d+ bytes at position 5$/m,
  );
  const wrong = collectingWorld();
  expect(await run(["export", "--db", database, "--series", "z*"], wrong.world)).toBe(2);
  expect(wrong.errors()).toContain("--series: expected a pattern that fits one of the 1 series of");
  const missing = collectingWorld();
  expect(await run(["inspect", "--db", join(folder(), "none.db")], missing.world)).toBe(1);
  expect(missing.errors()).toContain("one that cannot be opened");
});

test("forecasts are exported with a column per level that any of the series was asked for", async () => {
  const database = join(folder(), "q.db");
  const engine = await openEngine({
    database,
    series: (name) => ({ model: "persistence", horizon: 1, quantiles: name === "x" ? [0.9, 0.1] : [] }),
  });
  for (let n = 0; n < 5; n++) await engine.ingest(["x", "y"].map((name) => wave(name, n)));
  await engine.close();
  const csv = collectingWorld();
  expect(await run(["export", "--db", database, "--what", "forecasts", "--format", "csv"], csv.world)).toBe(
    0,
  );
  const [head, ...lines] = csv.text().trimEnd().split("\n");
  expect(head).toMatch(/,model,q0\.1,q0\.9$/);
  const quantiles = lines.map((line) => line.split(",").slice(-2));
  const told = remains(database).forecasts.map(({ horizon }) => {
    const at = horizon[0].quantiles;
    return at === undefined ? ["", ""] : [String(at["0.1"]), String(at["0.9"])];
  });
  expect(quantiles).toEqual(told);
  expect(told.filter(([low]) => low === "")).toHaveLength(4);
});

test("savepoint and --restore, by command", async () => {
  const database = join(folder(), "a.db");
  const engine = await openEngine({ database, series: { model: "persistence" } });
  for (let n = 0; n < 5; n++) await engine.ingest([wave("x", n)]);
  await engine.close();
  const file = join(folder(), "x.eddy");
  const save = collectingWorld();
  expect(await run(["savepoint", file, "--db", database, "--series", "x"], save.world)).toBe(0);
  expect(save.errors()).toContain("1 series, 0 observations after their checkpoints, 4 forecasts");
  const other = join(folder(), "b.db");
  const restore = collectingWorld();
  expect(await run(["savepoint", file, "--restore", "--db", other], restore.world)).toBe(0);
  expect(remains(other)).toEqual(remains(database));
});
