// The short form of scripts/hostile: every kind of hostile input that one server can be sent, and every parser.
import { expect, test } from "vitest";
import { fuzz } from "../../scripts/hostile/fuzz.ts";
import { ONE_SERVER, runHostile } from "../../scripts/hostile/run.ts";
import { hostileSocketInputs } from "../../scripts/hostile/sockets-one-by-one.ts";
import { startServer } from "../../src/server/server.ts";
import { ScriptedEngine } from "../server/scripted-engine.ts";

test("hostile inputs of every kind: no crash, no hang, nobody in without the token", async () => {
  const rows = await runHostile({
    command: ["--import", "tsx", "src/cli/main.ts"],
    inputs: 75,
    seed: 3,
    kinds: ONE_SERVER,
  });
  expect(rows.map(({ kind }) => kind)).toEqual(ONE_SERVER.map(({ name }) => name));
  for (const { kind, inputs, crashes, hangs, letIn, wrong } of rows) {
    expect(inputs, kind).toBeGreaterThan(0);
    expect({ kind, crashes, hangs, letIn, wrong }).toEqual({
      kind,
      crashes: 0,
      hangs: 0,
      letIn: 0,
      wrong: [],
    });
  }
}, 180_000);

test("every parser refuses in words whatever it is sent", async () => {
  for (const { parser, messages, taken, refused, failures } of await fuzz({ messages: 4500, seed: 3 })) {
    expect(failures, parser).toEqual([]);
    expect(taken + refused, parser).toBe(messages);
  }
}, 120_000);

test("more than a hundred hostile inputs to the socket: each is refused in words", async () => {
  const engine = new ScriptedEngine();
  const server = await startServer({ engine });
  await server.ready;
  try {
    const all: string[] = [];
    const wrong: string[] = [];
    for await (const { name, answer, answered } of hostileSocketInputs(server)) {
      all.push(name);
      if (!answered) wrong.push(`${name}: ${answer}`);
    }
    expect(wrong).toEqual([]);
    expect(all.length).toBeGreaterThanOrEqual(100);
    expect(engine.observed).toEqual([]);
  } finally {
    await server.close();
  }
}, 180_000);
