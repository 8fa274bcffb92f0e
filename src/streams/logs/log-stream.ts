import { EddyError } from "../../models/errors.ts";
import { NextEvent } from "../../models/events/next-event.ts";
import { Sessions } from "../../models/events/sessions.ts";
import { Arena } from "../../models/kernels/arena.ts";
import { type Block, Layout } from "../../models/kernels/layout.ts";
import { hash32 } from "../../models/network/seeded.ts";
import type { Problem } from "../formats/grammar.ts";
import type { Level } from "./levels.ts";
import { Novelty, type NoveltyMemory } from "./novelty.ts";
import { isLogRecord, LogLines, type LogRecord } from "./records.ts";
import { Bytes, readBytes } from "./saved.ts";
import { TemplateMiner } from "./templates.ts";

/** Characters of a line in which a session's key is looked for. */
const MAX_KEYED = 4096;
/** Characters of a key that are told. */
const KEY_LENGTH = 200;

/** How a log is followed. */
export interface LogStreamOptions {
  /** Finds the key of a line's session: its first group, or all it matches. Lines without one are in none. */
  readonly session?: RegExp;
  /** Most templates kept at once. Default 4096. */
  readonly templates?: number;
  readonly seed?: number;
}

/** What is told of a session with a line of it. */
export interface LogSession {
  readonly key: string;
  /** Its lines so far. */
  readonly lines: number;
  /** What was forecast for this line by the ones before it in its session. */
  readonly probability: number;
  /** A p-value of the session so far: the share of sessions that were at least as unlikely when they were as long. */
  readonly surprise: number;
  /** The probability that it ends here; null until one has ended. */
  readonly end: number | null;
  /** Lines still to come, as it was with sessions that came so far; null until one has ended. */
  readonly remaining: number | null;
}

/** What is told of a line. */
export interface LogLine {
  /** From 1. */
  readonly line: number;
  /** From 1 on; never given to another template. */
  readonly template: number;
  /** Its text, with `<*>` for what varies. */
  readonly pattern: string;
  /** What was forecast for this template before the line came; for a new one, that of any new one. */
  readonly probability: number;
  /** A p-value: the share of the last lines that were at least as surprising. */
  readonly surprise: number;
  readonly level?: Level;
  /** Templates that have become this one with this line. */
  readonly merged?: readonly number[];
  readonly session?: LogSession;
}

/** Lines by what became of them. */
export interface LogCounts {
  /** Lines that are records. */
  records: number;
  /** Lines that belong to the record before them. */
  continued: number;
  blank: number;
  refused: number;
}

/** What a line of a log came to. */
export type LogOutcome = LogLine | "continued" | "blank" | Problem;

export const isLogLine = (outcome: LogOutcome): outcome is LogLine =>
  typeof outcome === "object" && "template" in outcome;

/**
 * Follows a log line by line: takes the line apart, finds its template, tells how likely it was and how surprising, and learns from
 * it; the same for its session, if there is one. Everything it knows is in `save()`: a stream that is restored goes on to the
 * same bits.
 *
 * @example
 * ```ts
 * const log = new LogStream();
 * for (let i = 0; i < 200; i++) log.push(i + 1, `2025-01-01 00:00:00 INFO step ${i % 2 === 0 ? "begun" : "done"} in ${i} ms`);
 * const line = log.push(201, "2025-01-01 00:00:01 INFO step begun in 7 ms");
 * typeof line === "object" && "pattern" in line && line.pattern === "step begun in <*> ms"; // true
 * ```
 */
export class LogStream {
  readonly #lines = new LogLines();
  readonly #miner: TemplateMiner;
  readonly #novelty = new Novelty();
  readonly #next: NextEvent;
  readonly #sessions: Sessions | undefined;
  readonly #key: RegExp | undefined;
  readonly #block: Block;
  #counts: LogCounts = { records: 0, continued: 0, blank: 0, refused: 0 };
  #record: LogRecord | undefined;

