import { Readable } from "node:stream";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { EddyError, printable } from "../../../models/errors.ts";
import type { Engine } from "../../engine.ts";
import { VERSION } from "../../version.ts";
import { wordedFailure } from "../failure.ts";
import { Gate } from "../gate.ts";
import type { RouteWorld } from "../routes.ts";
import { type Curve, curvesOf, type Labels, type MayRead } from "./curves.ts";
import { type Answer, atInstant, CUT, checkRange, firstLines, overRange } from "./evaluate.ts";
import { type LabelTest, labelTests } from "./label-tests.ts";
import { METRICS } from "./metrics.ts";
import { Parameters } from "./parameters.ts";
import { parseQuery, parseSelector } from "./selector.ts";

/** Bytes of a form. */
const FORM = 65_536;
/** Queries that are answered at a time, in turns, and those that wait for that. */
const PLACES = 4;
const ROOM = 64;
/** Time series, or values of a label, that one answer lists; `limit` may ask for fewer. */
const LISTED = 100_000;
const LABELS = ["__name__", "bound", "lead", "series", "target"];

/** What a request asks for, and what of it whoever asks may read. */
interface Asked {
  readonly engine: Engine;
  readonly parameters: Parameters;
  readonly mayRead: MayRead;
  /** Of the path. */
  readonly name: string;
}

/** What answers a request: at once, or in turns. */
type Ask = (asked: Asked) => Answer | Generator<undefined, Answer>;

/**
 * The part of Prometheus' HTTP API that Grafana's data source of that name asks for, so that readings and forecasts are drawn
 * without a plugin: selectors only, nothing is computed. Errors are told as Prometheus tells them.
 */
export function addPrometheusRoutes(app: FastifyInstance, world: RouteWorld, engine: () => Engine): void {
  const gate = new Gate(PLACES, ROOM);
  app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(
      "application/x-www-form-urlencoded",
      { parseAs: "string", bodyLimit: FORM },
      async (_request: FastifyRequest, body: string | Buffer) => String(body),
    );
    const route = (method: ("GET" | "POST")[], url: string, ask: Ask): void => {
      scope.route({
        method,
        url,
        // Grafana's data source can be given a user and a password.
        config: { access: { scope: "read", of: "each" }, influxToken: true },
        onRequest: async ({ raw }) => world.wanted(raw),
        errorHandler: answerFailure,
        handler: async (request, reply) => {
          const parameters = new Parameters(
            request.raw.url?.split("?").slice(1).join("?") ?? "",
            typeof request.body === "string" ? request.body : "",
          );
          const pieces = await gate.pass(async () => {
            const { name = "" } = request.params as { readonly name?: string };
            const mayRead = (series: string): boolean => request.caller.may("read", series);
            const answer = ask({ engine: engine(), parameters, mayRead, name });
            return "next" in answer ? world.turns.run(answer) : answer;
          });
          reply.type("application/json; charset=utf-8");
          return Readable.from(pieces, { objectMode: false });
        },
      });
    };
    const both: ("GET" | "POST")[] = ["GET", "POST"];

    route(both, "/api/v1/query", function* (asked) {
      const { engine, parameters } = asked;
      const query = parseQuery(parameters.text("query"));
      return yield* atInstant(engine, query, parameters.time("time", world.now()), bounds(asked));
    });
    route(both, "/api/v1/query_range", function* (asked) {
      const { engine, parameters } = asked;
      const query = parseQuery(parameters.text("query"));
      const range = {
        start: parameters.time("start"),
        end: parameters.time("end"),
        step: parameters.span("step"),
      };
      checkRange(range);
      return yield* overRange(engine, query, range, bounds(asked));
    });
    route(both, "/api/v1/series", function* (asked) {
      if (asked.parameters.all("match[]").length === 0) {
        throw new EddyError("bad-argument", "match[]", { expected: "a selector", received: "none" });
      }
      const { curves, cut } = yield* listed(asked);
      const labels: string[] = [];
      for (const { lines } of curves) {
        yield;
        for (const line of lines) labels.push(JSON.stringify(line.labels));
      }
      return list(labels, cut);
    });
    route(both, "/api/v1/labels", function* (asked) {
      checkTimes(asked.parameters);
      if (asked.parameters.all("match[]").length === 0)
        return list(
          LABELS.map((label) => JSON.stringify(label)),
          false,
        );
      const { curves } = yield* listed(asked);
      const found = new Set(
        curves.flatMap(({ lines }) => lines.flatMap(({ labels }) => Object.keys(labels))),
      );
      // Who asks for it by a matcher gets them.
      if (found.has("bound")) found.add("lead");
      return list(
        [...found].sort().map((label) => JSON.stringify(label)),
        false,
      );
    });
    route(["GET"], "/api/v1/label/:name/values", function* (asked) {
      checkTimes(asked.parameters);
      const found = yield* valuesOf(asked);
      return list(
        found.values.map((value) => JSON.stringify(value)),
        found.cut,
      );
    });
    route(["GET"], "/api/v1/metadata", ({ parameters }) => {
      const limit = parameters.limit() ?? METRICS.length;
      const only = parameters.all("metric")[0] ?? "";
      const told = METRICS.filter(({ name }) => only === "" || name === only).slice(0, limit);
      const data = Object.fromEntries(
        told.map(({ name, help }) => [name, [{ type: "gauge", help, unit: "" }]]),
      );
      return [JSON.stringify({ status: "success", data })];
    });
    route(["GET"], "/api/v1/status/buildinfo", () => {
      const data = {
        application: "Eddy",
        version: VERSION,
        revision: "",
        branch: "",
        buildUser: "",
        buildDate: "",
        goVersion: "",
      };
      return [JSON.stringify({ status: "success", data })];
    });
    // There are none: Grafana asks with every query all the same.
    route(both, "/api/v1/query_exemplars", ({ parameters }) => {
      parseQuery(parameters.text("query"));
      checkTimes(parameters);
      return [JSON.stringify({ status: "success", data: [] })];
    });
  });
}

