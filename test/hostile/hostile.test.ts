// The short form of scripts/hostile: every kind of hostile input that one server can be sent, and every parser.
import { expect, test } from "vitest";
import { fuzz } from "../../scripts/hostile/fuzz.ts";
import { ONE_SERVER, runHostile } from "../../scripts/hostile/run.ts";

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
  for (const { parser, messages, taken, refused, failures } of await fuzz({ messages: 3900, seed: 3 })) {
    expect(failures, parser).toEqual([]);
    expect(taken + refused, parser).toBe(messages);
  }
}, 120_000);
