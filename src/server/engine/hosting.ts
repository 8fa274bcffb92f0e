import { EddyError, printable } from "../../models/errors.ts";
import type { Issue } from "../../models/issue.ts";
import { itemAt } from "../../models/item-at.ts";
import type { Observation } from "../../models/observation.ts";
import { failureNamed, RunningPipeline } from "../../stages/running-pipeline.ts";
import { packParts, unpackParts } from "../../stages/stage.ts";
import { PIPELINE_MODEL } from "../../storage/hosted.ts";
import { outputsAsText, type Pipeline, reads } from "../../streams/pipeline.ts";
import type { Outcome } from "../../streams/series.ts";
import { seriesSpecification } from "../../streams/series-specification.ts";
import type { EngineLog, PipelineSummary } from "./contract.ts";
import type { LiveSeries, SeriesEntry } from "./series.ts";

/**
 * A pipeline has rows of its own in the journal, one for each reading that it takes, right behind it. All that such a row says is
 * how many rows before it the reading stands. So a pipeline is recovered, checkpointed and rebuilt as a series is.
 */
const BACK = "rows back";

/** What stands in the place of a specification. */
const PIPELINE_SPECIFICATION = { ...seriesSpecification({ targets: [BACK] }), model: PIPELINE_MODEL };

/** What a pipeline is counted for in memory: it cannot be told before it is opened. */
export const PIPELINE_BYTES = 4 * 2 ** 20;

/** Series names remembered with the pipelines that read them. */
const REMEMBERED = 100_000;

export const isHosted = ({ specification }: Pick<SeriesEntry, "specification">): boolean =>
  specification.model === PIPELINE_SPECIFICATION.model;

/** What the journal holds of a reading that a pipeline takes. */
export const rowBack = (name: string, time: number, rows: number): Observation => ({
  series: name,
  time,
  values: { [BACK]: rows },
});

/** The journal position of the reading that a row of a pipeline stands for. */
export const sourceOf = (row: Observation, position: number): number => position - (row.values[BACK] ?? 0);

/** The pipelines that an engine hosts. */
export class Hosting {
  readonly #pipelines: ReadonlyMap<string, Pipeline>;
  readonly #log: EngineLog;
  readonly #readers = new Map<string, readonly Pipeline[]>();
  /** The reading at a journal position; undefined when it was taken back or its series removed. Set by the engine. */
  read: (position: number) => Observation | undefined = () => undefined;

  /** @throws EddyError for two of one name, and for one that cannot be opened or kept */
  constructor(pipelines: readonly Pipeline[], log: EngineLog) {
    this.#log = log;
    const byName = new Map<string, Pipeline>();
    for (const one of pipelines) {
      if (byName.has(one.name)) {
        throw new EddyError("bad-argument", "pipelines", {
          expected: "a name of its own for each",
          received: `two of ${printable(one.name)}`,
        });
      }
      byName.set(one.name, one);
      // What is wrong with its stages is told now, not with the first reading.
      const trial = new RunningPipeline(one.name, outputsAsText(one));
      trial.close();
      const wrong = failureOf(trial, one.name);
      if (wrong !== undefined) throw wrong;
    }
    this.#pipelines = byName;
  }

  get names(): Iterable<string> {
    return this.#pipelines.keys();
  }

  has(name: string): boolean {
    return this.#pipelines.has(name);
  }

