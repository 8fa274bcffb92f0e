import { JSON_SUBPROTOCOL } from "../../protocol/subprotocols.ts";
import { Kept } from "./kept.ts";
import { type Outgoing, sharedKey } from "./outgoing.ts";
import type { Sink, Subprotocol } from "./subprotocol.ts";
import type { Subscription } from "./subscription.ts";

/** Runs of forecasts of which it is known that a subscriber has been sent them. */
const SEEN = 32;
/** A longer run is hardly ever that of somebody else. */
const LONGEST_SHARED = 24;
/** Bytes of forecasts that leave at once; the socket is asked in between whether it takes more. */
const CHUNK_BYTES = 32 * 1024;
/** First byte of a text frame that is whole: RFC 6455, 5.2. */
const WHOLE_TEXT = 0x81;

/**
 * `eddy.v1.json`: a text frame for each forecast. Subscribers to whom the same ones are due, as all those of a broadcast who keep up,
 * are given the same chunk of frames: it is put together once, when the second one needs it. Where each is due others, nothing is copied.
 */
export function openJsonFrames(): Subprotocol {
  const chunks = new Kept<Buffer>();
  const seen = new Set<string>();

  const write = (
    subscription: Subscription,
    run: readonly Outgoing[],
    payloads: readonly Buffer[],
    sink: Sink,
  ): boolean => {
    if (run.length <= LONGEST_SHARED) {
      const key = sharedKey(subscription, run);
      if (seen.has(key)) return sink.frames(chunks.get(key, () => framed(payloads)));
      if (seen.size >= SEEN) seen.clear();
      seen.add(key);
    }
    let more = true;
    for (const payload of payloads) more = sink.message(payload, false);
    return more;
  };

  return {
    name: JSON_SUBPROTOCOL,
    send(subscription, now, room, sink) {
      let sent = 0;
      let run: Outgoing[] = [];
      let payloads: Buffer[] = [];
      let bytes = 0;
      while (sent < room) {
        const outgoing = subscription.take(now);
        if (outgoing === null) break;
        sent++;
        const payload = outgoing.frame(subscription.id, subscription.view);
        run.push(outgoing);
        payloads.push(payload);
        bytes += payload.length;
        if (bytes < CHUNK_BYTES) continue;
        const more = write(subscription, run, payloads, sink);
        run = [];
        payloads = [];
        bytes = 0;
        if (!more) break;
      }
      if (run.length > 0) write(subscription, run, payloads, sink);
      return sent;
    },
  };
}

/** Text frames, one after another, as a server sends them: whole and without a mask. */
function framed(payloads: readonly Buffer[]): Buffer {
  const sizes = payloads.map(({ length }) => length + (length < 126 ? 2 : length < 65_536 ? 4 : 10));
  const chunk = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const payload of payloads) {
    const { length } = payload;
    chunk[at++] = WHOLE_TEXT;
    if (length < 126) {
      chunk[at++] = length;
    } else if (length < 65_536) {
      chunk[at++] = 126;
      at = chunk.writeUInt16BE(length, at);
    } else {
      chunk[at++] = 127;
      at = chunk.writeBigUInt64BE(BigInt(length), at);
    }
    at += payload.copy(chunk, at);
  }
  return chunk;
}
