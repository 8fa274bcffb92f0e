// eddy.v1.arrow over a real socket: the same forecasts as eddy.v1.json, in Arrow; observations in Arrow, answered by a receipt.
import { Table, tableFromArrays, tableFromIPC, tableToIPC } from "apache-arrow";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Forecast } from "../../src/models/forecast.ts";
import { type Server, startServer } from "../../src/server/server.ts";
import { Client } from "./client.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

let engine: ScriptedEngine;
let server: Server;
const clients: Client[] = [];
beforeEach(async () => {
  engine = new ScriptedEngine(4);
  server = await startServer({ engine });
  await server.ready;
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await server.close();
});

const connect = async (protocol: string): Promise<Client> => {
  const client = new Client(server.url, { protocols: [protocol] });
  clients.push(client);
  await client.opened();
  client.send({ type: "init" });
  await client.until((frames) => frames.some(({ type }) => type === "ready"));
  return client;
};

const iso = (time: number): string => new Date(time).toISOString();
/** Forecasts of a table, as they are told in JSON. */
function forecastsIn(bytes: Uint8Array): { offset: number; ordinal: number; forecast: Forecast }[] {
  const table = tableFromIPC(bytes);
  const found = new Map<string, { offset: number; ordinal: number; forecast: Forecast }>();
  for (const row of table.toArray()) {
    const key = `${row.offset}.${row.ordinal}`;
    const place = { offset: Number(row.offset), ordinal: row.ordinal };
    const levels = table.schema.fields.map(({ name }) => name).filter((name) => /^q\d/.test(name));
    const one = found.get(key) ?? {
      ...place,
      forecast: {
        series: row.series,
        target: row.target,
        issuedAt: iso(row.issuedAt),
        offset: place.offset,
        horizon: [],
        level: row.level,
        coverage: row.coverage,
        skill: row.skill,
        model: row.model,
        observed: { value: row.observed, surprise: row.surprise, taken: row.taken },
      },
    };
    (one.forecast.horizon as unknown[]).push({
      step: row.step,
      time: iso(row.time),
      mean: row.mean,
      lower: row.lower,
      upper: row.upper,
      ...(levels.length > 0
        ? { quantiles: Object.fromEntries(levels.map((name) => [name.slice(1), row[name]])) }
        : {}),
    });
    found.set(key, one);
  }
  return [...found.values()];
}
const arrived = (client: Client) => client.binary.flatMap(forecastsIn);

test.each(["stream", "latest"])("%s: what Arrow tells is what JSON tells, to the bit", async (mode) => {
  const [json, arrow] = [await connect("eddy.v1.json"), await connect("eddy.v1.arrow")];
  for (const client of [json, arrow]) {
    client.send({ type: "subscribe", id: "all", pattern: "*", mode });
    client.send({ type: "subscribe", id: 2, series: "b", mode, horizons: [2, 4] });
    await client.settle();
  }
  let due = 0;
  for (let n = 0; n < 40; n++) {
    engine.levels = n % 3 === 0 ? [0.1, 0.5] : [];
    await engine.ingest([
      {
        series: n % 2 ? "a" : "b",
        time: 1000 * n,
        values: { x: Math.sin(n), y: n % 5 === 0 ? null : n / 3 },
      },
    ]);
    due += n % 2 === 0 ? 4 : 2;
    // Of `latest` each is waited for: a newer one would take its place.
    if (mode === "stream" && n < 39) continue;
    await json.until(() => json.of("data").length === due);
    await arrow.until(() => arrived(arrow).length === due);
  }
  const told = (id: string | number) =>
    json
      .of("data")
      .filter((frame) => frame.id === id)
      .map(({ offset, ordinal, forecast }) => ({ offset, ordinal, forecast }));
  const of = (id: string) =>
    arrow.binary.filter((bytes) => tableFromIPC(bytes).schema.metadata.get("id") === id).flatMap(forecastsIn);
  expect(told("all")).toHaveLength(80);
  expect(of('"all"')).toEqual(told("all"));
  expect(of("2")).toEqual(told(2));
  expect(arrow.of("data")).toEqual([]);
  const [first] = arrow.binary;
  expect(tableFromIPC(first as Uint8Array).schema.metadata.get("epoch")).toBe(engine.epoch);
});

