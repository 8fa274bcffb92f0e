import { Type } from "@sinclair/typebox";
import { ObservationSchema } from "../observation.ts";
import { AlertsSchema, RuleAlertsSchema, RuleSchema, ToldRuleSchema, TransitionsSchema } from "./alerts.ts";
import {
  DrawingSchema,
  ForecastPageSchema,
  ForecastsSchema,
  HealthSchema,
  OverviewSchema,
  PipelineSchema,
  ReadingPageSchema,
  ReadingSchema,
  ReceiptSchema,
  RecognitionSchema,
  RecordSchema,
  SeriesSchema,
  SourceSchema,
  TakenBackSchema,
} from "./answers.ts";
import { DeliveriesSchema, ReceiversSchema, RetriedSchema } from "./delivery.ts";
import {
  type Answer,
  ARROW_BODY,
  COMMON,
  failure,
  inPath,
  inQuery,
  JSON_BODY,
  json,
  NOT_FOUND,
  type Operation,
  type Parameter,
  TIME,
} from "./operation.ts";
import {
  BuildSchema,
  ExemplarsSchema,
  InstantSchema,
  LabelsSchema,
  MetadataSchema,
  PrometheusFailureSchema,
  RangeSchema,
  TimeSeriesSchema,
} from "./prometheus.ts";

const ID = { id: inPath("name of the series, percent-encoded; slashes may stand as they are") };
const NO_CONTENT: Answer = { description: "done" };
const TEXT = (description: string): Answer => ({ description, body: { "text/plain": null } });
const NOT_ACCEPTABLE = { 406: failure("in none of the types that Accept names") };
const BODY: Readonly<Record<number, Answer>> = {
  413: failure("the body is too large"),
  415: failure("of another type or packed otherwise than can be read"),
};

const range = (of: string) => ({
  from: inQuery("not before this time", TIME),
  to: inQuery("not after this time", TIME),
  asOf: inQuery(`${of} as they were known at this time`, TIME),
  limit: inQuery("of one page", Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
  cursor: inQuery("the next of the page before"),
});
const one = {
  series: inQuery("name of the series", Type.String(), true),
  target: inQuery("one of its targets; the first when absent"),
};

const SERIES: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/series",
    id: "listSeries",
    tag: "series",
    summary: "All series",
    answers: { 200: json("one of each", Type.Array(SeriesSchema)), ...COMMON },
  },
  {
    method: "get",
    path: "/v1/series/{id}",
    id: "getSeries",
    tag: "series",
    summary: "One series",
    parameters: ID,
    answers: { 200: json("the series", SeriesSchema), ...NOT_FOUND, ...COMMON },
  },
  {
    method: "delete",
    path: "/v1/series/{id}",
    id: "deleteSeries",
    tag: "series",
    summary: "Deletes a series and all that is kept of it",
    parameters: ID,
    answers: { 204: NO_CONTENT, ...NOT_FOUND, ...COMMON },
  },
  {
    method: "get",
    path: "/v1/series/{id}/forecast",
    id: "getForecast",
    tag: "series",
    summary: "The latest forecast of each target, or the one that stood at a time",
    parameters: { ...ID, asOf: inQuery("the one that stood at this time", TIME) },
    answers: { 200: json("one of each target", ForecastsSchema), ...NOT_FOUND, ...COMMON },
  },
  {
    method: "get",
    path: "/v1/series/{id}/forecasts",
    id: "listForecasts",
    tag: "series",
    summary: "Forecasts as they were issued, the newest first",
    parameters: { ...ID, ...range("forecasts") },
    answers: {
      200: {
        description: "a page; Link names the next one",
        body: { [JSON_BODY]: ForecastPageSchema, [ARROW_BODY]: null },
      },
      ...NOT_FOUND,
      ...NOT_ACCEPTABLE,
      ...COMMON,
    },
  },
  {
    method: "get",
    path: "/v1/series/{id}/observations",
    id: "listObservations",
    tag: "series",
    summary:
      "Readings as they came, the last one first; without parameters the last 400 as a list, oldest first",
    parameters: { ...ID, ...range("readings") },
    answers: {
      200: {
        description: "a page; Link names the next one",
        body: {
          [JSON_BODY]: Type.Union([ReadingPageSchema, Type.Array(ReadingSchema)]),
          [ARROW_BODY]: null,
        },
      },
      ...NOT_FOUND,
      ...NOT_ACCEPTABLE,
      ...COMMON,
    },
  },
  {
    method: "delete",
    path: "/v1/series/{id}/observations",
    id: "takeBackObservations",
    tag: "series",
    summary: "Makes a series what it would be had its readings of these times never come",
    parameters: {
      ...ID,
      from: inQuery("from this time on", TIME, true),
      to: inQuery("up to this time", TIME),
    },
    answers: {
      200: json("how many were taken back, and the series as it is now", TakenBackSchema),
      ...NOT_FOUND,
      409: failure("retention has deleted what that needs"),
      ...COMMON,
    },
  },
];

