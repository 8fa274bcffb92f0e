/// <reference types="node" preserve="true" />

export { type ObservationInput, ObservationSchema } from "../protocol/observation.ts";
export type { RefusedEvent, RefusedOutput } from "../stages/refused-event.ts";
export { currentStages, type Stage, type StageOutput, Stages } from "../stages/stage.ts";
export { stage } from "../stages/stage-operator.ts";
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
export {
  isLogLine,
  type LogLine,
  type LogOutcome,
  type LogSession,
  LogStream,
  type LogStreamOptions,
} from "./logs/log-stream.ts";
export { type Template, TemplateMiner } from "./logs/templates.ts";
export { readObservation, readTime } from "./observation-schema.ts";
export {
  type EchoStateOptions,
  type EchoStateReadout,
  echoState,
} from "./operators/echo-state.ts";
export { type Forecastable, type ForecastOptions, forecast } from "./operators/forecast.ts";
export {
  type Fan,
  type FuturesEstimate,
  type FuturesOptions,
  futures,
} from "./operators/futures.ts";
export { type AtTime, type InOrderOptions, inOrder } from "./operators/in-order.ts";
export { type Interval, type IntervalsOptions, intervals, type WithPoint } from "./operators/intervals.ts";
export { type Averageable, type LeakyAveragesOptions, leakyAverages } from "./operators/leaky-averages.ts";
export { type LeakyUnitsOptions, leakyUnits } from "./operators/leaky-units.ts";
export type { Estimate, LearningOptions } from "./operators/learning-stage.ts";
export {
  type EventName,
  type NextEventOptions,
  nextEvent,
  type ToldEvent,
} from "./operators/next-event.ts";
export { type PerSeriesOptions, perSeries } from "./operators/per-series.ts";
export { type RecurrentOptions, recurrent } from "./operators/recurrent.ts";
export {
  type Resampled,
  type ResampleOptions,
  resample,
  type TimedReading,
} from "./operators/resample.ts";
export type { LateLabel, Learnable, Numbers, Sample } from "./operators/sample.ts";
export { type SequenceSoFar, type SequencesOptions, sequences } from "./operators/sequences.ts";
export { type Smoothable, type Smoothed, type SmoothOptions, smooth } from "./operators/smooth.ts";
export { type SurpriseOptions, surprise, type WithError } from "./operators/surprise.ts";
export { type TreeEstimate, type TreeSummaryOptions, treeSummary } from "./operators/tree-summary.ts";
export { isPipeline, type Pipeline, type PipelineOptions, pipeline, reads } from "./pipeline.ts";
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
