// The published schema is one: served, in the documentation, and what the server goes by.
import { readFileSync } from "node:fs";
import type { Static } from "@sinclair/typebox";
import fc from "fast-check";
import { expect, test } from "vitest";
import { documented, validatorOf } from "../../scripts/check/conformance/run.ts";
import type { Forecast, PipelineOutput } from "../../src/models/forecast.ts";
import type { ForecastSchema, PipelineOutputSchema } from "../../src/protocol/forecast.ts";
import { protocolSchema } from "../../src/protocol/schema.ts";
import { startServer } from "../../src/server/server.ts";
import { readMessage } from "../../src/server/socket/messages.ts";
import { readObservation } from "../../src/streams/observation-schema.ts";
import { ScriptedEngine } from "../server/scripted-engine.ts";

test("what is served is what is in docs/: after a change, scripts/build/protocol-schema.ts writes it", async () => {
  const server = await startServer({ engine: new ScriptedEngine() });
  await server.ready;
  try {
    const answer = await fetch(`${server.url}/v1/schema`);
    expect(answer.headers.get("content-type")).toBe("application/schema+json; charset=utf-8");
    expect(await answer.json()).toEqual(documented());
  } finally {
    await server.close();
  }
  expect(readFileSync("docs/protocol.schema.json", "utf8")).toBe(
    `${JSON.stringify(protocolSchema(), null, 2)}\n`,
  );
});

test("a forecast of the schema is a forecast of the models", () => {
  type Loose<T> = T extends object ? { -readonly [K in keyof T]: Loose<T[K]> } : T;
  const there = (forecast: Loose<Forecast>): Static<typeof ForecastSchema> => forecast as never;
  const back = (forecast: Static<typeof ForecastSchema>): Forecast => forecast;
  const output = (told: Static<typeof PipelineOutputSchema>): PipelineOutput => told;
  expect([there, back, output]).toHaveLength(3);
});

/** Whether the server would carry it out. */
const taken = (message: unknown): boolean => {
  try {
    const read = readMessage(JSON.stringify(message));
    if (read.type === "observe") readObservation(read.observation, 0);
    return true;
  } catch {
    return false;
  }
};

const anything = fc.oneof(
  fc.constantFrom(0, 1, -1, 0.5, 1e9, "", "a", "*", null, true, [], {}, [1], "latest", "stream"),
  fc.jsonValue({ maxDepth: 2 }),
);
const FIELDS = ["id", "series", "pattern", "mode", "maxRate", "since", "offset", "value", "time", "more"];
const id = fc.oneof(fc.string({ minLength: 1, maxLength: 9 }), fc.integer());
const series = fc.constantFrom("a", "b/c");
const since = fc.record(
  { epoch: fc.string(), offset: fc.nat(), ordinal: fc.nat() },
  { requiredKeys: ["epoch", "offset"] },
);
const options = {
  mode: fc.constantFrom("latest", "stream"),
  maxRate: fc.double({ min: 0.1, max: 100, noNaN: true }),
  observed: fc.boolean(),
  horizons: fc.array(fc.integer({ min: 1, max: 512 }), { minLength: 1, maxLength: 3 }),
  since,
};
const number = fc.double({ noNaN: true, noDefaultInfinity: true });
const good = fc.oneof(
  fc.record({ type: fc.constant("init"), token: fc.string() }, { requiredKeys: ["type"] }),
  fc.record(
    { type: fc.constant("subscribe"), id, series, ...options },
    { requiredKeys: ["type", "id", "series"] },
  ),
  fc.record(
    { type: fc.constant("subscribe"), id, pattern: series, ...options },
    { requiredKeys: ["type", "id", "pattern"] },
  ),
  fc.record({ type: fc.constant("unsubscribe"), id }),
  fc.record({ type: fc.constant("ack"), id, offset: fc.nat() }),
  fc.record({ type: fc.constant("observe"), series, value: number }),
  fc.record({ type: fc.constant("observe"), series, values: fc.dictionary(series, number) }),
  fc.record({ type: fc.constantFrom("ping", "dance") }),
);
const messages = fc
  .record({ good, odd: fc.dictionary(fc.constantFrom(...FIELDS), anything, { maxKeys: 1 }) })
  .map(({ good, odd }) => ({ ...good, ...odd }));

test("what the server takes the schema allows, and what the schema forbids the server refuses", () => {
  const { client } = validatorOf(documented());
  let both = 0;
  fc.assert(
    fc.property(messages, (given) => {
      const message = JSON.parse(JSON.stringify(given));
      const allowed = client(message) === undefined;
      const isTaken = taken(message);
      if (isTaken) expect(allowed, JSON.stringify(message)).toBe(true);
      // Names, times and numbers are looked at more closely than a schema can.
      if (allowed && message.type !== "observe") expect(isTaken, JSON.stringify(message)).toBe(true);
      if (allowed && isTaken) both++;
    }),
    { seed: 5, numRuns: 3000 },
  );
  expect(both).toBeGreaterThan(500);
});
