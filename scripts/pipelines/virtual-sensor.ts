// A sensor that is not there, from three that are: learned while the real one still hangs beside them, it goes on when that
// has been taken away. Here the wet-bulb temperature from air temperature, humidity and pressure.
//
//   eddy serve --pipeline scripts/pipelines/virtual-sensor.ts
//   eddy pipe  --pipeline scripts/pipelines/virtual-sensor.ts < weather.ndjson
import { echoState, intervals, type Pipeline, pipeline, stage } from "eddy/streams";

/** The series that are read, and the one that is learned to be told from them. */
const SENSORS = ["weather/temperature", "weather/humidity", "weather/pressure"];
const LEARNED = "weather/wet-bulb";
/** About where each of them is, and how far it goes from there: a network reads numbers around 0. */
const USUAL = [
  [15, 10],
  [60, 25],
  [1013, 10],
] as const;

const virtual: Pipeline = pipeline({
  name: "virtual/wet-bulb",
  series: [...SENSORS, LEARNED],
  build: (readings$) =>
    readings$.pipe(
      // What each series said last, side by side, whenever the first of them speaks; its state is kept like any other.
      stage("latest", latest),
      echoState({ units: 50, targets: 1, readout: { by: "rls", forgetting: 0.9999 } }),
      intervals({ level: 0.9 }),
    ),
});

/** A stage of one's own: `step` takes an event, `save` and `restore` all that it remembers. */
function latest() {
  const values = new Float64Array(SENSORS.length + 1).fill(Number.NaN);
  const names = [...SENSORS, LEARNED];
  return {
    step(
      reading: { series: string; time: number; values: Readonly<Record<string, number | null>> },
      output: { next(sample: { time: number; x: number[]; label: number }): void },
    ) {
      const at = names.indexOf(reading.series);
      values[at] = reading.values.value ?? Number.NaN;
      const x = USUAL.map(([middle, size], i) => ((values[i] ?? Number.NaN) - middle) / size);
      if (at === SENSORS.length - 1 && x.every(Number.isFinite)) {
        output.next({ time: reading.time, x, label: values[SENSORS.length] ?? Number.NaN });
        values[SENSORS.length] = Number.NaN;
      }
    },
    save: () => new Uint8Array(values.slice().buffer),
    restore: (bytes: Uint8Array) => values.set(new Float64Array(bytes.slice().buffer)),
  };
}

export default virtual;
