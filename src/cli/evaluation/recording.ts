import { EddyError, printable } from "../../models/errors.ts";
import type { Observation } from "../../models/observation.ts";
import { type FormatOptions, isRefused, type Reading } from "../../streams/formats/reading.ts";
import type { Recognition, TextFormat } from "../../streams/formats/recognise.ts";
import { fileReadings } from "../../streams/sources/file.ts";
import type { World } from "../world.ts";

/** A file of one series that can be read again and again. */
export class Recording {
  readonly path: string;
  readonly #world: World;
  readonly #options: Partial<FormatOptions>;
  readonly #format: TextFormat | "auto";
  #recognised: ((recognition: Recognition) => void) | undefined;

  /** `recognised` is called once, however often the file is read. */
  constructor(
    world: World,
    path: string,
    options: Partial<FormatOptions>,
    format: TextFormat | "auto",
    recognised?: (recognition: Recognition) => void,
  ) {
    this.path = path;
    this.#world = world;
    this.#options = options;
    this.#format = format;
    this.#recognised = recognised;
  }

  /** Its readings in batches; with `columns`, only these. */
  async *batches(columns?: readonly string[]): AsyncGenerator<Reading[]> {
    const options = columns === undefined ? this.#options : { ...this.#options, values: columns };
    let name: string | undefined;
    const tell = (recognition: Recognition) => {
      this.#recognised?.(recognition);
      this.#recognised = undefined;
    };
    for await (const batch of fileReadings(this.#world.fs, this.path, options, this.#format, tell)) {
      for (const reading of batch) {
        if (isRefused(reading)) continue;
        const { series } = reading.observation;
        name ??= series;
        if (series === name) continue;
        throw new EddyError("bad-file", `${this.path} line ${reading.line}: series`, {
          expected: `one series in the file, ${printable(name)}`,
          received: printable(series),
        });
      }
      yield batch;
      if (this.#world.stop.aborted) throw new EddyError("bad-file", this.path, { problem: "interrupted" });
    }
  }

  /** Its first observation. */
  async first(): Promise<Observation> {
    for await (const batch of this.batches()) {
      for (const reading of batch) if (!isRefused(reading)) return reading.observation;
    }
    throw new EddyError("bad-file", this.path, {
      expected: "a recording with observations",
      received: "none",
    });
  }
}
