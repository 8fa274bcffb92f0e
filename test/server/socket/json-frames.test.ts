import { expect, test, vi } from "vitest";
import type { SubscribeMessage } from "../../../src/protocol/client-messages.ts";
import { unlimited } from "../../../src/server/access/caller.ts";
import { JSON_FRAMES } from "../../../src/server/socket/json-frames.ts";
import { Dispatch } from "../../../src/server/socket/outgoing.ts";
import { type Piece, Run } from "../../../src/server/socket/run.ts";
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

const FRAMES = { ...JSON_FRAMES, pieces: vi.fn(JSON_FRAMES.pieces) };
/** All that may be sent. */
function pieces(subscription: Subscription): Piece[] {
  const sent: Piece[] = [];
  for (;;) {
    const piece = subscription.piece(FRAMES, 0);
    if (piece === undefined) return sent;
    sent.push(piece);
    subscription.sent(piece.forecasts, 0);
  }
}

test("frames of every length, several in one piece, in order", () => {
  const subscription = open();
  const offered = [1, 400, 2, 900, 3].map((steps, i) => made(`a"é${i}`, i + 1, steps));
  for (const outgoing of offered) subscription.offer(outgoing);
  const wanted = offered.map((outgoing) => outgoing.message("a", subscription.view).toString());
  const sent = pieces(subscription);
  expect(sent.map(({ forecasts }) => forecasts)).toEqual([4, 1]);
  expect(sent.flatMap(({ bytes }) => payloads(bytes))).toEqual(wanted);
  const lengths = wanted.map((text) => Buffer.byteLength(text));
  expect(Math.min(...lengths)).toBeLessThan(65_536);
  expect(Math.max(...lengths)).toBeGreaterThan(65_535);
});

test("those who are dealt the same run are given the same bytes, others their own", () => {
  const run = new Run([made("a", 1, 3), made("b", 2, 3)]);
  const bytesOf = (message: Partial<SubscribeMessage>, of = run): Uint8Array => {
    const subscription = open(message);
    subscription.deal(of);
    const sent = pieces(subscription);
    expect(sent).toHaveLength(1);
    return sent[0].bytes;
  };
  const first = bytesOf({});
  FRAMES.pieces.mockClear();
  expect(bytesOf({})).toBe(first);
  expect(bytesOf({ mode: "latest" })).toBe(first);
  expect(FRAMES.pieces).not.toHaveBeenCalled();
  expect(payloads(bytesOf({ id: "b" }))[0]).toContain('"id":"b"');
  expect(payloads(bytesOf({ id: 1 }))[0]).toContain('"id":1,');
  expect(payloads(bytesOf({ id: "1" }))[0]).toContain('"id":"1",');
  expect(payloads(bytesOf({ horizons: [2] }))).not.toEqual(payloads(first));
  expect(payloads(bytesOf({}, new Run(run.forecasts.slice(1))))).toEqual(payloads(first).slice(1));
});

test("what has not been sent is still there", () => {
  const subscription = open();
  for (let offset = 1; offset <= 100; offset++) subscription.offer(made("a", offset, 50));
  const piece = subscription.piece(FRAMES, 0);
  expect(subscription.waiting).toBe(100);
  expect(subscription.piece(FRAMES, 0)).toBe(piece);
  const first = piece?.forecasts ?? 0;
  expect(first).toBeLessThan(64);
  subscription.sent(first, 0);
  expect(subscription.waiting).toBe(100 - first);
  const rest = pieces(subscription).flatMap(({ bytes }) => payloads(bytes));
  expect(rest.map((text) => JSON.parse(text).offset)).toEqual(
    Array.from({ length: 100 - first }, (_, i) => first + i + 1),
  );
});
