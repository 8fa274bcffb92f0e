import type { Arena } from "../models/kernels/arena.ts";
import { batchMessage, batchOf, END_OF_STREAM, schemaMessage, schemaOf } from "../storage/arrow/batches.ts";
import type { Clock } from "../storage/clock.ts";
import type { SeriesOptions } from "../streams/series.ts";
import { seriesMaker } from "./engine/series.ts";
import { readBody } from "./http/observations-body.ts";

export interface WarmUpOptions {
  /** Where the engine's series will lie. */
  readonly arena: Arena;
  /** How new series are opened. */
  readonly series: (name: string) => SeriesOptions;
  /** One series of each kind there is to open, by name. */
  readonly names: readonly string[];
  readonly clock: Pick<Clock, "soon">;
}

/** Readings of a made-up series: enough for every part of a forecaster to have run. */
const READINGS = 24;
const ROWS = 8;

/**
 * Does for the first time what would hold the event loop when a client were the first to ask for it: draws the reservoirs that
 * series of one kind share, loads the Arrow library, and runs the code that opens series and reads bodies, which is slow until
 * it has been compiled. What was made up is let go of; of it the arena keeps the reservoirs.
 */
export async function warmUp({ arena, series, names, clock }: WarmUpOptions): Promise<void> {
  const pause = (): Promise<void> => new Promise((resolve) => clock.soon(resolve));
  const maker = seriesMaker(series, arena);
  for (const name of names) {
    const first = { series: name, time: 0, values: { value: 0 } };
    const specification = maker.plan(first);
    const columns = [...specification.targets, ...specification.inputs];
    const reading = (n: number) => ({
      series: name,
      time: n * Math.max(1000, series(name).every ?? 0),
      values: Object.fromEntries(columns.map((column, c) => [column, Math.sin(n + c)])),
    });
    const live = maker.open(reading(0));
    for (let n = 0; n < READINGS; n++) {
      live.push(reading(n), n + 1);
      await pause();
    }
    live.restore(live.save());
    live.release();
    await pause();
  }
  const rows = Array.from({ length: ROWS }, (_, n) => ({ series: "a", time: n, value: n }));
  for (const [type, body] of [
    ["application/x-ndjson", rows.map((row) => `${JSON.stringify(row)}\n`).join("")],
    ["application/json", JSON.stringify(rows)],
    [
      "text/csv",
      `series,time,value\n${rows.map(({ series, time, value }) => `${series},${time},${value}\n`).join("")}`,
    ],
    ["application/vnd.apache.arrow.stream", arrowBody(rows)],
  ] as const) {
    await readBody(type, Buffer.from(body as string), { series: undefined, rows: 2 * ROWS }, async (work) => {
      for (;;) {
        const { done, value } = work.next();
        if (done) return value;
        await pause();
      }
    });
  }
}

function arrowBody(rows: readonly { series: string; time: number; value: number }[]): Uint8Array {
  const schema = schemaOf([
    { name: "series", kind: "text" },
    { name: "time", kind: "time" },
    { name: "value", kind: "number" },
  ]);
  const batch = batchOf(schema, [
    rows.map((row) => row.series),
    rows.map((row) => row.time),
    rows.map((row) => row.value),
  ]);
  return Buffer.concat([schemaMessage(schema), batchMessage(schema, batch), END_OF_STREAM]);
}