const STREAM: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/stream",
    id: "streamForecasts",
    tag: "series",
    summary: "Forecasts as Server-Sent Events, with the messages of the socket of that name as their data",
    parameters: {
      series: inQuery("one series"),
      pattern: inQuery(
        "many: * any run of characters, ? one; all when neither is said",
        Type.String({ default: "*" }),
      ),
      alerts: inQuery("instead of forecasts: beginnings and ends of alerts, by a pattern of names of rules"),
      mode: inQuery(
        "latest: the newest of each series and target; stream: every one, in order",
        Type.Union([Type.Literal("latest"), Type.Literal("stream")], { default: "latest" }),
      ),
      horizons: inQuery("only these steps, such as 1,6"),
      maxRate: inQuery("messages a second", Type.Number({ exclusiveMinimum: 0, maximum: 1e6 })),
      observed: inQuery("the reading comes beside its forecast", Type.Boolean()),
      since: inQuery("the id of the last event seen, EPOCH:OFFSET:ORDINAL"),
      "Last-Event-ID": { in: "header", description: "the same, as browsers send it", schema: Type.String() },
    },
    answers: {
      200: { description: "events, until one side ends", body: { "text/event-stream": null } },
      ...NOT_ACCEPTABLE,
      409: failure("the journal has not come as far as that"),
      ...COMMON,
    },
  },
];

const INTAKE: readonly Operation[] = [
  {
    method: "post",
    path: "/v1/observations",
    id: "observe",
    tag: "intake",
    summary: "Takes observations; answered once all that were accepted are durable",
    parameters: { series: inQuery("of which series a table is whose columns do not name one") },
    body: {
      [JSON_BODY]: Type.Union([ObservationSchema, Type.Array(ObservationSchema)]),
      "application/x-ndjson": null,
      "application/ndjson": null,
      "application/jsonl": null,
      "text/csv": null,
      [ARROW_BODY]: null,
    },
    answers: {
      200: json("all taken", ReceiptSchema),
      207: json("some were refused, the others are durable", ReceiptSchema),
      ...BODY,
      ...COMMON,
    },
  },
  {
    method: "post",
    path: "/api/v1/write",
    id: "prometheusWrite",
    tag: "intake",
    summary: "Prometheus remote-write 1.0",
    body: { "application/x-protobuf": null },
    answers: { 204: NO_CONTENT, ...BODY, ...COMMON },
  },
  ...(["/write", "/api/v2/write"] as const).map(
    (path): Operation => ({
      method: "post",
      path,
      id: path === "/write" ? "influxWrite" : "influxWrite2",
      tag: "intake",
      summary: "InfluxDB line protocol",
      parameters: {
        precision: inQuery("of the times: ns, us, ms or s", Type.String({ default: "ns" })),
        ...Object.fromEntries(
          ["db", "org", "bucket", "rp", "u", "p", "consistency"].map((name) => [
            name,
            inQuery("taken, and ignored"),
          ]),
        ),
      },
      body: { "text/plain": null },
      answers: {
        204: NO_CONTENT,
        ...(path === "/write"
          ? Object.fromEntries(
              Object.entries({ ...BODY, ...COMMON }).map(([status, { description }]) => [
                status,
                [401, 403, 429].includes(Number(status))
                  ? json(description, Type.Union([Type.Object({ error: Type.String() }), failureSchema()]))
                  : json(description, Type.Object({ error: Type.String() })),
              ]),
            )
          : { ...BODY, ...COMMON }),
      },
    }),
  ),
  {
    method: "get",
    path: "/ping",
    id: "influxPing",
    tag: "intake",
    summary: "What clients of InfluxDB ask before they write",
    answers: { 204: NO_CONTENT, ...COMMON },
  },
  {
    method: "post",
    path: "/v1/metrics",
    id: "otlpMetrics",
    tag: "intake",
    summary: "OpenTelemetry metrics",
    body: { [JSON_BODY]: null, "application/x-protobuf": null },
    answers: {
      200: {
        description: "taken, but for what partialSuccess tells",
        body: {
          [JSON_BODY]: Type.Object({
            partialSuccess: Type.Optional(
              Type.Object({ rejectedDataPoints: Type.String(), errorMessage: Type.String() }),
            ),
          }),
          "application/x-protobuf": null,
        },
      },
      ...BODY,
      ...COMMON,
    },
  },
  {
    method: "get",
    path: "/v1/sources",
    id: "listSources",
    tag: "intake",
    summary: "What became of the readings of each source",
    answers: { 200: json("one of each", Type.Array(SourceSchema)), ...COMMON },
  },
  {
    method: "post",
    path: "/v1/recognise",
    id: "recognise",
    tag: "intake",
    summary: "What a table is found to be; nothing is taken in",
    parameters: { series: inQuery("of which series it is, where no column names one") },
    body: { "text/csv": null },
    answers: { 200: json("what it is", RecognitionSchema), ...BODY, ...COMMON },
  },
];