const bounds = ({ parameters, mayRead }: Asked) => {
  // How long it may take is bounded whatever is asked; that it is a span is still to be told.
  parameters.span("timeout", undefined);
  return { lookback: parameters.span("lookback_delta", undefined), limit: parameters.limit(), mayRead };
};

/** A series is listed as long as it is kept, whenever it was observed; the times have to be times all the same. */
function checkTimes(parameters: Parameters): void {
  parameters.time("start", 0);
  parameters.time("end", 0);
}

const list = (items: readonly string[], cut: boolean): Answer => [
  '{"status":"success","data":[',
  ...items.map((item, i) => (i === 0 ? item : `,${item}`)),
  `]${cut ? `,"warnings":["${CUT}"]` : ""}}`,
];

/** Time series of all the selectors of `match[]`, each once. */
function* listed(
  { engine, parameters, mayRead }: Asked,
  more: readonly LabelTest[] = [],
): Generator<undefined, { readonly curves: readonly Curve[]; readonly cut: boolean }> {
  checkTimes(parameters);
  const limit = Math.min(LISTED, parameters.limit() ?? LISTED);
  const selectors = parameters.all("match[]").map((text) => parseSelector(text));
  const known = new Set<string>();
  const found: Curve[] = [];
  for (const { matchers } of selectors) {
    const tests = [...labelTests(matchers, "match[]"), ...more];
    for (const curve of yield* curvesOf(engine, tests, { lines: limit, refuse: false }, mayRead)) {
      yield;
      const lines = curve.lines.filter(({ labels }) => {
        const key = JSON.stringify(labels);
        return known.size <= limit && !known.has(key) && known.add(key);
      });
      if (lines.length > 0) found.push({ ...curve, lines });
    }
  }
  return { curves: firstLines(found, limit), cut: known.size > limit };
}

/** A label that has any value. */
const present = (label: string): LabelTest => ({ label, fits: (value) => value !== "", cost: 1 });

function* valuesOf(
  asked: Asked,
): Generator<undefined, { readonly values: readonly string[]; readonly cut: boolean }> {
  const { name } = asked;
  const limit = Math.min(LISTED, asked.parameters.limit() ?? LISTED);
  let values: Iterable<string>;
  if (asked.parameters.all("match[]").length > 0) {
    const { curves } = yield* listed(asked, [present(name)]);
    values = curves.flatMap(({ lines }) => lines.map(({ labels }) => own(labels, name)));
  } else values = yield* allValues(asked, limit);
  const sorted = [...new Set(values)].sort(byNumberOrText);
  return { values: sorted.slice(0, limit), cut: sorted.length > limit };
}

const own = (labels: Labels, name: string): string =>
  Object.hasOwn(labels, name) ? (labels[name] ?? "") : "";

const byNumberOrText = (a: string, b: string): number =>
  Number(a) - Number(b) || (a < b ? -1 : a > b ? 1 : 0);

/** Every value that a label has, without looking at what goes together. */
function* allValues(
  { engine, name, mayRead }: Asked,
  limit: number,
): Generator<undefined, ReadonlySet<string>> {
  const values = new Set<string>();
  if (name === "__name__") for (const metric of METRICS) values.add(metric.name);
  if (!["series", "target", "bound", "lead"].includes(name)) return values;
  let horizon = 0;
  for (const series of engine.names()) {
    yield;
    if (values.size > limit) break;
    const summary = mayRead(series) ? engine.summary(series) : undefined;
    if (summary === undefined || summary.targets.length === 0) continue;
    if (name === "series") values.add(series);
    if (name === "target") for (const target of summary.targets) values.add(target);
    if (name === "lead") for (; horizon < summary.horizon; ) values.add(String(++horizon));
    if (name === "bound") {
      for (const bound of [
        "mean",
        "lower",
        "upper",
        ...(engine.latest(series)?.quantileLevels.map(String) ?? []),
      ])
        values.add(bound);
    }
  }
  return values;
}

/** The kind of an error, by our code for it. */
const ERROR_TYPES: Readonly<Record<string, string>> = {
  "too-large": "execution",
  busy: "unavailable",
  "not-ready": "unavailable",
  storage: "internal",
  internal: "internal",
  unauthorised: "unauthorized",
  forbidden: "forbidden",
  "not-found": "not_found",
};

/** What went wrong, as clients of Prometheus read it. */
function answerFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const { statusCode, code, message, retryAfter } = wordedFailure(error, request);
  const large = error instanceof EddyError && code === "too-large";
  // 422: well asked, and too much. Busy is not 429: Grafana shows the words of the former only.
  const status = large ? 422 : code === "busy" ? 503 : statusCode;
  if (status === 503) reply.header("retry-after", retryAfter);
  if (status === 413) reply.header("connection", "close");
  const told =
    statusCode === 415
      ? `Content-Type: expected application/x-www-form-urlencoded, got ${printable(request.headers["content-type"] ?? "none")}`
      : message;
  reply.code(status).send({ status: "error", errorType: ERROR_TYPES[code] ?? "bad_data", error: told });
}
