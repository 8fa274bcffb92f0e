// Many subscribers in one process, as cheap as can be: frames are counted by their lengths, and one in some is looked into.
// Started by main.ts, told what to do by messages.
import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import type { Asked, Told } from "./words.ts";

/** One frame of so many of a reader is looked into for the time that it carries. */
const LOOKED_AT = 32;

let nth = 0;

class Reader {
  readonly #socket: Socket;
  readonly #onFrame: (payload: Buffer) => void;
  #left: Buffer = Buffer.alloc(0);
  #greeted = false;
  readonly #first: readonly string[];
  frames = 0;
  /** Frames until one is looked into: at another place in each reader, for they are all sent the same. */
  #until = nth++ % LOOKED_AT;
  closed: number | undefined;

  constructor(port: number, protocol: string, first: readonly string[], onFrame: (payload: Buffer) => void) {
    this.#onFrame = onFrame;
    this.#first = first;
    this.#socket = connect(port, "127.0.0.1");
    this.#socket.on("error", () => {});
    this.#socket.on("data", (chunk: Buffer) => this.#take(chunk));
    this.#socket.write(
      `GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n` +
        `${protocol === "" ? "" : `Sec-WebSocket-Protocol: ${protocol}\r\n`}\r\n`,
    );
  }

  #take(chunk: Buffer): void {
    let data = this.#left.length === 0 ? chunk : Buffer.concat([this.#left, chunk]);
    if (!this.#greeted) {
      const end = data.indexOf("\r\n\r\n");
      if (end < 0) {
        this.#left = data;
        return;
      }
      this.#greeted = true;
      data = data.subarray(end + 4);
      for (const text of this.#first) this.#socket.write(masked(0x81, Buffer.from(text)));
    }
    let at = 0;
    while (data.length - at >= 2) {
      const short = data[at + 1] & 0x7f;
      const head = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (data.length - at < head) break;
      const length =
        short === 126
          ? data.readUInt16BE(at + 2)
          : short === 127
            ? Number(data.readBigUInt64BE(at + 2))
            : short;
      if (data.length - at < head + length) break;
      const payload = (): Buffer => data.subarray(at + head, at + head + length);
      const kind = data[at] & 0x0f;
      if (kind === 1 || kind === 2) {
        this.frames++;
        if (this.#until-- === 0) {
          this.#until = LOOKED_AT - 1;
          this.#onFrame(payload());
        }
      } else if (kind === 8) {
        this.closed = length >= 2 ? payload().readUInt16BE(0) : 1005;
        this.#socket.end();
      } else if (kind === 9) {
        this.#socket.write(masked(0x8a, payload()));
      }
      at += head + length;
    }
    this.#left = at === data.length ? Buffer.alloc(0) : Buffer.from(data.subarray(at));
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  drop(): void {
    this.#socket.destroy();
  }
}

/** A frame with the mask of zeros. */
function masked(head: number, payload: Buffer): Buffer {
  const start =
    payload.length < 126
      ? Buffer.from([head, 0x80 | payload.length])
      : Buffer.from([head, 0xfe, payload.length >> 8, payload.length & 255]);
  return Buffer.concat([start, Buffer.alloc(4), payload]);
}

let readers: Reader[] = [];
let waits: number[] = [];

/** When what the frame tells of was sent, by what it says itself. */
function sentAt(payload: Buffer): number {
  const at = payload.indexOf('"issuedAt":"');
  return at < 0 ? Number.NaN : Date.parse(payload.toString("latin1", at + 12, at + 36));
}

function onFrame(payload: Buffer): void {
  const sent = sentAt(payload);
  if (!Number.isNaN(sent)) waits.push(Date.now() - sent);
}

const INIT = '{"type":"init"}';

async function opened(asked: Extract<Asked, { do: "open" }>): Promise<Told> {
  const started = Date.now();
  for (let n = 0; n < asked.count; n++) {
    const first = asked.protocol === "" ? [] : [INIT, JSON.stringify(asked.subscribe)];
    readers.push(new Reader(asked.port, asked.protocol, first, onFrame));
    // A thousand SYNs at once would be dropped by the kernel, not by what is measured.
    if (n % 200 === 199) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { told: "opened", milliseconds: Date.now() - started };
}

process.on("message", async (asked: Asked) => {
  const tell = (told: Told): void => void process.send?.(told);
  switch (asked.do) {
    case "open":
      tell(await opened(asked));
      return;
    case "forget":
      waits = [];
      for (const reader of readers) reader.frames = 0;
      tell({ told: "forgot" });
      return;
    case "pause":
      for (const reader of readers.slice(0, asked.count)) reader.pause();
      tell({ told: "paused" });
      return;
    case "measure": {
      const sorted = waits.slice(asked.skip).sort((a, b) => a - b);
      const at = (share: number): number =>
        sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
      const frames = readers.reduce((sum, reader) => sum + reader.frames, 0);
      tell({
        told: "measured",
        frames,
        p50: at(0.5),
        p99: at(0.99),
        closed: readers.map(({ closed }) => closed ?? 0),
      });
      return;
    }
    case "end":
      for (const reader of readers) reader.drop();
      readers = [];
      process.exit(0);
  }
});
