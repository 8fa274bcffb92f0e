import { Type } from "@sinclair/typebox";
import { EddyError, type ErrorCode, printable } from "../../models/errors.ts";
import { checked, duration, oneOf, strict, text, whole } from "../checked.ts";
import { checkSummary } from "./summary.ts";

/** On which side of a limit. */
export type Side = "above" | "below" | "outside";

/** One limit, or, with `outside`, the lowest and the highest value that is as it should be. */
export type Limit = number | readonly [low: number, high: number];

/** A number of readings, or a span of time such as `"5m"`. */
export type Hold = number | string;

/** What a rule waits for. */
export type When =
  /** A reading lies beyond a limit. */
  | { readonly reading: Side; readonly limit: Limit }
  /** At least one of the readings up to `within` (steps, or a span of time) will, with at least this probability. */
  | {
      readonly forecast: Side;
      readonly limit: Limit;
      readonly probability?: number;
      readonly within: Hold;
    }
  /** The moment at which a limit is reached, as likely before as after, is no further away than `within`. */
  | { readonly reaches: "above" | "below"; readonly limit: number; readonly within: string }
  /** A reading is among this share of the least likely ones. */
  | { readonly surprise: number }
  /** No reading has come for so long. */
  | { readonly silent: string }
  /** Skill against the last value said again falls below this. */
  | { readonly skill: number };

/** What ends an alert; what is not given has a default that does not end it with the first reading that is better. */
export interface Clear {
  readonly limit?: Limit;
  readonly probability?: number;
  readonly within?: string;
  readonly hold?: Hold;
}

export const GROUPINGS = ["rule", "series", "none"] as const;

/** A rule as it is written down: in the configuration, over HTTP, in the database. */
export interface AlertRule {
  readonly name: string;
  /** Pattern of names of series. */
  readonly series: string;
  /** Pattern of names of targets; absent: every target. */
  readonly target?: string;
  readonly when: When;
  /** How long it must be so before it is told. */
  readonly hold?: Hold;
  readonly clear?: Clear;
  readonly severity?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary?: string;
  /** Which alerts a receiver is told of in one message: all of the rule, those of one series, or none with another. */
  readonly group?: (typeof GROUPINGS)[number];
  /** Names of receivers. */
  readonly to?: readonly string[];
}

/** Rules at most. */
export const MOST_RULES = 1000;
/** Readings that a rule may hold or a clear may take. */
const MOST_READINGS = 100_000;
/** Steps that are looked ahead at most: forecasters tell of no more, and of so many once they have watched for long. */
export const MOST_STEPS = 65_536;
const MOST_LABELS = 32;
const MOST_RECEIVERS = 16;

const NAME = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$";
/** Paths under /v1/alerts that are no rules. */
const TAKEN_NAMES = ["transitions", "receivers", "deliveries"];

const share = Type.Number({
  exclusiveMinimum: 0,
  exclusiveMaximum: 1,
  expected: "a number between 0 and 1",
});
const number = Type.Number({ expected: "a number" });
const pair = Type.Tuple([number, number], { expected: "two numbers, the lower one first, such as [10, 90]" });
const span = duration();
const hold = Type.Unsafe<Hold>(
  Type.Union([whole(1, MOST_READINGS), span], {
    expected: 'a number of readings such as 3, or a span of time such as "5m"',
  }),
);
const within = Type.Unsafe<Hold>(
  Type.Union([whole(1, MOST_STEPS), span], {
    expected: `a number of steps from 1 to ${MOST_STEPS}, or a span of time such as "1h"`,
  }),
);
const side = oneOf(["above", "below", "outside"]);
const limit = Type.Unsafe<Limit>(
  Type.Union([number, pair], { expected: "a number, or two beside outside, such as [10, 90]" }),
);

