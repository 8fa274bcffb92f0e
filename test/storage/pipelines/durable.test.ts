import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  bufferCount,
  concatMap,
  debounceTime,
  delay,
  filter,
  from,
  lastValueFrom,
  map,
  mergeMap,
  NEVER,
  type Observable,
  type OperatorFunction,
  of,
  pairwise,
  pipe,
  Subject,
  scan,
  skip,
  take,
  toArray,
} from "rxjs";
import { afterAll, describe, expect, test } from "vitest";
import {
  durable,
  inspectPipelines,
  type Kept,
  PipelineStore,
  Recording,
  readRecording,
  record,
} from "../../../src/storage/index.ts";
import { Database } from "../../../src/storage/sqlite/driver.ts";
import { inOrder, perSeries, recurrent, smooth, stage, surprise } from "../../../src/streams/index.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-durable-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const path = (): string => join(folder, `store-${++files}.db`);

const wave = Array.from({ length: 400 }, (_, t) => Math.sin(t / 4) + 0.2 * Math.cos(t * t));
const lstm = () =>
  pipe(recurrent<number>("lstm", { hidden: 4, ahead: 1, every: 4, through: 8 }), surprise({ least: 5 }));

const failure = (stream: Observable<unknown>): Promise<{ code: string; message: string }> =>
  new Promise((resolve, reject) => {
    stream.subscribe({ error: resolve, complete: () => reject(new Error("no error")) });
  });

