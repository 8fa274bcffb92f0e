import { specification } from "../../src/models/forecaster/specification.ts";
import type { Observation } from "../../src/models/observation.ts";
import { Hosting } from "../../src/server/engine/hosting.ts";
import type { LiveSeries, SeriesMaker } from "../../src/server/engine/series.ts";
import { crc32 } from "../../src/storage/checksum.ts";
import type { Outcome } from "../../src/streams/series.ts";
import { madeIssue, madeTarget } from "../issues.ts";

/** A series whose state is a hash over all it has seen: one event lost, repeated or out of order shows for ever. */
export class HashingSeries implements LiveSeries {
  readonly specification = specification({ horizon: 2, model: "persistence" });
  readonly #name: string;
  /** hash, observations, last time */
  readonly #state = Float64Array.of(0, 0, Number.NEGATIVE_INFINITY);
  #released = false;

  constructor(name: string) {
    this.#name = name;
  }

  push({ time, values }: Observation, offset: number): Outcome {
    this.#use();
    const value = values.value;
    // What is refused enters the hash too, so that being given it once more shows.
    const seen = new Uint8Array(Float64Array.of(time, value ?? Number.NaN).buffer);
    this.#state[0] = crc32(seen, this.#state[0]);
    this.#state[1]++;
    if (time < this.#state[2]) return { issues: [], refused: "late" };
    if (time === this.#state[2]) return { issues: [], refused: "duplicate-time" };
    if (value === 13) throw new Error("a model that fails");
    this.#state[2] = time;
    const mean = [1, 2].map((step) => this.#state[0] + step);
    return {
      issues: [
        madeIssue(this.#name, time, offset, [
          madeTarget("value", mean, { observed: value ?? Number.NaN, taken: (value ?? 0) > 0.95 ? 0 : 1 }),
        ]),
      ],
    };
  }

  get stateBytes(): number {
    return this.#state.byteLength;
  }

  save(headroom = 0): Uint8Array {
    this.#use();
    const bytes = new Uint8Array(headroom + this.stateBytes);
    bytes.set(new Uint8Array(this.#state.buffer, this.#state.byteOffset, this.stateBytes), headroom);
    return bytes;
  }

  restore(bytes: Uint8Array): void {
    this.#use();
    this.#state.set(new Float64Array(Uint8Array.from(bytes).buffer));
  }

  release(): void {
    this.#released = true;
  }

  #use(): void {
    if (this.#released) throw new Error(`${this.#name} was used after its release`);
  }
}

export const hashingMaker: SeriesMaker = {
  hosting: new Hosting([], { info() {}, warn() {}, error() {} }),
  open: (first) => new HashingSeries(first.series),
  plan: () => new HashingSeries("").specification,
  price: () => 24,
  describe: (series) => JSON.stringify(series.specification),
  specification: (description) => JSON.parse(description),
  reopen: (name) => new HashingSeries(name),
};
