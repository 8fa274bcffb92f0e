// Intake at a steady rate for as long as you like: are database and memory bounded, does latency grow?
// node --import tsx scripts/bench/soak.ts [--seconds 3600] [--rate 2000] [--series 200] [--model persistence] [--horizon 4]
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
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

try {
  const started = performance.now();
  let sent = 0;
  let waits: number[] = [];
  let reported = 0;
  let busy = 0;
  const pending = new Set<Promise<void>>();
  for (;;) {
    const elapsed = (performance.now() - started) / 1000;
    const due = Math.floor(Math.min(elapsed, seconds) * rate);
    while (sent < due && pending.size < 40) {
      const batch = Array.from({ length: Math.min((rate * TICK) / 1000, due - sent) }, (_, i) => {
        const n = sent + i;
        const round = Math.floor(n / series);
        return {
          id: String(n),
          series: `soak/${n % series}`,
          time: 1_700_000_000_000 + 1000 * round,
          values: { value: Math.sin(round / 20 + n) },
        };
      });
      sent += batch.length;
      const asked = performance.now();
      const answered: Promise<void> = engine
        .ingest(batch)
        .then(() => void waits.push(performance.now() - asked))
        .catch(() => void busy++)
        .finally(() => pending.delete(answered));
      pending.add(answered);
    }
    if (elapsed >= ((reported + 1) * seconds) / reports) {
      reported++;
      waits.sort((a, b) => a - b);
      const m = engine.metrics();
      const mib = (bytes: number): number => Math.round(bytes / 2 ** 18) / 4;
      console.log(
        JSON.stringify({
          seconds: Math.round(elapsed),
          taken: m.observations_total,
          perSecond: Math.round(m.observations_total / elapsed),
          medianMs: Math.round(waits[waits.length >> 1] * 10) / 10,
          p99Ms: Math.round(waits[Math.floor(waits.length * 0.99)] * 10) / 10,
          databaseMiB: mib(fileBytes(database)),
          walMiB: mib(fileBytes(`${database}-wal`)),
          rssMiB: mib(process.memoryUsage.rss()),
          journalRows: m.journal_rows,
          forecastRows: m.forecast_rows,
          busy,
        }),
      );
      waits = [];
    }
    if (reported >= reports) break;
    await new Promise((resolve) => setTimeout(resolve, TICK));
  }
  await Promise.all(pending);
} finally {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
}