describe("durable", () => {
  test("goes on to the bit, wherever it was let go, and numbers its outputs on", async () => {
    const unbroken = await lastValueFrom(from(wave).pipe(lstm(), toArray()));
    const store = new PipelineStore(path());
    const found = new Map<number, unknown>();
    const note = ({ offset, value }: Kept<unknown>): void => {
      if (found.has(offset)) expect(value).toEqual(found.get(offset));
      found.set(offset, value);
    };
    for (const length of [0, 1, 7, 8, 150, 151, 400]) {
      from(wave.slice(0, length))
        .pipe(durable(store, "wave", lstm(), { every: 50 }))
        .subscribe(note);
    }
    expect([...found.keys()]).toEqual(wave.map((_, i) => i + 1));
    expect([...found.values()]).toEqual(unbroken);
    store.close();
  });

  test("a live source that is let go in mid-event: the event counts", async () => {
    const store = new PipelineStore(path());
    const first = await lastValueFrom(from(wave).pipe(durable(store, "wave", lstm()), take(3), toArray()));
    expect(first.map(({ offset }) => offset)).toEqual([1, 2, 3]);
    const [next] = await lastValueFrom(from(wave).pipe(durable(store, "wave", lstm()), take(1), toArray()));
    expect(next?.offset).toBe(4);
    store.close();
  });

  test("by a position of its own a source may begin anywhere", async () => {
    const store = new PipelineStore(path());
    const events = wave.map((value, i) => ({ at: 10 * i, value }));
    const pipeline = pipe(
      map(({ value }: { at: number; value: number }) => value),
      lstm(),
    );
    const options = { position: ({ at }: { at: number }) => at };
    from(events.slice(0, 100))
      .pipe(durable(store, "wave", pipeline, options))
      .subscribe();
    const rest = await lastValueFrom(
      from(events.slice(90)).pipe(durable(store, "wave", pipeline, options), toArray()),
    );
    const unbroken = await lastValueFrom(from(wave).pipe(lstm(), toArray()));
    expect(rest.map(({ value }) => value)).toEqual(unbroken.slice(100));
    store.close();
  });

  test("a position that does not grow is an error, and skips nothing in silence", async () => {
    const store = new PipelineStore(path());
    const source = from([1, 5, 4]).pipe(durable(store, "p", lstm(), { position: (at) => at }));
    expect((await failure(source)).message).toBe(
      "position: expected a number that grows from event to event, above 5, got 4",
    );
    store.close();
  });

  test("parts of perSeries, events held back and gaps go on as well", async () => {
    const events = wave.map((value, t) => ({
      series: "abcd"[((t * t + 3 * t) % 7) % 4] as string,
      time: 1000 * (t + (t % 3 === 1 ? 2 : 0)),
      at: t,
      value,
    }));
    const pipeline = () =>
      perSeries((_, part$: Observable<(typeof events)[number]>) =>
        part$.pipe(
          inOrder({ lateness: 3000 }),
          filter(({ value }) => value > -1),
          smooth({ lag: 2, window: 8, hidden: 3 }),
          map(({ event, smoothed }) => [event.series, event.time, ...smoothed]),
        ),
      );
    const unbroken = await lastValueFrom(from(events).pipe(pipeline(), toArray()));
    const store = new PipelineStore(path());
    const found: unknown[] = [];
    const source = new Subject<(typeof events)[number]>();
    for (const [begin, end] of [
      [0, 33],
      [33, 34],
      [34, 260],
    ] as const) {
      const running = source
        .pipe(durable(store, "parts", pipeline(), { position: ({ at }) => at, every: 20 }))
        .subscribe(({ value }) => found.push(value));
      for (const event of events.slice(begin, end)) source.next({ ...event });
      running.unsubscribe();
    }
    expect(found.length).toBeGreaterThan(200);
    expect(found).toEqual(unbroken.slice(0, found.length));
    store.close();
  });

  test.each([
    ["scan", pipe(scan((sum: number, v: number) => sum + v, 0))],
    ["pairwise", pipe(pairwise<number>())],
    ["bufferCount", bufferCount<number>(7)],
    ["skip", skip<number>(3)],
    ["a counter in a closure", hidden()],
  ] as [string, OperatorFunction<number, unknown>][])(
    "%s hides a state of its own: found before a crash",
    async (_, operator) => {
      const store = new PipelineStore(path());
      const error = await failure(from(wave).pipe(durable(store, "hidden", operator, { every: 50 })));
      expect(error).toMatchObject({ code: "bad-state" });
      expect(error.message).toMatch(/pipeline "hidden": expected the same outputs once it was saved/);
      store.close();
    },
  );

  test.each([
    ["delay", delay<number>(1)],
    ["debounceTime", debounceTime<number>(1)],
    ["a promise", concatMap((v: number) => Promise.resolve(v))],
  ] as [string, OperatorFunction<number, unknown>][])(
    "%s gives outputs without an event: refused",
    async (_, operator) => {
      const store = new PipelineStore(path());
      const source = new Subject<number>();
      const told = failure(source.pipe(durable(store, "clock", operator)));
      for (const value of wave.slice(0, 5)) source.next(value);
      expect((await told).message).toMatch(/expected every output to come with the event/);
      store.close();
    },
  );

  test("a stage that cannot be saved is refused by its name when it is opened, over NEVER too", async () => {
    const store = new PipelineStore(path());
    const own = stage("my-filter", () => ({ step: (value: number, { next }) => next(value) }));
    const error = await failure(NEVER.pipe(durable(store, "own", own)));
    expect(error).toMatchObject({ code: "bad-argument" });
    expect(error.message).toBe(
      "my-filter: expected stages whose state can be saved, since this pipeline is kept, got one without save and restore",
    );
    expect(await lastValueFrom(of(3).pipe(own))).toBe(3);
    store.close();
  });

  test("a stage that opens with an event is refused, and told what to use", async () => {
    const store = new PipelineStore(path());
    const inner = mergeMap((value: number) => of(value).pipe(recurrent("elman", { hidden: 2, ahead: 1 })));
    expect((await failure(from(wave).pipe(durable(store, "inner", inner)))).message).toMatch(/perSeries/);
    store.close();
  });

  test("wrong options of a stage, of the name and of itself are errors on subscription", async () => {
    const store = new PipelineStore(path());
    const codes = await Promise.all([
      failure(NEVER.pipe(durable(store, "x", recurrent("lstm", { clip: -1 })))),
      failure(NEVER.pipe(durable(store, "x", lstm(), { every: 0 }))),
      failure(NEVER.pipe(durable(store, "", lstm()))),
    ]);
    expect(codes.map(({ code }) => code)).toEqual(["bad-argument", "bad-argument", "bad-argument"]);
    store.close();
  });

  test("one name, one subscription at a time; another process is kept out", async () => {
    const place = path();
    const store = new PipelineStore(place);
    const running = NEVER.pipe(durable(store, "one", lstm())).subscribe();
    expect((await failure(NEVER.pipe(durable(store, "one", lstm())))).code).toBe("locked");
    running.unsubscribe();
    const again = NEVER.pipe(durable(store, "one", lstm())).subscribe({
      error: (error: unknown) => {
        throw error;
      },
    });
    expect(() => new PipelineStore(place)).toThrow(/locked|another|has it|open/);
    again.unsubscribe();
    store.close();
  });

  test("another pipeline under the name of a saved one is refused by the first stage that differs", async () => {
    const store = new PipelineStore(path());
    from(wave)
      .pipe(durable(store, "p", lstm()))
      .subscribe();
    const error = await failure(from(wave).pipe(durable(store, "p", surprise() as never)));
    expect(error.code).toBe("bad-state");
    expect(error.message).toMatch(/^stage 2 of 2: expected "recurrent", as when it was saved, got none/);
    store.close();
  });

  test("a save that was altered is passed over: the one before it takes its place", async () => {
    const place = path();
    let store = new PipelineStore(place);
    from(wave.slice(0, 120))
      .pipe(durable(store, "p", lstm(), { every: 50 }))
      .subscribe();
    store.close();
    const db = new Database(place);
    db.prepare("UPDATE saves SET state = zeroblob(length(state)) WHERE events = 120").run();
    db.close();
    store = new PipelineStore(place);
    const rest = await lastValueFrom(from(wave).pipe(durable(store, "p", lstm()), toArray()));
    expect(rest[0]?.offset).toBe(101);
    const unbroken = await lastValueFrom(from(wave).pipe(lstm(), toArray()));
    expect(rest.map(({ value }) => value)).toEqual(unbroken.slice(100));
    store.close();
  });

  test("figures of the stages are kept with each save", () => {
    const store = new PipelineStore(path());
    from(wave)
      .pipe(durable(store, "p", lstm(), { every: 100 }))
      .subscribe();
    const losses = store.metrics("p").filter(({ figure }) => figure === "recurrent.loss");
    expect(losses.map(({ events }) => events)).toEqual([100, 200, 300, 400]);
    expect(losses.every(({ value }) => value > 0)).toBe(true);
    expect(store.metrics("p").map(({ figure }) => figure)).toContain("recurrent.gradient_norm");
    const [told] = inspectPipelines(store.path) ?? [];
    expect(told).toMatchObject({ pipeline: "p", events: 400, outputs: 400 });
    expect(told?.saves.map(({ events, good }) => [events, good])).toEqual([
      [300, true],
      [400, true],
    ]);
    expect(told?.figures["recurrent.loss"]).toBe(losses.at(-1)?.value);
    store.close();
  });
});

