import { EddyError } from "../../models/errors.ts";
import { type Observation, UNTIMED } from "../../models/observation.ts";
import type { ServerMessage } from "../../protocol/server-messages.ts";
import { readObservation } from "../../streams/observation-schema.ts";
import type { Engine, Receipt } from "../engine.ts";
import type { Batch } from "../http/observations-body.ts";
import { usableId } from "./messages.ts";
import type { Subprotocol } from "./subprotocol.ts";

export interface ObservingWorld {
  readonly engine: Engine;
  readonly ingest: (batch: readonly Observation[]) => Promise<Receipt>;
  /** Why observations of a series may not be taken from this client; null when they may. */
  readonly forbidden: (series: string) => string | null;
  readonly send: (message: ServerMessage) => void;
  /** Observations unanswered at which no more are read. */
  readonly most: number;
  /** Called when the number of those has changed. */
  readonly changed: () => void;
  readonly onError: (error: unknown) => void;
  readonly readBinary: Subprotocol["readBinary"];
}

/** The answer to one message; undefined while it is not known. */
interface Answer {
  message: ServerMessage | undefined;
}

/** The observations of one connection, and their answers in the order in which they were sent. */
export class Observing {
  readonly #world: ObservingWorld;
  /** Answers that wait, for themselves or for one before them. */
  readonly #answers: Answer[] = [];
  #pending = 0;
  #observed = 0;
  #frames = 0;

  constructor(world: ObservingWorld) {
    this.#world = world;
  }

  /** As many are unanswered as may be. */
  get crowded(): boolean {
    return this.#pending >= this.#world.most;
  }

  /** So few are unanswered that more may come. */
  get roomy(): boolean {
    return this.#pending <= this.#world.most / 2;
  }

  /** An `observe`; answered by `ack` or `error`. */
  observe(observation: Readonly<Record<string, unknown>>): void {
    const subject = `observe ${++this.#observed}`;
    const given = usableId(observation.id);
    const id = given === undefined ? {} : { id: given };
    let read: Observation;
    try {
      read = readObservation(observation, UNTIMED);
    } catch (error) {
      this.#answer(this.#waiting(), refusal(error, subject, id));
      return;
    }
    const message = this.#world.forbidden(read.series);
    if (message !== null) {
      this.#answer(this.#waiting(), refused({ code: "forbidden", message }, subject, id));
      return;
    }
    this.#hand([read], subject, id, (receipt) => {
      const [first] = receipt.refused;
      if (first !== undefined) return refused(first, subject, id);
      const status = receipt.duplicate > 0 ? "duplicate" : receipt.late > 0 ? "late" : "accepted";
      return { type: "ack", ...id, status, offset: this.#world.engine.offset };
    });
  }

  /** A binary frame of observations; answered by `receipt`, or by `error` when nothing of it can be taken. */
  *observeAll(bytes: Buffer): Generator<unknown, void> {
    const frame = ++this.#frames;
    const subject = `frame ${frame}`;
    let batch: Batch | undefined;
    try {
      batch = yield* this.#world.readBinary?.(bytes, this.#world.most) ?? [];
    } catch (error) {
      this.#answer(this.#waiting(), refusal(error, subject, {}));
      return;
    }
    if (batch === undefined) return;
    const { refusals } = batch;
    const observations: Observation[] = [];
    const lines: number[] = [];
    for (const [i, observation] of batch.observations.entries()) {
      const line = batch.lines[i] ?? 0;
      const message = this.#world.forbidden(observation.series);
      if (message !== null) {
        refusals.add(line, () => ({ code: "forbidden", message }));
        continue;
      }
      observations.push(observation);
      lines.push(line);
    }
    const receipt = ({ accepted, duplicate, late, refused, moreRefused = 0 }: Receipt): ServerMessage => {
      refusals.addAll(refused, moreRefused, (line) => lines[line - 1] ?? 0);
      const { refused: told, ...rest } = refusals.receipt;
      const { offset } = this.#world.engine;
      const counts = { accepted, duplicate, late };
      return { type: "receipt", frame, ...counts, refused: [...told], ...rest, offset };
    };
    if (observations.length > 0) this.#hand(observations, subject, {}, receipt);
    else this.#answer(this.#waiting(), receipt({ accepted: 0, duplicate: 0, late: 0, refused: [] }));
  }

  /** Hands a batch in; what becomes of it is worded by `answer`. */
  #hand(
    batch: readonly Observation[],
    subject: string,
    id: Identified,
    answer: (receipt: Receipt) => ServerMessage,
  ): void {
    const waiting = this.#waiting();
    this.#pending += batch.length;
    this.#world.changed();
    this.#world
      .ingest(batch)
      .then(answer)
      .catch((error): ServerMessage => {
        if (error instanceof EddyError) return refusal(error, subject, id);
        this.#world.onError(error);
        const message = `${subject}: the observation could not be kept`;
        return { type: "error", ...id, code: "storage", message, retryable: true };
      })
      .then((message) => this.#answer(waiting, message))
      .finally(() => {
        this.#pending -= batch.length;
        this.#world.changed();
      });
  }

  /** A place for an answer, after those of all that came before. */
  #waiting(): Answer {
    const answer = { message: undefined };
    this.#answers.push(answer);
    return answer;
  }

  /** Sends an answer as soon as all before it are sent. */
  #answer(waiting: Answer, message: ServerMessage): void {
    waiting.message = message;
    let ready = 0;
    for (const { message } of this.#answers) {
      if (message === undefined) break;
      this.#world.send(message);
      ready++;
    }
    this.#answers.splice(0, ready);
  }
}

/** The `id` of an observation, sent back. */
type Identified = { readonly id?: string | number };

/** Rethrows what is no refusal. */
function refusal(error: unknown, subject: string, id: Identified): ServerMessage {
  if (!(error instanceof EddyError)) throw error;
  return refused(error, subject, id);
}

const refused = (
  { code, message }: { readonly code: string; readonly message: string },
  subject: string,
  id: Identified,
): ServerMessage => ({
  type: "error",
  ...id,
  code,
  message: `${subject}: ${message}`,
  retryable: code === "busy",
});