function failureSchema() {
  return Type.Object({ code: Type.String(), message: Type.String() });
}

const PAGE: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/overview",
    id: "getOverview",
    tag: "page",
    summary: "All targets at a glance",
    parameters: {
      after: inQuery("only what has changed since this offset", Type.Integer({ minimum: 0 })),
      rewrites: inQuery(
        "of the answer before: all when the past has changed since",
        Type.Integer({ minimum: 0 }),
      ),
    },
    answers: { 200: json("a row for each target", OverviewSchema), ...COMMON },
  },
  {
    method: "get",
    path: "/v1/drawing",
    id: "getDrawing",
    tag: "page",
    summary: "The past of one target as it is drawn",
    parameters: {
      ...one,
      from: inQuery("not before this time; all: as far back as the log reaches"),
      to: inQuery("not after this time", TIME),
      points: inQuery("readings at most", Type.Integer({ minimum: 2, maximum: 2000, default: 400 })),
      lead: inQuery("steps before a reading at which its forecast was made", Type.Integer({ minimum: 1 })),
    },
    answers: { 200: json("readings, forecasts, marks and gaps", DrawingSchema), ...NOT_FOUND, ...COMMON },
  },
  {
    method: "get",
    path: "/v1/record",
    id: "getRecord",
    tag: "page",
    summary: "How right the last forecasts of one target have been",
    parameters: {
      ...one,
      readings: inQuery(
        "forecasts looked back on",
        Type.Integer({ minimum: 1, maximum: 2000, default: 500 }),
      ),
    },
    answers: { 200: json("errors by step", RecordSchema), ...NOT_FOUND, ...COMMON },
  },
  {
    method: "get",
    path: "/v1/pipelines",
    id: "listPipelines",
    tag: "page",
    summary: "The hosted pipelines",
    answers: { 200: json("one of each", Type.Array(PipelineSchema)), ...COMMON },
  },
];

const failed = (description: string): Answer => json(description, PrometheusFailureSchema);
/** Errors as Prometheus tells them. */
const FAILED: Readonly<Record<number, Answer>> = {
  400: failed("something asked for is wrong, or more than a selector"),
  401: failed("the token is missing or wrong"),
  403: failed("not from this origin, not by this name, or not with this token"),
  422: failed("well asked, and too much"),
  429: failed("too much at a time: again after Retry-After seconds"),
  503: failed("starting, shutting down, busy, or the database has failed"),
};
const times = {
  start: inQuery("seconds since 1970, or RFC 3339"),
  end: inQuery("seconds since 1970, or RFC 3339"),
};
const matches: Parameter = { ...inQuery("selectors"), many: true };
const limit = inQuery("how many are listed at most", Type.Integer({ minimum: 0 }));

