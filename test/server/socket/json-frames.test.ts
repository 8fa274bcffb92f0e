import { expect, test } from "vitest";
import type { SubscribeMessage } from "../../../src/protocol/client-messages.ts";
import { unlimited } from "../../../src/server/access/caller.ts";
import { openJsonFrames } from "../../../src/server/socket/json-frames.ts";
import { Dispatch } from "../../../src/server/socket/outgoing.ts";
import { Subscription } from "../../../src/server/socket/subscription.ts";
import { madeIssue, madeTarget } from "../../issues.ts";

const ANYONE = unlimited(null);

const open = (message: Partial<SubscribeMessage> = {}) =>
  new Subscription({ type: "subscribe", id: "a", pattern: "*", mode: "stream", ...message }, 0, 4096, ANYONE);
const made = (series: string, offset: number, steps: number) =>
  new Dispatch("e").of({
    position: offset,
    ordinal: 0,
    issue: madeIssue(series, 1000 * offset, offset, [madeTarget("value", new Array(steps).fill(offset))]),
  })[0];

/** Payloads of whole text frames without a mask, read as RFC 6455, 5.2 says. */
function payloads(bytes: Uint8Array): string[] {
  const data = Buffer.from(bytes);
  const read: string[] = [];
  for (let at = 0; at < data.length; ) {
    expect(data[at]).toBe(0x81);
    const short = data[at + 1];
    const [length, head] =
      short === 127
        ? [Number(data.readBigUInt64BE(at + 2)), 10]
        : short === 126
          ? [data.readUInt16BE(at + 2), 4]
          : [short, 2];
    if (short >= 126) expect(length).toBeGreaterThan(short === 126 ? 125 : 65_535);
    read.push(data.toString("utf8", at + head, at + head + length));
    at += head + length;
    expect(at).toBeLessThanOrEqual(data.length);
  }
  return read;
}

const sent = (subscription: Subscription, frames = openJsonFrames(), room = 1000, takes = true) => {
  const chunks: Uint8Array[] = [];
  const count = frames.send(subscription, 0, room, {
    message: () => {
      throw new Error("every forecast leaves in a chunk");
    },
    frames: (bytes) => {
      chunks.push(bytes);
      return takes;
    },
  });
  return { count, chunks };
};

test("frames of every length, several in one chunk, in order", () => {
  const subscription = open();
  const offered = [1, 400, 2, 900, 3].map((steps, i) => made(`a"é${i}`, i + 1, steps));
  for (const outgoing of offered) subscription.offer(outgoing);
  const { count, chunks } = sent(subscription);
  expect(count).toBe(5);
  expect(chunks.length).toBeLessThan(5);
  expect(chunks.flatMap(payloads)).toEqual(
    offered.map((outgoing) => outgoing.frame("a", subscription.view).toString()),
  );
  const lengths = offered.map((outgoing) => outgoing.frame("a", subscription.view).length);
  expect(Math.min(...lengths)).toBeLessThan(65_536);
  expect(Math.max(...lengths)).toBeGreaterThan(65_535);
});

test("those to whom the same is due are given the same bytes, others their own", () => {
  const frames = openJsonFrames();
  const forecasts = [made("a", 1, 3), made("b", 2, 3)];
  const chunkOf = (message: Partial<SubscribeMessage>, of = forecasts): Uint8Array => {
    const subscription = open(message);
    for (const outgoing of of) subscription.offer(outgoing);
    const { chunks } = sent(subscription, frames);
    expect(chunks).toHaveLength(1);
    return chunks[0];
  };
  const first = chunkOf({});
  expect(chunkOf({})).toBe(first);
  expect(chunkOf({ mode: "latest" })).toBe(first);
  expect(payloads(chunkOf({ id: "b" }))[0]).toContain('"id":"b"');
  expect(payloads(chunkOf({ id: 1 }))[0]).toContain('"id":1,');
  expect(payloads(chunkOf({ id: "1" }))[0]).toContain('"id":"1",');
  expect(payloads(chunkOf({ horizons: [2] }))).not.toEqual(payloads(first));
  expect(payloads(chunkOf({}, forecasts.slice(1)))).toEqual(payloads(first).slice(1));
});

test("a socket that takes no more is given no more, and what was taken is counted", () => {
  const subscription = open();
  for (let offset = 1; offset <= 100; offset++) subscription.offer(made("a", offset, 50));
  const { count, chunks } = sent(subscription, openJsonFrames(), 1000, false);
  expect(chunks).toHaveLength(1);
  expect(payloads(chunks[0])).toHaveLength(count);
  expect(count).toBeLessThan(100);
  expect(subscription.waiting).toBe(100 - count);
});
