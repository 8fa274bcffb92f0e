// The same hostile observation by every door there is: taken or refused alike, with the same code and the same words.

import * as fs from "node:fs";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromArrays, tableToIPC } from "apache-arrow";
import { PbfWriter } from "pbf";
import { lastValueFrom, of } from "rxjs";
import { afterAll, describe, expect, test } from "vitest";
import { EddyError } from "../../src/models/errors.ts";
import type { Observation } from "../../src/models/observation.ts";
import { A_NAME, A_NUMBER, MAX_COLUMNS, MAX_NAME } from "../../src/protocol/observation.ts";
import { openEngine } from "../../src/server/engine.ts";
import { readBody } from "../../src/server/http/observations-body.ts";
import { cutName, fittedName, SOME_COLUMNS } from "../../src/streams/checked-observation.ts";
import { influxPoints } from "../../src/streams/formats/influx-write.ts";
import { otlpMetrics } from "../../src/streams/formats/otlp.ts";
import type { PushedPoints } from "../../src/streams/formats/push.ts";
import { isRefused, type Reading } from "../../src/streams/formats/reading.ts";
import { remoteWrite } from "../../src/streams/formats/remote-write.ts";
import { TextReader } from "../../src/streams/formats/text-reader.ts";
import { readObservation } from "../../src/streams/observation-schema.ts";
import { forecast } from "../../src/streams/operators/forecast.ts";
import { arrowReadings } from "../../src/streams/sources/arrow.ts";
import { MessageReader } from "../../src/streams/sources/message-reader.ts";

const folder = mkdtempSync(join(tmpdir(), "eddy-doors-"));
afterAll(() => rmSync(folder, { recursive: true }));

const NOW = Date.UTC(2026, 0, 1);

/** What is sent; `value` may be any number, `time` any text or number that the door can carry. */
interface Sent {
  readonly series: string;
  readonly columns: readonly string[];
  readonly value: number;
  readonly time: number | string;
}
const GOOD: Sent = { series: "tank", columns: ["level"], value: 3, time: NOW };

/** What came of it: the observation, or code and words of the refusal. */
type Came = { readonly taken: Observation } | { readonly code: string; readonly message: string };

interface Door {
  readonly send: (sent: Sent) => Promise<Came> | Came;
  /** Whether names of columns are what others call them, and made to fit. */
  readonly fits?: boolean;
  /** Whether the series is made of a name and labels, and cut where that is too long. */
  readonly labels?: boolean;
  /** Whether the column is settled by the protocol. */
  readonly fixedColumn?: boolean;
  /** What NaN and the infinities are: missing, where the format has them; `text`: they cannot be written as a number. */
  readonly infinite: "refused" | "missing" | "unsaid";
  readonly times: "number" | "text" | "both";
}

const record = ({ columns, value }: Sent): Record<string, number> =>
  Object.fromEntries(columns.map((column) => [column, value]));
const observation = (sent: Sent) => ({ series: sent.series, time: sent.time, values: record(sent) });
/** JSON as somebody may write it, with numbers beyond those of JavaScript. */
const json = (sent: Sent): string =>
  JSON.stringify(observation(sent)).replaceAll(/:null/g, sent.value > 0 ? ":1e999" : ":-1e999");

const came = (attempt: () => Observation): Came => {
  try {
    return { taken: attempt() };
  } catch (error) {
    if (!(error instanceof EddyError)) throw error;
    return error;
  }
};
const last = (readings: readonly Reading[]): Came => {
  const reading = readings.at(-1);
  if (reading === undefined) throw new Error("nothing was read");
  if (isRefused(reading)) return { code: reading.reason, message: reading.message };
  const [lost] = reading.lost ?? [];
  return lost === undefined ? { taken: reading.observation } : { code: lost.reason, message: lost.message };
};
const byHttp = async (type: string, body: Uint8Array | string): Promise<Came> => {
  const run = async <T>(work: Generator<unknown, T>): Promise<T> => {
    for (;;) {
      const { done, value } = work.next();
      if (done) return value as T;
    }
  };
  const { observations, refusals } = await readBody(
    type,
    Buffer.from(body),
    { series: undefined, rows: 10 },
    run,
  );
  const [refused] = refusals.receipt.refused;
  if (refused !== undefined) return refused;
  return { taken: observations.at(-1) as Observation };
};
const byText = (format: "csv" | "ndjson", text: string): Came => {
  const reader = new TextReader(format, { name: "input", arrival: () => NOW });
  return last([...reader.push(Buffer.from(text)), ...reader.end()]);
};
const pushed = (read: (points: PushedPoints) => Iterable<unknown>): Came => {
  let outcome: Came | undefined;
  const points: PushedPoints = {
    counter() {},
    unit() {},
    take(taken) {
      outcome ??= { taken };
    },
    refuse(code, message) {
      outcome ??= { code, message };
    },
  };
  for (const _ of read(points));
  if (outcome === undefined) throw new Error("nothing was read");
  return outcome;
};

