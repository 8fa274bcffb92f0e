// The laws that every operator keeps, walked over all of them.
import {
  concat,
  from,
  lastValueFrom,
  NEVER,
  type Observable,
  type OperatorFunction,
  Subject,
  take,
  tap,
  throwError,
  toArray,
} from "rxjs";
import { TestScheduler } from "rxjs/testing";
import { describe, expect, test } from "vitest";
import type { RefusedEvent } from "../../../src/stages/refused-event.ts";
import { Stages } from "../../../src/stages/stage.ts";
import { echoState } from "../../../src/streams/operators/echo-state.ts";
import { forecast } from "../../../src/streams/operators/forecast.ts";
import { futures } from "../../../src/streams/operators/futures.ts";
import { inOrder } from "../../../src/streams/operators/in-order.ts";
import { intervals } from "../../../src/streams/operators/intervals.ts";
import { leakyAverages } from "../../../src/streams/operators/leaky-averages.ts";
import { leakyUnits } from "../../../src/streams/operators/leaky-units.ts";
import { nextEvent } from "../../../src/streams/operators/next-event.ts";
import { perSeries } from "../../../src/streams/operators/per-series.ts";
import { recurrent } from "../../../src/streams/operators/recurrent.ts";
import { resample } from "../../../src/streams/operators/resample.ts";
import { sequences } from "../../../src/streams/operators/sequences.ts";
import { smooth } from "../../../src/streams/operators/smooth.ts";
import { surprise } from "../../../src/streams/operators/surprise.ts";
import { treeSummary } from "../../../src/streams/operators/tree-summary.ts";
import { expectToStopListening } from "./firehose.ts";

type Options = Readonly<Record<string, unknown>>;

interface Law {
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: operators of all types side by side
  readonly make: (more?: any) => OperatorFunction<any, unknown>;
  readonly events: readonly unknown[];
  /** Options that are wrong, whatever events come. */
  readonly wrong: Options | undefined;
  /** An event that goes to `refused`, and why. */
  readonly bad?: readonly [unknown, string];
  /** Outputs come with the events that lead to them, one each. */
  readonly onePerEvent: boolean;
}

const wave = Array.from({ length: 120 }, (_, t) => Math.sin(t / 4) + 0.3 * Math.cos(t * t));
const timed = wave.map((value, t) => ({ time: 1000 * t + 300 * (t % 3), value }));
const learning = { seed: 3, every: 4, through: 8, optimiser: { kind: "adam", rate: 0.01 } };

