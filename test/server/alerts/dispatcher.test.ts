// How one receiver is told: in order per lane, again after failures, in smaller messages after refusals, and never held up by others.
import { expect, test } from "vitest";
import { Dispatcher } from "../../../src/server/alerts/delivery/dispatcher.ts";
import type { Outcome, Receiver } from "../../../src/server/alerts/delivery/receiver.ts";
import type { Delivery } from "../../../src/storage/outbox.ts";
import type { SqliteOutbox } from "../../../src/storage/sqlite/outbox.ts";
import { announced, memoryOutbox } from "../../outbox.ts";
import { HandClock } from "./hand-clock.ts";

/** A message as a test sees it: when it came, and the alerts in it. */
interface Seen {
  readonly at: number;
  readonly alerts: readonly string[];
}

const names = (deliveries: readonly Delivery[]): string[] =>
  deliveries.map(({ subject, firing }) => `${subject}${firing ? "+" : "-"}`);

function start(
  answer: (alerts: string[], attempt: number, stop: AbortSignal) => Outcome | Promise<Outcome>,
  options: { receiver?: Partial<Receiver>; outbox?: SqliteOutbox; clock?: HandClock; random?: number } = {},
) {
  const { clock = new HandClock(), outbox = memoryOutbox(undefined, () => Math.floor(clock.time / 60_000)) } =
    options;
  const seen: Seen[] = [];
  const receiver: Receiver = {
    name: "ops",
    kind: "webhook",
    together: 100,
    atOnce: 4,
    wait: 2000,
    giveUpAfter: 86_400_000,
    async send(deliveries, stop) {
      seen.push({ at: clock.time, alerts: names(deliveries) });
      return answer(names(deliveries), seen.length, stop);
    },
    ...options.receiver,
  };
  const said: string[] = [];
  const log = {
    info: (message: string) => said.push(`info ${message}`),
    warn: (message: string) => said.push(`warn ${message}`),
    error: (message: string) => said.push(`error ${message}`),
  };
  const dispatcher = new Dispatcher(receiver, outbox, clock.world({}, options.random), log);
  outbox.watch((name, lane) => {
    if (name === receiver.name) dispatcher.added(lane);
  });
  const add = (...alerts: Parameters<typeof announced>[0][]): void => {
    for (const alert of alerts) outbox.add(announced(alert));
    outbox.committed();
  };
  return { clock, outbox, seen, said, dispatcher, add };
}

const told: Outcome = { told: true };
const down: Outcome = { told: false, reason: "ECONNREFUSED" };

test("what comes together within a moment goes as one message", async () => {
  const { add, clock, seen, outbox } = start(() => told);
  add({ subject: "a" });
  await clock.pass(1500);
  add({ subject: "b" }, { subject: "c", lane: "other" });
  await clock.pass(10_000);
  expect(seen).toEqual([
    { at: 2000, alerts: ["a+", "b+"] },
    { at: 3500, alerts: ["c+"] },
  ]);
  expect(outbox.counts().size).toBe(0);
});

test("10,000 at once go as a hundred messages in order, none lost and none twice", async () => {
  const { add, clock, seen } = start(() => told);
  add(...Array.from({ length: 10_000 }, (_, n) => ({ subject: `a${n}`, n })));
  await clock.pass(10_000);
  expect(seen.length).toBe(100);
  expect(seen.flatMap(({ alerts }) => alerts)).toEqual(Array.from({ length: 10_000 }, (_, n) => `a${n}+`));
});

test("an end never overtakes its beginning, however often that fails", async () => {
  const { add, clock, seen, said } = start((_alerts, attempt) => (attempt < 5 ? down : told));
  add({ subject: "a" });
  await clock.pass(2000);
  add({ subject: "a", state: "resolved" });
  await clock.pass(120_000);
  expect(seen.map(({ alerts }) => alerts)).toEqual([["a+"], ["a+"], ["a+"], ["a+"], ["a+"], ["a-"]]);
  // The bounds of the waits double: 1, 2, 4, 8 s when chance falls on the bound each time.
  expect(seen.map(({ at }) => at).slice(0, 5)).toEqual([2000, 3000, 5000, 9000, 17_000]);
  expect(said).toEqual([
    "warn receiver ops: alerts wait: ECONNREFUSED",
    "info receiver ops: takes alerts again",
  ]);
});