/** A question of Prometheus, by GET and, where `form`, by POST with the same as a form. */
const question = (
  path: string,
  id: string,
  summary: string,
  parameters: Readonly<Record<string, Parameter>>,
  answer: Answer,
  form: boolean,
): readonly Operation[] => {
  const common = { path, tag: "prometheus", summary, answers: { 200: answer, ...FAILED } };
  const get: Operation = { ...common, method: "get", id, parameters };
  if (!form) return [get];
  const fields = Object.entries(parameters).map(
    ([name, { schema, required = false, many = false, description }]) => {
      const field = many ? Type.Array(schema, { description }) : { ...schema, description };
      return [name, required ? field : Type.Optional(field)];
    },
  );
  const post: Operation = {
    ...common,
    method: "post",
    id: `${id}Form`,
    body: { "application/x-www-form-urlencoded": Type.Object(Object.fromEntries(fields)) },
    answers: {
      ...common.answers,
      413: failed("a form of more than 64 KiB"),
      415: failed("of another type than a form"),
    },
  };
  return [get, post];
};

const query = inQuery('a selector such as eddy_reading{series="boiler"}', Type.String(), true);
const PROMETHEUS: readonly Operation[] = [
  ...question(
    "/api/v1/query",
    "queryInstant",
    "What stands at one moment",
    {
      query,
      time: inQuery("seconds since 1970, or RFC 3339; now when absent"),
      timeout: inQuery("taken, and ignored"),
      lookback_delta: inQuery("how long a number stands at least"),
      limit,
    },
    json("a vector, or a scalar", InstantSchema),
    true,
  ),
  ...question(
    "/api/v1/query_range",
    "queryRange",
    "What stands at every step of a range",
    {
      query,
      start: { ...times.start, required: true },
      end: { ...times.end, required: true },
      step: inQuery("seconds, or a span such as 15s", Type.String(), true),
      timeout: inQuery("taken, and ignored"),
      lookback_delta: inQuery("how long a number stands at least"),
      limit,
    },
    json("a matrix", RangeSchema),
    true,
  ),
  ...question(
    "/api/v1/series",
    "findTimeSeries",
    "Time series that fit",
    { "match[]": { ...matches, required: true }, ...times, limit },
    json("their labels", TimeSeriesSchema),
    true,
  ),
  ...question(
    "/api/v1/labels",
    "listLabels",
    "Names of labels",
    { "match[]": matches, ...times, limit },
    json("names", LabelsSchema),
    true,
  ),
  ...question(
    "/api/v1/label/{name}/values",
    "listLabelValues",
    "Values of a label",
    { name: inPath("name of the label"), "match[]": matches, ...times, limit },
    json("values", LabelsSchema),
    false,
  ),
  ...question(
    "/api/v1/metadata",
    "getMetadata",
    "What each metric tells",
    { metric: inQuery("only this one"), limit },
    json("by name", MetadataSchema),
    false,
  ),
  ...question(
    "/api/v1/status/buildinfo",
    "getBuild",
    "Which program answers",
    {},
    json("its version", BuildSchema),
    false,
  ),
  ...question(
    "/api/v1/query_exemplars",
    "queryExemplars",
    "Exemplars: there are none",
    { query, ...times },
    json("none", ExemplarsSchema),
    true,
  ),
];

const rule = { name: inPath("name of the rule") };
const ALERTS: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/alerts",
    id: "listAlerts",
    tag: "alerts",
    summary: "The rules, and the alerts that are pending or firing",
    parameters: { series: inQuery("only what is about this series") },
    answers: { 200: json("both", AlertsSchema), ...COMMON },
  },
  {
    method: "get",
    path: "/v1/alerts/transitions",
    id: "listTransitions",
    tag: "alerts",
    summary: "Beginnings and ends of alerts, the newest first",
    parameters: {
      limit: inQuery("of one page", Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
      cursor: inQuery("the next of the page before"),
    },
    answers: { 200: json("a page", TransitionsSchema), ...COMMON },
  },
  {
    method: "get",
    path: "/v1/alerts/{name}",
    id: "getRule",
    tag: "alerts",
    summary: "One rule and its alerts",
    parameters: rule,
    answers: { 200: json("the rule", RuleAlertsSchema), ...NOT_FOUND, ...COMMON },
  },
  {
    method: "put",
    path: "/v1/alerts/{name}",
    id: "putRule",
    tag: "alerts",
    summary: "Makes a rule, or puts another in its place",
    parameters: rule,
    body: { [JSON_BODY]: RuleSchema },
    answers: {
      200: json("another is in its place", ToldRuleSchema),
      201: json("it is made", ToldRuleSchema),
      409: failure("it stands in the configuration"),
      ...BODY,
      ...COMMON,
    },
  },
  {
    method: "delete",
    path: "/v1/alerts/{name}",
    id: "deleteRule",
    tag: "alerts",
    summary: "Deletes a rule; its alerts end",
    parameters: rule,
    answers: { 204: NO_CONTENT, ...NOT_FOUND, 409: failure("it stands in the configuration"), ...COMMON },
  },
];