const quoted = (cell: string): string => `"${cell.replaceAll('"', '""')}"`;
/** Good rows, by which the columns are recognised, and the one sent. */
const table = (sent: Sent): string => {
  const row = ({ series, time, columns, value }: Sent): string =>
    [quoted(series), time, ...columns.map(() => (Number.isFinite(value) ? value : "1e999"))].join(",");
  const good = [1, 2, 3].map((n) => {
    const time = NOW - 1000 * n;
    return {
      ...GOOD,
      columns: sent.columns,
      series: `other${n}`,
      time: typeof sent.time === "number" ? time : new Date(time).toISOString(),
    };
  });
  return [["series", "time", ...sent.columns.map(quoted)].join(","), ...[...good, sent].map(row), ""].join(
    "\n",
  );
};
const arrow = (sent: Sent, kind: "file" | "stream"): Uint8Array =>
  tableToIPC(
    tableFromArrays({
      series: [sent.series],
      time: typeof sent.time === "number" ? Float64Array.of(sent.time) : [sent.time],
      ...Object.fromEntries(sent.columns.map((column) => [column, Float64Array.of(sent.value)])),
    }),
    kind,
  );
const write = (sent: Sent): Uint8Array => {
  const writer = new PbfWriter();
  const part = (into: PbfWriter, tag: number, fill: (part: PbfWriter) => void): void =>
    into.writeMessage(tag, (_: null, inner: PbfWriter) => fill(inner), null);
  part(writer, 1, (series) => {
    part(series, 1, (label) => {
      label.writeStringField(1, "__name__");
      label.writeStringField(2, sent.series);
    });
    part(series, 2, (sample) => {
      sample.writeDoubleField(1, sent.value);
      sample.writeVarintField(2, Number(sent.time));
    });
  });
  return writer.finish();
};
const escaped = (name: string): string => name.replaceAll(/[,= ]/g, "\\$&");

let files = 0;
const DOORS: Readonly<Record<string, Door>> = {
  "HTTP, NDJSON": {
    send: (sent) => byHttp("application/x-ndjson", `${json(sent)}\n`),
    infinite: "refused",
    times: "both",
  },
  "HTTP, JSON": {
    send: (sent) => byHttp("application/json", `[${json(sent)}]`),
    infinite: "refused",
    times: "both",
  },
  "HTTP, CSV": {
    send: (sent) => byHttp("text/csv", table(sent)),
    fits: true,
    infinite: "refused",
    times: "text",
  },
  "HTTP, Arrow": {
    send: (sent) => byHttp("application/vnd.apache.arrow.stream", arrow(sent, "stream")),
    fits: true,
    infinite: "missing",
    times: "both",
  },
  WebSocket: {
    send: (sent) => came(() => readObservation(JSON.parse(json(sent)), NOW)),
    infinite: "refused",
    times: "both",
  },
  "text, CSV": { send: (sent) => byText("csv", table(sent)), fits: true, infinite: "refused", times: "text" },
  "text, NDJSON": { send: (sent) => byText("ndjson", `${json(sent)}\n`), infinite: "refused", times: "text" },
  "Arrow file": {
    send: async (sent) => {
      const path = join(folder, `${files++}.arrow`);
      writeFileSync(path, arrow(sent, "file"));
      for await (const readings of arrowReadings(fs, path, {
        name: "file",
        arrival: () => NOW,
        series: "series",
      })) {
        return last(readings);
      }
      throw new Error("nothing was read");
    },
    fits: true,
    infinite: "missing",
    times: "text",
  },
  MQTT: {
    send: (sent) =>
      last(
        new MessageReader({}, 10).read(
          sent.series,
          Buffer.from(JSON.stringify({ ...record(sent), time: sent.time }).replaceAll(":null", ":1e999")),
          1,
          NOW,
        ),
      ),
    fits: true,
    infinite: "refused",
    times: "text",
  },
  "remote-write": {
    send: (sent) => pushed((points) => remoteWrite(write(sent), points)),
    labels: true,
    fixedColumn: true,
    infinite: "missing",
    times: "number",
  },
  Influx: {
    send: (sent) =>
      pushed((points) =>
        influxPoints(
          `${escaped(sent.series)} ${sent.columns.map((column) => `${escaped(column)}=${sent.value}`).join(",")} ${sent.time}`,
          1_000_000n,
          points,
          10,
        ),
      ),
    fits: true,
    labels: true,
    infinite: "unsaid",
    times: "number",
  },
  OTLP: {
    send: (sent) =>
      pushed((points) =>
        otlpMetrics(
          {
            resourceMetrics: [
              {
                scopeMetrics: [
                  {
                    metrics: [
                      {
                        name: sent.series,
                        gauge: {
                          dataPoints: [{ timeUnixNano: Number(sent.time) * 1e6, asDouble: sent.value }],
                        },
                      },
                    ],
                  },
                ],
              },
            ],
          },
          points,
        ),
      ),
    labels: true,
    fixedColumn: true,
    infinite: "missing",
    times: "number",
  },
  operator: {
    send: async (sent) => {
      const refused: string[] = [];
      const reasons = { next: ({ reason }: { reason: string }) => refused.push(reason) };
      const sends = [sent, { ...sent, time: Number(sent.time) + 1000 }].map(observation);
      const made = await lastValueFrom(
        of(...sends).pipe(forecast({ horizon: 1, model: "persistence", refused: reasons as never })),
        { defaultValue: undefined },
      );
      const [code] = refused;
      if (code !== undefined) return { code, message: "" };
      return { taken: { series: String(made?.series), time: NOW, values: record(sent) } };
    },
    infinite: "refused",
    times: "number",
  },
  engine: {
    send: async (sent) => {
      const engine = await openEngine({
        database: join(folder, `${files++}.db`),
        series: { horizon: 1, model: "persistence" },
        ahead: Number.POSITIVE_INFINITY,
      });
      try {
        const { refused } = await engine.ingest([observation(sent) as Observation]);
        return refused[0] ?? { taken: observation(sent) as Observation };
      } finally {
        await engine.close();
      }
    },
    infinite: "refused",
    times: "number",
  },
};

