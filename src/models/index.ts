/** The models: numbers only. Everything here runs without I/O, a clock or unseeded randomness. */
export { EddyError, type ErrorCode, type ErrorDetail } from "./errors.ts";
export { type EventOutcome, NEW, NextEvent, type NextEventOptions } from "./events/next-event.ts";
export { RankWindow } from "./events/rank-window.ts";
export { type SessionOptions, type SessionOutcome, Sessions } from "./events/sessions.ts";
export { type Forecast, type ForecastDetail, type ForecastStep, type Observed, words } from "./forecast.ts";
export type { Crossing, Range } from "./forecaster/crossing.ts";
export type { Expert, Settlement } from "./forecaster/expert.ts";
export { Forecaster } from "./forecaster/forecaster.ts";
export type { Shape } from "./forecaster/shape.ts";
export {
  type ForecasterOptions,
  type ForecasterSpecification,
  specification,
} from "./forecaster/specification.ts";
export type { Issue, IssueDetail, TargetIssue } from "./issue.ts";
export * from "./kernels/index.ts";
export { LeastMeanSquares, type LmsOptions } from "./learning/lms.ts";
export type { OptimiserOptions } from "./learning/optimisers.ts";
export { type LinearReadout, Ridge, type RidgeOptions } from "./learning/ridge.ts";
export { RidgeOrthogonal } from "./learning/ridge-orthogonal.ts";
export { RecursiveLeastSquares, type RlsOptions } from "./learning/rls.ts";
export type { LeastSquaresOptions } from "./learning/rls-covariance.ts";
export { DelayedLeastSquares, type DelayedLeastSquaresOptions } from "./learning/rls-delayed.ts";
export { DiagonalNetwork, type DiagonalNetworkOptions } from "./learning/rtrl.ts";
export { type LearnerOptions, OnlineLearner } from "./learning/tbptt.ts";
export { WindowLearner, type WindowLearnerOptions } from "./learning/window-learner.ts";
export * from "./network/index.ts";
export type { Observation } from "./observation.ts";
export { combined } from "./readouts/combined.ts";
export { endOfSequence } from "./readouts/end-of-sequence.ts";
export { gaussian } from "./readouts/gaussian.ts";
export { huber } from "./readouts/huber.ts";
export { poisson } from "./readouts/poisson.ts";
export { quantiles } from "./readouts/quantile.ts";
export type { Random, Readout } from "./readouts/readout.ts";
export { makeReadout, type ReadoutMaker, readoutNames, registerReadout } from "./readouts/registry.ts";
export { categories } from "./readouts/softmax.ts";
export { squared } from "./readouts/squared.ts";
export { RecursiveTree, type RecursiveTreeOptions, type TreeNode } from "./recursive/recursive-tree.ts";
export { GapFiller, type GapFillerOptions } from "./sequence/gap-filler.ts";
export {
  type SequenceLikelihood,
  SequenceModel,
  type SequenceModelOptions,
} from "./sequence/sequence-model.ts";
export { type LengthModel, type SequenceWiringOptions, sequenceWiring } from "./sequence/sequence-wiring.ts";
export { AdaptiveConformal, type AdaptiveConformalOptions } from "./statistics/adaptive-conformal.ts";
export { ExponentialMoments, type ExponentialMomentsOptions } from "./statistics/exponential-moments.ts";
export { quantileLinear, quantileNearestRank } from "./statistics/quantiles.ts";
export { RunningAverages } from "./statistics/running-averages.ts";
export { SortedWindow } from "./statistics/sorted-window.ts";
export { Welford } from "./statistics/welford.ts";
