import { EddyError, printable } from "../../models/errors.ts";
import { UNTIMED, VALUE } from "../../models/observation.ts";
import { badNumber, badTime, finiteOrMissing, isName, isTime, shownName } from "../checked-observation.ts";
import { metricName } from "./metric-name.ts";
import { type MessageShape, readProtobuf } from "./protobuf.ts";
import { type PushedPoints, takePoint, YIELD_POINTS } from "./push.ts";

/** opentelemetry/proto/metrics/v1, as far as it is read; the names are those of its JSON form. */
const AnyValue: MessageShape = {
  1: ["stringValue", "text"],
  2: ["boolValue", "boolean"],
  3: ["intValue", "integer"],
  4: ["doubleValue", "double"],
};
const KeyValue: MessageShape = { 1: ["key", "text"], 2: ["value", () => AnyValue] };
const NumberPoint: MessageShape = {
  7: ["attributes", () => KeyValue, "many"],
  3: ["timeUnixNano", "fixed"],
  4: ["asDouble", "double"],
  6: ["asInt", "sfixed"],
  8: ["flags", "integer"],
};
const Distribution: MessageShape = {
  3: ["timeUnixNano", "fixed"],
  4: ["count", "fixed"],
  5: ["sum", "double"],
};
const attributes = ["attributes", () => KeyValue, "many"] as const;
const flags = ["flags", "integer"] as const;
const HistogramPoint: MessageShape = { ...Distribution, 9: attributes, 10: flags };
const ExponentialPoint: MessageShape = { ...Distribution, 1: attributes, 10: flags };
const SummaryPoint: MessageShape = { ...Distribution, 7: attributes, 8: flags };
const points = (point: MessageShape): MessageShape => ({
  1: ["dataPoints", () => point, "many"],
  2: ["aggregationTemporality", "integer"],
  3: ["isMonotonic", "boolean"],
});
const Metric: MessageShape = {
  1: ["name", "text"],
  3: ["unit", "text"],
  5: ["gauge", () => points(NumberPoint)],
  7: ["sum", () => points(NumberPoint)],
  9: ["histogram", () => points(HistogramPoint)],
  10: ["exponentialHistogram", () => points(ExponentialPoint)],
  11: ["summary", () => points(SummaryPoint)],
};
const Scope: MessageShape = { 2: ["metrics", () => Metric, "many"] };
const Resource: MessageShape = { 1: ["attributes", () => KeyValue, "many"] };
const ResourceMetrics: MessageShape = {
  1: ["resource", () => Resource],
  2: ["scopeMetrics", () => Scope, "many"],
};
const Request: MessageShape = { 1: ["resourceMetrics", () => ResourceMetrics, "many"] };

/** Attributes of a resource that say how it was made, not what it is. */
const INCIDENTAL = /^(?:telemetry|process|os|service\.version)(?:\.|$)/;
/** A point without a value, by which a sender says that the metric has ended. */
const NO_VALUE = 1;
const CUMULATIVE = new Set<unknown>([2, "AGGREGATION_TEMPORALITY_CUMULATIVE"]);

type Fields = Readonly<Record<string, unknown>>;
const object = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : {};
const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value.map(object) : []);

/** An OTLP request of metrics, from its binary form. @throws EddyError `bad-message` */
export function otlpRequest(body: Uint8Array): unknown {
  try {
    return readProtobuf(body, Request);
  } catch (cause) {
    throw new EddyError("bad-message", "body", {
      expected: "an ExportMetricsServiceRequest",
      received: "other bytes",
      cause,
    });
  }
}

/**
 * Reads the points of an OTLP request of metrics, binary or JSON. A series is called by the metric, the attributes of the point
 * and those of the resource that say what it is. Gauges and sums are values (cumulative monotonic sums are counters), histograms
 * and summaries their `count` and `sum`. Yields now and then.
 *
 * @throws EddyError `bad-message` when it is none
 */
