import { EddyError } from "../../models/errors.ts";
import type { Observation } from "../../models/observation.ts";
import type { PushedPoints } from "../../streams/formats/push.ts";
import type { Caller } from "../access/caller.ts";
import type { Engine } from "../engine.ts";
import type { Intake } from "../intake.ts";
import { TOLD } from "../refusals.ts";
import type { CounterNames } from "../sources/counter-names.ts";
import type { SourceCounts } from "../sources/counts.ts";
import type { SeriesColumns } from "../sources/series-columns.ts";
import type { Units } from "../units.ts";

/** What became of a pushed body. */
export interface PushOutcome {
  readonly taken: number;
  /** Points that are wrong, and would be so again; the first of them in words. */
  readonly refused: number;
  readonly first: string | undefined;
  /** Points for which there was no room: the sender should send the body again. */
  readonly busy: number;
}

/** Reasons for which a point is not taken although nothing is wrong with it: its sender need not be told. */
const HARMLESS: ReadonlySet<string> = new Set(["duplicate-time", "stale", "no-numbers", "not-kept"]);

/** What senders say of their series beside the points. */
export interface Learnt {
  readonly counters: CounterNames;
  readonly units: Units;
}

/** The points of one pushed body. */
export class PushedBatch implements PushedPoints {
  readonly observations: Observation[] = [];
  readonly #counts: SourceCounts;
  readonly #learnt: Learnt;
  readonly #caller: Caller;
  refused = 0;
  first: string | undefined;
  /** Points of series that the caller may not write. */
  forbidden = 0;

  constructor(counts: SourceCounts, learnt: Learnt, caller: Caller) {
    this.#counts = counts;
    this.#learnt = learnt;
    this.#caller = caller;
  }

  take(observation: Observation): void {
    const { series } = observation;
    if (this.#caller.may("write", series)) {
      this.observations.push(observation);
      return;
    }
    this.forbidden++;
    this.refuse("forbidden", this.#caller.lacks("write", series));
  }

  refuse(reason: string, message: string): void {
    this.#counts.received++;
    this.note(reason, message);
  }

  counter(series: string): void {
    if (this.#caller.may("write", series)) this.#learnt.counters.add(series);
  }

  unit(series: string, column: string, unit: string): void {
    if (this.#caller.may("write", series)) this.#learnt.units.learn(series, column, unit);
  }

  /** Counts a point that has been received already as refused. */
  note(reason: string, message: string): void {
    this.#counts.refuse(reason, message);
    if (HARMLESS.has(reason)) return;
    this.refused++;
    this.first ??= message;
  }

  /**
   * Hands the points in, in order. They are taken in requests of as many as an answer tells one by one, so that each is counted by
   * its reason, all of them at once: the engine makes few commits of them.
   *
   * @throws EddyError `busy` when there is no room for them; nothing is taken then
   */
  async handIn(engine: Engine, intake: Intake, columns: SeriesColumns): Promise<PushOutcome> {
    const { observations } = this;
    const counts = this.#counts;
    if (observations.length > engine.room && engine.room < Number.POSITIVE_INFINITY) {
      throw new EddyError("busy", "intake", {
        expected: `at most ${engine.room} points`,
        received: String(observations.length),
        hint: "send them again in a second",
      });
    }
    counts.connected();
    const requests: Promise<unknown>[] = [];
    let [taken, busy] = [0, 0];
    for (let from = 0; from < observations.length; from += TOLD) {
      const part = observations.slice(from, from + TOLD);
      requests.push(
        intake.ingest(part).then((receipt) => {
          taken += receipt.accepted;
          counts.taken += receipt.accepted;
          counts.refuse("duplicate", "", receipt.duplicate);
          counts.refuse("late", "", receipt.late);
          for (const { code, message } of receipt.refused) {
            if (code === "busy") busy++;
            else this.note(code, message);
          }
          for (const observation of part) columns.note(observation, counts);
          // What is sent again is received again.
          counts.received += part.length - receipt.refused.filter(({ code }) => code === "busy").length;
        }),
      );
    }
    const failed = (await Promise.allSettled(requests)).find(({ status }) => status === "rejected");
    if (failed?.status === "rejected") throw failed.reason;
    return { taken, refused: this.refused, first: this.first, busy };
  }
}
