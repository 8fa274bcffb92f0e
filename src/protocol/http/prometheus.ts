import { type TSchema, Type } from "@sinclair/typebox";

// Answers in the form of Prometheus' HTTP API.

const closed = { additionalProperties: false };
const text = Type.String();
const Labels = Type.Record(text, text);
/** Seconds since 1970, and the number as text. */
const Sample = Type.Array(Type.Union([Type.Number(), text]), { minItems: 2, maxItems: 2 });

const success = <T extends TSchema>(data: T) =>
  Type.Object({ status: Type.Literal("success"), data, warnings: Type.Optional(Type.Array(text)) }, closed);

export const PrometheusFailureSchema = Type.Object(
  { status: Type.Literal("error"), errorType: text, error: text },
  closed,
);

const Scalar = Type.Object({ resultType: Type.Literal("scalar"), result: Sample }, closed);
const Vector = Type.Object(
  {
    resultType: Type.Literal("vector"),
    result: Type.Array(Type.Object({ metric: Labels, value: Sample }, closed)),
  },
  closed,
);
const Matrix = Type.Object(
  {
    resultType: Type.Literal("matrix"),
    result: Type.Array(Type.Object({ metric: Labels, values: Type.Array(Sample) }, closed)),
  },
  closed,
);

export const InstantSchema = success(Type.Union([Scalar, Vector]));
export const RangeSchema = success(Matrix);
export const LabelsSchema = success(Type.Array(text));
export const TimeSeriesSchema = success(Type.Array(Labels));
export const ExemplarsSchema = success(Type.Array(Type.Unknown(), { maxItems: 0 }));
export const MetadataSchema = success(
  Type.Record(text, Type.Array(Type.Object({ type: text, help: text, unit: text }, closed))),
);
export const BuildSchema = success(
  Type.Object(
    {
      application: text,
      version: text,
      revision: text,
      branch: text,
      buildUser: text,
      buildDate: text,
      goVersion: text,
    },
    closed,
  ),
);