export function* otlpMetrics(request: unknown, out: PushedPoints): Generator<undefined, void> {
  const { resourceMetrics } = object(request);
  if (!Array.isArray(resourceMetrics) && Object.keys(object(request)).length > 0) {
    throw new EddyError("bad-message", "body", {
      expected: "an ExportMetricsServiceRequest with resourceMetrics",
      received: printable(request),
    });
  }
  let read = 0;
  for (const { resource, scopeMetrics } of list(resourceMetrics)) {
    const common = attributesOf(object(resource).attributes, (key) => !INCIDENTAL.test(key));
    for (const { metrics } of list(scopeMetrics)) {
      for (const metric of list(metrics)) {
        for (const point of pointsOf(metric)) {
          if (++read % YIELD_POINTS === 0) yield;
          try {
            take(metric, common, point, out);
          } catch (error) {
            if (!(error instanceof EddyError)) throw error;
            out.refuse(error.code, error.message);
          }
        }
      }
    }
  }
}

interface Point {
  readonly fields: Fields;
  readonly kind: "number" | "distribution";
  readonly counter: boolean;
}

function* pointsOf(metric: Fields): Generator<Point> {
  for (const kind of ["gauge", "sum", "histogram", "exponentialHistogram", "summary"]) {
    const data = object(metric[kind]);
    const number = kind === "gauge" || kind === "sum";
    const counter =
      kind === "summary" ||
      (CUMULATIVE.has(data.aggregationTemporality) && (kind !== "sum" || data.isMonotonic === true));
    for (const fields of list(data.dataPoints))
      yield { fields, kind: number ? "number" : "distribution", counter: kind !== "gauge" && counter };
  }
}

/** Units of UCUM, as OpenTelemetry writes them, as people write them; of others, what stands in braces is a word. */
const UNITS: Readonly<Record<string, string>> = { By: "B", KiBy: "KiB", MiBy: "MiB", Cel: "°C", "1": "" };
const unitOf = (unit: unknown): string => {
  const text = typeof unit === "string" ? unit.replaceAll(/[{}]/g, "") : "";
  return Object.hasOwn(UNITS, text) ? (UNITS[text] as string) : text;
};

function take(
  metric: Fields,
  common: ReadonlyMap<string, string>,
  { fields, kind, counter }: Point,
  out: PushedPoints,
): void {
  const name = String(metric.name ?? "");
  if (name === "") throw new EddyError("bad-observation", "metric", { expected: "a name", received: "none" });
  const series = metricName(name, new Map([...common, ...attributesOf(fields.attributes)]));
  if ((Number(fields.flags ?? 0) & NO_VALUE) !== 0) {
    out.refuse("stale", `${shownName(series)}: the metric has ended`);
    return;
  }
  const time = timeOf(fields.timeUnixNano, series);
  const values: Record<string, number | null> =
    kind === "number"
      ? { [VALUE]: numberOf(fields.asDouble ?? fields.asInt, series, VALUE) }
      : {
          count: numberOf(fields.count, series, "count"),
          ...(fields.sum === undefined ? {} : { sum: numberOf(fields.sum, series, "sum") }),
        };
  if (isName(series)) {
    if (counter) out.counter(series);
    const unit = unitOf(metric.unit);
    if (unit !== "") out.unit(series, kind === "number" ? VALUE : "sum", unit);
  }
  takePoint(out, { series, time, values }, shownName(series));
}

/** A number, or text of digits, as JSON writes numbers of 64 bits; null for NaN and the infinities. */
function numberOf(given: unknown, series: string, field: string): number | null {
  if (given === "NaN" || given === "Infinity" || given === "-Infinity") return null;
  const number = typeof given === "string" && /^-?\d{1,20}$/.test(given) ? Number(given) : given;
  if (typeof number === "number") return finiteOrMissing(number);
  throw badNumber(`${shownName(series)}: ${field}`, given)();
}

function timeOf(given: unknown, series: string): number {
  if (given === undefined || given === 0 || given === "0") return UNTIMED;
  const nanoseconds = typeof given === "string" && /^\d{1,20}$/.test(given) ? Number(given) : given;
  const time = typeof nanoseconds === "number" ? Math.floor(nanoseconds / 1e6) : Number.NaN;
  if (isTime(time)) return time;
  throw badTime(given, `${shownName(series)}: timeUnixNano`, "nanoseconds since 1970")();
}

function attributesOf(given: unknown, wanted: (key: string) => boolean = () => true): Map<string, string> {
  const found = new Map<string, string>();
  for (const { key, value } of list(given)) {
    if (typeof key !== "string" || !wanted(key)) continue;
    const [content] = Object.values(object(value));
    found.set(key, typeof content === "object" ? printable(content, 200) : String(content ?? ""));
  }
  return found;
}
