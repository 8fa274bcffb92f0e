import { EddyError, printable } from "../models/errors.ts";

/** What a stage gives while it takes an event: outputs in their order, and the event itself where it cannot be used. */
export interface StageOutput<In, Out> {
  next(output: Out): void;
  /** Sets an event aside; `reason` is a stable word such as `late` or `bad-number`. */
  refuse(event: In, reason: string): void;
}

/**
 * A part of a pipeline that remembers. It takes events one by one and is done with each when `step` returns; everything that
 * shapes a later output is in `save`. What holds no state, such as a `map`, is no stage.
 */
export interface Stage<In, Out> {
  step(event: In, output: StageOutput<In, Out>): void;
  /** The input has ended: gives what is still held back. */
  end?(output: StageOutput<In, Out>): void;
  /** All that shapes a later output. A stage without it runs, and is refused where its state has to be kept. */
  save?(): Uint8Array;
  /** Goes on from `save` of a stage opened in the same way. @throws EddyError `bad-state` when it is not one. */
  restore?(bytes: Uint8Array): void;
  /** Figures of how it does, by name, such as `loss`; they are kept beside its state. */
  metrics?(): Readonly<Record<string, number>>;
  release?(): void;
}

/** What is kept of a stage. */
export type KeptStage = Pick<Stage<never, never>, "save" | "restore" | "metrics">;

/** Where stages say that they are there: one place per process, whichever copy of this module they come from. */
const PLACE = Symbol.for("eddy.stages");

const place = globalThis as { [PLACE]?: Stages | undefined };

/** The stages of the pipeline that is being opened or run just now; undefined outside of one that is kept. */
export const currentStages = (): Stages | undefined => place[PLACE];

/**
 * The stages of one running pipeline, in the order in which they were opened. RxJS opens a chain within one call, from its
 * last operator to its first, and takes each event to its end within one call: between two events the states of all stages
 * belong together, and saving one after the other makes a state of the whole.
 *
 * Stages open while the pipeline does (`open`). One that opens later, as inside a `mergeMap`, could not be found again by a
 * saved state and is refused; `perSeries` opens its parts as pipelines of their own.
 *
 * @example
 * ```ts
 * const stages = new Stages();
 * let seen = 0;
 * const counter = { save: () => Uint8Array.of(seen), restore: ([n]: Uint8Array) => { seen = n; } };
 * stages.open(() => currentStages().enter("counter", counter));
 * seen = 7;
 * const bytes = stages.save();
 * seen = 0;
 * stages.restore(bytes);
 * seen; // 7
 * ```
 */
export class Stages {
  /** A second copy that is only compared with the first: its stages tell and write nothing. */
  readonly rehearsing: boolean;
  #entries: { readonly name: string; readonly stage: KeptStage }[] = [];
  #opening = false;

  constructor({ rehearsing = false }: { readonly rehearsing?: boolean } = {}) {
    this.rehearsing = rehearsing;
  }

  /** Opens a pipeline: stages that open within `task` are those of this pipeline. */
  open<T>(task: () => T): T {
    this.#opening = true;
    try {
      return this.run(task);
    } finally {
      this.#opening = false;
    }
  }

  /** Runs something of the pipeline, such as one event. */
  run<T>(task: () => T): T {
    const before = place[PLACE];
    place[PLACE] = this;
    try {
      return task();
    } finally {
      place[PLACE] = before;
    }
  }

  /**
   * A stage has been opened; returns what tells that it is gone.
   *
   * @throws EddyError `bad-argument` for one that cannot be saved, or that opens after the pipeline has
   */
  enter(name: string, stage: KeptStage): () => void {
    if (stage.save === undefined || stage.restore === undefined) {
      throw new EddyError("bad-argument", name, {
        expected: "stages whose state can be saved, since this pipeline is kept",
        received: "one without save and restore",
      });
    }
    if (!this.#opening) {
      throw new EddyError("bad-argument", name, {
        expected: "all stages to open when the pipeline is subscribed to",
        received: "one that opened with an event, as inside mergeMap, switchMap or retry",
        hint: "perSeries opens a part for each series and keeps it",
      });
    }
    const entry = { name, stage };
    this.#entries.push(entry);
    return () => {
      this.#entries = this.#entries.filter((one) => one !== entry);
    };
  }

