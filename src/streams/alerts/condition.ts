import type { Crosses } from "../../models/alert.ts";
import { afterSteps } from "../../models/calendar-step.ts";
import type { Crossing, Range } from "../../models/forecaster/crossing.ts";
import { itemAt } from "../../models/item-at.ts";
import { milliseconds } from "../checked.ts";
import {
  type AlertRule,
  bounds,
  DEFAULT_PROBABILITY,
  type Hold,
  type Kind,
  kindOf,
  type Limit,
  MOST_STEPS,
  type Side,
} from "./rule.ts";

/** For how long something must be so: for so many readings, and for so long. */
export interface Lasting {
  readonly readings: number;
  readonly milliseconds: number;
}

/** A rule made ready to be looked at with every reading. */
export interface Condition {
  readonly kind: Kind;
  /** As told: of the rule as it is written. */
  readonly limit: Limit | null;
  readonly range: Range;
  /** Readings within this end it; of a skill: `low`. */
  readonly clearRange: Range;
  readonly probability: number;
  readonly clearProbability: number;
  /** In steps where it is given so, else in milliseconds. */
  readonly within: Hold;
  /** Milliseconds. */
  readonly clearWithin: number;
  /** Undefined: one reading that the forecaster believes, or two in a row. */
  readonly hold: Lasting | undefined;
  readonly clearHold: Lasting;
}

/** What a rule looks at: a target at one of its readings. What is not known is NaN. */
export interface Look {
  /** Epoch milliseconds. */
  readonly time: number;
  readonly value: number;
  /** The forecaster holds the reading at arm's length: it may be a spike. */
  readonly doubted: boolean;
  readonly surprise: number;
  readonly skill: number;
  /** Usual milliseconds between readings. */
  readonly step: number;
  /** Undefined: it cannot be told. */
  readonly crossing: Crossing | undefined;
}

/** What comes of a look. */
export interface Verdict {
  /** Undefined: it cannot be told, and everything stays as it is. */
  readonly holds: boolean | undefined;
  /** Whether it is so far from holding that an alert may end. */
  readonly clears: boolean;
  readonly value: number | null;
  readonly probability: number | null;
  readonly crosses: Crosses | null;
}

const lasting = (hold: Hold | undefined, readings: number): Lasting =>
  typeof hold === "string"
    ? { readings: 1, milliseconds: milliseconds(hold) }
    : { readings: hold ?? readings, milliseconds: 0 };

/** Readings in a row that end an alert, and that a date or a skill must hold for, when a rule does not say. */
const CLEAR_READINGS = 3;
const REACHES_READINGS = 3;
const SKILL_READINGS = 30;
/** How far an alert must be left behind before it ends, when a rule does not say. */
const CLEAR_PROBABILITY = 0.2;
const CLEAR_WITHIN = 1.5;
const CLEAR_SURPRISE = 10;
const NO_SURPRISE = 0.05;
const CLEAR_SKILL = 0.05;

const ANY: Range = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

function rangeOf(side: Side, limit: Limit): Range {
  const [low, high] = bounds(side, limit);
  return { low, high };
}

/** A rule that has been checked, made ready. */
export function conditionOf({ when, hold, clear = {} }: AlertRule): Condition {
  const none = {
    kind: kindOf(when),
    limit: null,
    range: ANY,
    clearRange: ANY,
    probability: Number.NaN,
    clearProbability: Number.NaN,
    within: 1,
    clearWithin: Number.NaN,
    hold: lasting(hold, 1),
    clearHold: lasting(clear.hold, CLEAR_READINGS),
  };
  if ("reading" in when) {
    const { reading: side, limit } = when;
    return {
      ...none,
      limit,
      range: rangeOf(side, limit),
      clearRange: rangeOf(side, clear.limit ?? limit),
      hold: hold === undefined ? undefined : none.hold,
    };
  }
  if ("forecast" in when) {
    const { forecast: side, limit, probability = DEFAULT_PROBABILITY, within } = when;
    const clearProbability = clear.probability ?? Math.max(probability / 2, probability - CLEAR_PROBABILITY);
    return { ...none, limit, range: rangeOf(side, limit), probability, clearProbability, within };
  }
  if ("reaches" in when) {
    const { reaches: side, limit, within } = when;
    const clearWithin =
      clear.within === undefined ? CLEAR_WITHIN * milliseconds(within) : milliseconds(clear.within);
    return {
      ...none,
      limit,
      range: rangeOf(side, limit),
      within,
      clearWithin,
      hold: lasting(hold, REACHES_READINGS),
    };
  }
  if ("surprise" in when) {
    const probability = when.surprise;
    const clearProbability =
      clear.probability ?? Math.max(probability, Math.min(NO_SURPRISE, CLEAR_SURPRISE * probability));
    return { ...none, probability, clearProbability };
  }
  if ("silent" in when) return { ...none, within: when.silent, clearHold: lasting(clear.hold, 1) };
  const { skill } = when;
  const low = typeof clear.limit === "number" ? clear.limit : skill + CLEAR_SKILL;
  return {
    ...none,
    limit: skill,
    range: { ...ANY, low: skill },
    clearRange: { ...ANY, low },
    hold: lasting(hold, SKILL_READINGS),
    clearHold: lasting(clear.hold, SKILL_READINGS),
  };
}