const laws: readonly Law[] = [
  ...["elman", "lstm", "gru", "leaky", "skip", "clockwork", "deep:layers=6x4", "output"].map(
    (system): Law => ({
      name: `recurrent ${system}`,
      make: (more = {}) => {
        const units = system.includes(":") ? {} : { hidden: 6 };
        return recurrent(system, { ...units, ahead: 1, ...learning, ...more });
      },
      events: wave,
      wrong: { clip: -1 },
      bad: [Number.NaN, "bad-number"],
      onePerEvent: true,
    }),
  ),
  {
    name: "recurrent, measured",
    make: (more = {}) => recurrent("gru", { hidden: 5, ahead: 2, scale: 50, ...learning, ...more }),
    events: wave.map((value) => 1013 + 7 * value),
    wrong: { scale: 1 },
    bad: [[1, 2], "wrong-length"],
    onePerEvent: true,
  },
  {
    name: "recurrent with late labels",
    make: (more = {}) => recurrent("lstm", { hidden: 5, ...learning, ...more }),
    events: timed.flatMap(({ time, value }, t) => [
      { x: value, time },
      ...(t >= 3 ? [{ time: timed[t - 3]?.time, label: [wave[t]] }] : []),
    ]),
    wrong: { every: 0 },
    bad: [{ time: 99_999_999, label: 1 }, "unmatched-label"],
    onePerEvent: false,
  },
  {
    name: "recurrent context",
    make: (more = {}) => recurrent("context:hidden=5,context=2", { ...learning, context: [1, -1], ...more }),
    events: wave.map((value, t) => ({ x: value, label: wave[t + 1] ?? null, context: [t % 2, 1] })),
    wrong: { feedback: "both" },
    bad: [{ x: "three" }, "bad-observation"],
    onePerEvent: true,
  },
  {
    name: "echoState rls",
    make: (more = {}) => echoState({ units: 20, ahead: 3, ...more }),
    events: wave,
    wrong: { readout: { by: "magic" } },
    bad: [Number.POSITIVE_INFINITY, "bad-number"],
    onePerEvent: true,
  },
  {
    name: "echoState lms",
    make: (more = {}) =>
      echoState({ units: 20, ahead: 1, readout: { by: "lms", rate: 0.3, normalised: true }, ...more }),
    events: wave,
    wrong: { readout: { by: "lms", rate: -1 } },
    bad: [[1, 2], "wrong-length"],
    onePerEvent: true,
  },
  {
    name: "echoState ridge",
    make: (more = {}) =>
      echoState({ units: 20, ahead: 2, readout: { by: "ridge", ridge: 1e-4, every: 7 }, ...more }),
    events: wave,
    wrong: { readout: { by: "ridge", ridge: -1 } },
    bad: [Number.NaN, "bad-number"],
    onePerEvent: true,
  },
  {
    name: "nextEvent",
    make: (more = {}) => nextEvent({ hidden: 6, classes: 8, window: 64, ...more }),
    events: wave.map((_, t) => ["wake", "work", "eat", "sleep"][((t * t) % 7) % 4]),
    wrong: { hidden: -1 },
    bad: ["", "bad-observation"],
    onePerEvent: true,
  },
  {
    name: "sequences",
    make: (more = {}) =>
      sequences({
        by: ({ key }: { key: string }) => key,
        ends: ({ name }: { name: string }) => name === "out",
        names: 4,
        hidden: 5,
        longest: 6,
        open: 3,
        draw: 1,
        ...more,
      }),
    events: wave.map((_, t) => ({
      key: `s${(t * t) % 5}`,
      name: ["in", "a", "b", "out", "c"][((t * 7) % 11) % 5],
    })),
    wrong: { ends: "out" },
    bad: [{ key: "", name: "in" }, "bad-observation"],
    onePerEvent: true,
  },
  ...[1, 4].map(
    (ahead): Law => ({
      name: `leakyUnits ahead ${ahead}`,
      make: (more = {}) => leakyUnits({ units: 8, ahead, optimiser: { kind: "adam", rate: 0.01 }, ...more }),
      events: wave,
      wrong: { slowest: 0.5 },
      bad: [null, "bad-observation"],
      onePerEvent: true,
    }),
  ),
  {
    name: "treeSummary",
    make: (more = {}) => treeSummary({ hidden: 5, window: 16, ahead: 1, ...more }),
    events: wave,
    wrong: { hidden: 0 },
    bad: [Number.NaN, "bad-number"],
    onePerEvent: true,
  },
  {
    name: "futures",
    make: (more = {}) => futures({ paths: 4, steps: 3, hidden: 5, drawEvery: 7, ...more }),
    events: wave,
    wrong: { paths: 0 },
    bad: [Number.NaN, "bad-number"],
    onePerEvent: true,
  },
  {
    name: "leakyAverages",
    make: (more = {}) => leakyAverages(more.scales ?? [3, 30], more),
    events: wave,
    wrong: { scales: [0] },
    bad: [Number.NaN, "bad-number"],
    onePerEvent: true,
  },
  {
    name: "smooth",
    make: (more = {}) => smooth({ lag: 3, window: 8, hidden: 4, ...more }),
    events: wave.map((value, t) => (t % 17 === 5 ? null : value)),
    wrong: { lag: -1 },
    bad: ["seven", "bad-observation"],
    onePerEvent: false,
  },
  {
    name: "surprise",
    make: (more = {}) => surprise({ least: 5, ...more }),
    events: wave.map((error) => ({ error })),
    wrong: { window: 0 },
    onePerEvent: true,
  },
  {
    name: "intervals",
    make: (more = {}) => intervals({ window: 50, ...more }),
    events: wave.map((error, t) => ({ point: t, error })),
    wrong: { level: 1 },
    onePerEvent: true,
  },
  {
    name: "inOrder",
    make: (more = {}) => inOrder({ lateness: 2000, ...more }),
    events: timed.map((_, t) => timed[t % 4 === 1 ? t + 1 : t % 4 === 2 ? t - 1 : t]),
    wrong: { lateness: Number.NaN },
    bad: [{ time: -5 }, "late"],
    onePerEvent: false,
  },
  {
    name: "resample",
    make: (more = {}) => resample({ every: 2500, ...more }),
    events: timed,
    wrong: { every: 0 },
    bad: [{ time: 0, value: "x" }, "bad-number"],
    onePerEvent: false,
  },
  {
    name: "forecast",
    make: (more = {}) => forecast({ horizon: 3, model: "lstm", ...more }),
    events: timed,
    wrong: { horizon: 0 },
    bad: [{ time: 0, value: Number.NaN }, "bad-number"],
    onePerEvent: false,
  },
  {
    name: "forecast of what comes late and of many columns",
    make: (more = {}) => forecast({ horizon: 2, model: "persistence", lateness: 5000, every: 2000, ...more }),
    events: timed.map(({ time, value }, t) => ({
      series: "two",
      time: t % 5 === 2 ? time - 3500 : time,
      values: { a: value, b: t % 7 === 3 ? null : -value },
    })),
    wrong: { lateness: -1 },
    bad: [{ series: "another", time: 0, value: 1 }, "other-series"],
    onePerEvent: false,
  },
  {
    name: "perSeries",
    make: (more = {}) =>
      perSeries(
        (_, part$: Observable<{ series: string; error: number }>) => part$.pipe(surprise({ least: 3 })),
        {
          maximum: 3,
          ...more,
        },
      ),
    events: wave.map((error, t) => ({ series: "abc"[((t * t + t) % 5) % 3], error })),
    wrong: { maximum: 0 },
    bad: [{ series: "d", error: 1 }, "too-many-series"],
    onePerEvent: true,
  },
];

