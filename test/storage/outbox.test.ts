// What receivers have still to be told: in order, the same message until it is told, nothing that leaves unasked.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { SqliteStore } from "../../src/storage/sqlite/store.ts";
import { announced, memoryOutbox } from "../outbox.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-outbox-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const alerts = (list: readonly { subject: string; firing: boolean }[]): string[] =>
  list.map(({ subject, firing }) => `${subject} ${firing ? "fires" : "ends"}`);

test("a message stays the same until it is told, whatever is added meanwhile", () => {
  const outbox = memoryOutbox();
  for (const name of ["a", "b"]) outbox.add(announced({ subject: name }));
  const first = outbox.message("ops", "full", 10);
  expect(alerts(first)).toEqual(["a fires", "b fires"]);
  outbox.add(announced({ subject: "c" }));
  outbox.failed(first, "no answer", false);
  const again = outbox.message("ops", "full", 10);
  expect(alerts(again)).toEqual(["a fires", "b fires"]);
  expect(again.map(({ attempts, error }) => [attempts, error])).toEqual([
    [1, "no answer"],
    [1, "no answer"],
  ]);
  outbox.told(again, false);
  expect(alerts(outbox.message("ops", "full", 10))).toEqual(["c fires"]);
  expect(outbox.counts().get("ops")).toEqual({ waiting: 1, reminded: 0, dead: 0 });
});

test("a message taken apart becomes a smaller one, the rest follows in order", () => {
  const outbox = memoryOutbox();
  for (const name of ["a", "b", "c"]) outbox.add(announced({ subject: name }));
  outbox.apart(outbox.message("ops", "full", 3));
  const half = outbox.message("ops", "full", 1);
  expect(alerts(half)).toEqual(["a fires"]);
  outbox.failed(half, "413", true);
  expect(alerts(outbox.message("ops", "full", 3))).toEqual(["b fires", "c fires"]);
  expect(alerts(outbox.list({ state: "dead", before: 1e9, limit: 10 }))).toEqual(["a fires"]);
});

test("whoever is reminded keeps a firing until its end was told, and the end for a while", () => {
  let minutes = 0;
  const outbox = memoryOutbox(undefined, () => minutes);
  outbox.add(announced({ subject: "a" }));
  outbox.told(outbox.message("ops", "full", 9), true);
  expect(alerts(outbox.reminders("ops", 0, 9))).toEqual(["a fires"]);
  // The rule has been given another receiver since.
  outbox.add(announced({ subject: "a", state: "resolved", to: ["others"] }));
  expect(alerts(outbox.message("ops", "full", 9))).toEqual(["a ends"]);
  expect(alerts(outbox.reminders("ops", 0, 9))).toEqual(["a fires"]);
  outbox.told(outbox.message("ops", "full", 9), true);
  expect(alerts(outbox.reminders("ops", 0, 9))).toEqual(["a ends"]);
  outbox.settle("ops", 60_000);
  expect(alerts(outbox.reminders("ops", 0, 9))).toEqual(["a ends"]);
  minutes = 1;
  outbox.settle("ops", 60_000);
  expect(outbox.reminders("ops", 0, 9)).toEqual([]);
  expect(outbox.counts().get("ops")).toBeUndefined();
  expect(outbox.counts().get("others")).toEqual({ waiting: 1, reminded: 0, dead: 0 });
});

test("what is about one subject is told in order although its rule is grouped otherwise meanwhile", () => {
  const outbox = memoryOutbox();
  outbox.add(announced({ subject: "a" }));
  outbox.add(announced({ subject: "a", lane: "each", state: "resolved" }));
  outbox.add(announced({ subject: "a", lane: "each", to: ["ops", "others"] }));
  expect(alerts(outbox.message("ops", "full", 9))).toEqual(["a fires", "a ends", "a fires"]);
  expect([outbox.lanesOf("ops"), outbox.lanesOf("others")]).toEqual([["full"], ["each"]]);
});

test("an end that was told settles the firing that had been given up", () => {
  const outbox = memoryOutbox();
  outbox.add(announced({ subject: "a" }));
  outbox.failed(outbox.message("ops", "full", 9), "500", true);
  outbox.add(announced({ subject: "a", state: "resolved" }));
  outbox.told(outbox.message("ops", "full", 9), true);
  expect(outbox.counts().get("ops")).toEqual({ waiting: 0, reminded: 1, dead: 0 });
  expect(outbox.retryAll("ops")).toBe(0);
});

