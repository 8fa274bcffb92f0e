import { type Static, type TSchema, Type } from "@sinclair/typebox";
import { ForecastSchema, Moment, PipelineOutputSchema } from "../forecast.ts";

// What HTTP answers. The browser's types come from here, and so does the published description.

const closed = { additionalProperties: false };
const count = Type.Integer({ minimum: 0 });
const text = Type.String();
const texts = Type.Array(text);
const orNull = <T extends TSchema>(schema: T, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
const perhaps = orNull(Type.Number());
const numbers = Type.Array(Type.Number());
const perhapsNumbers = Type.Array(perhaps);
const milliseconds = Type.Number({ description: "epoch milliseconds" });

/** Every error, but those that other protocols have their own form for. */
export const FailureSchema = Type.Object(
  {
    code: Type.String({ description: "one of docs/errors.md" }),
    message: Type.String({ description: "one line" }),
  },
  closed,
);

export const RefusedSchema = Type.Object(
  { line: Type.Integer({ minimum: 0, description: "of the body, from 1" }), code: text, message: text },
  closed,
);

export const ReceiptSchema = Type.Object(
  {
    accepted: Type.Integer({ minimum: 0, description: "taken, and durable" }),
    duplicate: Type.Integer({ minimum: 0, description: "known by their id, not applied again" }),
    late: Type.Integer({ minimum: 0, description: "kept, not applied: for a time already gone by" }),
    refused: Type.Array(RefusedSchema, { description: "the first hundred" }),
    moreRefused: Type.Optional(
      Type.Integer({ minimum: 1, description: "how many were refused beyond those" }),
    ),
  },
  closed,
);
export type ReceiptAnswer = Static<typeof ReceiptSchema>;

export const SeriesSchema = Type.Object(
  {
    series: text,
    targets: Type.Array(text, { description: "columns that are forecast" }),
    inputs: Type.Array(text, { description: "columns that are only read" }),
    model: text,
    horizon: Type.Integer({ minimum: 0, description: "steps ahead; 0 for a pipeline" }),
    observations: count,
    lastTime: orNull(Moment),
    offset: Type.Integer({ minimum: 0, description: "journal position of its last observation" }),
    skill: perhaps,
  },
  closed,
);

export type SeriesAnswer = Static<typeof SeriesSchema>;

/** An observation in the shape in which it could be sent. */
export const ReadingSchema = Type.Object(
  { series: text, time: Moment, values: Type.Record(text, perhaps) },
  closed,
);

const next = orNull(text, "the cursor of the next page; null when there is none");
export const ReadingPageSchema = Type.Object({ observations: Type.Array(ReadingSchema), next }, closed);
const told = Type.Union([ForecastSchema, PipelineOutputSchema]);
export const ForecastPageSchema = Type.Object({ forecasts: Type.Array(told), next }, closed);
export const ForecastsSchema = Type.Array(told);

export const TakenBackSchema = Type.Object({ takenBack: count, series: SeriesSchema }, closed);

export const PipelineSchema = Type.Object(
  {
    name: text,
    series: Type.Array(text, { description: "names and patterns of the series that it reads" }),
    readings: count,
    outputs: orNull(count, "null while it is not in memory"),
    offset: count,
    stopped: orNull(text, "why it takes nothing more; null while it runs"),
    stages: texts,
    figures: Type.Record(text, perhaps),
  },
  closed,
);
export type PipelineReport = Static<typeof PipelineSchema>;

export const SourceSchema = Type.Object(
  {
    name: text,
    kind: text,
    received: count,
    taken: count,
    refused: Type.Record(text, count, { description: "by reason" }),
    waiting: Type.Integer({ description: "received, and neither taken nor refused yet" }),
    ignored: count,
    connectedSince: orNull(Moment),
    lastError: orNull(Type.Object({ time: Moment, message: text }, closed)),
  },
  closed,
);
export type SourceReport = Static<typeof SourceSchema>;

export const OverviewSchema = Type.Object(
  {
    epoch: text,
    offset: count,
    rewrites: count,
    whole: Type.Boolean({ description: "all series are there, and not only those that changed" }),
    columns: texts,
    rows: Type.Array(
      Type.Array(Type.Union([text, Type.Number(), Type.Boolean(), Type.Null()]), {
        description: "what columns names, in that order",
      }),
    ),
  },
  closed,
);
export type OverviewAnswer = Static<typeof OverviewSchema>;

export const DrawingSchema = Type.Object(
  {
    series: text,
    target: text,
    lead: Type.Integer({ minimum: 1 }),
    sampled: Type.Boolean({
      description: "so many readings lie in the range that some stand for all of them",
    }),
    times: numbers,
    values: perhapsNumbers,
    marks: Type.Array(
      Type.Object(
        {
          time: milliseconds,
          value: Type.Number(),
          kind: Type.Union([Type.Literal("held"), Type.Literal("surprise")]),
          surprise: perhaps,
        },
        closed,
      ),
      { description: "readings worth a look" },
    ),
    gaps: Type.Array(Type.Object({ from: milliseconds, to: milliseconds }, closed), {
      description: "silences: from the reading before to the reading after each",
    }),
    forecasts: Type.Object(
      {
        times: numbers,
        mean: perhapsNumbers,
        lower: perhapsNumbers,
        upper: perhapsNumbers,
        quantiles: Type.Record(text, perhapsNumbers),
      },
      closed,
    ),
  },
  closed,
);
export type DrawingAnswer = Static<typeof DrawingSchema>;

export const RecordSchema = Type.Object(
  {
    series: text,
    target: text,
    readings: count,
    from: perhaps,
    to: perhaps,
    level: perhaps,
    refused: Type.Record(text, count, {
      description: "readings of the series that were not taken since the start, by the code of why",
    }),
    steps: Type.Array(
      Type.Object(
        {
          step: Type.Integer({ minimum: 1 }),
          count,
          error: perhaps,
          persistence: perhaps,
          dayBefore: perhaps,
          weekBefore: perhaps,
          held: perhaps,
        },
        closed,
      ),
    ),
    weights: orNull(
      Type.Object(
        { times: numbers, experts: Type.Array(Type.Object({ name: text, weights: numbers }, closed)) },
        closed,
      ),
    ),
  },
  closed,
);
export type RecordAnswer = Static<typeof RecordSchema>;

export const RecognitionSchema = Type.Object(
  {
    format: text,
    separator: orNull(text),
    decimal: Type.Union([Type.Literal("."), Type.Literal(",")]),
    time: orNull(Type.Object({ columns: texts, form: text, zone: text }, closed)),
    series: Type.Object({ columns: texts, inLine: Type.Boolean(), seen: texts }, closed),
    columns: Type.Array(Type.Object({ name: text, unit: text }, closed)),
    leftOut: Type.Object({ columns: texts, comments: count, preamble: count, unreadable: count }, closed),
    lines: count,
    sample: Type.Array(
      Type.Object(
        {
          line: Type.Integer({ minimum: 1 }),
          series: text,
          time: orNull(Moment),
          values: Type.Record(text, perhaps),
        },
        closed,
      ),
    ),
    refused: count,
  },
  closed,
);
export type RecognitionAnswer = Static<typeof RecognitionSchema>;

export const HealthSchema = Type.Object(
  { status: Type.Union([Type.Literal("ok"), Type.Literal("ready")]) },
  closed,
);
