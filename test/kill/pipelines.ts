// Pipelines as a person writes them, hosted by the server of the kill test.
import { map } from "rxjs";
import {
  leakyAverages,
  type Pipeline,
  perSeries,
  pipeline,
  recurrent,
  surprise,
} from "../../src/streams/index.ts";

/** For each series: leaky averages of it, an LSTM over them that learns by truncated backpropagation through time, and how surprising its error is. */
const anomaly: Pipeline = pipeline({
  name: "anomaly",
  series: ["auto", "lstm", "late"],
  build: (readings$) =>
    readings$.pipe(
      perSeries((series, part$) =>
        part$.pipe(
          map(({ values }) => values.value ?? values.other ?? 0),
          leakyAverages([2, 20]),
          recurrent("lstm", { hidden: 6, ahead: 1, every: 4, through: 8, scale: 50 }),
          surprise({ window: 60, least: 5 }),
          map(({ event, ...said }) => ({ series, averages: event, ...said })),
        ),
      ),
    ),
});

/** All series together, as they come: averages of what all of them said. */
const together: Pipeline = pipeline({
  name: "together",
  series: "*",
  build: (readings$) =>
    readings$.pipe(
      map(({ values }) => values.other ?? 0),
      leakyAverages([5, 100]),
    ),
});

export const PIPELINES: readonly Pipeline[] = [anomaly, together];
