import type { Layout } from "../../kernels/layout.ts";
import { lstm } from "../../network/systems.ts";
import type { Expert } from "../expert.ts";
import type { Features } from "../features.ts";
import type { Shape } from "../shape.ts";
import type { ForecasterSpecification } from "../specification.ts";
import { Autoregression } from "./autoregression.ts";
import { LONGEST_SMOOTHED } from "./classical.ts";
import { EchoState, plainEcho, sharpEcho, smoothEcho } from "./echo-state.ts";
import { ExponentialSmoothing } from "./exponential-smoothing.ts";
import { HoltWinters } from "./holt-winters.ts";
import { LeakyAverage } from "./leaky-average.ts";
import { LearnedNetwork } from "./learned-network.ts";
import { Persistence } from "./persistence.ts";
import { Repetition } from "./repetition.ts";
import { SeasonalArima } from "./seasonal-arima.ts";
import { SeasonalNaive } from "./seasonal-naive.ts";
import { SeasonalProfile } from "./seasonal-profile.ts";
import { Theta } from "./theta.ts";
import { VectorAutoregression } from "./vector-autoregression.ts";

/** What an expert is opened with. */
export interface Place {
  readonly layout: Layout;
  readonly shape: Shape;
  readonly features: Features;
  readonly seed: number;
}

/** A kind of expert: what a model specification asks for or leaves out by one name. */
export interface ExpertKind {
  readonly name: string;
  /** Names that ask for several kinds at once, and short names. */
  readonly families?: readonly string[];
  /** Forecasts only alone, to compare with: `auto` does without it. */
  readonly apart?: true;
  /** What has to hold of a series for it to be of use; anything when absent. */
  readonly needs?: (specification: ForecasterSpecification) => boolean;
  /** Its experts; the first is the one that forecasts when the kind is asked for alone. */
  readonly open: (place: Place) => readonly Expert[];
}

/** A given season tells what cannot be of use; one that is found later cannot, as the memory is planned at the start. */
const shortSeason = ({ periods }: ForecasterSpecification): boolean => !(periods[0] > LONGEST_SMOOTHED);

/** The naive forecasts that skill is measured against, in the order of the ledger's first rows: they are always there. */
export const NAIVE: readonly ExpertKind[] = [
  { name: "persistence", open: ({ shape, features }) => [new Persistence(shape, features)] },
  {
    name: "seasonal-naive",
    families: ["seasonal"],
    open: ({ shape, features }) => [new SeasonalNaive(shape, features)],
  },
];

/** Every other kind of expert, in the order of the forecasts they are combined from. */
export const EXPERTS: readonly ExpertKind[] = [
  {
    name: "average",
    open: ({ shape, features }) => [new LeakyAverage(shape, features, [2])],
  },
  { name: "second-naive", open: ({ shape, features }) => [new SeasonalNaive(shape, features, "second")] },
  { name: "profile", open: ({ shape, features }) => [new SeasonalProfile(shape, features, "last")] },
  { name: "second-profile", open: ({ shape, features }) => [new SeasonalProfile(shape, features, "second")] },
  {
    name: "profile-revert",
    open: ({ shape, features }) =>
      (["short", "long"] as const).map((start) => new SeasonalProfile(shape, features, start)),
  },
  {
    name: "seasonal-drift",
    needs: shortSeason,
    open: ({ shape, features }) => [new SeasonalNaive(shape, features, "drift")],
  },
  {
    name: "holt-winters",
    needs: shortSeason,
    open: ({ layout, shape, features }) => [new HoltWinters(layout, shape, features)],
  },
  {
    name: "seasonal-arima",
    families: ["arima"],
    needs: shortSeason,
    open: ({ layout, shape, features }) => [new SeasonalArima(layout, shape, features)],
  },
  {
    name: "exponential-smoothing",
    families: ["ets"],
    open: ({ layout, shape, features }) => [new ExponentialSmoothing(layout, shape, features)],
  },
  {
    name: "theta",
    apart: true,
    needs: shortSeason,
    open: ({ shape, features }) => [new Theta(shape, features)],
  },
  {
    name: "repetition",
    open: ({ layout, shape, features }) => [new Repetition(layout, shape, features)],
  },
  {
    name: "autoregression",
    families: ["ar"],
    open: ({ layout, shape, features }) => [new Autoregression(layout, shape, features, "autoregression")],
  },
  {
    name: "periodic-autoregression",
    open: ({ layout, shape, features }) => [
      new Autoregression(layout, shape, features, "periodic-autoregression"),
    ],
  },
  {
    name: "vector-autoregression",
    open: ({ layout, shape, features }) => [new VectorAutoregression(layout, shape, features)],
  },
  {
    name: "echo-sharp",
    families: ["recurrent", "echo-state", "esn"],
    open: ({ layout, shape, features, seed }) => [
      new EchoState(layout, "echo-sharp", shape, features, sharpEcho(shape.columns), seed),
    ],
  },
  {
    name: "echo-plain",
    families: ["recurrent", "echo-state"],
    open: ({ layout, shape, features, seed }) => [
      new EchoState(layout, "echo-plain", shape, features, plainEcho(shape.columns), seed + 2),
    ],
  },
  {
    name: "echo-smooth",
    families: ["recurrent", "echo-state"],
    open: ({ layout, shape, features, seed }) => [
      new EchoState(layout, "echo-smooth", shape, features, smoothEcho(shape.columns), seed + 1),
    ],
  },
  {
    name: "lstm",
    families: ["recurrent"],
    open: ({ layout, shape, features, seed }) => {
      const hidden = shape.columns > 1 ? 32 : 24;
      const wire = (sizes: Parameters<typeof lstm>[0]) => lstm({ ...sizes, hidden });
      return [new LearnedNetwork(layout, shape, features, { name: "lstm", wire }, seed)];
    },
  },
];
