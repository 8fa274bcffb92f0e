import { EddyError } from "../models/errors.ts";
import { readFrame } from "./checkpoint.ts";
import { PIPELINE_MODEL } from "./hosted.ts";
import { partitionOf } from "./partition.ts";
import type { DatabaseReader } from "./sqlite/reader.ts";

export interface SeriesInspection {
  readonly series: string;
  readonly partition: number;
  /** `pipeline` for a pipeline: its observations are the readings it took, and it has no columns. */
  readonly model: string;
  readonly columns: readonly string[];
  readonly observations: number;
  readonly lastTime: string | null;
  /** Kept checkpoints, oldest first. */
  readonly checkpoints: readonly {
    readonly generation: number;
    readonly position: number;
    readonly bytes: number;
    readonly good: boolean;
  }[];
}

export interface Inspection {
  readonly database: string;
  readonly epoch: string;
  readonly bytes: number;
  readonly rows: Readonly<Record<string, number>>;
  readonly sources: Readonly<Record<string, string>>;
  readonly alerts: {
    /** Names. */
    readonly rules: readonly string[];
    /** Alerts that are pending or firing. */
    readonly active: number;
  };
  readonly series: readonly SeriesInspection[];
}

/** What a database holds, with every checkpoint verified. */
export function inspect(reader: DatabaseReader, matches?: (name: string) => boolean): Inspection {
  const { rows, bytes } = reader.sizes();
  return {
    database: reader.path,
    epoch: String(reader.fact("epoch")),
    bytes,
    rows,
    sources: reader.sources(),
    alerts: { rules: reader.rules().map(({ name }) => name), active: reader.alerts().length },
    series: reader.series(matches).map(({ id, name, specification, columns }) => {
      let observations = 0;
      let lastTime: string | null = null;
      const checkpoints = reader.generations(id).map(({ generation, position }) => {
        const framed = reader.framed(id, generation);
        let good = true;
        try {
          const checkpoint = readFrame(framed, id);
          observations = checkpoint.observations;
          lastTime = Number.isFinite(checkpoint.lastTime)
            ? new Date(checkpoint.lastTime).toISOString()
            : null;
        } catch (error) {
          if (!(error instanceof EddyError)) throw error;
          good = false;
        }
        return { generation, position, bytes: framed.byteLength, good };
      });
      const model = String(JSON.parse(specification).model);
      return {
        series: name,
        partition: partitionOf(name),
        model,
        columns: model === PIPELINE_MODEL ? [] : columns,
        observations,
        lastTime,
        checkpoints,
      };
    }),
  };
}