test("waits are drawn up to the bound, so that many do not come back at once", async () => {
  const { add, clock, seen } = start((_alerts, attempt) => (attempt < 4 ? down : told), { random: 0.25 });
  add({ subject: "a" });
  await clock.pass(60_000);
  expect(seen.map(({ at }) => at)).toEqual([2000, 2250, 2750, 3750]);
});

test("a receiver that fails is tried with one message at a time, each lane in its turn, and never sooner than its pause", async () => {
  const { add, clock, seen } = start(() => down);
  add(...Array.from({ length: 50 }, (_, n) => ({ subject: `a${n}`, lane: `rule${n}` })));
  await clock.pass(600_000);
  // At first as many as may be under way, then 1, 2, 4 ... 60 s apart: about a dozen in ten minutes, not fifty times that.
  expect(seen.length).toBeLessThan(20);
  expect(new Set(seen.map(({ alerts }) => alerts[0])).size).toBe(seen.length);
});

test("one message that fails each time does not keep the others from the receiver", async () => {
  const { add, clock, seen, outbox } = start((alerts) => (alerts.includes("bad+") ? down : told));
  add({ subject: "bad", lane: "bad" }, { subject: "a", lane: "a" });
  await clock.pass(10_000);
  add({ subject: "b", lane: "b" });
  await clock.pass(120_000);
  const arrived = seen.flatMap(({ alerts }) => alerts).filter((alert) => alert !== "bad+");
  expect(arrived).toEqual(["a+", "b+"]);
  expect(outbox.counts().get("ops")?.waiting).toBe(1);
});

test("of a message that is refused, only what is wrong with it dies; the rest arrives in order", async () => {
  const { add, clock, seen, outbox, said } = start((alerts) =>
    alerts.includes("a5+") ? { told: false, reason: "status 400: no", refused: true } : told,
  );
  add(...Array.from({ length: 12 }, (_, n) => ({ subject: `a${n}` })));
  await clock.pass(3_600_000);
  const arrived = seen.filter(({ alerts }) => !alerts.includes("a5+")).flatMap(({ alerts }) => alerts);
  expect(arrived).toEqual(Array.from({ length: 12 }, (_, n) => `a${n}+`).filter((name) => name !== "a5+"));
  const dead = outbox.list({ state: "dead", before: 1e9, limit: 9 });
  expect(dead.map(({ subject, attempts, error }) => [subject, attempts >= 10, error])).toEqual([
    ["a5", true, "status 400: no"],
  ]);
  expect(said.at(-1)).toBe("error receiver ops: 1 alerts were given up: status 400: no");
});

test("a message that is too large is halved until it fits, and a single one that never fits dies at once", async () => {
  const { add, clock, seen, outbox } = start((alerts) =>
    alerts.length > 3 || alerts.includes("huge+")
      ? { told: false, reason: "status 413", refused: true, tooLarge: true }
      : told,
  );
  add(...Array.from({ length: 20 }, (_, n) => ({ subject: `a${n}` })), { subject: "huge" });
  await clock.pass(3_600_000);
  const arrived = seen.filter(({ alerts }) => alerts.length <= 3 && !alerts.includes("huge+"));
  expect(arrived.flatMap(({ alerts }) => alerts)).toEqual(Array.from({ length: 20 }, (_, n) => `a${n}+`));
  expect(outbox.list({ state: "dead", before: 1e9, limit: 9 }).map(({ subject }) => subject)).toEqual([
    "huge",
  ]);
});

test("what no receiver has taken for a day is given up, with why, and can be sent again", async () => {
  let well = false;
  const { add, clock, outbox, said } = start(() => (well ? told : down));
  add({ subject: "a" });
  await clock.pass(86_000_000);
  add({ subject: "b" });
  expect(outbox.counts().get("ops")).toEqual({ waiting: 2, reminded: 0, dead: 0 });
  await clock.pass(600_000);
  const [dead] = outbox.list({ state: "dead", before: 1e9, limit: 9 });
  expect([dead.subject, dead.error]).toEqual(["a", "ECONNREFUSED"]);
  expect(said.at(-1)).toBe("error receiver ops: 1 alerts were given up: ECONNREFUSED");
  // The one that came later still waits.
  expect(outbox.counts().get("ops")).toEqual({ waiting: 1, reminded: 0, dead: 1 });
  well = true;
  outbox.retry(dead.id);
  await clock.pass(120_000);
  expect(outbox.counts().size).toBe(0);
});