  /** Names of the stages, in the order in which they were opened. */
  get names(): readonly string[] {
    return this.#entries.map(({ name }) => name);
  }

  /** Figures of all stages, as `name.figure`; a second stage of a name is `name#2.figure`. */
  metrics(): Readonly<Record<string, number>> {
    const all: Record<string, number> = {};
    const seen = new Map<string, number>();
    for (const { name, stage } of this.#entries) {
      const n = (seen.get(name) ?? 0) + 1;
      seen.set(name, n);
      const prefix = n === 1 ? name : `${name}#${n}`;
      for (const [figure, value] of Object.entries(stage.metrics?.() ?? {}))
        all[`${prefix}.${figure}`] = value;
    }
    return all;
  }

  /** The state of all stages: their number, then for each its name and its own bytes, each after their length. */
  save(): Uint8Array {
    return packParts(
      this.#entries.flatMap(({ name, stage }) => [encoder.encode(name), stage.save?.() ?? new Uint8Array(0)]),
    );
  }

  /** Goes on from `save` of a pipeline of the same stages; throws `bad-state` naming the first that differs. */
  restore(bytes: Uint8Array): void {
    const parts = unpackParts(bytes, "state of a pipeline");
    const names = parts.filter((_, i) => i % 2 === 0).map((part) => decoder.decode(part));
    const { length } = this.#entries;
    for (let i = 0; i < Math.max(names.length, length); i++) {
      const [saved, opened] = [names[i], this.#entries[i]?.name];
      if (saved === opened) continue;
      throw new EddyError("bad-state", `stage ${i + 1} of ${Math.max(names.length, length)}`, {
        expected:
          saved === undefined ? "no more, as when it was saved" : `${printable(saved)}, as when it was saved`,
        received: opened === undefined ? "none" : printable(opened),
        hint: "a pipeline that was changed begins anew under another name",
      });
    }
    this.#entries.forEach(({ name, stage }, i) => {
      try {
        stage.restore?.(parts[2 * i + 1] ?? new Uint8Array(0));
      } catch (error) {
        if (!(error instanceof EddyError)) throw error;
        throw error.about(`stage ${name}: ${error.subject}`, "bad-state");
      }
    });
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Several byte strings as one: their number u32, then each after its length u32, little-endian. */
export function packParts(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + 4 + byteLength, 4));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, parts.length, true);
  let at = 4;
  for (const part of parts) {
    view.setUint32(at, part.byteLength, true);
    bytes.set(part, at + 4);
    at += 4 + part.byteLength;
  }
  return bytes;
}

/**
 * The parts that `packParts` put together, `number` of them where that is given; `what` names them in the `bad-state` that other
 * bytes lead to.
 */
export function unpackParts(bytes: Uint8Array, what: string): Uint8Array[];
export function unpackParts(bytes: Uint8Array, what: string, number: 2): [Uint8Array, Uint8Array];
export function unpackParts(bytes: Uint8Array, what: string, number: 3): [Uint8Array, Uint8Array, Uint8Array];
export function unpackParts(bytes: Uint8Array, what: string, number?: number): Uint8Array[] {
  // Of a Buffer, `slice` would be no copy.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bad = (): EddyError =>
    new EddyError("bad-state", what, {
      expected: "whole parts",
      received: `${bytes.byteLength} other bytes`,
    });
  if (bytes.byteLength < 4) throw bad();
  const count = view.getUint32(0, true);
  const parts: Uint8Array[] = [];
  let at = 4;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.byteLength) throw bad();
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.byteLength) throw bad();
    parts.push(plain.subarray(at + 4, end));
    at = end;
  }
  if (at !== bytes.byteLength || parts.length !== (number ?? count)) throw bad();
  return parts;
}
