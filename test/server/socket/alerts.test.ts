// Alerts over the socket: what has been told comes in order, each once, also to who was away.
import { afterEach, expect, test } from "vitest";
import type { AlertTransition } from "../../../src/models/alert.ts";
import { type Server, startServer } from "../../../src/server/server.ts";
import { Client, type Frame } from "../client.ts";
import { ScriptedEngine } from "../scripted-engine.ts";

let server: Server;
afterEach(() => server.close());

const transition = (sequence: number, rule = "hot"): AlertTransition => ({
  sequence,
  id: `id-${sequence}`,
  alert: `alert-${sequence}`,
  rule,
  series: "boiler",
  target: "value",
  state: "firing",
  time: Date.UTC(2026, 0, 1),
  offset: 10 * sequence,
  value: 95,
  limit: 90,
  probability: null,
  crosses: { from: 1, at: 2, to: Number.POSITIVE_INFINITY },
  severity: "warning",
  labels: {},
  summary: "boiler is 95, above 90",
  to: [],
});

async function start(): Promise<ScriptedEngine> {
  const engine = new ScriptedEngine();
  server = await startServer({ engine });
  await server.ready;
  return engine;
}

const sequences = (client: Client): unknown[] => client.of("data").map(({ sequence }) => sequence);
const received = (count: number) => (frames: readonly Frame[]) =>
  frames.filter(({ type }) => type === "data").length >= count;

test("a subscriber is told of the rules it asks for, from now on or from where it was", async () => {
  const { alerts } = await start();
  alerts.tell(transition(1));
  const client = await Client.ready(server.url);
  client.send({ type: "subscribe", id: 1, alerts: "h*" });
  await client.settle();
  expect(client.of("subscribed")).toEqual([
    { type: "subscribed", id: 1, epoch: "epoch-1", offset: 0, sequence: 1, recovered: false },
  ]);
  for (const [sequence, rule] of [
    [2, "hot"],
    [3, "cold"],
    [4, "hot"],
  ] as const)
    alerts.tell(transition(sequence, rule));
  await client.until(received(2));
  await client.settle();
  expect(sequences(client)).toEqual([2, 4]);
  expect(client.of("data")[0]).toMatchObject({
    id: 1,
    epoch: "epoch-1",
    offset: 20,
    alert: { id: "id-2", time: "2026-01-01T00:00:00.000Z", crosses: { to: null } },
  });
  client.close();

  const again = await Client.ready(server.url);
  again.send({ type: "subscribe", id: "a", alerts: "*", since: { epoch: "epoch-1", sequence: 2 } });
  await again.until(received(2));
  alerts.tell(transition(5));
  await again.until(received(3));
  await again.settle();
  expect(sequences(again)).toEqual([3, 4, 5]);
  expect(again.of("subscribed")[0]).toMatchObject({ recovered: true });
  again.send({ type: "unsubscribe", id: "a" });
  await again.settle();
  alerts.tell(transition(6));
  await again.settle();
  expect(sequences(again)).toEqual([3, 4, 5]);
  again.close();
});

test("thousands that were missed come in order, and what is no longer kept is told as a gap", async () => {
  const { alerts } = await start();
  for (let sequence = 501; sequence <= 3500; sequence++) alerts.log.push(transition(sequence));
  const client = await Client.ready(server.url);
  client.send({ type: "subscribe", id: 1, alerts: "*", since: { epoch: "epoch-1", sequence: 7 } });
  await client.until(received(3000));
  await client.settle();
  expect(sequences(client)).toEqual(Array.from({ length: 3000 }, (_, i) => 501 + i));
  expect(client.of("subscribed")[0]).toMatchObject({ recovered: false, sequence: 3500 });
  expect(client.of("gap")).toEqual([{ type: "gap", id: 1, from: 7, to: 500, reason: "no longer kept" }]);
  client.close();
});

test("another epoch is a gap, and a place that there is not yet ends the connection", async () => {
  const { alerts } = await start();
  alerts.tell(transition(1));
  const client = await Client.ready(server.url);
  client.send({ type: "subscribe", id: 1, alerts: "*", since: { epoch: "another", sequence: 900 } });
  await client.settle();
  expect(client.of("gap")).toEqual([{ type: "gap", id: 1, from: 0, to: 1, reason: "another epoch" }]);
  client.send({ type: "subscribe", id: 2, alerts: "*", since: { epoch: "epoch-1", sequence: 2 } });
  expect(await client.closed).toMatchObject({ code: 4010 });
});

test("what is wrong is answered by its field", async () => {
  await start();
  const client = await Client.ready(server.url);
  for (const wrong of [
    { alerts: "" },
    { alerts: "*", mode: "latest" },
    { alerts: "*", series: "a" },
    { alerts: "*", since: { epoch: "e", offset: 3 } },
  ])
    client.send({ type: "subscribe", id: 1, ...wrong });
  await client.settle();
  expect(client.of("error").map(({ message }) => message)).toEqual([
    'subscribe alerts: expected a pattern of names of rules of 1 to 256 characters, got ""',
    'subscribe mode: expected no such field, got "latest"',
    'subscribe series: expected no such field, got "a"',
    "subscribe since.sequence: expected a whole number, 0 or more, got nothing",
  ]);
  client.close();
});
