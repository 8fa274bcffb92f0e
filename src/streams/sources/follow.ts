import { basename, dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { type Static, Type } from "@sinclair/typebox";
import { Observable } from "rxjs";
import { EddyError } from "../../models/errors.ts";
import { itemAt } from "../../models/item-at.ts";
import { UNTIMED } from "../../models/observation.ts";
import { duration, milliseconds, oneOf, strict, text } from "../checked.ts";
import { encodingOf, MAX_LINE } from "../formats/lines.ts";
import type { FormatOptions, Reading } from "../formats/reading.ts";
import { TEXT_FORMATS } from "../formats/recognise.ts";
import { TextReader } from "../formats/text-reader.ts";
import { baseName } from "./file.ts";
import type { Reached, SourceBatch, SourceBatches, SourceContext } from "./source.ts";

/** Bytes read at a time. */
const CHUNK = 64 * 1024;
/** Bytes before the place reached by which a file is known again. */
const TAIL = 256;
/** Milliseconds of silence after which a few lines are enough to recognise a file by. */
const PATIENCE = 1000;
/** What is kept: the place reached, and the lines that the file was recognised by. */
const PLACE = "place";
const FIRST = "first";
/** Where lines are counted: what the reader remembered at the place. */
const STATE = "state";
/** Readings and bytes after which it is kept anew. */
const READINGS_OF_A_STATE = 2048;
const BYTES_OF_A_STATE = 2 ** 20;
/** Characters of those lines at most. */
const MOST_FIRST = 2 ** 18;

const LINE_FORMATS = TEXT_FORMATS.filter((format) => format !== "json");

export const FollowOptionsSchema = Type.Object(
  {
    path: text("the path of a file"),
    /** Where a file that has never been read is begun. */
    from: Type.Optional(oneOf(["start", "end"])),
    every: Type.Optional(duration()),
    format: Type.Optional(oneOf(LINE_FORMATS)),
    time: Type.Optional(text("the name of a column")),
    timeFormat: Type.Optional(text("a form such as unix_ms or DD/MM/YYYY HH:mm")),
    timeZone: Type.Optional(text("a zone such as Europe/Berlin")),
    series: Type.Optional(
      Type.Array(text("the name of a column"), { maxItems: 16, expected: "a list of columns" }),
    ),
    /** How long the lines of a log are counted for one reading. */
    count: Type.Optional(duration()),
    values: Type.Optional(
      Type.Array(text("the name of a column"), { maxItems: 256, expected: "a list of columns" }),
    ),
    separator: Type.Optional(text("one character")),
    decimal: Type.Optional(oneOf([".", ","])),
    /** The series of a file that names none. */
    name: Type.Optional(text("the name of a series")),
  },
  strict,
);
export type FollowOptions = Static<typeof FollowOptionsSchema>;

/**
 * A file that is being written, read line by line as it grows, through rotation (renamed, or copied and cut) and truncation. What is
 * kept with every reading is how far the file has been read and by what bytes it is known again, so that a source that is opened
 * again goes on where it stood, in the file as it was renamed meanwhile if need be: nothing is lost, nothing read twice.
 *
 * A line counts once its end is written. Files packed by whoever rotates them are not looked into.
 */
export function followedFile(options: FollowOptions, context: SourceContext): SourceBatches {
  return new Observable((subscriber) => {
    const follower = new Follower(options, context, (batch) => subscriber.next(batch));
    follower.run().catch((error) => subscriber.error(error));
    return () => follower.stop();
  });
}

/** How far a file has been read. */
interface Place {
  readonly inode: number;
  readonly offset: number;
  /** Bytes before `offset` that are known, and their sum. */
  readonly tail: readonly [length: number, sum: number];
  /** Lines read of the source so far. */
  readonly lines: number;
  /** Readings of the line after it that are in already; where lines are counted, readings of the lines after it. */
  readonly done?: number;
}

/** Where the reading of a log can be taken up again: what was remembered at a place. */
interface Anchor {
  readonly place: Place;
  readonly state: string;
}

interface Sibling {
  readonly path: string;
  readonly inode: number;
  readonly time: number;
  readonly number: number;
}

type Handle = Awaited<ReturnType<SourceContext["fs"]["promises"]["open"]>>;

class Follower {
  readonly #options: FollowOptions;
  readonly #context: SourceContext;
  readonly #emit: (batch: SourceBatch) => void;
  readonly #interval: number;
  #reader: TextReader;
  /** The lines that it will be recognised by, until it has been. */
  #first: string | undefined = "";
  #firstToKeep: string | undefined;
  #handle: Handle | undefined;
  #inode = 0;
  #offset = 0;
  /** The last bytes before `offset`. */
  #tail: Buffer = Buffer.alloc(0);
  /** The beginning of a line whose end has not been written. */
  #rest: Buffer = Buffer.alloc(0);
  #tooLong = false;
  #lines = 0;
  /** Places after lines of which no reading has come yet, by the reader's own number of the line. */
  readonly #places = new Map<number, Place>();
  #given = 0;
  #stopped = false;
  #wake: (() => void) | undefined;
  #silent = 0;
  /** The place before the lines that have not been handed out. */
  #before: Place | undefined;
  /** Readings of the first line that were in before. */
  #skip = 0;
  #told = "";
  #anchor: Anchor | undefined;
  /** Readings since the anchor, and how far it lies back. */
  #sinceAnchor = 0;
  #anchorOffset = 0;
  /** The anchor of each reading that has not been handed out, and which reading since it this is. */
  #anchored: (readonly [anchor: Anchor, done: number])[] = [];
  /** The anchor that was kept last. */
  #keptAnchor: Anchor | undefined;

  constructor(options: FollowOptions, context: SourceContext, emit: (batch: SourceBatch) => void) {
    this.#options = options;
    this.#context = context;
    this.#emit = emit;
    this.#interval = milliseconds(options.every ?? "1s");
    this.#reader = this.#open();
  }

  #open(): TextReader {
    const { path, format = "auto", every: _, from: __, name, count, ...rest } = this.#options;
    return new TextReader(format, {
      ...(rest as Partial<FormatOptions>),
      ...(count === undefined ? {} : { countEvery: milliseconds(count) }),
      name: name ?? baseName(path),
      arrival: () => this.#context.now(),
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  async run(): Promise<void> {
    const kept = this.#context.kept.get(PLACE);
    const first = this.#context.kept.get(FIRST);
    if (first !== undefined) this.#prime(first);
    let place: Place | undefined = kept === undefined ? undefined : (JSON.parse(kept) as Place);
    const state = this.#context.kept.get(STATE);
    if (place !== undefined && state !== undefined) {
      this.#reader.restore(Buffer.from(state, "base64"));
      this.#anchor = { place: { ...place, done: 0 }, state };
      this.#keptAnchor = this.#anchor;
      this.#anchorOffset = place.offset;
    }
    if (place !== undefined) {
      this.#lines = place.lines;
      this.#skip = place.done ?? 0;
      this.#before = { ...place, done: 0 };
    }
    let fresh = kept === undefined && this.#options.from === "end";
    while (!this.#stopped) {
      try {
        if (this.#handle === undefined) {
          await this.#begin(place, fresh);
          place = undefined;
          fresh = false;
        }
        this.#context.status.connected();
        this.#told = "";
        // First: what was cut and written anew meanwhile must not be read from its middle.
        if (await this.#rotated()) continue;
        if (await this.#readOn()) continue;
      } catch (error) {
        // What has been read stays read, whatever went wrong with the file.
        if (this.#handle !== undefined && this.#offset > 0) place = this.#here();
        await this.#close();
        if (error instanceof EddyError) throw error;
        this.#tell(error as NodeJS.ErrnoException);
      }
      await this.#pause(this.#interval);
      this.#silent += this.#interval;
      if (this.#first !== undefined && this.#first !== "" && this.#silent >= PATIENCE)
        await this.#hand(this.#anchorEach(this.#reader.settle()));
    }
    await this.#close();
  }

  #tell(error: NodeJS.ErrnoException): void {
    const { status } = this.#context;
    status.disconnected();
    const message =
      error.code === "ENOENT" ? `${this.#options.path}: expected a file, got none yet` : error.message;
    if (message !== this.#told) status.disturbed(message);
    this.#told = message;
  }

  /** Gives the reader the lines by which the input was recognised before. */
  #prime(first: string): void {
    this.#reader.push(Buffer.from(first));
    this.#reader.settle();
    // The lines were given to recognise by, not to count.
    this.#reader.restore();
    this.#given = lineCount(first);
    this.#first = undefined;
  }

  /** Opens the file, at the place reached before if there is one; what was renamed since is read first. */
  async #begin(place: Place | undefined, atEnd: boolean): Promise<void> {
    const { path } = this.#options;
    if (place !== undefined) {
      if (await this.#resume(path, place)) return;
      if (await this.#catchUp(place)) {
        await this.#openAt(path);
        return;
      }
      this.#context.status.disturbed(
        `${path}: expected the file in which reading ended, got another one, which is read from its beginning`,
      );
    }
    await this.#openAt(path);
    if (atEnd) await this.#toEnd();
  }

  /** Skips what is there, up to the last whole line. The first lines are looked at all the same: they may be a heading. */
  async #toEnd(): Promise<void> {
    const handle = this.#handle as Handle;
    const { size } = await handle.stat();
    const head = Buffer.alloc(Math.min(size, MOST_FIRST));
    await handle.read(head, 0, head.length, 0);
    const lines = head.subarray(0, head.lastIndexOf(0x0a) + 1);
    this.#prime(lines.toString("utf8"));
    this.#firstToKeep = lines.toString("utf8");
    const last = Buffer.alloc(Math.min(size, MAX_LINE));
    await handle.read(last, 0, last.length, size - last.length);
    this.#offset = size - last.length + last.lastIndexOf(0x0a) + 1;
    this.#tail = await tailOf(handle, this.#offset);
  }

  /** Reads the rest of the file in which reading ended, as it was renamed or copied, and those that were rotated after it. */
  async #catchUp(place: Place): Promise<boolean> {
    const siblings = await this.#siblings();
    const same = siblings.filter(({ inode }) => inode === place.inode);
    for (const older of [...same, ...siblings.filter((one) => !same.includes(one)).reverse()]) {
      if (!(await this.#resume(older.path, place))) continue;
      await this.#drain();
      await this.#readAfter(siblings, older);
      return true;
    }
    return false;
  }

  async #readAfter(siblings: readonly Sibling[], older: Sibling | undefined): Promise<void> {
    if (older === undefined) return;
    for (const newer of siblings.slice(siblings.indexOf(older) + 1)) {
      if (this.#stopped) return;
      await this.#openAt(newer.path);
      await this.#drain();
    }
  }

  async #resume(path: string, place: Place): Promise<boolean> {
    const handle = await this.#context.fs.promises.open(path).catch(() => undefined);
    if (handle === undefined) return false;
    const { size, ino } = await handle.stat();
    if (place.offset === 0 && ino !== place.inode) {
      await handle.close();
      return false;
    }
    const tail = size >= place.offset ? await tailOf(handle, place.offset, place.tail[0]) : Buffer.alloc(0);
    if (size < place.offset || tail.length !== place.tail[0] || crc32(tail) !== place.tail[1]) {
      await handle.close();
      return false;
    }
    // This very file: by its name it may be another one a moment later.
    await this.#turnTo(handle, place.offset, tail);
    return true;
  }

  async #openAt(path: string): Promise<void> {
    await this.#turnTo(await this.#context.fs.promises.open(path), 0, Buffer.alloc(0));
  }

  async #turnTo(handle: Handle, offset: number, tail: Buffer): Promise<void> {
    await this.#close();
    this.#handle = handle;
    const { ino } = await handle.stat();
    this.#inode = ino;
    this.#offset = offset;
    this.#tail = tail;
    this.#rest = Buffer.alloc(0);
    this.#tooLong = false;
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close();
  }

  /** Files beside it that are called like it and more, as rotation calls them, the oldest first. */
  async #siblings(): Promise<Sibling[]> {
    const { path } = this.#options;
    const { promises } = this.#context.fs;
    const folder = dirname(path);
    const name = basename(path);
    const found: Sibling[] = [];
    for (const entry of await promises.readdir(folder)) {
      if (!entry.startsWith(`${name}.`) && !entry.startsWith(`${name}-`)) continue;
      if (/\.(?:gz|bz2|xz|zst|zip|lz4)$/i.test(entry)) continue;
      const stat = await promises.stat(join(folder, entry)).catch(() => undefined);
      if (!stat?.isFile()) continue;
      const number = Number(/(\d+)$/.exec(entry)?.[1] ?? 0);
      found.push({ path: join(folder, entry), inode: stat.ino, time: stat.mtimeMs, number });
    }
    // Of two written at the same instant the one of the higher number was rotated before.
    return found.sort((a, b) => a.time - b.time || b.number - a.number);
  }

  /**
   * Reads on, a piece; whether there was one. What is known already is read once more before it: a file that was cut and written
   * anew a moment ago must not be read from its middle.
   */
  async #readOn(): Promise<boolean> {
    const handle = this.#handle as Handle;
    const known = Buffer.concat([this.#tail, this.#rest]).subarray(-TAIL);
    const from = this.#offset + this.#rest.length - known.length;
    const piece = Buffer.alloc(known.length + CHUNK);
    const { bytesRead } = await handle.read(piece, 0, piece.length, from);
    if (bytesRead <= known.length || !piece.subarray(0, known.length).equals(known)) return false;
    this.#silent = 0;
    const bytes = piece.subarray(known.length, bytesRead);
    if (this.#offset === 0 && this.#rest.length === 0 && encodingOf(bytes) !== "utf-8") {
      throw new EddyError("bad-file", this.#options.path, { expected: "UTF-8", received: encodingOf(bytes) });
    }
    await this.#hand(this.#take(bytes));
    return true;
  }

  async #drain(): Promise<void> {
    while (!this.#stopped && (await this.#readOn()));
    if (!this.#stopped) await this.#finish();
  }

  /** The last line of a file that nobody writes to any more counts even without its end. */
  async #finish(): Promise<void> {
    if (this.#rest.length > 0) await this.#hand(this.#take(Buffer.from("\n"), 0));
  }

  /** The readings of whole lines in these bytes. */
  #take(bytes: Buffer, counted = 1): Reading[] {
    const readings: Reading[] = [];
    let from = 0;
    for (let to = bytes.indexOf(0x0a); to >= 0; to = bytes.indexOf(0x0a, from)) {
      const line = Buffer.concat([this.#rest, bytes.subarray(from, to + 1)]);
      this.#rest = Buffer.alloc(0);
      from = to + 1;
      readings.push(...this.#line(line, line.length - 1 + counted));
    }
    this.#rest = Buffer.concat([this.#rest, bytes.subarray(from)]);
    if (this.#rest.length > 2 * MAX_LINE) {
      // Its end is waited for without keeping it.
      this.#offset += this.#rest.length;
      this.#tail = Buffer.from(this.#rest.subarray(-TAIL));
      this.#rest = Buffer.alloc(0);
      this.#tooLong = true;
    }
    return readings;
  }

  #line(line: Buffer, length: number): Reading[] {
    if (this.#isAnchorDue()) this.#takeAnchor();
    this.#offset += length;
    this.#tail = Buffer.concat([this.#tail, line.subarray(0, length)]).subarray(-TAIL);
    this.#lines++;
    const place = this.#here();
    if (this.#tooLong) {
      this.#tooLong = false;
      // The reader is not given it: a number that none of its lines has.
      const number = -this.#lines;
      this.#places.set(number, place);
      return this.#anchorEach([
        {
          line: number,
          row: 0,
          reason: "too-long",
          message: `expected at most ${MAX_LINE} characters, got more`,
        },
      ]);
    }
    this.#places.set(++this.#given, place);
    if (this.#first !== undefined && this.#first.length < MOST_FIRST) this.#first += line.toString("utf8");
    return this.#anchorEach(this.#reader.push(line));
  }

  /** Whether it is time to remember anew what the reader knows, before the next line. */
  #isAnchorDue(): boolean {
    if (this.#anchor === undefined) return true;
    // Its beginning is gone: what is left of it must not be read as a line.
    if (this.#tooLong) return false;
    // By its beginning a file is not known again.
    if (this.#anchor.place.offset === 0 && this.#reader.fresh !== undefined) return true;
    if (this.#sinceAnchor === 0) return Math.abs(this.#offset - this.#anchorOffset) > BYTES_OF_A_STATE;
    return (
      !this.#reader.repeatable ||
      this.#sinceAnchor >= READINGS_OF_A_STATE ||
      Math.abs(this.#offset - this.#anchorOffset) > BYTES_OF_A_STATE
    );
  }

  #takeAnchor(): void {
    const bytes = this.#reader.save();
    // What is not recognised yet has counted nothing.
    const state = bytes === undefined ? "" : Buffer.from(bytes).toString("base64");
    if (state === "" && this.#anchor !== undefined) return;
    this.#anchor = { place: this.#here(), state };
    this.#anchorOffset = this.#offset;
    this.#sinceAnchor = 0;
  }

  /** Notes for each reading from where it would come again. */
  #anchorEach(readings: Reading[]): Reading[] {
    let anchor = this.#anchor as Anchor;
    if (this.#reader.fresh === undefined) return readings;
    if (anchor.state === "") {
      // Recognised just now.
      anchor = { place: anchor.place, state: Buffer.from(this.#reader.fresh).toString("base64") };
      this.#anchor = anchor;
    }
    for (const _ of readings) this.#anchored.push([anchor, ++this.#sinceAnchor]);
    return readings;
  }

  #here(): Place {
    return {
      inode: this.#inode,
      offset: this.#offset,
      tail: [this.#tail.length, crc32(this.#tail)],
      lines: this.#lines,
    };
  }

  /** Hands readings out, and waits until they have been taken in. */
  async #hand(readings: readonly Reading[]): Promise<void> {
    const { recognition } = this.#reader;
    if (this.#first !== undefined && recognition !== undefined) {
      if (recognition.format === "json") {
        throw new EddyError("bad-file", this.#options.path, {
          expected: "one reading a line",
          received: "JSON over several lines",
        });
      }
      this.#firstToKeep = this.#first;
      this.#first = undefined;
    }
    if (readings.length === 0) {
      if (this.#first === undefined) this.#forget(this.#given);
      return;
    }
    if (this.#reader.fresh !== undefined) {
      await this.#handCounted(readings);
      return;
    }
    const rows = readings.slice(this.#skip).map((reading, i) => {
      const place = this.#places.get(reading.line);
      const last = readings[this.#skip + i + 1]?.line !== reading.line;
      return { reading: arrived(reading, place?.lines ?? reading.line), place, last };
    });
    let done = this.#skip;
    this.#skip = 0;
    const first = this.#firstToKeep;
    this.#firstToKeep = undefined;
    this.#forget(this.#given);
    if (this.#stopped) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#emit({
        readings: rows.map(({ reading }) => reading),
        reached: (i): Reached | undefined => {
          const { place, last } = itemAt(rows, i);
          // A line of several readings has been read once its last one is in.
          done = last ? 0 : done + 1;
          if (last) this.#before = place ?? this.#before;
          if (this.#before === undefined) return undefined;
          const kept = { [PLACE]: JSON.stringify(last ? this.#before : { ...this.#before, done }) };
          return first === undefined ? kept : { ...kept, [FIRST]: first };
        },
        acknowledge: resolve,
      });
    });
  }

  /** Hands out readings of lines that are counted: they come again from the last anchor on. */
  async #handCounted(readings: readonly Reading[]): Promise<void> {
    const anchored = this.#anchored.splice(0);
    // A line too long for the reader is refused without it.
    while (anchored.length < readings.length) anchored.push([this.#anchor as Anchor, this.#sinceAnchor]);
    const skipped = Math.min(this.#skip, readings.length);
    this.#skip -= skipped;
    const rows = readings.slice(skipped).map((reading, i) => {
      const place = this.#places.get(reading.line);
      return {
        reading: arrived(reading, place?.lines ?? reading.line),
        anchored: itemAt(anchored, skipped + i),
      };
    });
    const first = this.#firstToKeep;
    this.#forget(this.#given);
    if (this.#stopped || rows.length === 0) return;
    this.#firstToKeep = undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#emit({
        readings: rows.map(({ reading }) => reading),
        reached: (i): Reached => {
          const [anchor, done] = itemAt(rows, i).anchored;
          const kept: Record<string, string> = { [PLACE]: JSON.stringify({ ...anchor.place, done }) };
          if (anchor !== this.#keptAnchor) kept[STATE] = anchor.state;
          this.#keptAnchor = anchor;
          return first === undefined ? kept : { ...kept, [FIRST]: first };
        },
        acknowledge: resolve,
      });
    });
  }

  #forget(upTo: number): void {
    for (const line of this.#places.keys()) if (line <= upTo) this.#places.delete(line);
  }

  /** Whether the path leads to another file by now, or to this one cut short; it is turned to, after the rest of the old one. */
  async #rotated(): Promise<boolean> {
    const { path } = this.#options;
    const handle = this.#handle as Handle;
    const there = await this.#context.fs.promises.stat(path).catch(() => undefined);
    const here = await handle.stat();
    if (there === undefined) return false;
    if (there.ino !== here.ino) {
      // What was written to the old one until it was let go.
      await this.#drain();
      const siblings = await this.#siblings();
      await this.#readAfter(
        siblings,
        siblings.find(({ inode }) => inode === here.ino),
      );
      if (!this.#stopped) await this.#openAt(path);
      return true;
    }
    const tail =
      here.size >= this.#offset ? await tailOf(handle, this.#offset, this.#tail.length) : undefined;
    if (tail?.equals(this.#tail)) return false;
    // Cut, and perhaps written anew; what we had not read may be in the copy that was made of it.
    if (this.#offset > 0) await this.#catchUp(this.#here());
    if (this.#stopped) return true;
    await this.#openAt(path);
    return true;
  }

  #pause(milliseconds: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#context.after(milliseconds, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }
}

async function tailOf(handle: Handle, offset: number, length = TAIL): Promise<Buffer> {
  const wanted = Math.min(length, offset);
  const tail = Buffer.alloc(wanted);
  const { bytesRead } = await handle.read(tail, 0, wanted, offset - wanted);
  return tail.subarray(0, bytesRead);
}

const lineCount = (text: string): number => text.split("\n").length - 1;

/** What has no time of its own is stamped by whoever takes it in; a refusal names the line of the file. */
function arrived(reading: Reading, line: number): Reading {
  if ("reason" in reading) return { ...reading, line, message: `line ${line}: ${reading.message}` };
  if (reading.timed) return { ...reading, line };
  return { ...reading, line, observation: { ...reading.observation, time: UNTIMED } };
}
