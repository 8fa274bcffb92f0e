import { Type } from "@sinclair/typebox";
import { MAX_HORIZON } from "../models/forecaster/specification.ts";

// A forecast as it is told, in the shape of `Forecast` (models/forecast.ts): a test holds the two together.

const known = Type.Number();
const perhaps = Type.Union([Type.Number(), Type.Null()]);
const share = (description: string) =>
  Type.Union([Type.Number({ minimum: 0, maximum: 1 }), Type.Null()], { description });

/** A moment as JSON has it. */
export const Moment = Type.String({ description: "ISO 8601, UTC", format: "date-time" });

export const Offset = Type.Integer({ minimum: 0, expected: "a journal offset, a whole number from 0" });

/** The place of a forecast among all that one observation led to. */
export const Ordinal = Type.Integer({ minimum: 0, expected: "an ordinal, a whole number from 0" });

export const ForecastStepSchema = Type.Object(
  {
    step: Type.Integer({ minimum: 1, maximum: MAX_HORIZON }),
    time: Moment,
    mean: known,
    lower: known,
    upper: known,
    quantiles: Type.Optional(
      Type.Record(Type.String(), known, { description: "by level, not falling from level to level" }),
    ),
  },
  { additionalProperties: false },
);

const DetailSchema = Type.Object(
  {
    skill: Type.Object(
      { persistence: Type.Array(perhaps), seasonalNaive: Type.Array(perhaps) },
      { additionalProperties: false },
    ),
    coverage: Type.Array(perhaps),
    weights: Type.Record(Type.String(), known),
  },
  { additionalProperties: false },
);

export const ForecastSchema = Type.Object(
  {
    series: Type.String(),
    target: Type.String(),
    issuedAt: Moment,
    offset: Type.Integer({ minimum: 0, description: "journal position of the last observation used" }),
    horizon: Type.Array(ForecastStepSchema),
    level: Type.Number({ description: "share of readings that the intervals are asked to hold" }),
    coverage: share("share that they have held of late; null until it has been measured"),
    skill: Type.Union([Type.Number(), Type.Null()], {
      description: "1 - squared error / that of persistence, of late; null until it has been measured",
    }),
    model: Type.String(),
    observed: Type.Object(
      {
        value: perhaps,
        surprise: share("share of readings that would lie at least as far from what had been forecast"),
        taken: Type.Union([Type.Boolean(), Type.Null()]),
      },
      { additionalProperties: false, description: "the reading that led to the forecast" },
    ),
    detail: Type.Optional(DetailSchema),
  },
  { additionalProperties: false },
);

/** What a hosted pipeline gave with one observation. */
export const PipelineOutputSchema = Type.Object(
  {
    series: Type.String({ description: "the name of the pipeline" }),
    issuedAt: Moment,
    offset: Type.Integer({ minimum: 0 }),
    output: Type.Unknown({ description: "whatever it gave" }),
  },
  { additionalProperties: false },
);
