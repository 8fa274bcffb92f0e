// Operators in a long life: many series, restarts after every event, sources that fail and are tried again.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  concat,
  defer,
  finalize,
  from,
  lastValueFrom,
  map,
  type Observable,
  pipe,
  repeat,
  retry,
  Subject,
  takeWhile,
  throwError,
  toArray,
} from "rxjs";
import { afterAll, describe, expect, test } from "vitest";
import { RunningPipeline } from "../../../src/stages/running-pipeline.ts";
import { durable, type Kept, PipelineStore } from "../../../src/storage/index.ts";
import { leakyAverages, perSeries, recurrent, surprise } from "../../../src/streams/index.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-life-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const wave = (count: number): number[] =>
  Array.from({ length: count }, (_, t) => Math.sin(t / 5) + (t % 7) / 9);
const anomaly = () =>
  pipe(
    recurrent<number>("lstm", { hidden: 4, ahead: 1, every: 4, through: 8 }),
    surprise({ window: 30, least: 3 }),
  );

describe("a pipeline that is restored", () => {
  test("after every single event says what one says that was never stopped", async () => {
    const expected = await lastValueFrom(from(wave(60)).pipe(anomaly(), toArray()));
    const got: unknown[] = [];
    let state: Uint8Array | undefined;
    for (const value of wave(60)) {
      const run = new RunningPipeline("once", anomaly());
      if (state !== undefined) run.goOn(state, got.length);
      got.push(...run.take(value));
      state = run.stages.save();
      run.close();
    }
    expect(got).toEqual(expected);
  });
});

describe("a kept pipeline over a source that fails", () => {
  /** Fails after 25, 50, ... events, and begins at its beginning each time. */
  const failing = (events: readonly number[]): Observable<number> => {
    let times = 0;
    return defer(() => {
      times++;
      const whole = from(events.slice(0, 25 * times));
      return 25 * times < events.length
        ? concat(
            whole,
            throwError(() => new Error("gone")),
          )
        : whole;
    });
  };

  test("goes on with retry: no output is missing, and one that comes again is the same", async () => {
    const store = new PipelineStore(join(folder, "retry.db"));
    const kept = await lastValueFrom(
      failing(wave(90)).pipe(durable(store, "anomaly", anomaly(), { every: 10 }), retry(10), toArray()),
    );
    store.close();
    const expected = await lastValueFrom(from(wave(90)).pipe(anomaly(), toArray()));
    const byOffset = new Map<number, unknown>();
    for (const { offset, value } of kept) {
      if (byOffset.has(offset)) expect(value).toEqual(byOffset.get(offset));
      byOffset.set(offset, value);
    }
    expect([...byOffset.keys()].sort((a, b) => a - b)).toEqual(expected.map((_, i) => i + 1));
    expect([...byOffset.values()]).toEqual(expected);
  });

  test("and with repeat, over a source that ends: what it has taken is not taken again", async () => {
    const store = new PipelineStore(join(folder, "repeat.db"));
    const kept = await lastValueFrom(
      from(wave(40)).pipe(durable(store, "anomaly", anomaly(), { every: 7 }), repeat(3), toArray()),
    );
    store.close();
    expect(kept.map(({ offset }: Kept<unknown>) => offset)).toEqual(wave(40).map((_, i) => i + 1));
  });
});

test("a first label of another length than was guessed from an event without one is an error, not silence", async () => {
  const events = [
    { x: [1, 2, 3], label: null },
    { x: [1, 2, 3], label: 5 },
  ];
  await expect(lastValueFrom(from(events).pipe(recurrent("lstm", { hidden: 3 })))).rejects.toThrow(
    /^label: expected 3 numbers, got 1 \(targets says/,
  );
  const { point } = await lastValueFrom(from(events).pipe(recurrent("lstm", { hidden: 3, targets: 1 })));
  expect(point).toHaveLength(1);
});

describe("perSeries", () => {
  const names = (count: number) => Array.from({ length: count }, (_, n) => ({ series: `s${n}`, value: n }));

  test("holds no more series than it may, however many come, and begins one that comes back anew", () => {
    let open = 0;
    let most = 0;
    const averages = perSeries<{ series: string; value: number }, readonly [string, number]>(
      (series, part$) =>
        defer(() => {
          most = Math.max(most, ++open);
          return part$.pipe(
            map(({ value }) => value),
            leakyAverages([5]),
            map(([average = Number.NaN]) => [series, average] as const),
            finalize(() => open--),
          );
        }),
      { maximum: 10, whenFull: "retire" },
    );
    const source = new Subject<{ series: string; value: number }>();
    const got: (readonly [string, number])[] = [];
    const subscription = source.pipe(averages).subscribe((one) => got.push(one));
    for (const event of [...names(3000), { series: "s0", value: 7 }]) source.next(event);
    expect(got).toHaveLength(3001);
    expect(got.at(-1)?.[0]).toBe("s0");
    expect(got.at(-1)?.[1]).toBeCloseTo(7, 12);
    expect({ open, most }).toEqual({ open: 10, most: 10 });
    subscription.unsubscribe();
    expect(open).toBe(0);
  });

  test("a part that has ended stays ended, in a copy that was restored as well", () => {
    const parts = () =>
      perSeries<{ series: string; value: number }, string>((series, part$) =>
        part$.pipe(
          takeWhile(({ value }) => value < 5),
          map(({ value }) => `${series} ${value}`),
        ),
      );
    const run = new RunningPipeline("ended", parts());
    const events = [1, 5, 2].flatMap((value) => ["a", "b"].map((series) => ({ series, value })));
    expect(events.flatMap((event) => run.take(event))).toEqual(["a 1", "b 1"]);
    const copy = new RunningPipeline("ended", parts());
    copy.goOn(run.stages.save(), run.outputs);
    for (const each of [run, copy]) {
      expect(each.take({ series: "a", value: 1 })).toEqual([]);
      expect(each.take({ series: "c", value: 1 })).toEqual(["c 1"]);
      expect(each.failed).toBe(false);
      each.close();
    }
  });
});
