import { createGunzip } from "node:zlib";
import { Decompress } from "fzstd";
import { EddyError } from "../../models/errors.ts";
import type { Problem } from "../formats/grammar.ts";

/** What packed bytes begin with. */
const GZIP = [0x1f, 0x8b];
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd];

const begins = (bytes: Uint8Array, magic: readonly number[]): boolean =>
  magic.every((byte, i) => bytes[i] === byte);

/** The bytes of an input, unpacked when they are packed by gzip or zstd; where a packed input is torn, a problem ends it. */
export async function* unpacked(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array | Problem> {
  const iterator = chunks[Symbol.asyncIterator]();
  try {
    let head: Uint8Array = new Uint8Array(0);
    let ended = false;
    // One chunk tells, unless it is very short and could still be the beginning of something packed.
    while (
      !ended &&
      (head.length === 0 || (head.length < 4 && (head[0] === GZIP[0] || head[0] === ZSTD[0])))
    ) {
      const next = await iterator.next();
      if (next.done === true) ended = true;
      else head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
    }
    const rest = async function* (): AsyncGenerator<Uint8Array> {
      if (head.length > 0) yield head;
      while (!ended) {
        const next = await iterator.next();
        if (next.done === true) return;
        yield next.value;
      }
    };
    const unpack = begins(head, GZIP) ? gunzip : begins(head, ZSTD) ? unzstd : undefined;
    if (unpack === undefined) {
      yield* rest();
      return;
    }
    try {
      yield* unpack(rest());
    } catch (error) {
      if (error instanceof EddyError) throw error;
      yield {
        reason: "torn-file",
        message: `expected a whole ${unpack === gunzip ? "gzip" : "zstd"} file, got one that ends or breaks early`,
      };
    }
  } finally {
    await iterator.return?.(undefined);
  }
}

async function* gunzip(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = createGunzip();
  const feed = async () => {
    try {
      for await (const chunk of chunks) {
        if (stream.destroyed) return;
        if (!stream.write(chunk))
          await new Promise<void>((resolve) => {
            stream.once("drain", resolve);
            stream.once("close", resolve);
          });
      }
      stream.end();
    } catch (error) {
      stream.destroy(error as Error);
    }
  };
  const fed = feed();
  for await (const chunk of stream) yield chunk as Uint8Array;
  await fed;
}

async function* unzstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let ready: Uint8Array[] = [];
  const stream = new Decompress((chunk) => {
    ready.push(chunk);
  });
  for await (const chunk of chunks) {
    stream.push(chunk);
    for (const part of ready) yield part;
    ready = [];
  }
  stream.push(new Uint8Array(0), true);
  for (const part of ready) yield part;
}
