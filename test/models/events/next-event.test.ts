import { describe, expect, test } from "vitest";
import { ContextCounts } from "../../../src/models/events/context-counts.ts";
import { NEW, NextEvent } from "../../../src/models/events/next-event.ts";
import { RankWindow } from "../../../src/models/events/rank-window.ts";
import { Sessions } from "../../../src/models/events/sessions.ts";
import { Arena } from "../../../src/models/kernels/arena.ts";
import { Layout } from "../../../src/models/kernels/layout.ts";
import { seeded } from "../../../src/models/network/seeded.ts";

const opened = <T>(make: (layout: Layout) => T) => {
  const layout = new Layout(new Arena());
  const made = make(layout);
  return { made, block: layout.allocate() };
};
const nextEvent = (options = {}) =>
  opened((layout) => new NextEvent(layout, { window: 4096, ...options })).made;

/** Symbols of a chain whose next one depends on the last two, with some noise. */
function chain(n: number, seed: number, symbols = 8): number[] {
  const random = seeded(seed, "chain");
  const out = [0, 1];
  while (out.length < n) {
    const s =
      random() < 0.15
        ? Math.floor(random() * symbols)
        : (3 * out[out.length - 1] + out[out.length - 2] + 1) % symbols;
    out.push(s);
  }
  return out.slice(0, n);
}

/** Every symbol in a row, over and over. */
const round = (n: number, symbols = 3): number[] => Array.from({ length: n }, (_, i) => i % symbols);

describe("NextEvent", () => {
  test("what each forecaster says, and the mixture, are distributions", () => {
    const next = nextEvent();
    for (const [t, symbol] of chain(600, 1).entries()) {
      if (t % 97 === 0 && t > 0) {
        const all = [
          NEW,
          ...Array.from({ length: 8 }, (_, s) => s).filter((s) =>
            next.likeliest(20).some((each) => each.symbol === s),
          ),
        ];
        const sums = new Float64Array(next.forecasters.length);
        let mixed = 0;
        for (const s of all) {
          next.probabilities(s).forEach((p, k) => {
            sums[k] += p;
          });
          mixed += next.probability(s);
        }
        // The LSTM has classes for symbols that have not been met.
        for (const [k, sum] of sums.entries()) {
          if (next.forecasters[k] === "lstm") expect(sum).toBeLessThanOrEqual(1 + 1e-6);
          else expect(sum).toBeCloseTo(1, 6);
        }
        expect(mixed).toBeLessThanOrEqual(1 + 1e-6);
      }
      next.step(symbol);
    }
  });

  test("the mixture loses to none of its forecasters by more than its bound", () => {
    for (const [symbols, seed] of [
      [chain(1500, 2), 1],
      [round(800), 2],
      [chain(900, 3, 40), 3],
    ] as const) {
      const next = nextEvent({ seed });
      const K = next.forecasters.length;
      const sums = new Float64Array(K);
      let mixed = 0;
      for (const symbol of symbols) {
        next.probabilities(symbol).forEach((p, k) => {
          sums[k] -= Math.log(p);
        });
        mixed -= Math.log(next.step(symbol).probability);
      }
      const bound = (Math.log(K) - symbols.length * Math.log(1 - 0.001)) / 0.2;
      for (const sum of sums) expect(mixed).toBeLessThanOrEqual(sum + bound);
      // Where there is noise it is better than the best of counts.
      if (symbols.length !== 800) expect(mixed).toBeLessThan(Math.min(...sums.slice(0, 3)));
    }
  });

  test("a symbol is known once it has been met; NEW is likelier where new ones have come", () => {
    const next = nextEvent();
    for (const symbol of round(200)) next.step(symbol);
    const outcome = next.step(77);
    expect(outcome.isNew).toBe(true);
    expect(outcome.probability).toBeLessThan(0.02);
    expect(outcome.surprise).toBeLessThan(0.01);
    expect(next.step(77).isNew).toBe(false);
    for (let i = 100; i < 140; i++) next.step(i);
    expect(next.probability(NEW)).toBeGreaterThan(0.5);
  });

  test("likeliest tells the next of a round, and the probabilities fall", () => {
    const next = nextEvent();
    for (const symbol of round(300, 4)) next.step(symbol);
    const best = next.likeliest(5);
    expect(best[0].symbol).toBe(0);
    expect(best.map(({ probability }) => probability)).toEqual(
      best.map(({ probability }) => probability).toSorted((a, b) => b - a),
    );
  });

  test("saved at any event and restored, it goes on to the same bits", () => {
    const symbols = chain(700, 5, 30);
    const { made: whole, block } = opened((layout) => new NextEvent(layout, { window: 256 }));
    const saves = new Map<number, Uint8Array>();
    const outcomes = symbols.map((symbol, t) => {
      if (t % 113 === 50) saves.set(t, whole.save());
      return whole.step(symbol);
    });
    for (const [t, bytes] of saves) {
      const { made: again, block: other } = opened((layout) => new NextEvent(layout, { window: 256 }));
      again.restore(bytes);
      expect(symbols.slice(t).map((symbol) => again.step(symbol))).toEqual(outcomes.slice(t));
      expect(Buffer.from(other.bytes).equals(Buffer.from(block.bytes))).toBe(true);
    }
  });

  test("nothing that comes later changes what was told", () => {
    const symbols = chain(400, 6);
    const told = (changed: readonly number[]) => {
      const next = nextEvent();
      return changed.map((symbol) => next.step(symbol));
    };
    const cut = 250;
    const other = [...symbols.slice(0, cut), ...symbols.slice(cut).map((s) => (s + 3) % 8)];
    expect(told(other).slice(0, cut)).toEqual(told(symbols).slice(0, cut));
  });

  test("wrong options and symbols are refused, and nothing has changed then", () => {
    const layout = new Layout(new Arena());
    expect(() => new NextEvent(layout, { hidden: -1 })).toThrow("hidden: expected a whole number from 0");
    expect(() => new NextEvent(layout, { classes: 2 })).toThrow("classes");
    expect(() => new NextEvent(layout, { contexts: 1000 })).toThrow("a power of two");
    const { made, block } = opened((own) => new NextEvent(own, { window: 64 }));
    made.step(1);
    const before = block.save();
    for (const symbol of [-1, 0.5, Number.NaN, 2 ** 30]) expect(() => made.step(symbol)).toThrow("symbol");
    expect(() => made.step(1, Number.NaN)).toThrow("oddness");
    expect(block.save()).toEqual(before);
  });
});

