export type { Cell, Place } from "./cells/cell.ts";
export { cellNamed, cellNames, registerCell } from "./cells/registry.ts";
export {
  type Diagnosis,
  diagnose,
  gradientByDelay,
  jacobianProduct,
  recurrentSpectrum,
  type Spectrum,
  spectrum,
} from "./diagnostics.ts";
export { type GenerateOptions, generate } from "./generate.ts";
export type { Initial } from "./initial.ts";
export { LiveNetwork, type LiveOptions } from "./live.ts";
export {
  type ModelSpec,
  parseModelSpec,
  printModelSpec,
  splitModelSpecs,
  systemNames,
  wiringOf,
} from "./model-spec.ts";
export { Network } from "./network.ts";
export {
  type BidirectionalOptions,
  bidirectional,
  type ClockworkOptions,
  type ContextualOptions,
  clockwork,
  contextual,
  type DeepOptions,
  deep,
  type ElmanOptions,
  type EsnOptions,
  elman,
  esn,
  type GruOptions,
  gru,
  type LeakyOptions,
  type LstmOptions,
  leaky,
  lstm,
  type OutputRecurrenceOptions,
  outputRecurrence,
  type PlainElmanOptions,
  type SkipOptions,
  type SystemOptions,
  skip,
} from "./systems.ts";
export type { Tensor } from "./tensor.ts";
export { type Sequence, Window, type WindowGradients } from "./window.ts";
export { canonical, type Edge, hashWiring, type Node, printWiring, type Wiring } from "./wiring.ts";