  constructor(options: LogStreamOptions = {}) {
    const { session, templates, seed = 1 } = options;
    this.#miner = new TemplateMiner(templates === undefined ? {} : { maximum: templates });
    const layout = new Layout(new Arena());
    this.#next = new NextEvent(layout, { seed });
    this.#sessions = session === undefined ? undefined : new Sessions(layout, { seed });
    // Flags that remember where they were would make a line depend on the one before it.
    this.#key =
      session === undefined ? undefined : new RegExp(session.source, session.flags.replace(/[gy]/g, ""));
    this.#block = layout.allocate();
  }

  /** Lines by what became of them. */
  get counts(): Readonly<LogCounts> {
    return this.#counts;
  }

  get templates(): TemplateMiner {
    return this.#miner;
  }

  /** What the last line that was a record says. */
  get record(): LogRecord | undefined {
    return this.#record;
  }

  /** Takes one line. */
  push(line: number, text: string): LogOutcome {
    const parsed = this.#lines.parse(text);
    if (!isLogRecord(parsed)) {
      this.#counts[typeof parsed === "string" ? parsed : "refused"]++;
      return parsed;
    }
    this.#counts.records++;
    this.#record = parsed;
    const { template, merged } = this.#miner.add(parsed.message);
    const isNew = template.count === 1;
    const oddness = isNew ? this.#novelty.add(template.pattern) : 0;
    if (!isNew) this.#novelty.pass();
    const { probability, surprise } = this.#next.step(template.id, oddness);
    const session = this.#sessionOf(text, template.id);
    return {
      line,
      template: template.id,
      pattern: template.pattern,
      probability,
      surprise,
      ...(parsed.level === undefined ? {} : { level: parsed.level }),
      ...(merged.length === 0 ? {} : { merged }),
      ...(session === undefined ? {} : { session }),
    };
  }

  /** A line that was too long to be read. */
  refuse(): void {
    this.#counts.refused++;
  }

  #sessionOf(text: string, template: number): LogSession | undefined {
    if (this.#key === undefined || this.#sessions === undefined) return undefined;
    const match = this.#key.exec(text.slice(0, MAX_KEYED));
    const key = match === null ? undefined : (match[1] ?? match[0]);
    if (key === undefined || key === "") return undefined;
    const outcome = this.#sessions.step(hash32(key), hash32(key, 0x9dc5811c), template);
    const { events, probability, surprise, end, remaining } = outcome;
    return { key: key.slice(0, KEY_LENGTH), lines: events, probability, surprise, end, remaining };
  }

  /** The bytes that `restore` goes on from. */
  save(): Uint8Array {
    const words = new Bytes("log-stream").json({
      counts: this.#counts,
      lines: this.#lines.memory,
      novelty: this.#novelty.memory,
      session: this.#key === undefined ? null : String(this.#key),
    });
    return joined([words, this.#miner.save(), this.#block.save()]);
  }

  /** Goes on from saved bytes. @throws EddyError `bad-state` when they are of another stream or torn. */
  restore(bytes: Uint8Array): void {
    const [words, templates, block] = parted(bytes);
    const saved = readBytes("log-stream", words) as {
      counts: LogCounts;
      lines: boolean[];
      novelty: NoveltyMemory;
      session: string | null;
    };
    const session = this.#key === undefined ? null : String(this.#key);
    if (saved.session !== session) {
      throw new EddyError("bad-state", "saved log", {
        expected: session === null ? "no sessions" : `sessions by ${session}`,
        received: saved.session ?? "none",
      });
    }
    this.#miner.restore(templates);
    this.#block.load(block);
    this.#counts = { ...saved.counts };
    this.#lines.memory = saved.lines;
    this.#novelty.memory = saved.novelty;
  }
}

/** Parts with their lengths before them. */
function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + 4 + length, 0));
  const view = new DataView(all.buffer);
  let at = 0;
  for (const part of parts) {
    view.setUint32(at, part.length, true);
    all.set(part, at + 4);
    at += 4 + part.length;
  }
  return all;
}

function parted(bytes: Uint8Array): [Uint8Array, Uint8Array, Uint8Array] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at + 4 <= bytes.length && parts.length < 3) {
    const length = view.getUint32(at, true);
    parts.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  if (parts.length !== 3 || at !== bytes.length) {
    throw new EddyError("bad-state", "saved log", { expected: "three parts", received: "other bytes" });
  }
  return parts as [Uint8Array, Uint8Array, Uint8Array];
}