describe("false alarms", () => {
  const rate = (symbols: readonly number[], share: number) => {
    const next = nextEvent({ hidden: 0, window: 32_768 });
    return symbols.filter((symbol) => next.step(symbol).surprise <= share).length / symbols.length;
  };

  test("as many as were asked for, on a stream that stays as it is", () => {
    const symbols = chain(20_000, 7, 12);
    for (const share of [0.01, 0.001]) {
      const got = rate(symbols, share);
      expect(got).toBeGreaterThan(0.5 * share);
      expect(got).toBeLessThan(2 * share);
    }
  });

  test("as many, on one that drifts: other symbols, another order, more noise", () => {
    const parts = Array.from({ length: 20 }, (_, i) =>
      chain(1000, 20 + i, 6 + (i % 5) * 4).map((s) => s + (i % 3) * 40),
    );
    for (const share of [0.01, 0.001]) {
      const got = rate(parts.flat(), share);
      expect(got).toBeGreaterThan(0.5 * share);
      expect(got).toBeLessThan(2 * share);
    }
  });
});

describe("RankWindow", () => {
  test("the p-values of exchangeable scores are uniform, ties among them", () => {
    const { made: ranks } = opened((layout) => new RankWindow(layout, "ranks", { window: 2000 }));
    const random = seeded(1, "scores");
    const p = Array.from({ length: 20_000 }, () => ranks.add(Math.floor(random() * 20) / 10));
    for (const share of [0.005, 0.05, 0.5, 0.9]) {
      const got = p.filter((each) => each <= share).length / p.length;
      expect(Math.abs(got - share)).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / p.length));
    }
  });

  test("only the last scores count, and each is within (0, 1)", () => {
    const { made: ranks } = opened((layout) => new RankWindow(layout, "ranks", { window: 100 }));
    for (let i = 0; i < 500; i++) ranks.add(50);
    for (let i = 0; i < 100; i++) ranks.add(1);
    expect(ranks.count).toBe(100);
    expect(ranks.add(2)).toBeLessThan(0.01);
    for (const score of [0, 1e-9, 63.9, 1000]) {
      const p = ranks.add(score);
      expect(p > 0 && p < 1).toBe(true);
    }
  });
});

