import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { AlertTransition } from "../../src/models/alert.ts";
import { EddyError } from "../../src/models/errors.ts";
import { type Forecast, words } from "../../src/models/forecast.ts";
import type { Issue } from "../../src/models/issue.ts";
import type { Observation } from "../../src/models/observation.ts";
import { LiveEngine } from "../../src/server/engine/live.ts";
import { RollUps } from "../../src/server/engine/roll-ups.ts";
import type { Receipt } from "../../src/server/engine.ts";
import { readFrame } from "../../src/storage/checkpoint.ts";
import type { RollUp } from "../../src/storage/store.ts";
import { conditionOf, verdictOf } from "../../src/streams/alerts/condition.ts";
import { type AlertState, nextState } from "../../src/streams/alerts/life.ts";
import type { AlertRule } from "../../src/streams/alerts/rule.ts";
import { logged, told } from "../issues.ts";
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
  /** Times that an operator took readings back, and removed a series. */
  readonly takenBack: number;
  readonly removed: number;
  /** Beginnings and ends of alerts, and times that a rule was put or taken away. */
  readonly transitions: number;
  readonly rulesChanged: number;
  readonly violations: readonly string[];
}

/** A client that owns some series, sends batches with ids, and sends again whatever was not answered. */
interface Client {
  readonly batches: readonly (readonly Observation[])[];
  next: number;
  waiting: boolean;
}

/** Rules that hold for the whole of a history. */
const RULES: readonly AlertRule[] = [
  { name: "high", series: "*", when: { reading: "above", limit: 0.7 } },
  {
    name: "long",
    series: "*",
    when: { reading: "outside", limit: [0.2, 0.8] },
    hold: 2,
    clear: { hold: "5s" },
  },
];

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
    alerts: { rules: RULES },
  };
  const announced: AlertTransition[] = [];
  const published = new Map<string, string>();
  let restarts = 0;
  let evictions = 0;
  let trimmed = 0;
  const operator = new Operator(store, clients, draw, violations);

  const open = (): LiveEngine | undefined => {
    try {
      const engine = new LiveEngine(store, hashingMaker, clock, settings);
      engine.issues$.subscribe(({ position, issue }) => {
        if (position > store.position) violations.push(`forecast ${position} before its commit`);
        if (operator.touched.has(issue.series)) return;
        for (const forecast of words(issue)) notePublished(published, forecast, violations);
      });
      engine.alerts.transitions$.subscribe((one) => announced.push(one));
      return engine;
    } catch (error) {
      if (error instanceof PowerCut) return undefined;
      // Making a series anew writes; a disk that takes nothing is told, and the next start tries again.
      if (error instanceof EddyError && error.code === "storage") return undefined;
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
      operator.waiting = false;
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
    if (random() < 0.02) operator.act(engine);
    turn();
    await settle();
  }
  store.faultRate = 0;
  if (!engine) {
    store.restart(cutsAllowed);
    engine = open();
  }
  const { takenBack, removed, rulesChanged } = operator;
  const figures = { faults, restarts, evictions, trimmed, takenBack, removed, rulesChanged, violations };
  if (!engine) return { ...figures, observations: 0, transitions: 0 };
  for (let turns = 0; turns < 50 || (turns < 2000 && operator.waiting); turns++) {
    turn();
    await settle();
  }
  if (store.dead) {
    clock.forget();
    store.restart(cutsAllowed);
    engine = open()!;
  }
  const kept = logged(engine) ?? [];
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
  if (violations.length === 0) compare(clients, store, kept, published, operator.touched, violations);
  if (violations.length === 0) compareAlerts(clients, store, announced, operator.touched, violations);
  return {
    ...figures,
    evictions,
    trimmed,
    takenBack: operator.takenBack,
    removed: operator.removed,
    rulesChanged: operator.rulesChanged,
    observations: clients.reduce((sum, { batches }) => sum + batches.flat().length, 0),
    transitions: store.transitionsAfter(0, Number.POSITIVE_INFINITY).length,
  };
}

