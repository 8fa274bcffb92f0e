// Every message, close code and limit of /v1/stream under both subprotocols, by a bare client that holds all against the published
// schema. The same cases run against any server: scripts/check/conformance.ts URL.
import { afterAll, describe, expect, test } from "vitest";
import { CASES } from "../../scripts/check/conformance/cases.ts";
import type { Seen } from "../../scripts/check/conformance/peer.ts";
import { conformance, SUBPROTOCOLS } from "../../scripts/check/conformance/run.ts";
import { CloseCode } from "../../src/protocol/close-codes.ts";

const types = new Set<string>();
const codes = new Set<number>();
const note = (seen: Seen): void => {
  for (const type of seen.types.keys()) types.add(type);
  for (const code of seen.codes.keys()) codes.add(code);
};

describe.each(SUBPROTOCOLS)("%s", (protocol) => {
  test("holds in every case", async () => {
    const { results, seen } = await conformance({ seed: "test", protocols: [protocol] });
    note(seen);
    expect(results.filter(({ outcome }) => outcome !== "holds")).toEqual([]);
    expect(results).toHaveLength(CASES.filter(({ only }) => only === undefined || only === protocol).length);
  }, 120_000);
});

afterAll(() => {
  // Nothing that the protocol has went untried.
  expect([...types].sort()).toEqual(
    [
      "ack",
      "data",
      "data (Arrow)",
      "draining",
      "error",
      "gap",
      "pong",
      "ready",
      "receipt",
      "slow",
      "subscribed",
    ].sort(),
  );
  for (const code of Object.values(CloseCode)) expect(codes, String(code)).toContain(code);
});
