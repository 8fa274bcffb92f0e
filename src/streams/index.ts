export { openFormat, sniff, TEXT_FORMATS, type TextFormat } from "./formats/open.ts";
export {
  type FormatOptions,
  isRefused,
  type LineReader,
  type Reading,
  type Refused,
  type Taken,
} from "./formats/reading.ts";
export { type ObservationInput, ObservationSchema, readObservation, readTime } from "./observation-schema.ts";
export { type Forecastable, type ForecastOptions, forecast } from "./operators/forecast.ts";
export { type Averageable, type LeakyAveragesOptions, leakyAverages } from "./operators/leaky-averages.ts";
export { type PerSeriesOptions, perSeries } from "./operators/per-series.ts";
export type { RefusedEvent, RefusedOutput } from "./operators/refused-event.ts";
export { type Ending, type Outcome, Series, type Stepped } from "./series.ts";
export {
  AGGREGATES,
  type Aggregate,
  type SeriesOptions,
  type SeriesSpecification,
  seriesSpecification,
} from "./series-specification.ts";
export { fileReadings } from "./sources/file.ts";
export { readings } from "./sources/readings.ts";
export { type OutOfRange, REFUSALS, type Refusal, type SeriesCounts, type SetAside } from "./steps.ts";
