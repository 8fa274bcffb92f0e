export { type Outcome, type Refusal, Series, type SeriesOptions } from "./series.ts";
