import { shown } from "../chart/numbers.ts";
import type { Alert, Rule } from "./wire.ts";
import { momentWords, spanWords, withUnit } from "./words.ts";

/** The probability that a rule on forecasts asks for when it names none. */
const USUAL = 0.8;

/** "5m" or 12 in words; steps as the time they take, where that is known. */
function spanOf(within: number | string, step: number): string {
  if (typeof within === "number") {
    if (step > 0) return spanWords(within * step);
    return within === 1 ? "one step" : `${within} steps`;
  }
  const names: Readonly<Record<string, string>> = {
    s: "seconds",
    m: "minutes",
    h: "hours",
    d: "days",
    w: "weeks",
    ms: "milliseconds",
  };
  const [, count, unit = ""] = /^(\d+(?:\.\d+)?)\s*(ms|[smhdw])$/.exec(within) ?? [];
  if (count === undefined) return within;
  const name = names[unit] ?? unit;
  return Number(count) === 1 ? `one ${name.slice(0, -1)}` : `${count} ${name}`;
}

const limitWords = (limit: number | readonly number[], unit: string): string =>
  typeof limit === "number"
    ? withUnit(shown(limit), unit)
    : limit.map((one) => withUnit(shown(one), unit)).join(" to ");

/** How a target is told of: its unit, and milliseconds from one step to the next, 0 where they are not known. */
export interface Told {
  readonly unit: string;
  readonly step: number;
}

/** What a rule waits for, as a part of a sentence. */
export function whenWords(when: Rule["when"], { unit, step }: Told): string {
  if ("reading" in when) return `a reading is ${when.reading} ${limitWords(when.limit, unit)}`;
  if ("forecast" in when) {
    const chance =
      when.probability === undefined
        ? ""
        : `, with a probability of at least ${Math.round(100 * when.probability)} %`;
    return `it is expected to be ${when.forecast} ${limitWords(when.limit, unit)} within ${spanOf(when.within, step)}${chance}`;
  }
  if ("reaches" in when)
    return `it is on its way to be ${when.reaches} ${limitWords(when.limit, unit)} within ${spanOf(when.within, step)}`;
  if ("surprise" in when)
    return `fewer than one of ${Math.round(1 / when.surprise).toLocaleString("en")} readings would lie so far out`;
  if ("silent" in when) return `nothing comes for ${spanOf(when.silent, step)}`;
  return when.skill === 0
    ? "the forecast is no better than repeating the last value"
    : `the skill of the forecast is below ${shown(when.skill)}`;
}

/** A moment near now: the day only where it is another one than that of `beside`. */
const brief = (time: number, beside: number): string => {
  const whole = momentWords(time, 60_000);
  const day = (at: number): string => new Date(at).toDateString();
  return day(time) === day(beside) ? (whole.split(", ").at(-1) ?? whole) : whole;
};

/** "crosses about Fri 28 Nov 2025, 14:00 (13:10 to 16:00)"; empty where that cannot be told. */
export function crossesWords(crosses: Alert["crosses"]): string {
  if (crosses === null || crosses.at === null) return "";
  const at = minute(Date.parse(crosses.at));
  const ends = [crosses.from, crosses.to].map((end) =>
    end === null ? "later than can be told" : brief(minute(Date.parse(end)), at),
  );
  return `crosses about ${momentWords(at, 60_000)} (${ends.join(" to ")})`;
}

const minute = (time: number): number => Math.round(time / 60_000) * 60_000;

/** Whether what an alert tells of still is as likely as its rule asks: what clears slowly fires on while it is not. */
export const holds = ({ probability }: Alert, rule: Rule | undefined): boolean =>
  rule === undefined ||
  !("forecast" in rule.when) ||
  probability === null ||
  probability >= (rule.when.probability ?? USUAL);

/** A probability in words: "84 %", "0.004 %". */
export const chanceWords = (p: number): string =>
  `${p >= 0.01 || p === 0 ? Math.round(100 * p) : Number((100 * p).toPrecision(1))} %`;

/** The words of a rule, of what is so, or was until lately. */
function soWords(alert: Alert, rule: Rule, told: Told): string {
  const { unit, step } = told;
  const { when } = rule;
  if (!("forecast" in when)) return whenWords(when, told);
  const verb = holds(alert, rule) ? "is" : "was";
  return `${verb} expected to be ${when.forecast} ${limitWords(when.limit, unit)} within ${spanOf(when.within, step)}`;
}

/** What an alert says: the words of its rule, or else what it waits for; the value, how likely, and when. */
export function alertWords(alert: Alert, rule: Rule | undefined, told: Told): string {
  const { summary, value, probability, crosses, state, since } = alert;
  return [
    rule === undefined || rule.summary !== undefined ? summary : soWords(alert, rule, told),
    value === null ? "" : `now ${withUnit(shown(value), told.unit)}`,
    probability === null ? "" : `probability ${chanceWords(probability)}`,
    holds(alert, rule) ? crossesWords(crosses) : "",
    `${state === "firing" ? "since" : "held since"} ${momentWords(minute(Date.parse(since)), 60_000)}`,
  ]
    .filter((part) => part !== "")
    .join(" · ");
}

/** The levels that a rule has. */
export function limitsOfRule({ when }: Pick<Rule, "when">): readonly number[] {
  if (!("limit" in when)) return [];
  return typeof when.limit === "number" ? [when.limit] : when.limit;
}
