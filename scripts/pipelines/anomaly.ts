// Says of each reading how surprising it is: an LSTM that learns on forecasts it, and its error is compared with the last
// thousand. Below .001 means: once in a thousand readings, if nothing is wrong.
//
//   eddy pipe --pipeline scripts/pipelines/anomaly.ts < readings.csv
//   eddy serve --pipeline scripts/pipelines/anomaly.ts      then subscribe to "anomaly"
import { type Pipeline, perSeries, pipeline, recurrent, surprise } from "eddy/streams";
import { filter, map } from "rxjs";

const anomaly: Pipeline = pipeline({
  name: "anomaly",
  series: "*",
  build: (readings$) =>
    readings$.pipe(
      // A network of its own for each series, of all its columns together.
      perSeries((series, part$) =>
        part$.pipe(
          map(({ time, values }) => ({ time, x: Object.values(values) })),
          filter((reading): reading is { time: number; x: number[] } => !reading.x.includes(null)),
          recurrent("lstm", { hidden: 16, ahead: 1, scale: true, every: 4, through: 16 }),
          surprise({ window: 1000 }),
          map(({ event, point, surprise: p }) => ({
            series,
            time: new Date(event.time).toISOString(),
            next: point,
            surprise: p,
          })),
        ),
      ),
    ),
});

export default anomaly;