function makeClient(c: number, draw: (n: number) => number, random: () => number): Client {
  const names = Array.from({ length: 1 + draw(3) }, (_, i) => `client${c}/series${i}`);
  let sent = 0;
  const batches = Array.from({ length: 3 + draw(25) }, () =>
    Array.from({ length: 1 + draw(6) }, (): Observation => {
      sent++;
      // Now and then one that is late, one for a time already taken, and one that the model chokes on.
      // And one far ahead, which makes all that follow late until it is taken back.
      const time = 1000 * (random() < 0.01 ? 100_000 + sent : random() < 0.05 ? Math.max(0, sent - 5) : sent);
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
      // Readings of the series are being taken back: all of it again, the ids make that harmless.
      if (!refused.some(({ code }) => code === "busy")) client.next++;
      client.waiting = false;
    },
    () => {
      client.waiting = false;
    },
  );
}

/** Somebody who takes readings back and removes series while clients send, the disk fails and the process is killed. */
class Operator {
  readonly #store: SimulatedStore;
  readonly #clients: readonly Client[];
  readonly #draw: (n: number) => number;
  readonly #violations: string[];
  /** Names of series of which the past was changed. */
  readonly touched = new Set<string>();
  waiting = false;
  takenBack = 0;
  removed = 0;
  rulesChanged = 0;

  constructor(
    store: SimulatedStore,
    clients: readonly Client[],
    draw: (n: number) => number,
    violations: string[],
  ) {
    this.#store = store;
    this.#clients = clients;
    this.#draw = draw;
    this.#violations = violations;
  }

  act(engine: LiveEngine): void {
    if (this.waiting) return;
    const names = [...engine.names()];
    if (names.length === 0) return;
    const name = names[this.#draw(names.length)];
    this.waiting = true;
    if (this.#draw(3) === 0) {
      this.#changeRule(engine);
      return;
    }
    this.touched.add(name);
    const done = this.#draw(8) === 0 ? this.#remove(engine, name) : this.#takeBack(engine, name);
    // A fault on the way leaves it undone, or done and not told: the disk knows.
    done
      .catch(() => {})
      .finally(() => {
        this.waiting = false;
      });
  }

  /** One rule comes and goes, with another limit each time. */
  #changeRule({ alerts }: LiveEngine): void {
    const when = { reading: "above", limit: this.#draw(10) / 10 };
    const done =
      this.#draw(3) === 0 ? alerts.remove("extra") : alerts.put("extra", { series: "client0/*", when });
    done
      .then(() => {
        this.rulesChanged++;
      })
      .catch(() => {})
      .finally(() => {
        this.waiting = false;
      });
  }

  async #remove(engine: LiveEngine, name: string): Promise<void> {
    if (await engine.remove(name)) this.removed++;
  }

  async #takeBack(engine: LiveEngine, name: string): Promise<void> {
    const sent = Math.max(
      0,
      ...this.#clients.map(({ batches, next }) => batches.slice(0, next).flat().length),
    );
    const from = 1000 * (this.#draw(2) === 0 ? this.#draw(sent + 1) : 100_000);
    const to = from < 100_000_000 ? from + 1000 * this.#draw(4) : Number.POSITIVE_INFINITY;
    const before = this.#store.position;
    const { takenBack } = await engine.takeBack(name, from, to);
    if (takenBack > 0) this.takenBack++;
    const series = this.#store.numbersOf(name).at(-1);
    for (const { position, series: of, time } of this.#store.rows(0, before)) {
      if (of !== series || time < from || time > to || this.#store.isTakenBack(position)) continue;
      this.#violations.push(`${name}: a reading was said to be taken back and was not`);
    }
  }
}

const keyOf = ({ series, issuedAt }: Forecast): string => `${series} ${issuedAt}`;
const textOf = (forecast: Forecast): string => JSON.stringify({ ...forecast, offset: 0 });

function notePublished(published: Map<string, string>, forecast: Forecast, violations: string[]): void {
  const known = published.get(keyOf(forecast));
  if (known !== undefined && known !== textOf(forecast))
    violations.push(`${keyOf(forecast)} published twice, differently`);
  published.set(keyOf(forecast), textOf(forecast));
}

/**
 * Against a run that was never disturbed: every series pushed its observations, once each, in the order of the journal and
 * without those that were taken back.
 */
function compare(
  clients: readonly Client[],
  store: SimulatedStore,
  logged: readonly Forecast[],
  published: ReadonlyMap<string, string>,
  touched: ReadonlySet<string>,
  violations: string[],
): void {
  const expected: string[] = [];
  const { series, generations } = store.open();
  for (const [name, observations] of byName(clients)) {
    const numbers = store.numbersOf(name);
    const missing = observations.filter(
      ({ id }) => !numbers.some((number) => store.placeOf(number, id!) !== undefined),
    );
    if (missing.length > 0)
      violations.push(`${name}: ${missing.length} acknowledged observations are missing`);
    const stored = series.find((one) => one.name === name);
    if (!stored) {
      if (!touched.has(name)) violations.push(`${name} is gone`);
      continue;
    }
    const kept = observations
      .map((observation) => ({ observation, position: store.placeOf(stored.id, observation.id!) ?? 0 }))
      .filter(({ position }) => position > 0 && !store.isTakenBack(position))
      .sort((a, b) => a.position - b.position);
    const reference = new HashingSeries(name);
    const rollUps = new RollUps();
    let before: Issue | undefined;
    for (const { observation } of kept) {
      const { time, values } = observation;
      let refused = true;
      let issues: readonly Issue[] = [];
      try {
        const outcome = reference.push(observation, 0);
        refused = outcome.refused !== undefined;
        issues = outcome.issues;
      } catch {
        // The model that fails; the engine refuses that observation and goes on.
      }
      rollUps.add({ series: stored.id, time, values, refused, before });
      before = issues.at(-1) ?? before;
      for (const forecast of told({ issues })) expected.push(textOf(forecast));
    }
    const newest = generations.filter((generation) => generation.series === stored.id).at(-1);
    const framed = newest && store.readCheckpoint(stored.id, newest.generation);
    if (!framed) {
      // Of a series of which everything was taken back there is nothing to keep.
      if (kept.length > 0) violations.push(`${name} has no checkpoint`);
    } else if (Buffer.compare(readFrame(framed, stored.id).state, reference.save()) !== 0) {
      violations.push(`${name} ended in another state`);
    }
    if (!sameRollUps(store.rollUpsOf(stored.id), rollUps.all))
      violations.push(`${name} has other hourly figures`);
  }
  const got = logged.map(textOf).sort();
  expected.sort();
  if (got.length !== expected.length) violations.push(`${got.length} forecasts, expected ${expected.length}`);
  else if (got.some((text, i) => text !== expected[i])) violations.push("the forecasts differ");
  const known = new Set(expected);
  for (const [key, text] of published) {
    if (!touched.has(key.split(" ")[0]) && !known.has(text))
      violations.push("a forecast was published and is not so");
  }
}

/** What was told of alerts: of an untouched series what the rules say of its readings, once each; of all, an end for each beginning. */
function compareAlerts(
  clients: readonly Client[],
  store: SimulatedStore,
  announced: readonly AlertTransition[],
  touched: ReadonlySet<string>,
  violations: string[],
): void {
  const log = store.transitionsAfter(0, Number.POSITIVE_INFINITY);
  const open = new Map<string, string>();
  log.forEach(({ sequence, id, alert, state, rule, series }, i) => {
    if (sequence !== i + 1) violations.push(`transition ${i + 1} has the place ${sequence}`);
    const key = `${rule} ${series}`;
    const firing = open.get(key);
    if (state === "firing" ? firing !== undefined || alert !== id : firing !== alert)
      violations.push(`${key} is ${state} after ${firing ?? "nothing"}`);
    if (state === "firing") open.set(key, alert);
    else open.delete(key);
  });
  for (const { sequence, id } of announced) {
    if (log[sequence - 1]?.id !== id) violations.push(`transition ${sequence} was told and is not so`);
  }
  const { series, alerts } = store.open();
  const kept = alerts.alerts.filter(({ state }) => JSON.parse(state).state.phase === "firing");
  if (kept.length !== open.size) violations.push(`${kept.length} alerts fire, expected ${open.size}`);
  for (const [name, observations] of byName(clients)) {
    const stored = series.find((one) => one.name === name);
    if (stored === undefined || touched.has(name)) continue;
    const placed = observations
      .map((observation) => ({ observation, position: store.placeOf(stored.id, observation.id!) ?? 0 }))
      .sort((a, b) => a.position - b.position);
    for (const rule of RULES) {
      const got = log.filter((one) => one.rule === rule.name && one.series === name);
      const expected = toldOf(rule, name, placed);
      const text = got.map(({ state, offset, value }) => `${state} ${offset} ${value}`);
      if (text.join() !== expected.join())
        violations.push(`${rule.name} ${name}: told ${text.join()}, expected ${expected.join()}`);
    }
  }
}

/** What a rule says of the readings of a series, one after the other. */
function toldOf(
  rule: AlertRule,
  name: string,
  placed: readonly { readonly observation: Observation; readonly position: number }[],
): string[] {
  const condition = conditionOf(rule);
  const reference = new HashingSeries(name);
  let state: AlertState | undefined;
  const found: string[] = [];
  for (const { observation, position } of placed) {
    let issues: readonly Issue[] = [];
    try {
      issues = reference.push(observation, 0).issues;
    } catch {
      // The model that fails.
    }
    for (const { time, step, targets } of issues) {
      const { observed: value, taken, surprise, skill } = targets[0];
      const doubted = taken === 0;
      const look = { time, step, value, surprise, skill, doubted, crossing: undefined };
      const turn = nextState(condition, state, verdictOf(condition, look), look);
      state = turn.state;
      if (turn.change !== undefined) found.push(`${turn.change} ${position} ${value}`);
    }
  }
  return found;
}

function byName(clients: readonly Client[]): Map<string, Observation[]> {
  const found = new Map<string, Observation[]>();
  for (const observation of clients.flatMap(({ batches }) => batches.flat())) {
    const those = found.get(observation.series);
    if (those) those.push(observation);
    else found.set(observation.series, [observation]);
  }
  return found;
}

/** Sums of the same numbers in another order differ by their rounding. */
function sameRollUps(got: readonly RollUp[], expected: readonly RollUp[]): boolean {
  const sorted = [...expected].sort((a, b) => a.hour - b.hour);
  return (
    got.length === sorted.length &&
    got.every(({ hour, observations, count, held, absoluteError }, i) => {
      const one = sorted[i];
      return (
        hour === one.hour &&
        observations === one.observations &&
        count === one.count &&
        held === one.held &&
        Math.abs(absoluteError - one.absoluteError) <= 1e-6 * (1 + Math.abs(one.absoluteError))
      );
    })
  );
}
