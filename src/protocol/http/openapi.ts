import type { TSchema } from "@sinclair/typebox";
import { TransitionSchema } from "../alert.ts";
import { ForecastSchema, ForecastStepSchema, PipelineOutputSchema } from "../forecast.ts";
import { ObservationSchema } from "../observation.ts";
import { published } from "../published.ts";
import { AlertSchema, RuleSchema } from "./alerts.ts";
import {
  DrawingSchema,
  FailureSchema,
  ForecastPageSchema,
  OverviewSchema,
  PipelineSchema,
  ReadingPageSchema,
  ReadingSchema,
  ReceiptSchema,
  RecognitionSchema,
  RecordSchema,
  RefusedSchema,
  SeriesSchema,
  SourceSchema,
} from "./answers.ts";
import type { Operation, Parameter } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { PrometheusFailureSchema } from "./prometheus.ts";

/** What is known by a name of its own in the document. */
const NAMED: Readonly<Record<string, TSchema>> = {
  Failure: FailureSchema,
  Observation: ObservationSchema,
  Refused: RefusedSchema,
  Receipt: ReceiptSchema,
  Series: SeriesSchema,
  Reading: ReadingSchema,
  ReadingPage: ReadingPageSchema,
  ForecastStep: ForecastStepSchema,
  Forecast: ForecastSchema,
  PipelineOutput: PipelineOutputSchema,
  ForecastPage: ForecastPageSchema,
  Overview: OverviewSchema,
  Drawing: DrawingSchema,
  Record: RecordSchema,
  Recognition: RecognitionSchema,
  Rule: RuleSchema,
  Alert: AlertSchema,
  Transition: TransitionSchema,
  Source: SourceSchema,
  Pipeline: PipelineSchema,
  PrometheusFailure: PrometheusFailureSchema,
};
const NAMES = new Map(Object.entries(NAMED).map(([name, schema]) => [schema as unknown, name]));

const refTo = (schema: unknown): string | undefined => {
  const name = NAMES.get(schema);
  return name === undefined ? undefined : `#/components/schemas/${name}`;
};
const inPlace = (schema: unknown): unknown => {
  const $ref = refTo(schema);
  return $ref === undefined ? published(schema, refTo, "left out") : { $ref };
};

function parameterOf([name, one]: readonly [string, Parameter]) {
  const { description, required = false, many = false, schema } = one;
  return {
    name,
    in: one.in,
    description,
    required,
    schema: many ? { type: "array", items: inPlace(schema) } : inPlace(schema),
    ...(many ? { style: "form", explode: true } : {}),
  };
}

const contentOf = (body: Readonly<Record<string, TSchema | null>>) =>
  Object.fromEntries(
    Object.entries(body).map(([type, schema]) => [type, schema === null ? {} : { schema: inPlace(schema) }]),
  );

function operationOf({ id, tag, summary, parameters = {}, body, answers, open = false }: Operation) {
  return {
    operationId: id,
    tags: [tag],
    summary,
    ...(open ? { security: [] } : {}),
    parameters: Object.entries(parameters).map(parameterOf),
    ...(body === undefined ? {} : { requestBody: { required: true, content: contentOf(body) } }),
    responses: Object.fromEntries(
      Object.entries(answers).map(([status, { description, body }]) => [
        status,
        { description, ...(body === undefined ? {} : { content: contentOf(body) }) },
      ]),
    ),
  };
}

/** OpenAPI 3.1 of all routes of HTTP, as `GET /v1/openapi.json` tells it. */
export function openApiDocument(version: string) {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: operationOf(operation) };
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Eddy",
      version,
      description:
        "Forecasts for live series. Every error is one line: the field, what was expected, what came.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    // Without a token the server listens on its own machine only, and asks for none.
    security: [{ token: [] }, {}],
    tags: [
      { name: "series", description: "Series, their readings and forecasts" },
      { name: "intake", description: "Doors for readings" },
      { name: "page", description: "What the page is made of" },
      { name: "prometheus", description: "Selectors of Prometheus, for Grafana" },
      { name: "alerts", description: "Alerts and who is told of them" },
      { name: "operations", description: "Health and figures" },
    ],
    paths,
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer" } },
      schemas: Object.fromEntries(
        Object.entries(NAMED).map(([name, schema]) => [name, published(schema, refTo, "left out")]),
      ),
    },
  };
}
