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
  const singles: string[] = [];
  const count = frames.send(subscription, 0, room, {
    message: (data) => {
      singles.push(Buffer.from(data).toString());
      return takes;
    },
    frames: (bytes) => {
      chunks.push(bytes);
      return takes;
    },
  });
  return { count, chunks, singles };
};

test("frames of every length, several in one chunk, in order; the first one who needs them is sent them one by one", () => {
  const frames = openJsonFrames();
  const offered = [1, 400, 2, 900, 3].map((steps, i) => made(`a"é${i}`, i + 1, steps));
  const [first, second] = [open(), open()];
  for (const outgoing of offered) for (const one of [first, second]) one.offer(outgoing);
  const wanted = offered.map((outgoing) => outgoing.frame("a", first.view).toString());
  const before = sent(first, frames);
  expect([before.count, before.chunks, before.singles]).toEqual([5, [], wanted]);
  const { count, chunks, singles } = sent(second, frames);
  expect([count, singles]).toEqual([5, []]);
  expect(chunks.length).toBeLessThan(5);
  expect(chunks.flatMap(payloads)).toEqual(wanted);
  const lengths = wanted.map((text) => Buffer.byteLength(text));
  expect(Math.min(...lengths)).toBeLessThan(65_536);
  expect(Math.max(...lengths)).toBeGreaterThan(65_535);
});

test("those to whom the same is due are given the same bytes, others their own", () => {
  const frames = openJsonFrames();
  const forecasts = [made("a", 1, 3), made("b", 2, 3)];
  const chunkOf = (message: Partial<SubscribeMessage>, of = forecasts): Uint8Array => {
    const [before, subscription] = [open(message), open(message)];
    for (const outgoing of of) for (const one of [before, subscription]) one.offer(outgoing);
    sent(before, frames);
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
  const { count, singles } = sent(subscription, openJsonFrames(), 1000, false);
  expect(singles).toHaveLength(count);
  expect(count).toBeLessThan(100);
  expect(subscription.waiting).toBe(100 - count);
});
