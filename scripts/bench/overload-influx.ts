// InfluxDB writes at twice the rate that the server can take, each sender on its own clock whatever the answers:
//   node --import tsx scripts/bench/overload-influx.ts [--seconds 20] [--model persistence]
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { DatabaseReader } from "../../src/storage/index.ts";
import { Program } from "../../test/server/process.ts";

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "20" }, model: { type: "string", default: "persistence" } },
});
const SERIES = 400;
const LINES = 500;
const folder = mkdtempSync(join(tmpdir(), "eddy-overload-"));
const database = join(folder, "eddy.db");
const config = join(folder, "eddy.config.json");
writeFileSync(config, JSON.stringify({ port: 0, database, forecast: { model: values.model, horizon: 1 } }));
const server = Program.eddy("serve", "--config", config);
const url = await server.url();

const times = new Float64Array(SERIES).fill(Date.now() - 3_600_000);
const acknowledged: { series: number; from: number }[] = [];
let [told, failed, largest] = [0, 0, 0];

/** One body of one series: its times have not been sent before. */
async function send(series: number): Promise<void> {
  const from = times[series];
  times[series] += LINES;
  let body = "";
  for (let n = 0; n < LINES; n++) body += `load,n=${series} v=${n % 17} ${from + n}\n`;
  try {
    const answer = await fetch(`${url}/write?precision=ms`, { method: "POST", body });
    await answer.text();
    if (answer.status === 204) acknowledged.push({ series, from });
    else if (answer.status === 503 || answer.status === 429) told++;
    else failed++;
  } catch {
    failed++;
  }
}
async function memory(): Promise<void> {
  const text = await (await fetch(`${url}/metrics`)).text();
  largest = Math.max(largest, Number(/^process_resident_memory_bytes (.*)$/m.exec(text)?.[1]) / 2 ** 20);
}

// What it can take: sixteen senders that wait for their answers, once it is warm.
let capacity = 0;
for (const seconds of [5, 10]) {
  const before = acknowledged.length;
  const until = performance.now() + 1000 * seconds;
  await Promise.all(
    Array.from({ length: 16 }, async (_, sender) => {
      for (let k = 0; performance.now() < until; k++) await send((sender + 16 * k) % SERIES);
    }),
  );
  capacity = ((acknowledged.length - before) * LINES) / seconds;
}
await memory();
const earlier = { acknowledged: acknowledged.length, megabytes: largest };
// Twice of it, by the clock. A series waits for its own last answer, so that order is kept; there are enough of them.
const interval = LINES / (2 * capacity);
const begun = performance.now();
const busy = new Set<number>();
const under: Promise<void>[] = [];
let [sent, skipped] = [0, 0];
for (let k = 0; performance.now() - begun < 1000 * Number(values.seconds); k++) {
  const wait = begun + 1000 * k * interval - performance.now();
  if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
  const series = k % SERIES;
  if (busy.has(series)) {
    skipped++;
    continue;
  }
  busy.add(series);
  sent++;
  under.push(send(series).finally(() => busy.delete(series)));
  if (k % 100 === 0) await memory();
}
await Promise.all(under);
await memory();
const seconds = (performance.now() - begun) / 1000;
await server.stop();
const reader = new DatabaseReader(database);
const there = new Map<string, Set<number>>();
let [rows, twice] = [0, 0];
for (const { series, time } of reader.observations(reader.series())) {
  rows++;
  const own = there.get(series) ?? new Set();
  there.set(series, own);
  if (own.has(time)) twice++;
  own.add(time);
}
reader.close();
let missing = 0;
for (const { series, from } of acknowledged)
  for (let n = 0; n < LINES; n++) if (!there.get(`load,n=${series}`)?.has(from + n)) missing++;
console.log(
  JSON.stringify(
    {
      capacityLinesPerSecond: Math.round(capacity),
      offeredLinesPerSecond: Math.round(((sent + skipped) * LINES) / seconds),
      takenLinesPerSecond: Math.round(((acknowledged.length - earlier.acknowledged) * LINES) / seconds),
      bodiesSent: sent,
      bodiesHeldBackBySender: skipped,
      bodiesRefusedAsBusy: told,
      bodiesFailedOtherwise: failed,
      acknowledgedAndMissing: missing,
      appliedTwice: twice,
      rows,
      megabytesBefore: Math.round(earlier.megabytes),
      megabytesMost: Math.round(largest),
    },
    null,
    2,
  ),
);
rmSync(folder, { recursive: true, force: true });