test("dead letters are sent again, one or all, and deleted one by one", () => {
  const outbox = memoryOutbox();
  for (const name of ["a", "b", "c"]) outbox.add(announced({ subject: name }));
  outbox.committed();
  const woken: string[] = [];
  outbox.watch((receiver, rule) => woken.push(`${receiver} ${rule}`));
  const all = outbox.message("ops", "full", 9);
  expect([outbox.retry(all[0].id), outbox.discard(all[0].id)]).toEqual([false, false]);
  outbox.failed(all, "400", true);
  expect(outbox.retry(all[1].id)).toBe(true);
  expect(outbox.discard(all[2].id)).toBe(true);
  expect([outbox.retry(all[2].id), outbox.retry(12345)]).toEqual([false, false]);
  expect(outbox.get(all[1].id)).toMatchObject({ state: "waiting", attempts: 0 });
  expect(outbox.retryAll("nobody")).toBe(0);
  expect(outbox.retryAll("ops")).toBe(1);
  expect(woken).toEqual(["ops full", "ops full"]);
  expect(alerts(outbox.message("ops", "full", 9))).toEqual(["a fires", "b fires"]);
});

test("what nobody takes is bounded: beyond it the newest waits in vain, the oldest dead ones make room", () => {
  const outbox = memoryOutbox({ waiting: 3, dead: 2 });
  for (const name of ["a", "b", "c", "d"]) outbox.add(announced({ subject: name }));
  expect(outbox.counts().get("ops")).toEqual({ waiting: 3, reminded: 0, dead: 1 });
  expect(outbox.list({ state: "dead", before: 1e9, limit: 9 })[0]).toMatchObject({
    subject: "d",
    error: "more than 3 wait for it already",
  });
  outbox.failed(outbox.message("ops", "full", 9), "400", true);
  expect(alerts(outbox.list({ state: "dead", before: 1e9, limit: 9 }))).toEqual(["d fires", "c fires"]);
  expect([outbox.counts().get("ops"), outbox.dropped]).toEqual([{ waiting: 0, reminded: 0, dead: 2 }, 2]);
});

test("what has waited too long is given up, by the time that the database has been open", () => {
  let minutes = 0;
  const outbox = memoryOutbox(undefined, () => minutes);
  outbox.add(announced({ subject: "a" }));
  minutes = 50;
  outbox.add(announced({ subject: "b" }));
  outbox.add(announced({ subject: "c", lane: "other" }));
  minutes = 60;
  expect(outbox.giveUp("ops", "full", 60 * 60_000, "no answer")).toBe(1);
  expect(alerts(outbox.message("ops", "full", 9))).toEqual(["b fires"]);
  expect(outbox.lanesOf("ops")).toEqual(["full", "other"]);
});

test("receivers that are no longer configured are given up", () => {
  const outbox = memoryOutbox();
  outbox.add(announced({ subject: "a", to: ["ops", "gone"] }));
  outbox.add(announced({ subject: "b", to: ["gone"] }));
  outbox.told(outbox.message("gone", "full", 1), true);
  expect(outbox.disown(new Set(["ops"]))).toBe(1);
  expect(outbox.counts()).toEqual(
    new Map([
      ["gone", { waiting: 0, reminded: 1, dead: 1 }],
      ["ops", { waiting: 1, reminded: 0, dead: 0 }],
    ]),
  );
});

test("what was added in a transaction that failed is not there, and its ids are never given twice", async () => {
  const path = join(folder, "outbox.db");
  const nothing = { series: [], entries: [], sources: new Map() };
  const store = new SqliteStore({ path });
  const woken: string[] = [];
  store.outbox.watch((receiver) => woken.push(receiver));
  const derived = { upTo: 0, issued: [], rollUps: [], alerts: { rules: [], alerts: [], transitions: [] } };
  // Written in the middle of a commit, as a transition is, and the commit then fails.
  const failing = {
    ...derived,
    get rollUps(): never {
      store.outbox.add(announced());
      throw new Error("the disk fell off");
    },
  };
  expect(() => store.commit({ ...nothing, derived: failing })).toThrow("the disk fell off");
  expect([store.outbox.counts().get("ops"), woken]).toEqual([undefined, []]);
  const adding = {
    ...derived,
    get rollUps(): [] {
      store.outbox.add(announced());
      return [];
    },
  };
  store.commit({ ...nothing, derived: adding });
  expect(woken).toEqual(["ops"]);
  const [first] = store.outbox.message("ops", "full", 9);
  store.outbox.told([first], false);
  await store.close();

  const again = new SqliteStore({ path });
  expect(again.outbox.counts().size).toBe(0);
  again.commit({
    ...nothing,
    derived: {
      ...derived,
      get rollUps(): [] {
        again.outbox.add(announced());
        return [];
      },
    },
  });
  expect(again.outbox.message("ops", "full", 9)[0].id).toBeGreaterThan(first.id);
  await again.close();
});
