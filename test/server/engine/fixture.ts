import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { type Forecast, words } from "../../../src/models/forecast.ts";
import type { Observation } from "../../../src/models/observation.ts";
import { type Engine, type EngineOptions, openEngine } from "../../../src/server/engine.ts";
import { DatabaseReader } from "../../../src/storage/index.ts";

/** A folder of its own for each test. */
export function temporaryFolder(): () => string {
  let folder = "";
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "eddy-engine-"));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  return () => folder;
}

/** Observation `n` of a series: a wave that no other series has. */
export function wave(series: string, n: number): Observation {
  const phase = [...series].reduce((sum, letter) => sum + letter.charCodeAt(0), 0);
  return {
    id: `${series}-${n}`,
    series,
    time: 1_700_000_000_000 + 1000 * n,
    values: { value: n % 11 === 5 ? null : Math.sin(n / 6 + phase) + 0.01 * n },
  };
}

/** Sends observations `from` .. `to` - 1 of every series, a batch per n. */
export async function sendWaves(
  engine: Engine,
  series: readonly string[],
  from: number,
  to: number,
): Promise<void> {
  for (let n = from; n < to; n++) await engine.ingest(series.map((name) => wave(name, n)));
}

/** Everything a test compares: state bytes of each series, and every forecast as issued. */
export interface Remains {
  readonly states: Readonly<Record<string, string>>;
  readonly forecasts: readonly Forecast[];
}

export function remains(database: string): Remains {
  const reader = new DatabaseReader(database);
  const series = reader.series();
  const states = Object.fromEntries(
    series.map(({ id, name }) => [name, Buffer.from(reader.checkpoint(id)!.state).toString("base64")]),
  );
  const forecasts = [...reader.issues(series)].flatMap(({ issue }) => words(issue));
  reader.close();
  return { states, forecasts };
}

/** What a run that nothing disturbs leaves behind. */
export async function undisturbed(
  options: EngineOptions,
  series: readonly string[],
  count: number,
): Promise<Remains> {
  const engine = await openEngine(options);
  await sendWaves(engine, series, 0, count);
  await engine.close();
  return remains(options.database);
}