const all = (operator: OperatorFunction<unknown, unknown>, events: readonly unknown[]) =>
  lastValueFrom(from(events).pipe(operator, toArray()));

describe.each(laws)("$name", ({ make, events, wrong, bad, onePerEvent }) => {
  test("gives something, and the same again on subscribing again", async () => {
    const operator = make();
    const first = await all(operator, events);
    expect(first.length).toBeGreaterThan(10);
    expect(await all(operator, events)).toEqual(first);
  });

  test("two subscriptions side by side do not know of each other", async () => {
    const alone = await all(make(), events);
    const source = new Subject<unknown>();
    const both = [[], []] as unknown[][];
    for (const found of both) source.pipe(make()).subscribe((output) => found.push(output));
    for (const event of events) source.next(event);
    source.complete();
    expect(both).toEqual([alone, alone]);
  });

  test("wrong options are an error on subscription, over NEVER too", () => {
    let error: unknown;
    NEVER.pipe(make(wrong)).subscribe({ error: (e: unknown) => (error = e) });
    expect((error as { code?: string })?.code).toMatch(/^bad-(argument|model)$/);
  });

  test("completion, errors and time are passed on", () => {
    new TestScheduler((actual, expected) => expect(actual).toEqual(expected)).run(
      ({ cold, expectObservable, expectSubscriptions }) => {
        const silent = cold("--|");
        expectObservable(silent.pipe(make())).toBe("--|");
        expectSubscriptions(silent.subscriptions).toBe("^-!");
        const failing = cold("--#");
        expectObservable(failing.pipe(make())).toBe("--#");
        const open = cold("------");
        expectObservable(open.pipe(make()), "^--!").toBe("---");
        expectSubscriptions(open.subscriptions).toBe("^--!");
      },
    );
    let seen = 0;
    let failed: unknown;
    concat(
      from(events),
      throwError(() => "broken"),
    )
      .pipe(make())
      .subscribe({ next: () => seen++, error: (e: unknown) => (failed = e) });
    expect(failed).toBe("broken");
    expect(seen).toBeGreaterThan(10);
  });

  test("an output comes before the next event is looked at", async () => {
    if (!onePerEvent) return;
    let ahead = 0;
    let furthest = 0;
    const counted = from(events).pipe(
      tap(() => {
        ahead++;
        furthest = Math.max(furthest, ahead);
      }),
      make(),
      tap(() => ahead--),
      toArray(),
    );
    await lastValueFrom(counted);
    expect(furthest).toBe(1);
  });

  test("unsubscribing in mid-chain stops a source that gives all at once", async () => {
    const expected = (await all(make(), events)).slice(0, 3);
    const found = await lastValueFrom(from(events).pipe(make(), take(3), toArray()));
    expect(found).toEqual(expected);
    if (onePerEvent) expectToStopListening(make(), (i) => events[i % events.length]);
  });

  test("an event that cannot be used goes to the side, and nothing else changes", async () => {
    if (bad === undefined) return;
    const [event, reason] = bad;
    const refused: RefusedEvent<unknown>[] = [];
    const middle = Math.floor(events.length / 2);
    const mixed = [...events.slice(0, middle), event, ...events.slice(middle)];
    const outputs = await all(
      make({ refused: { next: (one: RefusedEvent<unknown>) => refused.push(one) } }),
      mixed,
    );
    expect(refused).toEqual([{ event, reason }]);
    expect(outputs).toEqual(await all(make(), events));
  });

  test("saved and continued anywhere: the same outputs to the bit", async () => {
    const unbroken = await all(make(), events);
    for (const cut of [0, 1, 2, 29, events.length - 1]) {
      const found: unknown[] = [];
      const begin = (): { stages: Stages; source: Subject<unknown>; end: () => void } => {
        const stages = new Stages();
        const source = new Subject<unknown>();
        const running = stages.open(() => source.pipe(make()).subscribe((output) => found.push(output)));
        return { stages, source, end: () => running.unsubscribe() };
      };
      const first = begin();
      for (const event of events.slice(0, cut)) first.stages.run(() => first.source.next(event));
      const saved = first.stages.save();
      // What the first one does after it was saved is of no concern to the second.
      const before = found.length;
      for (const event of events.slice(cut, cut + 5)) first.stages.run(() => first.source.next(event));
      first.end();
      found.length = before;
      const second = begin();
      second.stages.restore(saved);
      expect(Buffer.compare(second.stages.save(), saved)).toBe(0);
      for (const event of events.slice(cut)) second.stages.run(() => second.source.next(event));
      second.source.complete();
      expect(found, `cut at ${cut}`).toEqual(unbroken);
    }
  });

  test("an event that comes while another is under way waits for its turn", () => {
    if (!onePerEvent) return;
    const source = new Subject<unknown>();
    const found: unknown[] = [];
    const alone: unknown[] = [];
    from(events.slice(0, 2))
      .pipe(make())
      .subscribe((output) => alone.push(output));
    source.pipe(make()).subscribe((output) => {
      found.push(output);
      if (found.length === 1) source.next(events[1]);
    });
    source.next(events[0]);
    expect(found).toEqual(alone);
  });
});