test("a receiver is left alone as long as it asks", async () => {
  const { add, clock, seen } = start((_alerts, attempt) =>
    attempt === 1 ? { told: false, reason: "status 429", retryAfter: 90_000 } : told,
  );
  add({ subject: "a" }, { subject: "b", lane: "other" });
  await clock.pass(91_000);
  expect(seen.length).toBeLessThanOrEqual(2);
  await clock.pass(10_000);
  expect(seen.map(({ at }) => at).filter((at) => at >= 92_000).length).toBeGreaterThan(0);
  expect(seen.map(({ at }) => at).filter((at) => at > 2000 && at < 92_000)).toEqual([]);
});

test("what fires is told again and again until its end was told, and at once after a start", async () => {
  const clock = new HandClock();
  const outbox = memoryOutbox(undefined, () => Math.floor(clock.time / 60_000));
  const receiver = { remindEvery: 60_000, atOnce: 1 };
  const { add, seen, dispatcher } = start(() => told, { clock, outbox, receiver });
  add({ subject: "a" }, { subject: "b" });
  await clock.pass(125_000);
  add({ subject: "a", state: "resolved" });
  await clock.pass(60_000);
  await dispatcher.stop(0);
  expect(seen).toEqual([
    { at: 2000, alerts: ["a+", "b+"] },
    { at: 60_000, alerts: ["a+", "b+"] },
    { at: 120_000, alerts: ["a+", "b+"] },
    { at: 127_000, alerts: ["a-"] },
    { at: 180_000, alerts: ["b+", "a-"] },
  ]);
  const again = start(() => told, { clock, outbox, receiver });
  await clock.pass(1000);
  expect(again.seen.map(({ alerts }) => alerts)).toEqual([["b+", "a-"]]);
  // It may have lost its memory between the end and now; a quarter of an hour later it has heard of it often enough.
  await clock.pass(1_000_000);
  expect(again.seen.at(-1)?.alerts).toEqual(["b+"]);
});

test("a receiver that fails at large messages, whatever it calls that, is sent smaller ones", async () => {
  const { add, clock, seen, outbox } = start((alerts) =>
    alerts.length > 10 ? { told: false, reason: "status 500: PayloadTooLargeError" } : told,
  );
  add(...Array.from({ length: 100 }, (_, n) => ({ subject: `a${n}` })));
  await clock.pass(7_200_000);
  expect(outbox.counts().size).toBe(0);
  const arrived = seen.filter(({ alerts }) => alerts.length <= 10).flatMap(({ alerts }) => alerts);
  expect(arrived).toEqual(Array.from({ length: 100 }, (_, n) => `a${n}+`));
});

test("reminders that fail do not keep what waits from being tried", async () => {
  const { add, clock, seen } = start((alerts) => (alerts.includes("a+") && clock.time > 3000 ? down : told), {
    receiver: { remindEvery: 60_000, atOnce: 1 },
  });
  add({ subject: "a" });
  await clock.pass(61_000);
  add({ subject: "b", lane: "other" });
  await clock.pass(240_000);
  expect(seen.flatMap(({ alerts }) => alerts)).toContain("b+");
});

test("stopping ends what is under way, and what was not told is told after the next start", async () => {
  const clock = new HandClock();
  const outbox = memoryOutbox();
  const first = start(
    (_alerts, _attempt, stop) =>
      new Promise((resolve) => {
        stop.addEventListener("abort", () => resolve({ told: false, reason: "stopped" }));
      }),
    { clock, outbox },
  );
  first.add({ subject: "a" });
  await clock.pass(2000);
  const ended = first.dispatcher.stop(2000);
  await clock.pass(2000);
  await ended;
  expect(outbox.get(1)).toMatchObject({ state: "waiting", attempts: 0 });
  const second = start(() => told, { clock, outbox });
  await clock.pass(1000);
  expect(second.seen.map(({ alerts }) => alerts)).toEqual([["a+"]]);
});

test("what was told while the disk could not be written is not told again", async () => {
  const outbox = memoryOutbox();
  let full = false;
  const write = outbox.told.bind(outbox);
  outbox.told = (...given) => {
    if (full) throw new Error("disk full");
    write(...given);
  };
  const { add, clock, seen, said } = start(() => told, { outbox });
  full = true;
  add({ subject: "a" });
  await clock.pass(30_000);
  expect(seen.length).toBe(1);
  full = false;
  await clock.pass(5000);
  expect([seen.length, outbox.counts().size, said]).toEqual([1, 0, ["error receiver ops: disk full"]]);
});