const LONG = "n".repeat(MAX_NAME + 1);
const outcome = async (door: Door, sent: Partial<Sent>): Promise<Came> =>
  await door.send({ ...GOOD, ...sent });
/** A refusal of this code; where it is put into words, these are among them. */
function expectRefused(given: Came, code: string, words: string): void {
  expect(given).not.toHaveProperty("taken");
  if (!("code" in given)) return;
  expect(given.code).toBe(code);
  if (given.message !== "") expect(given.message).toContain(`expected ${words}, got `);
}
const takenOf = (given: Came): Observation => {
  expect(given).toHaveProperty("taken");
  return (given as { taken: Observation }).taken;
};

describe.each(Object.entries(DOORS))("%s", (_, door) => {
  test("takes a good one", async () => {
    const { series, values } = takenOf(await outcome(door, {}));
    expect([series, Object.values(values)]).toEqual(["tank", [3]]);
  });

  test("takes names as long as they may be", async () => {
    const name = LONG.slice(1);
    expect(takenOf(await outcome(door, { series: name })).series).toBe(name);
    if (door.fixedColumn || door.fits) return;
    expect(Object.keys(takenOf(await outcome(door, { columns: [name] })).values)).toEqual([name]);
  });

  test("a series called by too much", async () => {
    const given = await outcome(door, { series: LONG });
    if (door.labels) expect(takenOf(given).series).toBe(cutName(LONG));
    else expectRefused(given, "bad-observation", A_NAME);
  });

  test.each(["a\u0007b", "a\u2028b", "a\u0000b"])("a series called %j", async (series) => {
    expectRefused(await outcome(door, { series }), "bad-observation", A_NAME);
  });

  // Some doors have one column, and its name is theirs.
  const named = door.fixedColumn ? [] : [door];

  test.each(named)("a column called by too much, or with what cannot be shown", async () => {
    for (const column of [LONG, "a\u0007b"]) {
      const given = await outcome(door, { columns: [column] });
      if (door.fits) expect(Object.keys(takenOf(given).values)).toEqual([fittedName(column)]);
      else expectRefused(given, "bad-observation", A_NAME);
    }
  });

  test.each(named)("two columns that differ far behind stay two", async () => {
    const columns = [`${LONG}1`, `${LONG}2`];
    const given = await outcome(door, { columns });
    if (door.fits) expect(new Set(Object.keys(takenOf(given).values)).size).toBe(2);
    else expectRefused(given, "bad-observation", A_NAME);
  });

  test.each(named)("columns named as what JavaScript has of its own", async () => {
    // What makes the Arrow of this test cannot have the first.
    for (const column of ["__proto__", "constructor", "toString"].slice(
      door.infinite === "missing" ? 1 : 0,
    )) {
      expect(Object.keys(takenOf(await outcome(door, { columns: [column] })).values)).toEqual([column]);
    }
  });

  test("a number without end", async () => {
    const given = await outcome(door, { value: Number.POSITIVE_INFINITY });
    if (door.infinite === "missing") expect(Object.values(takenOf(given).values)).toEqual([null]);
    else if (door.infinite === "refused") expectRefused(given, "bad-number", A_NUMBER);
    else expect(given).toHaveProperty("code");
  });

  test("a moment that no date can name", async () => {
    const times = {
      number: [8.64e15 + 1024],
      text: ["2026-02-30T00:00:00Z"],
      both: [8.64e15 + 1024, "2026-02-30"],
    };
    for (const time of times[door.times]) {
      const given = await outcome(door, { time });
      expect(given).toMatchObject({ code: "bad-time" });
    }
  });
});

test.each([
  "HTTP, NDJSON",
  "HTTP, JSON",
  "HTTP, CSV",
  "HTTP, Arrow",
  "WebSocket",
  "text, NDJSON",
  "operator",
  "engine",
])("%s: more columns than an observation has", async (name) => {
  const columns = Array.from({ length: MAX_COLUMNS + 1 }, (_, i) => `c${i}`);
  expectRefused(await outcome(DOORS[name] as Door, { columns }), "bad-observation", SOME_COLUMNS);
});