test("all that waits leaves in one frame", async () => {
  const client = await connect("eddy.v1.arrow");
  client.send({ type: "subscribe", id: "s", pattern: "*", mode: "stream" });
  await client.settle();
  await engine.ingest(
    Array.from({ length: 50 }, (_, n) => ({ series: `s${n}`, time: n, values: { value: n } })),
  );
  await client.settle();
  expect(client.binary.length).toBeLessThan(10);
  expect(arrived(client).map(({ offset }) => offset)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1));
});

test("resume: the rest, nothing twice, in order", async () => {
  for (let n = 1; n <= 300; n++) await engine.ingest([{ series: "a", time: n, values: { x: n, y: n } }]);
  const client = await connect("eddy.v1.arrow");
  const since = { epoch: engine.epoch, offset: 17, ordinal: 0 };
  client.send({ type: "subscribe", id: "s", series: "a", mode: "stream", since });
  await client.until(() => arrived(client).length >= 567);
  await client.settle();
  const places = arrived(client).map(({ offset, ordinal }) => 2 * offset + ordinal);
  expect(places).toEqual(Array.from({ length: 567 }, (_, n) => 35 + n));
});

test("observations in Arrow: a receipt for each frame, in the order of all observations", async () => {
  const client = await connect("eddy.v1.arrow");
  const table = tableFromArrays({
    series: ["a", "a", "refused-1", "b"],
    id: ["1", "1", "3", "4"],
    value: Float64Array.of(1, 2, 3, 4),
  });
  client.send({ type: "observe", id: "before", series: "a", value: 0 });
  client.send(Buffer.from(tableToIPC(table, "stream")));
  client.send({ type: "observe", id: "after", series: "a", value: 9 });
  client.send(Buffer.from("no arrow at all"));
  client.send(Buffer.from(tableToIPC(new Table(), "stream")));
  client.send({ type: "observe", id: "last", series: "a", value: 10 });
  await client.until((frames) => frames.some(({ id }) => id === "last"));
  expect(client.frames.slice(1)).toMatchObject([
    { type: "ack", id: "before", status: "accepted" },
    {
      type: "receipt",
      frame: 1,
      accepted: 2,
      duplicate: 1,
      late: 0,
      refused: [{ line: 3, code: "late" }],
    },
    { type: "ack", id: "after" },
    { type: "error", code: "bad-message", retryable: false },
    { type: "error", code: "bad-message", retryable: false },
    { type: "ack", id: "last" },
  ]);
  expect(String(client.of("error")[0]?.message)).toMatch(/^frame 2: .*expected an Arrow IPC stream/);
  expect(engine.observed.map(({ values }) => values.value)).toEqual([0, 1, 4, 9, 10]);
});

test("more rows than may be unanswered are refused together", async () => {
  const client = await connect("eddy.v1.arrow");
  const { pendingObservations } = client.frames[0].limits as { pendingObservations: number };
  const values = Float64Array.from({ length: pendingObservations + 1 }, (_, n) => n);
  const table = tableFromArrays({ value: values, series: Array.from(values, () => "a") });
  client.send(Buffer.from(tableToIPC(table, "stream")));
  await client.until((frames) => frames.some(({ type }) => type === "error"));
  expect(client.of("error")).toMatchObject([{ code: "too-large", retryable: false }]);
  expect(engine.observed).toEqual([]);
});

test("a binary frame before init ends the connection", async () => {
  const client = new Client(server.url, { protocols: ["eddy.v1.arrow"] });
  clients.push(client);
  await client.opened();
  client.send(Buffer.from(tableToIPC(tableFromArrays({ value: [1] }), "stream")));
  expect(await client.closed).toMatchObject({ code: 4400 });
});