/** Whether a condition asks when a range is left. */
export const asksAhead = ({ kind }: Condition): boolean => kind === "forecast" || kind === "reaches";

/** The number of steps that a condition looks ahead, where one takes so long. */
export const stepsAhead = (condition: Condition, step: number): number =>
  condition.kind === "forecast" ? Math.min(MOST_STEPS, stepsWithin(condition, step)) : 1;

/** Whether a condition asks for more steps than forecasters know of: what lies beyond is not told of. */
export const isTooFar = (condition: Condition, step: number): boolean =>
  stepsWithin(condition, step) > MOST_STEPS;

function stepsWithin({ within }: Condition, step: number): number {
  const steps = typeof within === "number" ? within : Math.ceil(milliseconds(within) / step);
  return Number.isFinite(steps) ? Math.max(1, steps) : 1;
}

/** What a condition says of a reading. Pure. */
export function verdictOf(condition: Condition, look: Look): Verdict {
  const { kind, range, clearRange, probability, clearProbability } = condition;
  const { value, surprise, skill, time, step, crossing } = look;
  const told = { value: known(value), probability: null, crosses: null };
  const unknown = { ...told, holds: undefined, clears: false };
  // A reading that is missing tells nothing, whatever has been forecast meanwhile.
  if (Number.isNaN(value)) return unknown;
  switch (kind) {
    case "reading":
      return { ...told, holds: !isWithin(value, range), clears: isWithin(value, clearRange) };
    case "surprise":
      if (Number.isNaN(surprise)) return unknown;
      return {
        ...told,
        probability: surprise,
        holds: surprise <= probability,
        clears: surprise > clearProbability,
      };
    case "skill":
      if (Number.isNaN(skill)) return unknown;
      return { ...told, value: skill, holds: skill < range.low, clears: skill >= clearRange.low };
    case "forecast": {
      const steps = stepsAhead(condition, step);
      const odds = crossing?.probability[steps - 1] ?? Number.NaN;
      if (crossing === undefined || Number.isNaN(odds)) return unknown;
      return {
        ...told,
        probability: odds,
        // When it is costs as much as how likely, and is told of what is likely only.
        crosses: odds >= clearProbability ? crossesAt(crossing, time, step) : null,
        holds: odds >= probability,
        clears: odds < clearProbability,
      };
    }
    case "reaches": {
      if (crossing === undefined) return unknown;
      const away = itemAt(crossing.steps, 1) * step;
      if (Number.isNaN(away)) return unknown;
      return {
        ...told,
        crosses: crossesAt(crossing, time, step),
        holds: away <= milliseconds(String(condition.within)),
        clears: away > condition.clearWithin,
      };
    }
    case "silent":
      return unknown;
  }
}

const isWithin = (value: number, { low, high }: Range): boolean => value >= low && value <= high;

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);

/** Null when it is not known to happen within what can be told. */
function crossesAt({ steps }: Crossing, time: number, step: number): Crosses | null {
  const [from, at, to] = steps.map((count) => afterSteps(time, step, count));
  if (from === undefined || at === undefined || to === undefined || !Number.isFinite(at)) return null;
  return { from, at, to };
}