const DELIVERY: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/alerts/receivers",
    id: "listReceivers",
    tag: "alerts",
    summary: "Who is told of alerts, and whether they can be reached",
    answers: { 200: json("one of each", ReceiversSchema), ...COMMON },
  },
  {
    method: "get",
    path: "/v1/alerts/deliveries",
    id: "listDeliveries",
    tag: "alerts",
    summary: "What receivers have still to be told, and what was given up; the newest first",
    parameters: {
      state: inQuery(
        "only those",
        Type.Union(["waiting", "reminded", "dead"].map((state) => Type.Literal(state))),
      ),
      receiver: inQuery("only of this one"),
      limit: inQuery("of one page", Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
      cursor: inQuery("the next of the page before"),
    },
    answers: { 200: json("a page", DeliveriesSchema), ...COMMON },
  },
  {
    method: "post",
    path: "/v1/alerts/deliveries/retry",
    id: "retryDeliveries",
    tag: "alerts",
    summary: "Sends again all that was given up",
    parameters: { receiver: inQuery("only of this one") },
    answers: {
      200: json("how many", RetriedSchema),
      409: failure("there is no such receiver"),
      ...COMMON,
    },
  },
  {
    method: "post",
    path: "/v1/alerts/deliveries/{id}/retry",
    id: "retryDelivery",
    tag: "alerts",
    summary: "Sends again one that was given up",
    parameters: { id: inPath("number of the delivery") },
    answers: {
      200: json("one", RetriedSchema),
      ...NOT_FOUND,
      409: failure("it still waits, or there is no such receiver any more"),
      ...COMMON,
    },
  },
  {
    method: "delete",
    path: "/v1/alerts/deliveries/{id}",
    id: "discardDelivery",
    tag: "alerts",
    summary: "Forgets one that was given up",
    parameters: { id: inPath("number of the delivery") },
    answers: { 204: NO_CONTENT, ...NOT_FOUND, 409: failure("it still waits"), ...COMMON },
  },
];

const HEALTH: readonly Operation[] = [
  {
    method: "get",
    path: "/healthz",
    id: "getHealth",
    tag: "operations",
    summary: "Whether the process answers",
    open: true,
    answers: {
      200: json("it does", HealthSchema),
      403: failure("not from this origin, or not by this name"),
    },
  },
  {
    method: "get",
    path: "/readyz",
    id: "getReadiness",
    tag: "operations",
    summary: "Whether observations are taken",
    open: true,
    answers: {
      200: json("they are", HealthSchema),
      403: failure("not from this origin, or not by this name"),
      503: failure("starting, shutting down, or the database has failed"),
    },
  },
  {
    method: "get",
    path: "/metrics",
    id: "getMetrics",
    tag: "operations",
    summary: "Figures of the server, as Prometheus reads them; no label names a series",
    answers: { 200: TEXT("the figures"), ...COMMON },
  },
  {
    method: "get",
    path: "/v1/schema",
    id: "getMessageSchema",
    tag: "operations",
    summary: "Every message of the socket, as a JSON Schema",
    answers: {
      200: { description: "JSON Schema 2020-12", body: { "application/schema+json": null } },
      ...COMMON,
    },
  },
  {
    method: "get",
    path: "/v1/openapi.json",
    id: "getOpenApi",
    tag: "operations",
    summary: "This description",
    answers: { 200: json("OpenAPI 3.1", Type.Object({ openapi: Type.Literal("3.1.0") })), ...COMMON },
  },
];

/** Every route of HTTP but the files of the page. */
export const OPERATIONS: readonly Operation[] = [
  ...SERIES,
  ...STREAM,
  ...INTAKE,
  ...PAGE,
  ...PROMETHEUS,
  ...ALERTS,
  ...DELIVERY,
  ...HEALTH,
];
