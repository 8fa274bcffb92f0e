import { EMPTY, filter, map, type Observable, pairwise, pipe, scan, startWith, take } from "rxjs";
import { describe, expect, test } from "vitest";
import type { Observation } from "../../src/models/observation.ts";
import { type Engine, type EngineOptions, openEngine } from "../../src/server/engine.ts";
import { DatabaseReader } from "../../src/storage/index.ts";
import {
  leakyAverages,
  type Pipeline,
  perSeries,
  pipeline,
  recurrent,
  stage,
  surprise,
} from "../../src/streams/index.ts";
import { remains, sendWaves, temporaryFolder, wave } from "./engine/fixture.ts";

const folder = temporaryFolder();
const ALL = ["a", "b", "c", "other"];

const anomaly = pipeline({
  name: "anomaly",
  series: ["a", "b"],
  build: (readings$) =>
    readings$.pipe(
      perSeries((series, part$) =>
        part$.pipe(
          map(({ values }) => values.value ?? Number.NaN),
          recurrent<number>("lstm", { hidden: 4, ahead: 1, every: 4, through: 8 }),
          surprise({ least: 5 }),
          map(({ point, surprise: p }) => ({ series, point, p })),
        ),
      ),
    ),
});

const averages = pipeline({
  name: "averages",
  series: "?",
  build: (readings$) =>
    readings$.pipe(
      filter(({ values }) => values.value !== null),
      map(({ time, values }) => ({ time, value: values.value as number })),
      leakyAverages([3, 30]),
    ),
});

const options = (more: Partial<EngineOptions> = {}): EngineOptions => ({
  database: `${folder()}/eddy.db`,
  series: { horizon: 2, model: "persistence" },
  pipelines: [anomaly, averages],
  ...more,
});

const run = async (
  more: Partial<EngineOptions>,
  task: (engine: Engine) => Promise<unknown>,
): Promise<void> => {
  const engine = await openEngine(options(more));
  try {
    await task(engine);
  } finally {
    await engine.close();
  }
};

/** What a database has of one pipeline: each output at its place. */
function outputsOf(name: string, database = `${folder()}/eddy.db`): unknown[] {
  const reader = new DatabaseReader(database);
  const series = reader.series((one) => one === name);
  const found = [...reader.issues(series)].map(({ issue }) => JSON.parse(issue.output ?? "null"));
  reader.close();
  return found;
}

/** The same pipeline over the same readings, with no engine. */
async function unhosted(one: Pipeline, readings: readonly Observation[]): Promise<unknown[]> {
  const { from, lastValueFrom, toArray } = await import("rxjs");
  const source = from(
    readings.filter(({ series }) => (one.name === "averages" ? series.length === 1 : "ab".includes(series))),
  );
  return JSON.parse(JSON.stringify(await lastValueFrom(one.build(source).pipe(toArray()))));
}

const sent = (from: number, to: number): Observation[] =>
  Array.from({ length: to - from }, (_, i) => ALL.map((name) => wave(name, from + i))).flat();

