export { EddyError, type ErrorCode } from "./models/errors.ts";
export { type Forecast, type ForecastDetail, type ForecastStep, words } from "./models/forecast.ts";
export { Forecaster } from "./models/forecaster/forecaster.ts";
export {
  type ForecasterOptions,
  type ForecasterSpecification,
  specification,
} from "./models/forecaster/specification.ts";
export type { Issue, IssueDetail, TargetIssue } from "./models/issue.ts";
export { Arena } from "./models/kernels/arena.ts";
export type { Observation } from "./models/observation.ts";
export type { RefusedEvent, RefusedOutput } from "./stages/refused-event.ts";
export { type Forecastable, type ForecastOptions, forecast } from "./streams/operators/forecast.ts";
export { type LeakyAveragesOptions, leakyAverages } from "./streams/operators/leaky-averages.ts";
export { type PerSeriesOptions, perSeries } from "./streams/operators/per-series.ts";
export { type Outcome, Series } from "./streams/series.ts";
export type { SeriesOptions, SeriesSpecification } from "./streams/series-specification.ts";
