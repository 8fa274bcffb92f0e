import { type Static, Type } from "@sinclair/typebox";
import { Crosses, Limit, TransitionSchema } from "../alert.ts";
import { Moment } from "../forecast.ts";

// Rules, the alerts they have led to, and the log of what has been told.

const closed = { additionalProperties: false };
const text = Type.String();
const perhaps = Type.Union([Type.Number(), Type.Null()]);
const limit = Type.Union([Type.Number(), Type.Array(Type.Number(), { minItems: 2, maxItems: 2 })]);
const hold = Type.Union([Type.Integer({ minimum: 1 }), text], {
  description: "so many readings, or a span of time such as 5m",
});
const side = Type.Union(["above", "below", "outside"].map((one) => Type.Literal(one)));

/** What a rule waits for: one of these. */
const When = Type.Union([
  Type.Object({ reading: side, limit }, closed),
  Type.Object({ forecast: side, limit, probability: Type.Optional(Type.Number()), within: hold }, closed),
  Type.Object(
    {
      reaches: Type.Union([Type.Literal("above"), Type.Literal("below")]),
      limit: Type.Number(),
      within: text,
    },
    closed,
  ),
  Type.Object({ surprise: Type.Number() }, closed),
  Type.Object({ silent: text }, closed),
  Type.Object({ skill: Type.Number() }, closed),
]);

/** What may be said of a rule beside its name. */
const RULE = {
  series: Type.String({ description: "pattern of names" }),
  target: Type.Optional(Type.String({ description: "pattern of names; every target when absent" })),
  when: When,
  hold: Type.Optional(hold),
  clear: Type.Optional(
    Type.Object(
      {
        limit: Type.Optional(limit),
        probability: Type.Optional(Type.Number()),
        within: Type.Optional(text),
        hold: Type.Optional(hold),
      },
      closed,
    ),
  ),
  severity: Type.Optional(text),
  labels: Type.Optional(Type.Record(text, text)),
  summary: Type.Optional(text),
  group: Type.Optional(Type.Union(["rule", "series", "none"].map((one) => Type.Literal(one)))),
  to: Type.Optional(Type.Array(text, { description: "names of receivers of the configuration" })),
};

/** A rule as it is put. */
export const RuleSchema = Type.Object({ name: Type.Optional(text), ...RULE });

const standing = {
  name: text,
  ...RULE,
  from: Type.Union([Type.Literal("configuration"), Type.Literal("http")]),
};
const StandingRuleSchema = Type.Object(standing, closed);
const matches = Type.Integer({ minimum: 0, description: "series that it is about" });
export const ToldRuleSchema = Type.Object({ ...standing, matches }, closed);

export const AlertSchema = Type.Object(
  {
    alert: Type.Union([text, Type.Null()], { description: "its name, once it has been told" }),
    rule: text,
    series: text,
    target: text,
    state: Type.Union([Type.Literal("pending"), Type.Literal("firing")]),
    since: Moment,
    value: perhaps,
    limit: Limit,
    probability: perhaps,
    crosses: Crosses,
    severity: text,
    summary: text,
  },
  closed,
);
const active = {
  alerts: Type.Array(AlertSchema, { description: "pending or firing, a thousand at most" }),
  more: Type.Optional(Type.Integer({ minimum: 1, description: "how many there are beyond those" })),
};

export const AlertsSchema = Type.Object({ rules: Type.Array(StandingRuleSchema), ...active }, closed);
export type AlertsAnswer = Static<typeof AlertsSchema>;
export const RuleAlertsSchema = Type.Object({ ...standing, matches, ...active }, closed);
export const TransitionsSchema = Type.Object(
  {
    transitions: Type.Array(TransitionSchema),
    next: Type.Union([text, Type.Null()]),
  },
  closed,
);
export type TransitionsAnswer = Static<typeof TransitionsSchema>;
