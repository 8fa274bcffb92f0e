// Smooths a noisy series and fills its gaps, four readings behind: a bidirectional network looks from both sides.
//
//   eddy pipe  --pipeline scripts/pipelines/denoiser.ts --value temperature < readings.csv
//   eddy serve --pipeline scripts/pipelines/denoiser.ts
import { type Pipeline, perSeries, pipeline, smooth } from "eddy/streams";
import { map } from "rxjs";

/** Readings that are looked at after each one before it is answered. */
const LAG = 4;

const denoiser: Pipeline = pipeline({
  name: "denoised",
  series: "*",
  build: (readings$) =>
    readings$.pipe(
      // One network for each series; each reading as the list of its numbers, null where one is missing.
      perSeries((series, part$) =>
        part$.pipe(
          map(({ time, values }) => ({ time, columns: Object.keys(values), values: Object.values(values) })),
          smooth({ lag: LAG, window: 16, hidden: 8 }),
          map(({ event, filled, smoothed, missing }) => ({
            series,
            time: new Date(event.time).toISOString(),
            filled: named(event.columns, filled),
            smoothed: named(event.columns, smoothed),
            missing,
          })),
        ),
      ),
    ),
});

const named = (columns: readonly string[], values: readonly number[]) =>
  Object.fromEntries(columns.map((column, c) => [column, values[c]]));

export default denoiser;