/** An operator that looks as if it had no state. */
function hidden(): OperatorFunction<number, number> {
  return (source) => {
    let n = 0;
    return source.pipe(map((value) => value + n++));
  };
}

describe("record", () => {
  test("inside a kept pipeline: every event once, however it is cut; to a store and to Arrow", async () => {
    const place = path();
    const arrow = `${place}-arrow`;
    const events = wave.map((value, t) => ({ time: 1000 * t, value }));
    for (const [length, seen] of [
      [130, 130],
      [131, 131],
      [400, 400],
    ] as const) {
      const store = new PipelineStore(place);
      const recording = new Recording({
        path: arrow,
        columns: [
          { name: "time", kind: "time" },
          { name: "value", kind: "number" },
        ],
      });
      const pipeline = pipe(record<(typeof events)[number]>(store, "events"), record(recording));
      await lastValueFrom(
        from(events.slice(0, length)).pipe(durable(store, "p", pipeline, { every: 40 }), toArray()),
      );
      expect([...store.records("events")].map(({ event }) => event)).toEqual(events.slice(0, seen));
      recording.close();
      store.close();
    }
    expect(await lastValueFrom(readRecording(arrow).pipe(toArray()))).toEqual(events);
  });

  test("a row with too few cells is refused by the column that has none", async () => {
    const recording = new Recording({
      path: path(),
      columns: [
        { name: "time", kind: "time" },
        { name: "value", kind: "number" },
      ],
    });
    await expect(lastValueFrom(from(wave).pipe(record(recording, { row: () => [1000] })))).rejects.toThrow(
      "value: expected a row with a cell for each column, got 1 cells",
    );
    expect(recording.rows).toBe(0);
    recording.close();
  });

  test("outside of one: in batches, and when the stream ends", async () => {
    const store = new PipelineStore(path());
    await lastValueFrom(from(wave).pipe(record(store, "plain", { batch: 64 })));
    await lastValueFrom(from(wave).pipe(take(3), record(store, "plain", { batch: 64 })));
    expect([...store.records("plain", 399)].map(({ number, event }) => [number, event])).toEqual([
      [400, wave[399]],
      [401, wave[0]],
      [402, wave[1]],
      [403, wave[2]],
    ]);
    store.close();
  });
});

test("kill -9 at any moment: nothing recorded is missing or there twice, and all bits are those of an unbroken run", async () => {
  const place = path();
  const script = join(import.meta.dirname, "killed-pipeline.ts");
  const run = (killAfter: number): Promise<string> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, ["--import", "tsx", script, place, "3000"], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => {
        text += String(chunk);
        if (killAfter > 0 && text.split("\n").length > killAfter) child.kill("SIGKILL");
      });
      child.on("close", () => resolve(text));
    });
  for (const lines of [1, 40, 3, 90, 17]) await run(lines);
  await run(0);
  const store = new PipelineStore(place);
  const recorded = [...store.records("outputs")];
  store.close();
  const { pipelineOf, eventsOf } = await import("./killed-pipeline.ts");
  const unbroken = await lastValueFrom(from(eventsOf(3000)).pipe(pipelineOf(), toArray()));
  expect(recorded.map(({ number }) => number)).toEqual(unbroken.map((_, i) => i + 1));
  expect(recorded.map(({ event }) => event)).toEqual(JSON.parse(JSON.stringify(unbroken)));
}, 240_000);