const KINDS = {
  reading: Type.Object({ reading: side, limit }, strict),
  forecast: Type.Object({ forecast: side, limit, probability: Type.Optional(share), within }, strict),
  reaches: Type.Object({ reaches: oneOf(["above", "below"]), limit: number, within: span }, strict),
  surprise: Type.Object({ surprise: share }, strict),
  silent: Type.Object({ silent: span }, strict),
  skill: Type.Object({ skill: Type.Number({ exclusiveMaximum: 1, expected: "a number below 1" }) }, strict),
} as const;

/** What a rule may wait for. */
export type Kind = keyof typeof KINDS;

const clear = Type.Object(
  {
    limit: Type.Optional(limit),
    probability: Type.Optional(share),
    within: Type.Optional(span),
    hold: Type.Optional(hold),
  },
  strict,
);

/** What each kind may say of its end. */
const CLEARED_BY: Readonly<Record<Kind, readonly (keyof Clear)[]>> = {
  reading: ["limit", "hold"],
  forecast: ["probability", "hold"],
  reaches: ["within", "hold"],
  surprise: ["probability", "hold"],
  silent: ["hold"],
  skill: ["limit", "hold"],
};

const pattern = (of: string) => Type.String({ minLength: 1, maxLength: 256, expected: `a pattern of ${of}` });

const RULE = Type.Object(
  {
    name: Type.String({ pattern: NAME, expected: "a name of 1 to 64 letters, digits and . _ -" }),
    series: pattern('names of series, such as "disk/*"'),
    target: Type.Optional(pattern("names of targets")),
    when: Type.Object(
      {},
      { additionalProperties: true, expected: `an object with one of ${Object.keys(KINDS).join(", ")}` },
    ),
    hold: Type.Optional(hold),
    clear: Type.Optional(clear),
    severity: Type.Optional(
      Type.String({ pattern: "^[A-Za-z0-9_.-]{1,32}$", expected: 'a word such as "warning" or "critical"' }),
    ),
    labels: Type.Optional(
      Type.Record(
        Type.String(),
        Type.String({ maxLength: 256, expected: "text of at most 256 characters" }),
        {
          maxProperties: MOST_LABELS,
          expected: `an object of at most ${MOST_LABELS} texts`,
        },
      ),
    ),
    summary: Type.Optional(text("text")),
    group: Type.Optional(oneOf(GROUPINGS)),
    to: Type.Optional(
      Type.Array(text("the name of a receiver"), {
        maxItems: MOST_RECEIVERS,
        expected: `a list of at most ${MOST_RECEIVERS} names of receivers`,
      }),
    ),
  },
  { ...strict, expected: "an object" },
);

/** Which of the kinds a rule is of. */
export const kindOf = (when: When): Kind =>
  Object.keys(when).find((key): key is Kind => key in KINDS) as Kind;

/** Where a rule comes from, and what it may name. */
export interface RuleContext {
  /** What errors call it, such as `eddy.config.json: alerts.0`. */
  readonly subject: string;
  readonly code: ErrorCode;
  /** Receivers that there are. */
  readonly receivers: readonly string[];
}

/**
 * A rule from outside, checked as a whole.
 *
 * @throws EddyError `code`: one line naming the field, what was expected and what came
 * @example
 * ```
 * const given = { name: "hot", series: "boiler/*", when: { reading: "above", limit: 90 } };
 * checkRule(given, { subject: "rule", code: "bad-argument", receivers: [] }).name; // "hot"
 * ```
 */