describe("a hosted pipeline", () => {
  test("takes the readings of its series in their order; what it gives is kept, published and found again", async () => {
    const published: [string, unknown][] = [];
    await run({}, async (engine) => {
      engine.issues$.subscribe(({ issue }) => {
        if (issue.output !== undefined) published.push([issue.series, JSON.parse(issue.output)]);
      });
      await sendWaves(engine, ALL, 0, 40);
      expect(engine.summary("anomaly")).toMatchObject({ model: "pipeline", targets: [], observations: 80 });
      expect(engine.pipelines()).toMatchObject([
        { name: "anomaly", series: ["a", "b"], readings: 80, stopped: null },
        { name: "averages", readings: 120, stopped: null, stages: ["leakyAverages"] },
      ]);
      expect(engine.latest("averages")?.output).toBeDefined();
    });
    const [a, b] = await Promise.all([unhosted(anomaly, sent(0, 40)), unhosted(averages, sent(0, 40))]);
    expect(outputsOf("anomaly")).toEqual(a);
    expect(outputsOf("averages")).toEqual(b);
    expect(published.filter(([name]) => name === "averages")).toHaveLength(b.length);
  });

  test("stopped and started anywhere, with checkpoints or without: the bits of an unbroken run", async () => {
    await run({ checkpointEvery: 5 }, async (engine) => {
      await sendWaves(engine, ALL, 0, 17);
      await engine.checkpoint();
      await sendWaves(engine, ALL, 17, 23);
    });
    await run({}, (engine) => sendWaves(engine, ALL, 23, 24));
    await run({}, (engine) => sendWaves(engine, ALL, 24, 60));
    const broken = remains(`${folder()}/eddy.db`);
    await run({ database: `${folder()}/unbroken.db` }, (engine) => sendWaves(engine, ALL, 0, 60));
    const unbroken = remains(`${folder()}/unbroken.db`);
    expect(broken.states).toEqual(unbroken.states);
    expect(outputsOf("anomaly")).toEqual(outputsOf("anomaly", `${folder()}/unbroken.db`));
    expect(outputsOf("averages")).toEqual(await unhosted(averages, sent(0, 60)));
  });

  test("a repeated reading is taken once, by the pipeline too", async () => {
    await run({}, async (engine) => {
      await sendWaves(engine, ALL, 0, 5);
      const again = await engine.ingest([wave("a", 4), wave("a", 5), wave("b", 4)]);
      expect(again).toMatchObject({ accepted: 1, duplicate: 2 });
    });
    expect(outputsOf("averages")).toEqual(await unhosted(averages, [...sent(0, 5), wave("a", 5)]));
  });

  test("readings taken back are taken back from it, and it is made anew without them", async () => {
    await run({}, async (engine) => {
      await sendWaves(engine, ALL, 0, 30);
      await engine.checkpoint();
      await engine.takeBack("a", wave("a", 10).time, wave("a", 12).time);
      await sendWaves(engine, ALL, 30, 35);
    });
    const left = sent(0, 35).filter(
      ({ series, time }) => !(series === "a" && time >= wave("a", 10).time && time <= wave("a", 12).time),
    );
    expect(outputsOf("averages")).toEqual(await unhosted(averages, left));
    expect(outputsOf("anomaly")).toEqual(await unhosted(anomaly, left));
    await run({}, (engine) => sendWaves(engine, ALL, 35, 36));
    expect(outputsOf("averages")).toEqual(await unhosted(averages, [...left, ...sent(35, 36)]));
  });

  test("a series that is removed leaves its past in the pipeline, and a restart finds the same", async () => {
    await run({}, async (engine) => {
      await sendWaves(engine, ALL, 0, 20);
      await engine.remove("a");
      await sendWaves(engine, ["b", "c"], 20, 25);
    });
    const before = outputsOf("averages");
    await run({}, (engine) => sendWaves(engine, ["b"], 25, 26));
    expect(outputsOf("averages").slice(0, before.length)).toEqual(before);
  });

  test("not given at a start, it stands still; given again, it goes on, and what it had not taken yet is there", async () => {
    const said: string[] = [];
    const log = { info() {}, error() {}, warn: (message: string) => void said.push(message) };
    await run({}, (engine) => sendWaves(engine, ALL, 0, 10));
    await run({ pipelines: [], log }, async (engine) => {
      await sendWaves(engine, ALL, 10, 20);
      expect(engine.pipelines().map(({ stopped }) => stopped)).toEqual(
        Array(2).fill("it is in the database only"),
      );
      expect(
        (await engine.ingest([{ series: "averages", time: 1, values: { value: 1 } }])).refused,
      ).toMatchObject([{ code: "bad-observation" }]);
    });
    expect(said.join()).toMatch(/pipeline averages is in the database and was not given/);
    await run({}, (engine) => sendWaves(engine, ALL, 20, 30));
    expect(outputsOf("averages")).toEqual(await unhosted(averages, [...sent(0, 10), ...sent(20, 30)]));
  });

  test("its name is no series: readings for it are refused, and a series of that name keeps it out", async () => {
    await run({}, async (engine) => {
      const receipt = await engine.ingest([{ series: "anomaly", time: 1, values: { value: 1 } }]);
      expect(receipt.refused[0]?.message).toBe(
        'series: expected the name of a series, got that of the pipeline "anomaly"',
      );
    });
    await run({ database: `${folder()}/two.db`, pipelines: [] }, (engine) =>
      sendWaves(engine, ["anomaly"], 0, 2),
    );
    await expect(openEngine(options({ database: `${folder()}/two.db` }))).rejects.toThrow(
      'pipeline "anomaly": expected a name of its own, got that of a series in the database',
    );
  });
});

