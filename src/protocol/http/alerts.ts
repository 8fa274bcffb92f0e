import { Type } from "@sinclair/typebox";
import { Crosses, Limit, Pair, TransitionSchema } from "../alert.ts";
import { Moment } from "../forecast.ts";
import { COMMON, failure, inPath, inQuery, JSON_BODY, json, NOT_FOUND, type Operation } from "./operation.ts";

// Rules for alerts, what they have led to, and what has been told.

const closed = { additionalProperties: false };
const text = Type.String();
const number = Type.Number();
const side = Type.Union(["above", "below", "outside"].map((one) => Type.Literal(one)));
const limit = Type.Union([number, Pair]);
const span = Type.String({ description: "a span of time such as 90s, 12h or 1d" });
const hold = Type.Union([Type.Integer({ minimum: 1 }), span], {
  description: "so many readings, or so long",
});
const share = Type.Number({ exclusiveMinimum: 0, exclusiveMaximum: 1 });

const rule = {
  series: Type.String({ description: "pattern of names of series" }),
  target: Type.Optional(Type.String({ description: "pattern of names of targets; absent: every target" })),
  when: Type.Union([
    Type.Object({ reading: side, limit }, closed),
    Type.Object({ forecast: side, limit, probability: Type.Optional(share), within: hold }, closed),
    Type.Object({ reaches: side, limit: number, within: span }, closed),
    Type.Object({ surprise: share }, closed),
    Type.Object({ silent: span }, closed),
    Type.Object({ skill: number }, closed),
  ]),
  hold: Type.Optional(hold),
  clear: Type.Optional(
    Type.Object(
      {
        limit: Type.Optional(limit),
        probability: Type.Optional(share),
        within: Type.Optional(span),
        hold: Type.Optional(hold),
      },
      { ...closed, description: "what ends it" },
    ),
  ),
  severity: Type.Optional(text),
  labels: Type.Optional(Type.Record(text, text)),
  summary: Type.Optional(Type.String({ description: "with {series}, {value}, {limit}, {crosses}, ..." })),
  group: Type.Optional(Type.Union(["rule", "series", "none"].map((one) => Type.Literal(one)))),
  to: Type.Optional(Type.Array(text, { description: "receivers of the configuration" })),
};

/** A rule as it is put. */
const RuleSchema = Type.Object({ name: Type.Optional(text), ...rule }, closed);
const toldRule = {
  name: text,
  ...rule,
  from: Type.Union([Type.Literal("configuration"), Type.Literal("http")]),
};
const matches = Type.Integer({ minimum: 0, description: "series that it is about now" });

const orNull = (schema: typeof text | typeof number) => Type.Union([schema, Type.Null()]);
const alerts = {
  alerts: Type.Array(
    Type.Object(
      {
        rule: text,
        alert: orNull(text),
        series: text,
        target: text,
        state: Type.Union([Type.Literal("pending"), Type.Literal("firing")]),
        since: Moment,
        value: orNull(number),
        limit: Limit,
        probability: orNull(number),
        crosses: Crosses,
        severity: text,
        summary: text,
      },
      closed,
    ),
    { description: "pending or firing; the first thousand" },
  ),
  more: Type.Optional(Type.Integer({ minimum: 1, description: "how many there are beyond those" })),
};

const AlertsSchema = Type.Object({ rules: Type.Array(Type.Object(toldRule, closed)), ...alerts }, closed);
const StandingRuleSchema = Type.Object({ ...toldRule, matches }, closed);
const RuleAndAlertsSchema = Type.Object({ ...toldRule, matches, ...alerts }, closed);
const TransitionPageSchema = Type.Object(
  { transitions: Type.Array(TransitionSchema), next: orNull(text) },
  closed,
);

const name = { name: inPath("name of the rule") };
const FIXED = { 409: failure("it is one of the configuration") };

export const ALERTS: readonly Operation[] = [
  {
    method: "get",
    path: "/v1/alerts",
    id: "listAlerts",
    tag: "alerts",
    summary: "The rules, and the alerts that are pending or firing",
    parameters: { series: inQuery("only what is about this series") },
    answers: { 200: json("all of them", AlertsSchema), ...COMMON },
  },
  {
    method: "get",
    path: "/v1/alerts/transitions",
    id: "listTransitions",
    tag: "alerts",
    summary: "What has been told of alerts, the newest first",
    parameters: {
      limit: inQuery("of one page", Type.Integer({ minimum: 1, maximum: 1000, default: 100 })),
      cursor: inQuery("the next of the page before"),
    },
    answers: { 200: json("a page", TransitionPageSchema), ...COMMON },
  },
  {
    method: "get",
    path: "/v1/alerts/{name}",
    id: "getAlertRule",
    tag: "alerts",
    summary: "A rule, and its alerts",
    parameters: name,
    answers: { 200: json("it", RuleAndAlertsSchema), ...NOT_FOUND, ...COMMON },
  },
  {
    method: "put",
    path: "/v1/alerts/{name}",
    id: "putAlertRule",
    tag: "alerts",
    summary:
      "Puts a rule in force, in the place of one of its name; it can name neither a host nor a command",
    parameters: name,
    body: { [JSON_BODY]: RuleSchema },
    answers: {
      200: json("it took the place of one", StandingRuleSchema),
      201: json("it is new", StandingRuleSchema),
      ...FIXED,
      413: failure("the body is too large"),
      415: failure("of another type than can be read"),
      ...COMMON,
    },
  },
  {
    method: "delete",
    path: "/v1/alerts/{name}",
    id: "deleteAlertRule",
    tag: "alerts",
    summary: "Takes a rule away, and ends its alerts",
    parameters: name,
    answers: { 204: { description: "done" }, ...NOT_FOUND, ...FIXED, ...COMMON },
  },
];
