// Intake at a steady rate for as long as you like: are database, log and memory bounded, does latency grow, is all of it taken?
// node --import tsx scripts/bench/soak.ts [--seconds 3600] [--rate 2000] [--series 200] [--model persistence] [--horizon 4]
//   [--rows 100000] [--reports 12]
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { EddyError } from "../../src/models/errors.ts";
import { openEngine } from "../../src/server/engine.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3600" },
    rate: { type: "string", default: "2000" },
    series: { type: "string", default: "200" },
    model: { type: "string", default: "persistence" },
    horizon: { type: "string", default: "4" },
    rows: { type: "string", default: "100000" },
    reports: { type: "string", default: "12" },
  },
});
const [seconds, rate, series, reports] = [values.seconds, values.rate, values.series, values.reports].map(
  Number,
);
const rows = Number(values.rows);
const TICK = 50;
/** Requests on their way at most; beyond it the sender falls behind, and its waits are counted from when they were due. */
const UNANSWERED = 40;
const folder = mkdtempSync(join(tmpdir(), "eddy-soak-"));
const database = join(folder, "soak.db");
const engine = await openEngine({
  database,
  series: { model: values.model, horizon: Number(values.horizon) },
  checkpointEvery: 5000,
  retention: { journalRows: rows, forecastRows: rows, idRows: rows },
});
const fileBytes = (path: string): number => {
  try {
    return statSync(path).size;
  } catch {
    return 0;
  }
};
const mib = (bytes: number): number => Math.round(bytes / 2 ** 18) / 4;
const tenths = (milliseconds: number): number => Math.round(milliseconds * 10) / 10;

/** Observations by what became of them. `busy` and `failed` count those of requests that were turned down whole. */
const counts = { sent: 0, accepted: 0, late: 0, duplicate: 0, refused: 0, busy: 0, failed: 0 };
const pending = new Set<Promise<void>>();
let waits: number[] = [];

const send = async (due: number, size: number): Promise<void> => {
  const from = counts.sent;
  counts.sent += size;
  const batch = Array.from({ length: size }, (_, i) => {
    const n = from + i;
    const round = Math.floor(n / series);
    return {
      id: String(n),
      series: `soak/${n % series}`,
      time: 1_700_000_000_000 + 1000 * round,
      values: { value: Math.sin(round / 20 + n) },
    };
  });
  try {
    const { accepted, late, duplicate, refused } = await engine.ingest(batch);
    waits.push(performance.now() - due);
    counts.accepted += accepted;
    counts.late += late;
    counts.duplicate += duplicate;
    counts.refused += refused.length;
  } catch (error) {
    const busy = error instanceof EddyError && error.code === "busy";
    counts[busy ? "busy" : "failed"] += size;
  }
};

const report = (elapsed: number): void => {
  const sorted = waits.sort((a, b) => a - b);
  waits = [];
  const at = (share: number): number =>
    tenths(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
  const m = engine.metrics();
  console.log(
    JSON.stringify({
      seconds: Math.round(elapsed),
      sent: counts.sent,
      taken: counts.accepted,
      perSecond: Math.round(counts.accepted / elapsed),
      medianMs: at(0.5),
      p99Ms: at(0.99),
      longestMs: at(1),
      databaseMiB: mib(fileBytes(database)),
      walMiB: mib(fileBytes(`${database}-wal`)),
      rssMiB: mib(process.memoryUsage.rss()),
      journalRows: m.journal_rows,
      forecastRows: m.forecast_rows,
    }),
  );
};

try {
  const started = performance.now();
  const perTick = Math.round((rate * TICK) / 1000);
  const ticks = Math.round((seconds * 1000) / TICK);
  let tick = 0;
  for (let reported = 0; reported < reports; ) {
    const elapsed = performance.now() - started;
    for (; tick < ticks && tick * TICK <= elapsed && pending.size < UNANSWERED; tick++) {
      const answered: Promise<void> = send(started + tick * TICK, perTick).finally(() =>
        pending.delete(answered),
      );
      pending.add(answered);
    }
    if (elapsed >= ((reported + 1) * seconds * 1000) / reports) {
      // The last part ends with every answer, not with the last request.
      if (reported === reports - 1) await Promise.all(pending);
      report(elapsed / 1000);
      reported++;
    }
    await new Promise((resolve) =>
      setTimeout(resolve, Math.max(1, TICK - (performance.now() - started - elapsed))),
    );
  }
  const { sent, accepted, ...rest } = counts;
  const due = ticks * perTick;
  const everythingTaken = sent === due && accepted === sent;
  const m = engine.metrics();
  console.log(
    JSON.stringify({
      due,
      sent,
      taken: accepted,
      ...rest,
      commitFailures: m.commit_failures_total ?? 0,
      logCopyFailures: m.log_copy_failures_total,
      everythingTaken,
    }),
  );
  process.exitCode = everythingTaken ? 0 : 1;
} finally {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
}