describe("what cannot be hosted", () => {
  const only = (build: Pipeline["build"]): Partial<EngineOptions> => ({
    pipelines: [pipeline({ name: "odd", series: "a", build })],
  });

  test("wrong options, and a stage that cannot be saved, are told at the start", async () => {
    await expect(
      openEngine(
        options(
          only((readings$) =>
            readings$.pipe(
              map(() => 1),
              recurrent("lstm", { clip: -1 }),
            ),
          ),
        ),
      ),
    ).rejects.toThrow(/^pipeline "odd": clip: expected/);
    const unsaved = stage("unsaved", () => ({ step: (v: Observation, { next }) => next(v) }));
    await expect(openEngine(options(only((readings$) => readings$.pipe(unsaved))))).rejects.toThrow(
      /^pipeline "odd": unsaved: expected stages whose state can be saved/,
    );
    await expect(openEngine(options({ pipelines: [averages, averages] }))).rejects.toThrow(
      'pipelines: expected a name of its own for each, got two of "averages"',
    );
    await expect(
      openEngine(
        options(
          only(() => {
            throw new TypeError("oops");
          }),
        ),
      ),
    ).rejects.toThrow('pipeline "odd": got an error of its own: oops');
  });

  test("one that gives something before its first reading, or has ended already", async () => {
    const early = only((readings$) =>
      readings$.pipe(
        map(() => 1),
        startWith(0),
      ),
    );
    await expect(openEngine(options(early))).rejects.toThrow(/got one before the first event/);
    await expect(openEngine(options(only(() => EMPTY)))).rejects.toThrow(
      /^pipeline "odd": expected one that goes on for as long as readings come, got an end/,
    );
  });

  test("one that ends on the way stops and says so; so does one whose output JSON cannot tell", async () => {
    for (const [operator, message] of [
      [take(3), /expected one that goes on for as long as readings come, got an end/],
      [
        map(({ time }: Observation) => new Map([[time, 1]])),
        /output: expected data that JSON can tell.*got a Map/,
      ],
    ] as const) {
      const one = pipeline({ name: "odd", series: "a", build: (r$) => r$.pipe(operator as never) });
      await run({ pipelines: [one], database: `${folder()}/${message.source.length}.db` }, async (engine) => {
        await sendWaves(engine, ["a"], 0, 5);
        expect(engine.summary("a")?.observations).toBe(5);
        expect(engine.pipelines()[0]?.stopped).toMatch(message);
      });
    }
  });

  test("one that was changed since it was saved is refused by the stage that differs", async () => {
    const before = only((readings$) =>
      readings$.pipe(
        map(() => 1),
        leakyAverages([3]),
      ),
    );
    await run(before, (engine) => sendWaves(engine, ["a"], 0, 5));
    const after = only((readings$) =>
      readings$.pipe(
        map(() => ({ error: 1 })),
        surprise(),
      ),
    );
    await expect(openEngine(options(after))).rejects.toThrow(/leakyAverages/);
  });

  test("one that fails on the way stops alone, says so, and goes on from there once it was mended", async () => {
    const said: string[] = [];
    const log = { info() {}, warn() {}, error: (message: string) => void said.push(message) };
    const build = (bound: number) => (readings$: Observable<Observation>) =>
      readings$.pipe(
        map(({ values }) => {
          if ((values.value ?? 0) > bound) throw new RangeError(`${values.value} is beyond ${bound}`);
          return values.value ?? 0;
        }),
        leakyAverages([5]),
      );
    await run({ ...only(build(0.5)), log }, async (engine) => {
      await sendWaves(engine, ["a"], 0, 30);
      expect(engine.summary("a")?.observations).toBe(30);
      expect(engine.pipelines()[0]?.stopped).toMatch(/is beyond 0.5/);
    });
    expect(said.filter((message) => /it has stopped at position/.test(message))).toHaveLength(1);
    const { length } = outputsOf("odd");
    expect(length).toBeLessThan(30);
    await run(only(build(100)), (engine) => sendWaves(engine, ["a"], 30, 31));
    expect(outputsOf("odd")).toHaveLength(31);
  });

  test.each([
    [
      "scan",
      pipe(
        map(({ values }: Observation) => values.value ?? 0),
        scan((sum, v) => sum + v, 0),
      ),
    ],
    [
      "pairwise",
      pipe(
        map(({ values }: Observation) => values.value),
        pairwise(),
      ),
    ],
  ])("%s hides a state of its own: it stops after its first checkpoint", async (_, operator) => {
    await run(
      only((readings$) => readings$.pipe(operator as never)),
      async (engine) => {
        await sendWaves(engine, ["a"], 0, 10);
        await engine.checkpoint();
        await sendWaves(engine, ["a"], 10, 14);
        expect(engine.pipelines()[0]?.stopped).toMatch(/expected the same outputs once it was saved/);
      },
    );
  });
});
