import type { Turns } from "../turns.ts";

/** Messages that wait to be read before no more are taken from the socket; those of one chunk of it come all the same. */
const INBOX_MESSAGES = 256;
/** The same in bytes. */
const INBOX_BYTES = 1 << 20;

/** A message as it came: text, or bytes. */
export type Frame = string | Buffer;

/** Messages that came and are not read yet. They are read one at a time, in turns with all other work: a thousand small ones arrive in one chunk. */
export class Inbox {
  readonly #turns: Turns;
  readonly #read: (frame: Frame) => Generator<unknown, void>;
  /** Called whenever all that waited has been read. */
  readonly #emptied: () => void;
  #frames: Frame[] = [];
  #bytes = 0;
  #reading = false;

  constructor(turns: Turns, read: (frame: Frame) => Generator<unknown, void>, emptied: () => void) {
    this.#turns = turns;
    this.#read = read;
    this.#emptied = emptied;
  }

  /** No more is to be taken from the socket. */
  get full(): boolean {
    return this.#frames.length >= INBOX_MESSAGES || this.#bytes >= INBOX_BYTES;
  }

  add(frame: Frame): void {
    this.#frames.push(frame);
    this.#bytes += frame.length;
    if (this.#reading) return;
    this.#reading = true;
    this.#turns.run(this.#work());
  }

  *#work(): Generator<unknown, void> {
    while (this.#frames.length > 0) {
      const frames = this.#frames;
      this.#frames = [];
      this.#bytes = 0;
      for (const frame of frames) {
        yield* this.#read(frame);
        yield;
      }
      this.#emptied();
    }
    this.#reading = false;
  }
}
