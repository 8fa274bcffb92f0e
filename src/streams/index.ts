/// <reference types="node" preserve="true" />
export {
  type FormatOptions,
  isRefused,
  type Loss,
  type Reading,
  type Refused,
  type Taken,
} from "./formats/reading.ts";
export { type Recognition, recognise, sniff, TEXT_FORMATS, type TextFormat } from "./formats/recognise.ts";
export { TextReader } from "./formats/text-reader.ts";
export { type ObservationInput, ObservationSchema, readObservation, readTime } from "./observation-schema.ts";
export { type Forecastable, type ForecastOptions, forecast } from "./operators/forecast.ts";
export { type Averageable, type LeakyAveragesOptions, leakyAverages } from "./operators/leaky-averages.ts";
export { type PerSeriesOptions, perSeries } from "./operators/per-series.ts";
export type { RefusedEvent, RefusedOutput } from "./operators/refused-event.ts";
export { type Ending, type Outcome, Series, type SeriesCounts, type Stepped } from "./series.ts";
export {
  AGGREGATES,
  type Aggregate,
  type SeriesOptions,
  type SeriesSpecification,
  seriesSpecification,
} from "./series-specification.ts";
export { Backoff } from "./sources/backoff.ts";
export { fileReadings } from "./sources/file.ts";
export { type FollowOptions, followedFile } from "./sources/follow.ts";
export { openSource, SOURCE_KINDS, type SourceSettings } from "./sources/kinds.ts";
export { type MachineOptions, machineMetrics } from "./sources/machine.ts";
export { type MqttOptions, mqttMessages } from "./sources/mqtt.ts";
export { type ReadingsOptions, readings } from "./sources/readings.ts";
export { type ScrapeOptions, scrapedMetrics } from "./sources/scrape.ts";
export {
  observations,
  type Reached,
  type SourceBatch,
  type SourceBatches,
  type SourceContext,
  type SourceStatus,
  type SourceWorld,
  sourceContext,
} from "./sources/source.ts";
export { type OutOfRange, REFUSALS, type Refusal, type SetAside } from "./steps.ts";
