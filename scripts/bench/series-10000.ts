// Many series in one database: time of a round of checkpoints and of recovery, longest pause of intake meanwhile, bytes.
// node --import tsx scripts/bench/series-10000.ts [--series 10000] [--horizon 12] [--model auto] [--db FILE] [--events 3]
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, PerformanceObserver } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { openEngine } from "../../src/server/engine.ts";

const { values } = parseArgs({
  options: {
    series: { type: "string", default: "10000" },
    horizon: { type: "string", default: "12" },
    model: { type: "string", default: "auto" },
    events: { type: "string", default: "3" },
    db: { type: "string" },
  },
});
const count = Number(values.series);
const folder = mkdtempSync(join(values.db ?? tmpdir(), "eddy-bench-"));
const database = join(folder, "bench.db");
/** Of the round: the longest sync within a commit of observations, the longest garbage collection. */
const longest = { sync: 0, collection: 0 };
let written = 0;
const failpoint = (step: string): void => {
  if (step === "commit:written") written = performance.now();
  if (step === "commit:durable") longest.sync = Math.max(longest.sync, performance.now() - written);
};
const collections = new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) longest.collection = Math.max(longest.collection, duration);
});
const open = () =>
  openEngine({
    database,
    series: { horizon: Number(values.horizon), model: values.model },
    checkpointEvery: 1e9,
    memoryBytes: 16 * 2 ** 30,
    newSeriesPerSecond: 1_000_000,
    failpoint,
  });
const milliseconds = async (work: () => Promise<unknown>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

try {
  let engine = await open();
  const name = (s: number): string => `fleet/sensor-${s}`;
  let time = 1_700_000_000_000;
  const fill = async (): Promise<void> => {
    time += 1000;
    for (let s = 0; s < count; s += 100) {
      await engine.ingest(
        Array.from({ length: Math.min(100, count - s) }, (_, i) => ({
          id: `${time}-${s + i}`,
          series: name(s + i),
          time,
          values: { value: Math.sin(time / 7000 + s) },
        })),
      );
    }
  };
  const filling = await milliseconds(async () => {
    for (let e = 0; e < Number(values.events); e++) await fill();
  });
  const stateBytes = engine.metrics().state_in_memory_bytes / count;

  // Intake goes on during the round, 250 observations a second. Each is timed from the moment it was due until it is durable,
  // so that one that could not even be sent because everything stood still counts in full.
  let done = false;
  const waits: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const probe = (async () => {
    const started = performance.now();
    const answers: Promise<unknown>[] = [];
    for (let n = 0; !done; ) {
      for (let due = started + 4 * n; due <= performance.now(); due = started + 4 * ++n) {
        time++;
        const answer = engine.ingest([{ series: name(n % count), time, values: { value: n } }]);
        answers.push(answer.then(() => waits.push(performance.now() - due)));
      }
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await Promise.all(answers);
  })();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const before = waits.splice(0).sort((a, b) => a - b);
  delay.enable();
  longest.sync = 0;
  collections.observe({ entryTypes: ["gc"] });
  const round = await milliseconds(() => engine.checkpoint());
  delay.disable();
  collections.disconnect();
  const { sync, collection } = longest;
  done = true;
  await probe;
  waits.sort((a, b) => a - b);
  const at = (sorted: readonly number[], share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  const slice = 1000 * (engine.metrics().checkpoint_slice_max_seconds ?? 0);
  const closing = await milliseconds(() => engine.close());
  const bytes = statSync(database).size;

  const recovery = await milliseconds(async () => {
    engine = await open();
  });
  const first = await milliseconds(() =>
    engine.ingest([{ series: name(1), time: time + 1, values: { value: 0 } }]),
  );
  await engine.close();
  const round1 = (n: number): number => Math.round(n * 10) / 10;
  console.log(
    JSON.stringify(
      {
        series: count,
        eventsPerSecond: Math.round((count * Number(values.events)) / (filling / 1000)),
        stateBytesPerSeries: Math.round(stateBytes),
        databaseBytesPerSeries: Math.round(bytes / count),
        checkpointRoundMs: round1(round),
        longestSliceMs: round1(slice),
        longestSyncOfCommitMs: round1(sync),
        longestCollectionMs: round1(collection),
        intakeMsBefore: { median: round1(at(before, 0.5)), longest: round1(at(before, 1)) },
        intakeMsDuringCheckpoint: {
          median: round1(at(waits, 0.5)),
          p99: round1(at(waits, 0.99)),
          longest: round1(at(waits, 1)),
        },
        eventLoopLongestMs: round1(delay.max / 1e6),
        closeMs: round1(closing),
        recoveryMs: round1(recovery),
        firstObservationAfterMs: round1(first),
      },
      null,
      2,
    ),
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
