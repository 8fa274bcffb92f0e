/**
 * When a limit is reached: whether it lies between the two moments told as often as is promised, four times in five.
 *
 *     node --import tsx scripts/studies/limit-dates.ts                      what fills up at rates of several kinds
 *     node --import tsx scripts/studies/limit-dates.ts --rows 2000 --series 10 --model ar
 *
 * Every 50 rows from row 600 on, limits are asked about that lie as far above the last reading as 5, 15, 40 and 100 % of what the series
 * has risen so far. Nothing is told further ahead than four times as far as the series has been watched: what comes later counts as
 * told where the last of the three moments is open.
 */

import { parseArgs } from "node:util";
import { Arena } from "../../src/models/index.ts";
import { Series } from "../../src/streams/index.ts";
import { FILLING, fillingSeries } from "./filling-series.ts";

const H = 24;
const STEP = 300_000;
const AWAY = [0.05, 0.15, 0.4, 1] as const;
const FIRST = 600;
const EVERY = 50;
/** Distances are told apart by this factor. */
const FURTHER = [4 * H, 16 * H, Number.POSITIVE_INFINITY] as const;

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "2000" },
    series: { type: "string", default: "10" },
    seed: { type: "string", default: "7" },
    model: { type: "string", default: "auto" },
    kind: { type: "string", multiple: true },
  },
});
const rows = Number(values.rows);
const arena = new Arena();

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
console.log(
  row([
    "what fills",
    "steps away (median)",
    "asked",
    "sooner (.10)",
    "between (.80)",
    "later (.10)",
    "± of between",
    "off by (median)",
    "median to late / early",
  ]),
);
console.log(row(Array.from({ length: 9 }, () => "---")));

for (const name of values.kind ?? FILLING) {
  /** By distance: of each question, its block, whether it came sooner, between, later, and how far off the middle was. */
  const told = FURTHER.map(
    () => [] as { block: string; place: -1 | 0 | 1; off: number; away: number; wide: number }[],
  );
  for (let s = 0; s < Number(values.series); s++) {
    const readings = fillingSeries(name, Number(values.seed) + s, 8 * rows);
    const observations = readings
      .slice(0, rows)
      .map((value, t) => ({ series: name, time: t * STEP, values: { value } }));
    const first = observations[0];
    if (first === undefined) break;
    const series = Series.open(first, { horizon: H, model: values.model }, arena);
    const start = first.values.value as number;
    observations.forEach((observation, t) => {
      series.push(observation, t);
      if (t < FIRST || t % EVERY !== 0) return;
      const now = observation.values.value as number;
      for (const away of AWAY) {
        const high = now + away * (now - start);
        const [from, at, to] = series.crossing("value", { low: Number.NEGATIVE_INFINITY, high }, 1).steps;
        let truly = 1;
        while (t + truly < readings.length && (readings[t + truly] as number) <= high) truly++;
        // Never within all that is known, or told of by nobody.
        if (t + truly >= readings.length || !Number.isFinite(at)) continue;
        const place = truly < from ? -1 : truly > to ? 1 : 0;
        const off = Math.abs(at - truly) / truly;
        // Questions of one series within 250 rows know much the same.
        told[FURTHER.findIndex((most) => truly <= most)]?.push({
          block: `${s} ${Math.floor(t / 250)}`,
          place,
          off,
          away: truly,
          wide: to / from,
        });
      }
    });
    series.release();
  }
  FURTHER.forEach((most, i) => {
    const those = told[i] ?? [];
    if (those.length === 0) return;
    const share = (place: number): number => those.filter((one) => one.place === place).length / those.length;
    const middle = (of: readonly number[]): number => [...of].sort((a, b) => a - b)[of.length >> 1] as number;
    const blocks = new Map<string, [number, number]>();
    for (const { block, place } of those) {
      const sums = blocks.get(block) ?? [0, 0];
      blocks.set(block, [sums[0] + 1, sums[1] + (place === 0 ? 1 : 0)]);
    }
    const between = share(0);
    const squares = [...blocks.values()].reduce((sum, [n, inside]) => sum + (inside - between * n) ** 2, 0);
    const cells = [
      name,
      `${most === Infinity ? `beyond ${FURTHER[i - 1]}` : `to ${most}`} (${middle(those.map(({ away }) => away))})`,
      String(those.length),
      share(-1).toFixed(2),
      between.toFixed(2),
      share(1).toFixed(2),
      (Math.sqrt(squares) / those.length).toFixed(2),
      `${(100 * middle(those.map(({ off }) => off))).toFixed(0)} %`,
      middle(those.map(({ wide }) => wide)).toFixed(1),
    ];
    console.log(row(cells));
  });
}
