import { Arena } from "../../models/kernels/arena.ts";
import { Layout } from "../../models/kernels/layout.ts";
import { Welford } from "../../models/statistics/welford.ts";
import { isRefused } from "../../streams/formats/reading.ts";
import type { TimedEvent } from "../../streams/ordering.ts";
import { Steps, type StepsSpecification } from "../../streams/steps.ts";
import type { Part } from "./recording.ts";

/** What has to be known of a recording before it can be scored. */
export interface Survey {
  /** Rows of data, refused ones among them; steps when readings are resampled. */
  readonly rows: number;
  readonly train: number;
  /** Mean and population deviation of the training rows, per column. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Usual milliseconds between steps. */
  readonly stepMilliseconds: number;
  /** Whether the recording has times of its own. */
  readonly timed: boolean;
}

/** Intervals whose median is the usual step. */
const INTERVALS = 1000;

/** Reads a series to count its rows and measure its training rows: `train` of them, or as many as it says of all rows. */
export async function survey(
  part: Part,
  specification: StepsSpecification,
  train: number | ((rows: number) => number),
): Promise<Survey> {
  if (typeof train === "number") return { ...(await scan(part, specification, train)), train };
  const rows = train((await scan(part, specification, 0)).rows);
  return { ...(await scan(part, specification, rows)), train: rows };
}

async function scan(
  part: Part,
  specification: StepsSpecification,
  train: number,
): Promise<Omit<Survey, "train">> {
  const columns = [...specification.targets, ...specification.inputs];
  const layout = new Layout(new Arena({ backend: "reference64", bankBytes: 2 ** 16 }));
  const moments = new Welford(layout, "moments", columns.length);
  layout.allocate();
  const steps = new Steps(specification);
  const intervals: number[] = [];
  let last = Number.NaN;
  let rows = 0;
  let stepped = 0;
  let timed = false;
  const take = ({ time, offset, values }: TimedEvent) => {
    const row = specification.every > 0 ? stepped : offset;
    stepped++;
    if (row < train) moments.add(values);
    if (intervals.length < INTERVALS && time > last) intervals.push(time - last);
    last = time;
  };
  for await (const batch of part.batches(columns)) {
    for (const reading of batch) {
      rows = Math.max(rows, reading.row + 1);
      if (isRefused(reading)) continue;
      timed ||= reading.timed;
      steps.push(reading.observation, reading.row, take);
    }
  }
  steps.end(take);
  intervals.sort((a, b) => a - b);
  return {
    rows: specification.every > 0 ? stepped : rows,
    mean: columns.map((_, c) => moments.mean(c)),
    // A constant column is divided by 1.
    deviation: columns.map((_, c) => Math.sqrt(moments.populationVariance(c)) || 1),
    stepMilliseconds: intervals[intervals.length >> 1] ?? 1000,
    timed,
  };
}
