// Rules and the alerts that they lead to, in the real engine: what is told, and what is left after a restart or a kill.
import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import type { AlertTransition } from "../../../src/models/alert.ts";
import type { AlertSettings } from "../../../src/server/engine/contract.ts";
import { type Engine, openEngine } from "../../../src/server/engine.ts";
import { type Clock, systemClock } from "../../../src/storage/clock.ts";
import { exportTransitions } from "../../../src/storage/export.ts";
import { DatabaseReader, restoreSavepoint, writeSavepoint } from "../../../src/storage/index.ts";
import { inspect } from "../../../src/storage/inspection.ts";
import type { AlertRule } from "../../../src/streams/alerts/rule.ts";
import { temporaryFolder } from "./fixture.ts";

const folder = temporaryFolder();

/** A clock that goes on only when a test lets it. */
class HandClock implements Clock {
  #time = Date.UTC(2026, 0, 1);
  #tasks = new Set<{ at: number; task: () => void }>();
  now(): number {
    return this.#time;
  }
  monotonic(): number {
    return this.#time;
  }
  after(milliseconds: number, task: () => void): () => void {
    const planned = { at: this.#time + milliseconds, task };
    this.#tasks.add(planned);
    return () => void this.#tasks.delete(planned);
  }
  soon = systemClock.soon;
  /** Lets time pass, and everything happen that is due by then. */
  async pass(milliseconds: number): Promise<void> {
    const until = this.#time + milliseconds;
    for (;;) {
      const due = [...this.#tasks].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
      const [first] = due;
      if (first === undefined) break;
      this.#tasks.delete(first);
      this.#time = Math.max(this.#time, first.at);
      first.task();
      for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#time = until;
  }
}

let clock = new HandClock();
let engine: Engine;
let told: AlertTransition[] = [];
beforeEach(() => {
  clock = new HandClock();
  told = [];
});

const hot: AlertRule = { name: "hot", series: "boiler/*", when: { reading: "above", limit: 90 } };

async function open(alerts: AlertSettings = {}, name = "a.db"): Promise<Engine> {
  engine = await openEngine({
    database: join(folder(), name),
    series: { model: "persistence", horizon: 2 },
    clock,
    alerts,
  });
  engine.alerts.transitions$.subscribe((one) => told.push(one));
  return engine;
}

/** Sends values of a series, a second apart. */
async function send(series: string, ...values: (number | null)[]): Promise<void> {
  for (const value of values) {
    await clock.pass(1000);
    await engine.ingest([{ series, time: clock.now(), values: { value } }]);
  }
}

/** What is written at the end takes its rests by the clock. */
async function close(): Promise<void> {
  let closed = false;
  const closing = engine.close().then(() => {
    closed = true;
  });
  while (!closed) {
    await clock.pass(100);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await closing;
}

/** Everything told so far: what follows from a group is written right behind it. */
async function settled(): Promise<string[]> {
  await clock.pass(200);
  return told.map(({ rule, series, state, value }) => `${rule} ${series} ${state} ${value}`);
}

/** Goes on from the files as `kill -9` would leave them at this moment. */
async function kill(alerts: AlertSettings = {}): Promise<void> {
  for (const end of ["", "-wal"]) {
    const file = join(folder(), `a.db${end}`);
    if (existsSync(file)) copyFileSync(file, join(folder(), `killed.db${end}`));
  }
  await close();
  told = [];
  await open(alerts, "killed.db");
}

const active = () =>
  [...engine.alerts.active()].map(
    ({ standing, series, state, value }) => `${standing.rule.name} ${series} ${state} ${value}`,
  );

test("a reading beyond the limit of a rule is told of, and its end, each once and durable", async () => {
  await open({ rules: [hot] });
  await send("boiler/1", 95, 96, 70, 70, 70);
  await send("pump", 500);
  expect(await settled()).toEqual(["hot boiler/1 firing 95", "hot boiler/1 resolved 70"]);
  const [firing, resolved] = told;
  expect(firing).toMatchObject({ sequence: 1, offset: 1, limit: 90, target: "value", severity: "warning" });
  expect(firing.summary).toBe("boiler/1 is 95, above 90");
  expect(resolved).toMatchObject({ sequence: 2, offset: 5, alert: firing.id });
  expect(resolved.id).not.toBe(firing.id);
  expect(engine.alerts.after(0, 10)).toEqual(told);
  expect(engine.alerts.before(2, 10)).toEqual([firing]);
  expect(active()).toEqual([]);
  await close();
});

test("how an alert stands survives a restart and a kill: pending counts, firing does not fire again", async () => {
  const rules: AlertRule[] = [
    { ...hot, hold: 3 },
    { ...hot, name: "hotter", when: { reading: "above", limit: 99 } },
  ];
  await open({ rules });
  await send("boiler/1", 50, 95, 100);
  expect(active()).toEqual(["hot boiler/1 pending 100", "hotter boiler/1 firing 100"]);
  await kill({ rules });
  expect(active()).toEqual(["hot boiler/1 pending 100", "hotter boiler/1 firing 100"]);
  await send("boiler/1", 101, 50, 50, 50);
  expect(await settled()).toEqual([
    "hot boiler/1 firing 101",
    "hot boiler/1 resolved 50",
    "hotter boiler/1 resolved 50",
  ]);
  expect(engine.alerts.after(0, 10)?.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  await close();
});

describe("rules over HTTP", () => {
  test("hold from then on, survive a kill, and end their alerts when they go", async () => {
    await open();
    await send("boiler/1", 95);
    await engine.alerts.put("hot", { series: "boiler/*", when: { reading: "above", limit: 90 } });
    await send("boiler/1", 96);
    await kill();
    expect(engine.alerts.rule("hot")).toMatchObject({ from: "http", rule: hot });
    expect(active()).toEqual(["hot boiler/1 firing 96"]);
    expect(await engine.alerts.remove("hot")).toBe(true);
    expect(await engine.alerts.remove("hot")).toBe(false);
    expect(await settled()).toEqual(["hot boiler/1 resolved 96"]);
    await engine.alerts.put("hot", hot);
    await send("boiler/1", 97);
    await settled();
    // A receiver that drops repeats by their id is told of the second one too.
    const ids = engine.alerts.after(0, 10)?.map(({ id }) => id) ?? [];
    expect(ids.length).toBe(3);
    expect(new Set(ids).size).toBe(3);
    await close();
  });

  test("a changed limit keeps what fires, and the next readings decide", async () => {
    await open();
    await engine.alerts.put("hot", hot);
    await send("boiler/1", 95);
    await engine.alerts.put("hot", { ...hot, when: { reading: "above", limit: 80 } });
    await send("boiler/1", 85, 85, 85);
    expect(await settled()).toEqual(["hot boiler/1 firing 95"]);
    await engine.alerts.put("hot", { ...hot, series: "furnace" });
    expect(await settled()).toEqual(["hot boiler/1 firing 95", "hot boiler/1 resolved 85"]);
    await close();
  });

  test("the same rule put again changes nothing", async () => {
    await open();
    const first = await engine.alerts.put("hot", { ...hot, hold: 2 });
    await send("boiler/1", 95);
    expect(await engine.alerts.put("hot", { ...hot, hold: 2 })).toBe(first);
    expect(active()).toEqual(["hot boiler/1 pending 95"]);
    await close();
  });

  test("cannot change those of the configuration, name another than the path, nor be too many", async () => {
    await open({ rules: [hot], rulesLimit: 2 });
    await expect(engine.alerts.put("hot", { ...hot, hold: 3 })).rejects.toThrow(
      'rule "hot": expected one that was put over HTTP, got one of the configuration',
    );
    await expect(engine.alerts.remove("hot")).rejects.toThrow("one of the configuration");
    await expect(engine.alerts.put("cold", hot)).rejects.toThrow(
      'rule: name: expected "cold", as in the path',
    );
    await expect(engine.alerts.put("__proto__", { series: "*", when: { skill: 0 } })).rejects.toThrow(
      "rule: name",
    );
    await engine.alerts.put("cold", { ...hot, name: "cold" });
    await expect(engine.alerts.put("mild", { ...hot, name: "mild" })).rejects.toThrow(
      "rules: expected at most 2",
    );
    await close();
  });
});

test("a rule that the configuration no longer has ends its alerts at the next start", async () => {
  await open({ rules: [hot] });
  await send("boiler/1", 95);
  await close();
  told = [];
  await open({ rules: [] });
  expect(engine.alerts.rules()).toEqual([]);
  expect(engine.alerts.after(0, 10)?.map(({ state }) => state)).toEqual(["firing", "resolved"]);
  await close();
});

test("the alerts of a series that is removed end", async () => {
  await open({ rules: [hot] });
  await send("boiler/1", 95);
  await send("boiler/2", 95);
  await engine.remove("boiler/1");
  expect(await settled()).toEqual([
    "hot boiler/1 firing 95",
    "hot boiler/2 firing 95",
    "hot boiler/1 resolved 95",
  ]);
  await send("boiler/1", 95);
  expect(await settled()).toHaveLength(4);
  await kill({ rules: [hot] });
  expect(active()).toEqual(["hot boiler/2 firing 95", "hot boiler/1 firing 95"]);
  await close();
});

test("readings that are taken back end what only they spoke for", async () => {
  await open({ rules: [hot, { ...hot, name: "held", hold: 5 }] });
  await send("boiler/1", 50, 50, 50);
  const from = clock.now() + 1;
  await send("boiler/1", 95, 95);
  expect(active()).toEqual(["hot boiler/1 firing 95", "held boiler/1 pending 95"].sort());
  await engine.takeBack("boiler/1", from, Number.POSITIVE_INFINITY);
  expect(active()).toEqual([]);
  expect(await settled()).toEqual(["hot boiler/1 firing 95", "hot boiler/1 resolved 50"]);
  await close();
});

describe("silence", () => {
  const silent: AlertRule = { name: "quiet", series: "mote-*", when: { silent: "10m" } };
  const MINUTE = 60_000;

  test("is told once, and ends with the next reading that has a value", async () => {
    await open({ rules: [silent] });
    await send("mote-1", 1, 2);
    await clock.pass(9 * MINUTE);
    expect(await settled()).toEqual([]);
    await clock.pass(MINUTE);
    expect(await settled()).toEqual(["quiet mote-1 firing null"]);
    expect(told[0]).toMatchObject({ offset: 2, target: "", summary: "nothing has come of mote-1 for 10m" });
    await clock.pass(20 * MINUTE);
    await send("mote-1", null);
    expect(await settled()).toHaveLength(1);
    await send("mote-1", 3);
    expect(await settled()).toEqual(["quiet mote-1 firing null", "quiet mote-1 resolved null"]);
    await clock.pass(10 * MINUTE);
    expect(await settled()).toHaveLength(3);
    expect(new Set(told.map(({ id }) => id)).size).toBe(3);
    await close();
  });

  test("is not told of before a series has had its time again after a start", async () => {
    await open({ rules: [silent] });
    await send("mote-1", 1, 2);
    await send("mote-2", 1, 2);
    await clock.pass(8 * MINUTE);
    await kill({ rules: [silent] });
    await clock.pass(8 * MINUTE);
    await send("mote-2", 3);
    await clock.pass(2 * MINUTE);
    expect(await settled()).toEqual(["quiet mote-1 firing null"]);
    await kill({ rules: [silent] });
    await clock.pass(20 * MINUTE);
    expect(await settled()).toEqual(["quiet mote-2 firing null"]);
    await close();
  });

  test("of a rule that is put while all is silent counts from then on", async () => {
    await open();
    await send("mote-1", 1);
    await clock.pass(20 * MINUTE);
    await engine.alerts.put("quiet", silent);
    await clock.pass(9 * MINUTE);
    expect(await settled()).toEqual([]);
    await clock.pass(MINUTE);
    expect(await settled()).toEqual(["quiet mote-1 firing null"]);
    await engine.alerts.remove("quiet");
    expect(await settled()).toHaveLength(2);
    await close();
  });

  test("does not end with what the series refuses", async () => {
    await open({ rules: [silent] });
    await send("mote-1", 1, 2);
    const stuck = clock.now();
    await clock.pass(10 * MINUTE);
    await engine.ingest([{ series: "mote-1", time: stuck, values: { value: 3 } }]);
    expect(await settled()).toEqual(["quiet mote-1 firing null"]);
    await close();
  });
});

test("what is told is durable before it is told, and metrics count it without names of series", async () => {
  await open({ rules: [hot, { ...hot, name: "slow", hold: 10 }] });
  engine.alerts.transitions$.subscribe(({ sequence }) => {
    expect(engine.alerts.before(sequence + 1, 1)[0]?.sequence).toBe(sequence);
  });
  await send("boiler/1", 95);
  await settled();
  const { alert_rules, alerts_firing, alerts_pending, alert_transitions_total } = engine.metrics();
  expect({ alert_rules, alerts_firing, alerts_pending, alert_transitions_total }).toEqual({
    alert_rules: 2,
    alerts_firing: 1,
    alerts_pending: 1,
    alert_transitions_total: 1,
  });
  await close();
});

test("a savepoint carries rules, alerts and what was told of its series; inspect and export know them", async () => {
  await open();
  await engine.alerts.put("hot", hot);
  await send("boiler/1", 95, 96);
  await send("boiler/2", 95, 50, 50, 50);
  await settled();
  await close();
  const reader = new DatabaseReader(join(folder(), "a.db"));
  expect(inspect(reader).alerts).toEqual({ rules: ["hot"], active: 1 });
  const lines = [...exportTransitions(reader.transitions(), "ndjson")].join("").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).series)).toEqual(["boiler/1", "boiler/2", "boiler/2"]);
  const [head, first] = [...exportTransitions(reader.transitions(), "csv")].join("").split("\n");
  expect(head).toContain("time,sequence,rule,series");
  expect(first).toContain("hot,boiler/1,value,firing,warning,90");
  const file = join(folder(), "one.eddy");
  writeSavepoint(
    reader,
    reader.series((name) => name === "boiler/1"),
    file,
  );
  reader.close();

  told = [];
  await open({}, "other.db");
  await engine.alerts.put("cold", { ...hot, name: "cold", when: { reading: "below", limit: 0 } });
  await send("boiler/3", 1, -5);
  await settled();
  await close();
  restoreSavepoint(file, join(folder(), "other.db"));
  told = [];
  await open({}, "other.db");
  // As it was told, until the next reading.
  expect(active().sort()).toEqual(["cold boiler/3 firing -5", "hot boiler/1 firing 95"]);
  await send("boiler/1", 50, 50, 50);
  expect(await settled()).toEqual(["hot boiler/1 resolved 50"]);
  const log = engine.alerts.after(0, 10) ?? [];
  expect(log.map(({ sequence, rule, state }) => `${sequence} ${rule} ${state}`)).toEqual([
    "1 cold firing",
    "2 hot firing",
    "3 hot resolved",
  ]);
  expect(log[2]?.alert).toBe(log[1]?.id);
  await close();
});
