import { type OperatorFunction, Subject, Subscription } from "rxjs";
import { EddyError, printable } from "../models/errors.ts";
import { writeEvents } from "./kept-events.ts";
import { Stages } from "./stage.ts";

/** Whoever is told of what a pipeline gives. */
export interface PipelineListener<Out> {
  /** `offset`: its number, 1 for the first output ever. */
  next?(value: Out, offset: number): void;
  error?(error: unknown): void;
  complete?(): void;
}

/**
 * A pipeline that is kept: it takes one event after the other to its end, and between two of them its whole state can be saved. What
 * cannot be kept makes it fail: an output that comes without an event, and while it rehearses, outputs that differ from those
 * of a copy that was restored from its state. Once it has failed it takes nothing more.
 */
export class RunningPipeline<In, Out> {
  readonly stages: Stages;
  readonly #name: string;
  readonly #pipeline: OperatorFunction<In, Out>;
  readonly #listener: PipelineListener<Out>;
  readonly #input = new Subject<In>();
  #running = Subscription.EMPTY;
  /** What the event under way has led to; undefined between two events. */
  #given: Out[] | undefined;
  #ended = false;
  #opening = true;
  #copy: RunningPipeline<In, Out> | undefined;
  /** Outputs given so far. */
  outputs = 0;
  /** What it has failed with. */
  failure: unknown;
  failed = false;

  constructor(
    name: string,
    pipeline: OperatorFunction<In, Out>,
    listener: PipelineListener<Out> = {},
    stages = new Stages(),
  ) {
    this.#name = name;
    this.#pipeline = pipeline;
    this.#listener = listener;
    this.stages = stages;
    this.stages.open(() => {
      try {
        this.#running = pipeline(this.#input.asObservable()).subscribe({
          next: (value) => this.#next(value),
          error: (error: unknown) => this.#fail(error),
          complete: () => {
            this.#ended = true;
            if (!this.failed) listener.complete?.();
          },
        });
      } catch (error) {
        this.#fail(error);
      }
    });
    this.#opening = false;
  }

  /** Whether what it gives has come to an end. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Goes on from a state, after so many outputs. @throws EddyError `bad-state` when it is that of another pipeline */
  goOn(state: Uint8Array, outputs: number): void {
    this.stages.restore(state);
    this.outputs = outputs;
  }

  /** Takes an event to its end; returns the outputs that it led to. */
  take(event: In): readonly Out[] {
    if (this.failed || this.#ended) return [];
    const given: Out[] = [];
    this.#given = given;
    try {
      this.stages.run(() => this.#input.next(event));
    } finally {
      this.#given = undefined;
    }
    if (this.#copy !== undefined && !this.failed) {
      const again = this.#copy.take(event);
      if (this.#copy.failed || !same(again, given)) this.#fail(notTheSame(this.#name, this.#copy.failure));
    }
    return given;
  }

  /** Runs a copy that goes on from a state saved just now beside it, until `endRehearsal`. */
  rehearse(state: Uint8Array): void {
    this.endRehearsal();
    const copy = new RunningPipeline<In, Out>(
      this.#name,
      this.#pipeline,
      {},
      new Stages({ rehearsing: true }),
    );
    if (!copy.failed) copy.goOn(state, this.outputs);
    this.#copy = copy;
  }

  endRehearsal(): void {
    this.#copy?.close();
    this.#copy = undefined;
  }

  /** Nothing more comes: gives what is held back. */
  complete(): void {
    this.endRehearsal();
    this.#given = [];
    this.stages.run(() => this.#input.complete());
    this.#given = undefined;
    if (this.#ended || this.failed) return;
    this.#fail(asynchronous(this.#name));
  }

  close(): void {
    this.endRehearsal();
    this.#running.unsubscribe();
  }

  #next(value: Out): void {
    if (this.failed) return;
    if (this.#given === undefined) {
      this.#fail(this.#opening ? tooEarly(this.#name) : asynchronous(this.#name));
      return;
    }
    this.outputs++;
    this.#given.push(value);
    this.#listener.next?.(value, this.outputs);
  }

  #fail(error: unknown): void {
    this.failed = true;
    this.failure = error;
    this.#listener.error?.(error);
  }
}

/** Whether two lists of outputs are the same as data. */
function same(a: readonly unknown[], b: readonly unknown[]): boolean {
  try {
    const [one, other] = [writeEvents(a), writeEvents(b)];
    return one.length === other.length && one.every((byte, i) => byte === other[i]);
  } catch {
    return JSON.stringify(a) === JSON.stringify(b);
  }
}

const asynchronous = (name: string): EddyError =>
  new EddyError("bad-argument", `pipeline ${printable(name)}`, {
    expected: "every output to come with the event that leads to it",
    received: "one that came later",
    hint: "an operator with a clock of its own, such as delay or debounceTime, cannot be kept: put it after what is kept",
  });

const tooEarly = (name: string): EddyError =>
  new EddyError("bad-argument", `pipeline ${printable(name)}`, {
    expected: "every output to come with the event that leads to it",
    received: "one before the first event",
    hint: "startWith and the like cannot be kept: put them after what is kept",
  });

const notTheSame = (name: string, cause: unknown): EddyError =>
  new EddyError("bad-state", `pipeline ${printable(name)}`, {
    expected: "the same outputs once it was saved and continued",
    received: cause instanceof EddyError ? cause.message : "others",
    hint: "an operator with a state of its own, such as scan, pairwise, bufferCount or a random draw, stands in it: see docs/pipelines.md",
    cause,
  });

/** Whatever a pipeline failed with, as an error that names it: `subject` is what it is called, unless the error says so itself. */
export function failureNamed(failure: unknown, subject: string): EddyError {
  if (failure instanceof EddyError) {
    return failure.subject.startsWith("pipeline") ? failure : failure.about(`${subject}: ${failure.subject}`);
  }
  return new EddyError("bad-state", subject, {
    received: `an error of its own: ${failure instanceof Error ? failure.message : printable(failure)}`,
    cause: failure,
  });
}
