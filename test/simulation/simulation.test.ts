// Thousands of seeded histories of the real engine on a disk that fails. A failure prints its seed; run it again with
// SIMULATION_SEED=<seed> SIMULATION_HISTORIES=1 npx vitest run test/simulation
import { expect, test } from "vitest";
import { runHistory } from "./history.ts";

const first = Number(process.env.SIMULATION_SEED ?? 1);
const histories = Number(process.env.SIMULATION_HISTORIES ?? 1000);

test("nothing acknowledged is lost, nothing is applied twice, every state and forecast is exact", async () => {
  const faults: Record<string, number> = {};
  const failures: string[] = [];
  let observations = 0;
  let restarts = 0;
  let evictions = 0;
  let trimmed = 0;
  let takenBack = 0;
  let removed = 0;
  let transitions = 0;
  let rulesChanged = 0;
  for (let seed = first; seed < first + histories; seed++) {
    const report = await runHistory(seed);
    observations += report.observations;
    restarts += report.restarts;
    evictions += report.evictions;
    trimmed += report.trimmed;
    takenBack += report.takenBack;
    removed += report.removed;
    transitions += report.transitions;
    rulesChanged += report.rulesChanged;
    for (const [fault, count] of Object.entries(report.faults)) faults[fault] = (faults[fault] ?? 0) + count;
    if (report.violations.length > 0)
      failures.push(`seed ${seed}: ${[...new Set(report.violations)].join("; ")}`);
  }
  console.log(
    JSON.stringify({
      histories,
      observations,
      restarts,
      evictions,
      trimmed,
      takenBack,
      removed,
      transitions,
      rulesChanged,
      faults,
      violations: failures.length,
    }),
  );
  expect(failures).toEqual([]);
  if (histories >= 500) {
    expect(Object.keys(faults).sort()).toEqual(
      [
        "cut after sync",
        "cut before sync",
        "failed write",
        "flipped bit",
        "full disk",
        "process killed",
      ].sort(),
    );
    expect(evictions).toBeGreaterThan(0);
    expect(trimmed).toBeGreaterThan(0);
    expect(takenBack).toBeGreaterThan(0);
    expect(removed).toBeGreaterThan(0);
    expect(transitions).toBeGreaterThan(1000);
    expect(rulesChanged).toBeGreaterThan(0);
  }
}, 300_000);