export function checkRule(given: unknown, { subject, code, receivers }: RuleContext): AlertRule {
  const refused = (field: string, expected: string, received: unknown): EddyError =>
    new EddyError(code, `${subject}: ${field}`, { expected, received: printable(received) });
  const fitting = (schema: Parameters<typeof checked>[0], value: unknown): unknown => {
    try {
      return checked(schema, value, subject);
    } catch (error) {
      throw error instanceof EddyError ? error.about(error.subject, code) : error;
    }
  };
  const rule = fitting(RULE, given) as AlertRule;
  if (TAKEN_NAMES.includes(rule.name)) throw refused("name", "a name that is no path of its own", rule.name);
  const kinds = Object.keys(rule.when).filter((key) => Object.hasOwn(KINDS, key));
  const [kind] = kinds as Kind[];
  if (kind === undefined || kinds.length > 1) {
    throw refused(
      "when",
      `one of ${Object.keys(KINDS).join(", ")}`,
      kind === undefined ? rule.when : kinds.join(" and "),
    );
  }
  fitting(Type.Object({ when: KINDS[kind] }), { when: rule.when });
  checkLimits(rule, kind, refused);
  for (const name of Object.keys(rule.labels ?? {})) {
    if (!/^(?!__)[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name)) {
      throw refused("labels", "names of letters, digits and _, not beginning with a digit or __", name);
    }
  }
  rule.to?.forEach((name, i) => {
    if (receivers.includes(name)) return;
    const known = receivers.length > 0 ? `one of ${receivers.join(", ")}` : "none, as there are no receivers";
    throw refused(`to.${i}`, `${known} (receivers are named in the configuration)`, name);
  });
  if (rule.summary !== undefined) {
    const wrong = checkSummary(rule.summary);
    if (wrong !== undefined) throw refused("summary", wrong, rule.summary);
  }
  return rule;
}

type Refused = (field: string, expected: string, received: unknown) => EddyError;

/** Limits that fit their side, and an end that lies on the right side of the beginning. */
function checkLimits(rule: AlertRule, kind: Kind, refused: Refused): void {
  const { when, clear = {}, hold, target } = rule;
  for (const field of Object.keys(clear) as (keyof Clear)[]) {
    if (!CLEARED_BY[kind].includes(field)) {
      throw refused(
        `clear.${field}`,
        `only ${CLEARED_BY[kind].join(", ")} for a rule of this kind`,
        clear[field],
      );
    }
  }
  if ("silent" in when) {
    if (target !== undefined) throw refused("target", "none: a whole series is silent", target);
    if (hold !== undefined) throw refused("hold", "none: silent says how long", hold);
    if (typeof clear.hold === "string") throw refused("clear.hold", "a number of readings", clear.hold);
  }
  if (
    "skill" in when &&
    clear.limit !== undefined &&
    !(typeof clear.limit === "number" && clear.limit >= when.skill)
  ) {
    throw refused("clear.limit", `a number of ${when.skill} or more`, clear.limit);
  }
  if ("surprise" in when && clear.probability !== undefined && clear.probability < when.surprise) {
    throw refused("clear.probability", `a number of ${when.surprise} or more`, clear.probability);
  }
  if ("forecast" in when) {
    const { probability = DEFAULT_PROBABILITY } = when;
    if (clear.probability !== undefined && clear.probability > probability) {
      throw refused("clear.probability", `a number of ${probability} or less`, clear.probability);
    }
    checkSide(when.forecast, when.limit, "when.limit", refused);
  }
  if (!("reading" in when)) return;
  checkSide(when.reading, when.limit, "when.limit", refused);
  if (clear.limit === undefined) return;
  checkSide(when.reading, clear.limit, "clear.limit", refused);
  const [low, high] = bounds(when.reading, when.limit);
  const [clearLow, clearHigh] = bounds(when.reading, clear.limit);
  if (clearLow < low || clearHigh > high) {
    throw refused("clear.limit", "one that is no further out than the limit of when", clear.limit);
  }
}

function checkSide(side: Side, limit: Limit, field: string, refused: Refused): void {
  if (side !== "outside" && typeof limit !== "number") throw refused(field, "a number", limit);
  if (side !== "outside") return;
  if (typeof limit === "number" || !(limit[0] < limit[1])) {
    throw refused(field, "two numbers, the lower one first, such as [10, 90]", limit);
  }
}

/** The probability of a forecast that fires when none is given. */
export const DEFAULT_PROBABILITY = 0.8;

/** The lowest and the highest reading that is on the right side of a limit. */
export function bounds(side: Side, limit: Limit): readonly [low: number, high: number] {
  if (typeof limit !== "number") return limit;
  return side === "below" ? [limit, Number.POSITIVE_INFINITY] : [Number.NEGATIVE_INFINITY, limit];
}
