// Subscribers of every kind, fast, slow and stopped for a while, under random schedules: each is sent what it is due, once and in order.
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { seeded } from "../../../src/models/network/seeded.ts";
import { unlimited } from "../../../src/server/access/caller.ts";
import { FanOut, type Recipient } from "../../../src/server/socket/fan-out.ts";
import { Dispatch, type Outgoing } from "../../../src/server/socket/outgoing.ts";
import { Subscription } from "../../../src/server/socket/subscription.ts";
import { madeIssue, madeTarget } from "../../issues.ts";

const SERIES = ["a/1", "a/2", "b/1"];
const PATTERNS = ["*", "a/*"];
const ANYONE = unlimited(null);

/** A client of one subscription whose socket holds so many forecasts, and takes them off when it reads. */
class Reader implements Recipient {
  readonly sent: Outgoing[] = [];
  readonly subscription: Subscription;
  readonly #room: number;
  #held = 0;
  ended = false;

  constructor(subscription: Subscription, room: number) {
    this.subscription = subscription;
    this.#room = room;
  }

  get full(): boolean {
    return this.#held >= this.#room;
  }

  get writable(): boolean {
    return !this.full && this.subscription.dueAt <= 0;
  }

  flush(most: number): number {
    let n = 0;
    for (; n < most && !this.full; n++) {
      const next = this.subscription.take(0);
      if (next === null) break;
      this.sent.push(next);
      this.#held++;
    }
    return n;
  }

  read(): void {
    this.#held = 0;
  }

  slow(): void {}

  tooSlow(): void {
    this.ended = true;
  }
}

test("what each is sent", async () => {
  let ended = 0;
  let joined = 0;
  for (let seed = 1; seed <= 120; seed++) {
    const random = seeded(seed, "fan-out");
    const chance = (p: number): boolean => random() < p;
    const pick = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)];
    const dispatch = new Dispatch("e");
    const fanOut = new FanOut(dispatch, () => 0);
    const published: Outgoing[] = [];
    const readers: { reader: Reader; from: number; lazy: number; until: number }[] = [];
    const close = ({ reader }: (typeof readers)[number]): void => {
      fanOut.delete(reader.subscription);
      fanOut.forget(reader);
    };
    for (let step = 0; step < 400; step++) {
      if (chance(0.05)) {
        const which = chance(0.7) ? { pattern: pick(PATTERNS) } : { series: pick(SERIES) };
        const message = {
          type: "subscribe",
          id: 1,
          ...which,
          mode: pick(["latest", "stream"] as const),
        } as const;
        const offset = published.at(-1)?.offset ?? 0;
        const reader = new Reader(new Subscription(message, offset, 40, ANYONE), pick([3, 1000, 1000]));
        readers.push({ reader, from: offset, lazy: pick([0, 0, 0.9]), until: Number.POSITIVE_INFINITY });
        fanOut.add(reader.subscription, reader);
      }
      for (let burst = chance(0.05) ? 60 : pick([0, 1, 2]); burst > 0; burst--) {
        const offset = (published.at(-1)?.offset ?? 0) + 1;
        const targets = chance(0.3) ? ["x", "y"] : ["x"];
        const issue = madeIssue(
          pick(SERIES),
          offset,
          offset,
          targets.map((name) => madeTarget(name, [offset])),
        );
        const logged = { position: offset, ordinal: 0, series: 1, issue };
        published.push(...dispatch.of(logged));
        fanOut.publish(logged);
      }
      for (const one of readers) {
        if (one.reader.ended && one.until === Number.POSITIVE_INFINITY) {
          close(one);
          one.until = published.at(-1)?.offset ?? 0;
          ended++;
        }
        if (chance(one.lazy)) continue;
        one.reader.read();
        fanOut.wake(one.reader);
      }
      if (chance(0.02) && readers.length > 0) {
        const one = pick(readers);
        if (one.until === Number.POSITIVE_INFINITY) {
          close(one);
          one.until = published.at(-1)?.offset ?? 0;
        }
      }
      if (chance(0.7)) await nextTurn();
      joined += readers.filter(({ reader }) => reader.subscription.keepsUp).length;
    }
    for (let turn = 0; turn < 200; turn++) {
      for (const { reader } of readers) {
        reader.read();
        fanOut.wake(reader);
      }
      await nextTurn();
    }
    for (const { reader, from, until } of readers) {
      const { subscription, sent } = reader;
      const due = published.filter(
        ({ offset, series }) => offset > from && offset <= until && subscription.wants(series),
      );
      const whole = until === Number.POSITIVE_INFINITY;
      const place = ({ offset, ordinal }: Outgoing): string => `${offset}.${ordinal}`;
      if (subscription.mode === "stream") {
        expect(sent.map(place)).toEqual(due.slice(0, whole ? undefined : sent.length).map(place));
        continue;
      }
      const slots = new Map<string, Outgoing>();
      for (const one of sent) {
        expect(due).toContain(one);
        expect(one.offset).toBeGreaterThan(slots.get(one.slot)?.offset ?? -1);
        slots.set(one.slot, one);
      }
      if (!whole) continue;
      expect(subscription.conflated + sent.length).toBe(due.length);
      const newest = new Map(due.map((one) => [one.slot, one]));
      expect([...slots].sort().map(([, one]) => place(one))).toEqual(
        [...newest].sort().map(([, one]) => place(one)),
      );
    }
    fanOut.close();
  }
  expect(ended).toBeGreaterThan(10);
  expect(joined).toBeGreaterThan(1000);
});
