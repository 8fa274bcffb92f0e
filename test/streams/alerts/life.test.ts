import { describe, expect, test } from "vitest";
import { conditionOf, type Look, verdictOf } from "../../../src/streams/alerts/condition.ts";
import { type AlertState, nextState } from "../../../src/streams/alerts/life.ts";
import type { AlertRule, When } from "../../../src/streams/alerts/rule.ts";

const MINUTE = 60_000;

const look = (time: number, value: number, rest: Partial<Look> = {}): Look => ({
  time,
  value,
  doubted: false,
  surprise: Number.NaN,
  skill: Number.NaN,
  step: MINUTE,
  crossing: undefined,
  ...rest,
});

/** What is told of looks, by their number. */
function told(when: When, looks: readonly Look[], rest: Partial<AlertRule> = {}): string[] {
  const condition = conditionOf({ name: "a", series: "*", when, ...rest });
  let state: AlertState | undefined;
  const found: string[] = [];
  looks.forEach((one, i) => {
    const turn = nextState(condition, state, verdictOf(condition, one), one);
    state = turn.state;
    if (turn.change !== undefined) found.push(`${i} ${turn.change}`);
  });
  return found;
}

const minutes = (values: readonly number[], rest: Partial<Look> = {}): Look[] =>
  values.map((value, i) => look(i * MINUTE, value, rest));

const above90: When = { reading: "above", limit: 90 };
const gap = Number.NaN;

describe("a reading", () => {
  test("fires at once, and ends after three in a row that are fine", () => {
    expect(told(above90, minutes([80, 90, 91, 80, 95, 80, 80, 80, 80]))).toEqual(["2 firing", "7 resolved"]);
  });

  test("around the limit does not flap", () => {
    const around = Array.from({ length: 100 }, (_, i) => 90 + (i % 2 === 0 ? 0.5 : -0.5));
    expect(told(above90, minutes(around))).toEqual(["0 firing"]);
  });

  test("ends only within the limit that ends it", () => {
    expect(told(above90, minutes([91, 89, 89, 89, 85, 85, 85]), { clear: { limit: 86 } })).toEqual([
      "0 firing",
      "6 resolved",
    ]);
  });

  test("that is missing neither begins nor ends anything, and no count begins anew", () => {
    expect(told(above90, minutes([91, gap, gap, gap, gap]))).toEqual(["0 firing"]);
    expect(told(above90, minutes([91, gap, 92, gap, 93]), { hold: 3 })).toEqual(["4 firing"]);
    expect(told(above90, minutes([91, 80, gap, 80, gap, 80]))).toEqual(["0 firing", "5 resolved"]);
  });

  test("must hold for so long where the rule says so, however many readings that are", () => {
    expect(told(above90, minutes([91, 91, 91, 91, 91, 91, 91]), { hold: "5m" })).toEqual(["5 firing"]);
    expect(told(above90, [look(0, 91), look(60 * MINUTE, 91)], { hold: "5m" })).toEqual(["1 firing"]);
    expect(told(above90, minutes([91, 91, 80, 91, 91, 91, 91, 91, 91]), { hold: "5m" })).toEqual([
      "8 firing",
    ]);
  });

  test("that may be a spike fires with a second one, or alone where the rule says that one is enough", () => {
    const spike = [look(0, 50), look(1, 999, { doubted: true }), look(2, 50), look(3, 50)];
    expect(told(above90, spike)).toEqual([]);
    expect(told(above90, spike, { hold: 1 })).toEqual(["1 firing"]);
    const jump = [look(0, 50), look(1, 999, { doubted: true }), look(2, 998, { doubted: true })];
    expect(told(above90, jump)).toEqual(["2 firing"]);
  });

  test("below and outside", () => {
    expect(told({ reading: "below", limit: 5 }, minutes([5, 4]))).toEqual(["1 firing"]);
    expect(told({ reading: "outside", limit: [0, 9] }, minutes([0, 9, 10]))).toEqual(["2 firing"]);
  });
});

describe("a forecast", () => {
  const odds = (time: number, ...probability: number[]): Look =>
    look(time, 50, { crossing: { probability: Float64Array.from(probability), steps: [1, 2, Infinity] } });
  const when: When = { forecast: "above", limit: 90, probability: 0.8, within: 2 };

  test("fires once it is as likely as the rule says within so many steps, and ends well below that", () => {
    const looks = [0.1, 0.79, 0.8, 0.7, 0.61, 0.59, 0.5, 0.5].map((p, i) => odds(i, 0, p, 1));
    expect(told(when, looks)).toEqual(["2 firing", "7 resolved"]);
  });

  test("looks ahead as many steps as a span of time has", () => {
    const looks = [odds(0, 0, 0, 0.9), odds(1, 0, 0.9, 0.9)];
    expect(told({ ...when, within: "2m" }, looks)).toEqual(["1 firing"]);
  });

  test("that is not known changes nothing", () => {
    expect(told(when, [odds(0, 0, gap), look(1, 50), odds(2, 0, 0.9), odds(3, 0, gap)])).toEqual([
      "2 firing",
    ]);
  });

  test("that is told without a reading changes nothing", () => {
    expect(told(when, [{ ...odds(0, 0, 0.9), value: gap }])).toEqual([]);
  });
});

describe("a date", () => {
  const days = (count: number): Look => {
    const step = (count * 86_400_000) / MINUTE;
    return look(0, 50, { crossing: { probability: new Float64Array(1), steps: [step / 2, step, Infinity] } });
  };
  const when: When = { reaches: "above", limit: 100, within: "3d" };

  test("fires once three in a row are near enough, and ends once it is half as far again", () => {
    expect(told(when, [2, 4, 2, 2.9, 3, 4, 4.4, 4.6, 4.6, Infinity].map(days))).toEqual([
      "4 firing",
      "9 resolved",
    ]);
  });

  test("is told with its bounds", () => {
    const condition = conditionOf({ name: "a", series: "*", when });
    expect(verdictOf(condition, days(2)).crosses).toEqual({
      from: 86_400_000,
      at: 172_800_000,
      to: Infinity,
    });
    expect(verdictOf(condition, days(Infinity))).toMatchObject({ crosses: null, holds: false, clears: true });
  });
});

test("a surprise fires with one reading and ends with three that are none", () => {
  const looks = [0.5, 0.0005, 0.02, 0.005, 0.02, 0.3, 0.2].map((surprise, i) => look(i, 1, { surprise }));
  expect(told({ surprise: 0.001 }, looks)).toEqual(["1 firing", "6 resolved"]);
});

test("skill must be low for long, and be better for as long", () => {
  const looks = [...Array(40).fill(-0.1), ...Array(40).fill(0.02), ...Array(40).fill(0.1)].map((skill, i) =>
    look(i, 1, { skill }),
  );
  expect(told({ skill: 0 }, looks)).toEqual(["29 firing", "109 resolved"]);
});