describe("ContextCounts", () => {
  test("counts as a map does, until it halves; then what is left is half", () => {
    const { made: counts } = opened(
      (layout) => new ContextCounts(layout, "counts", { contexts: 256, entries: 1024, halve: 1e9 }),
    );
    const random = seeded(2, "counts");
    const plain = new Map<string, number>();
    for (let i = 0; i < 600; i++) {
      const [a, s] = [Math.floor(random() * 40) * 7919, Math.floor(random() * 9)];
      counts.add(a, -a, s);
      plain.set(`${a} ${s}`, (plain.get(`${a} ${s}`) ?? 0) + 1);
    }
    for (const [key, n] of plain) {
      const [a, s] = key.split(" ").map(Number);
      expect(counts.count(a, -a, s)).toBe(n);
    }
    counts.halve();
    for (const [key, n] of plain) {
      const [a, s] = key.split(" ").map(Number);
      expect(counts.count(a, -a, s)).toBe(Math.floor(n / 2));
      const at = counts.context(a, -a);
      if (at >= 0)
        expect(counts.total(at)).toBe(
          counts.symbols(a, -a).reduce((sum, each) => sum + counts.count(a, -a, each), 0),
        );
    }
  });

  test("memory is bounded whatever comes", () => {
    const { made: counts } = opened(
      (layout) => new ContextCounts(layout, "counts", { contexts: 64, entries: 64 }),
    );
    for (let i = 0; i < 10_000; i++) counts.add(Math.imul(i, 0x9e3779b1), i, i % 7);
    counts.add(1, 2, 3);
    expect(counts.count(1, 2, 3)).toBeGreaterThan(0);
  });
});

describe("Sessions", () => {
  const sessions = (options = {}) =>
    opened((layout) => new Sessions(layout, { open: 64, idle: 200, ...options }));

  /** Sessions 1 2 2 3, woven into each other: the events of the stream as [key, symbol]. */
  function woven(n: number, seed: number): [number, number][] {
    const random = seeded(seed, "woven");
    const open: { key: number; left: number[] }[] = [];
    const out: [number, number][] = [];
    for (let key = 1; out.length < n; ) {
      if (open.length < 5) open.push({ key: key++, left: [1, 2, 2, 3] });
      const i = Math.floor(random() * open.length);
      const [symbol] = open[i].left.splice(0, 1);
      out.push([open[i].key, symbol]);
      if (open[i].left.length === 0) open.splice(i, 1);
    }
    return out;
  }

  test("what comes next in a session is told by the session, however it is woven into the stream", () => {
    const { made } = sessions();
    const outcomes = woven(3000, 1).map(([key, symbol]) => made.step(key, -key, symbol));
    const late = outcomes.slice(-500);
    expect(Math.min(...late.map(({ probability }) => probability))).toBeGreaterThan(0.9);
    const third = late.filter(({ events }) => events === 3);
    expect(third.every(({ remaining }) => Math.abs((remaining ?? 0) - 1) < 0.2)).toBe(true);
    const last = late.filter(({ events }) => events === 4);
    expect(last.every(({ end }) => (end ?? 0) > 0.9)).toBe(true);
    expect(third.every(({ end }) => (end ?? 1) < 0.1)).toBe(true);
  });

  test("one whose events are each ordinary but come in an odd order stands out as a whole", () => {
    const { made } = sessions();
    for (const [key, symbol] of woven(3000, 2)) made.step(key, -key, symbol);
    expect(made.score([1, 2, 2, 3])).toBeLessThan(0.2);
    for (const odd of [
      [1, 2, 3],
      [1, 2, 2, 2, 3],
      [2, 1, 3, 2],
      [1, 2],
    ])
      expect(made.score(odd)).toBeGreaterThan(0.8);
    let outcome = made.step(9001, 7, 3);
    for (const symbol of [3, 1, 1]) outcome = made.step(9001, 7, symbol);
    expect(outcome.surprise).toBeLessThan(0.01);
  });

  test("sessions that never end are bounded; the stillest ends to make room", () => {
    const { made } = sessions({ open: 16, idle: 1e9 });
    for (let i = 0; i < 1000; i++) made.step(Math.imul(i, 0x9e3779b1), i, 1 + (i % 3));
    expect(made.open).toBe(16);
    expect(made.ended).toBe(984);
    // One that goes on for ever is one session.
    for (let i = 0; i < 500; i++) expect(made.step(5, 5, 1).events).toBe(i + 1);
    made.end();
    expect(made.open).toBe(0);
  });

  test("saved at any event and restored, it goes on to the same bits", () => {
    const events = woven(1500, 3);
    const { made: whole, block } = sessions();
    const outcomes = [];
    let saved = new Uint8Array();
    for (const [t, [key, symbol]] of events.entries()) {
      if (t === 777) saved = new Uint8Array(whole.save());
      outcomes.push(whole.step(key, -key, symbol));
    }
    const { made: again, block: other } = sessions();
    again.restore(saved);
    expect(events.slice(777).map(([key, symbol]) => again.step(key, -key, symbol))).toEqual(
      outcomes.slice(777),
    );
    expect(Buffer.from(other.bytes).equals(Buffer.from(block.bytes))).toBe(true);
  });

  test("wrong options are refused", () => {
    const layout = new Layout(new Arena());
    expect(() => new Sessions(layout, { open: 3 })).toThrow("open: expected a power of two");
    expect(() => new Sessions(layout, { idle: 0 })).toThrow("idle");
  });
});
