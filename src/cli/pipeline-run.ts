import type { EddyError } from "../models/errors.ts";
import type { Observation } from "../models/observation.ts";
import { failureNamed, RunningPipeline } from "../stages/running-pipeline.ts";
import { outputsAsText, type Pipeline, reads } from "../streams/pipeline.ts";
import type { Output } from "./world.ts";

/** Characters gathered before they are written. */
const CHUNK = 65_536;

/** Runs pipelines over readings and writes each output as a line: `{ series, issuedAt, offset, output }`. */
export class PipelineRun {
  readonly #out: Output;
  readonly #running: readonly {
    readonly pipeline: Pipeline;
    readonly run: RunningPipeline<Observation, string>;
  }[];
  #text = "";
  #time = 0;
  #offset = 0;
  /** Readings that no pipeline takes. */
  passed = 0;

  /** @throws EddyError what is wrong with one of them */
  constructor(pipelines: readonly Pipeline[], out: Output) {
    this.#out = out;
    this.#running = pipelines.map((pipeline) => {
      const run = new RunningPipeline(pipeline.name, outputsAsText(pipeline), {
        next: (output: string) => this.#line(pipeline.name, output),
      });
      if (run.failed) throw failure(pipeline, run.failure);
      return { pipeline, run };
    });
  }

  /** Takes a reading, in its place of the input. @throws EddyError when a pipeline fails */
  take(reading: Observation, offset: number): Promise<void> | undefined {
    this.#time = reading.time;
    this.#offset = offset;
    let taken = false;
    for (const { pipeline, run } of this.#running) {
      if (!reads(pipeline, reading.series)) continue;
      taken = true;
      run.take(reading);
      if (run.failed) throw failure(pipeline, run.failure);
    }
    if (!taken) this.passed++;
    return this.#text.length > CHUNK ? this.flush() : undefined;
  }

  /** The input has ended: what is held back is given. */
  end(): void {
    for (const { pipeline, run } of this.#running) {
      run.complete();
      if (run.failed) throw failure(pipeline, run.failure);
      run.close();
    }
  }

  flush(): Promise<void> | undefined {
    const text = this.#text;
    this.#text = "";
    return text === "" ? undefined : this.#out.write(text);
  }

  #line(series: string, output: string): void {
    const head = JSON.stringify({
      series,
      issuedAt: new Date(this.#time).toISOString(),
      offset: this.#offset,
    });
    this.#text += `${head.slice(0, -1)},"output":${output}}\n`;
  }
}

const failure = ({ name }: Pipeline, error: unknown): EddyError => failureNamed(error, `pipeline ${name}`);
