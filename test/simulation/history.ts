import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Forecast } from "../../src/models/forecast.ts";
import type { Observation } from "../../src/models/observation.ts";
import type { Receipt } from "../../src/server/engine.ts";
import { LiveEngine } from "../../src/server/engine-live.ts";
import { readFrame } from "../../src/storage/checkpoint.ts";
import { HashingSeries, hashingMaker } from "./hashing-series.ts";
import { type Fault, PowerCut, SimulatedStore } from "./simulated-store.ts";
import { TurnedClock } from "./turned-clock.ts";

/** What one seeded history went through and what was wrong at its end. */
export interface HistoryReport {
  readonly faults: Readonly<Partial<Record<Fault | "process killed", number>>>;
  readonly observations: number;
  readonly restarts: number;
  readonly evictions: number;
  readonly trimmed: number;
  readonly violations: readonly string[];
}

/** A client that owns some series, sends batches with ids, and sends again whatever was not answered. */
interface Client {
  readonly batches: readonly (readonly Observation[])[];
  next: number;
  waiting: boolean;
}

/** Runs one history: clients, an engine, a disk and a clock that all follow from `seed`. */
export async function runHistory(seed: number): Promise<HistoryReport> {
  const generator = xoroshiro128plus(seed);
  const random = (): number => uniformFloat64(generator);
  const draw = (n: number): number => Math.floor(random() * n);
  const faults: Record<string, number> = {};
  const count = (fault: string): void => {
    faults[fault] = (faults[fault] ?? 0) + 1;
  };
  const violations: string[] = [];
  const durability = random() < 0.8 ? "power" : "process";
  const store = new SimulatedStore({ durability, random, faultRate: random() * 0.2, onFault: count });
  const clock = new TurnedClock(random);
  const clients = Array.from({ length: 1 + draw(3) }, (_, c) => makeClient(c, draw, random));
  // Under `process` a power cut may take acknowledged observations; only the death of the process is tried there.
  const cutsAllowed = durability === "power";
  const settings = {
    checkpointEvery: 20 + draw(200),
    generations: 2 + draw(2),
    memoryBytes: random() < 0.5 ? 48 : 2 ** 20,
    retention: { journalRows: draw(40) },
  };
  const published = new Map<string, string>();
  let restarts = 0;
  let evictions = 0;
  let trimmed = 0;

  const open = (): LiveEngine | undefined => {
    try {
      const engine = new LiveEngine(store, hashingMaker, clock, settings);
      engine.forecasts$.subscribe((forecast) => {
        if (forecast.offset > store.position)
          violations.push(`forecast ${forecast.offset} before its commit`);
        notePublished(published, forecast, violations);
      });
      return engine;
    } catch (error) {
      if (error instanceof PowerCut) return undefined;
      if (!violations.includes(`refused to start: ${(error as Error).message}`))
        violations.push(`refused to start: ${(error as Error).message}`);
      return undefined;
    }
  };
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  // When the power goes within a task, the rest of the task does not happen.
  const turn = (): void => {
    try {
      clock.turn();
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
  };

  let engine = open();
  for (let turns = 0; clients.some(({ next, batches }) => next < batches.length); turns++) {
    if (turns > 20_000 || violations.length > 0) {
      violations.push("no end in sight");
      break;
    }
    if (turns > 2_000) store.faultRate = 0;
    const killed = random() < 0.004;
    if (killed) count("process killed");
    if (killed || store.dead || !engine) {
      const metrics = engine?.metrics();
      evictions += metrics?.evictions_total ?? 0;
      trimmed += metrics?.trimmed_rows_total ?? 0;
      clock.forget();
      for (const client of clients) client.waiting = false;
      store.restart(store.dead && cutsAllowed);
      if (random() < 0.3) store.flipBit();
      restarts++;
      engine = open();
      continue;
    }
    for (const client of clients) {
      if (client.waiting || client.next >= client.batches.length || random() < 0.5) continue;
      send(engine, client, violations);
    }
    turn();
    await settle();
  }
  store.faultRate = 0;
  if (!engine) {
    store.restart(cutsAllowed);
    engine = open();
  }
  if (!engine) return { faults, observations: 0, restarts, evictions, trimmed, violations };
  for (let turns = 0; turns < 50; turns++) {
    turn();
    await settle();
  }
  if (store.dead) {
    clock.forget();
    store.restart(cutsAllowed);
    engine = open()!;
  }
  const logged = engine.issuedSince(0, Number.MAX_SAFE_INTEGER) ?? [];
  const closing = engine.close();
  let closed = false;
  closing.then(() => {
    closed = true;
  });
  for (let turns = 0; !closed && turns < 1000; turns++) {
    turn();
    await settle();
  }
  if (!closed) violations.push("close did not end");
  compare(clients, store, logged, published, violations);
  return {
    faults,
    observations: clients.reduce((sum, { batches }) => sum + batches.flat().length, 0),
    restarts,
    evictions,
    trimmed,
    violations,
  };
}

function makeClient(c: number, draw: (n: number) => number, random: () => number): Client {
  const names = Array.from({ length: 1 + draw(3) }, (_, i) => `client${c}/series${i}`);
  let sent = 0;
  const batches = Array.from({ length: 3 + draw(25) }, () =>
    Array.from({ length: 1 + draw(6) }, (): Observation => {
      sent++;
      // Now and then one that is late, one for a time already taken, and one that the model chokes on.
      const time = 1000 * (random() < 0.05 ? Math.max(0, sent - 5) : sent);
      const value = random() < 0.03 ? 13 : random() < 0.1 ? null : random();
      return { id: `${sent}`, series: names[draw(names.length)], time, values: { value } };
    }),
  );
  return { batches, next: 0, waiting: false };
}

function send(engine: LiveEngine, client: Client, violations: string[]): void {
  client.waiting = true;
  const batch = client.batches[client.next];
  engine.ingest(batch).then(
    ({ accepted, duplicate, late, refused }: Receipt) => {
      if (accepted + duplicate + late + refused.length !== batch.length)
        violations.push("a receipt does not add up");
      client.next++;
      client.waiting = false;
    },
    () => {
      client.waiting = false;
    },
  );
}

const keyOf = ({ series, issuedAt }: Forecast): string => `${series} ${issuedAt}`;
const textOf = (forecast: Forecast): string => JSON.stringify({ ...forecast, offset: 0 });

function notePublished(published: Map<string, string>, forecast: Forecast, violations: string[]): void {
  const known = published.get(keyOf(forecast));
  if (known !== undefined && known !== textOf(forecast))
    violations.push(`${keyOf(forecast)} published twice, differently`);
  published.set(keyOf(forecast), textOf(forecast));
}

/** Against a run that was never disturbed: every series pushed its observations, once each, in order. */
function compare(
  clients: readonly Client[],
  store: SimulatedStore,
  logged: readonly Forecast[],
  published: ReadonlyMap<string, string>,
  violations: string[],
): void {
  const undisturbed = new Map<string, HashingSeries>();
  const expected: string[] = [];
  for (const observation of clients.flatMap(({ batches }) => batches.flat())) {
    let series = undisturbed.get(observation.series);
    if (!series) {
      series = new HashingSeries(observation.series);
      undisturbed.set(observation.series, series);
    }
    try {
      for (const forecast of series.push(observation, 0).forecasts) expected.push(textOf(forecast));
    } catch {
      // The model that fails; the engine refuses that observation and goes on.
    }
  }
  const { series, generations } = store.open();
  for (const [name, reference] of undisturbed) {
    const stored = series.find((one) => one.name === name);
    const newest = generations.filter((kept) => kept.series === stored?.id).at(-1);
    const framed = stored && newest && store.readCheckpoint(stored.id, newest.generation);
    if (!framed) violations.push(`${name} has no checkpoint`);
    else if (Buffer.compare(readFrame(framed, stored.id).state, reference.save()) !== 0) {
      violations.push(`${name} ended in another state`);
    }
  }
  const got = logged.map(textOf).sort();
  expected.sort();
  if (got.length !== expected.length) violations.push(`${got.length} forecasts, expected ${expected.length}`);
  else if (got.some((text, i) => text !== expected[i])) violations.push("the forecasts differ");
  const known = new Set(expected);
  for (const text of published.values())
    if (!known.has(text)) violations.push("a forecast was published and is not so");
}