  /** The pipelines that read a series, in the order in which they were given. */
  readersOf(series: string): readonly Pipeline[] {
    if (this.#pipelines.size === 0) return [];
    let readers = this.#readers.get(series);
    if (readers === undefined) {
      readers = [...this.#pipelines.values()].filter((one) => reads(one, series));
      if (this.#readers.size >= REMEMBERED) this.#readers.clear();
      this.#readers.set(series, readers);
    }
    return readers;
  }

  open(name: string): HostedPipeline {
    const found = this.#pipelines.get(name);
    if (found === undefined) {
      throw new EddyError("bad-state", `pipeline ${printable(name)}`, {
        expected: "one that this start was given",
        received: "one that is only in the database",
        hint: "--pipeline names its file",
      });
    }
    return new HostedPipeline(found, (position) => this.read(position), this.#log);
  }

  summary(entry: SeriesEntry): PipelineSummary {
    const { name } = entry.stored;
    const live = entry.live as HostedPipeline | undefined;
    return {
      name,
      series: this.#pipelines.get(name)?.series ?? [],
      readings: entry.observations,
      outputs: live?.outputs ?? null,
      offset: entry.applied,
      stopped: live === undefined ? (this.has(name) ? null : "it is in the database only") : live.stopped,
      stages: live?.stages ?? [],
      figures: live?.figures ?? {},
    };
  }
}

/** A pipeline as the engine runs it: a row in, what it gave as issues out, all its state as bytes. */
export class HostedPipeline implements LiveSeries {
  readonly specification = PIPELINE_SPECIFICATION;
  readonly #pipeline: Pipeline;
  readonly #read: (position: number) => Observation | undefined;
  readonly #log: EngineLog;
  readonly #run: RunningPipeline<Observation, string>;
  #told = false;
  #savedBytes = 0;
  /** How often it was saved in this process: it rehearses between the first time and the second. */
  #saves = 0;

  constructor(pipeline: Pipeline, read: (position: number) => Observation | undefined, log: EngineLog) {
    this.#pipeline = pipeline;
    this.#read = read;
    this.#log = log;
    this.#run = new RunningPipeline(pipeline.name, outputsAsText(pipeline));
    const wrong = failureOf(this.#run, pipeline.name);
    if (wrong !== undefined) throw wrong;
  }

  get outputs(): number {
    return this.#run.outputs;
  }

  get stages(): readonly string[] {
    return this.#run.stages.names;
  }

  /** Figures of its stages, by name. */
  get figures(): Readonly<Record<string, number>> {
    return this.stopped === null ? this.#run.stages.metrics() : {};
  }

  /** Why it takes nothing more; null while it runs. */
  get stopped(): string | null {
    return failureOf(this.#run, this.#pipeline.name)?.message ?? null;
  }

  push(row: Observation, position: number): Outcome {
    const reading = this.#read(sourceOf(row, position));
    if (reading === undefined || this.#told) return { issues: [] };
    const given = this.#run.take(reading);
    if (this.stopped !== null) {
      this.#told = true;
      this.#log.error(
        `${this.stopped}: it has stopped at position ${position}; readings are still kept for it, and it goes on from its last checkpoint at the next start`,
      );
    }
    return { issues: given.map((output) => this.#issue(reading, position, output)) };
  }

  #issue({ time }: Observation, offset: number, output: string): Issue {
    return {
      series: this.#pipeline.name,
      time,
      step: 0,
      offset,
      level: 0,
      model: PIPELINE_SPECIFICATION.model,
      horizon: 0,
      quantileLevels: [],
      experts: [],
      targets: [],
      output,
    };
  }

  get stateBytes(): number {
    return this.#savedBytes;
  }

  /** Outputs so far, then the state of all stages. @throws EddyError `bad-state` once it has stopped */
  save(headroom = 0): Uint8Array {
    const { stopped } = this;
    if (stopped !== null) {
      throw new EddyError("bad-state", `pipeline ${printable(this.#pipeline.name)}`, {
        expected: "one that runs",
        received: `one that has stopped: ${stopped}`,
      });
    }
    const stages = this.#run.stages.save();
    const state = packParts([new Uint8Array(Float64Array.of(this.outputs).buffer), stages]);
    const bytes = new Uint8Array(headroom + state.byteLength);
    bytes.set(state, headroom);
    this.#savedBytes = state.byteLength;
    this.#saves++;
    if (this.#saves === 1) this.#run.rehearse(stages);
    else this.#run.endRehearsal();
    return bytes;
  }

  restore(bytes: Uint8Array): void {
    const [outputs, stages] = unpackParts(bytes, "state of a pipeline", 2);
    try {
      this.#run.goOn(stages, itemAt(new Float64Array(outputs.slice().buffer), 0));
    } catch (error) {
      // Its bytes are whole: it is another pipeline now, and no older checkpoint would be of this one.
      if (!(error instanceof EddyError)) throw error;
      throw error.about(`pipeline ${printable(this.#pipeline.name)}: ${error.subject}`, "bad-argument");
    }
    this.#savedBytes = bytes.byteLength;
  }

  release(): void {
    this.#run.close();
  }
}

/** Why a pipeline takes nothing more; undefined while it runs. */
function failureOf(run: RunningPipeline<Observation, string>, name: string): EddyError | undefined {
  if (run.failed) return failureNamed(run.failure, `pipeline ${printable(name)}`);
  if (!run.ended) return undefined;
  return new EddyError("bad-state", `pipeline ${printable(name)}`, {
    expected: "one that goes on for as long as readings come",
    received: "an end",
    hint: "take, first, takeWhile and the like end it, and would begin anew after a restart: filter passes over what is not wanted",
  });
}
