import type { Band, Drawing, Limits, Line, Mark } from "../chart/drawing.ts";
import { lastAtMost } from "../chart/numbers.ts";
import type { DrawingAnswer, Forecast } from "./wire.ts";
import { readingsWords, shareWords, spanWords } from "./words.ts";

/** What is known of one target, as its chart shows it. */
export interface Known {
  readonly past: DrawingAnswer;
  readonly forecast: Forecast;
  /** Milliseconds between two steps. */
  readonly step: number;
  /** The past goes up to the last reading: otherwise it ends before. */
  readonly upToNow: boolean;
}

/** Pairs of levels that lie around the middle, the widest first: 0.1 with 0.9. */
function pairs(levels: readonly string[]): { lower: string; upper: string; share: number }[] {
  const numbers = levels.map((text) => ({ text, level: Number(text) }));
  return numbers
    .filter(({ level }) => level < 0.5)
    .flatMap(({ text, level }) => {
      const other = numbers.find((one) => Math.abs(one.level - (1 - level)) < 1e-9);
      return other === undefined ? [] : [{ lower: text, upper: other.text, share: 1 - 2 * level }];
    })
    .sort((a, b) => b.share - a.share);
}

const percentile = (level: number): string => `${Number((100 * level).toFixed(1))} %`;
/** "9 of 10 readings are expected here (5 % to 95 %)". */
const expected = (share: number): string =>
  `${readingsWords(share)} expected here (${percentile((1 - share) / 2)} to ${percentile((1 + share) / 2)})`;

/** Readings with a hole in each silence. */
function withGaps({ times, values, gaps }: DrawingAnswer): { x: number[]; y: (number | null)[] } {
  const x: number[] = [];
  const y: (number | null)[] = [];
  let g = 0;
  for (const [i, time] of times.entries()) {
    while (g < gaps.length && (gaps[g] as { to: number }).to < time) g++;
    const gap = gaps[g];
    if (gap !== undefined && gap.to === time && i > 0) {
      x.push((gap.from + gap.to) / 2);
      y.push(null);
    }
    x.push(time);
    y.push(values[i] ?? null);
  }
  return { x, y };
}

/** What had been forecast for times that have come: beside the forecast of now, that of before says nothing. */
function until({ times, mean, lower, upper }: DrawingAnswer["forecasts"], end: number) {
  const count = lastAtMost(times, end) + 1;
  const cut = <T>(list: readonly T[]): T[] => list.slice(0, count);
  return { times: cut(times), mean: cut(mean), lower: cut(lower), upper: cut(upper) };
}

/** The chart of one target: what was read, what had been forecast for it, what is forecast now, and what is worth a look. */
export function stageDrawing({ past, forecast, step, upToNow }: Known, view: Limits): Drawing {
  const { x, y } = withGaps(past);
  const { lead, marks } = past;
  const newest = upToNow ? past.times.at(-1) : undefined;
  const now = newest ?? Date.parse(forecast.issuedAt);
  const forecasts = until(past.forecasts, now + step / 2);
  const before = lead === 1 ? `${spanWords(step)} before` : `${spanWords(lead * step)} before`;
  const bands: Band[] = [
    {
      label: `forecast ${before}: ${shareWords(forecast.level)} expected here`,
      colour: "past",
      opacity: 0.2,
      x: forecasts.times,
      lower: forecasts.lower,
      upper: forecasts.upper,
    },
  ];
  const { horizon } = forecast;
  const value =
    (newest === undefined ? forecast.observed.value : past.values.at(-1)) ?? horizon[0]?.mean ?? 0;
  const ahead = [now, ...horizon.map(({ time }) => Date.parse(time))];
  bands.push({
    label: expected(forecast.level),
    colour: "fan",
    opacity: 0.2,
    x: ahead,
    lower: [value, ...horizon.map(({ lower }) => lower)],
    upper: [value, ...horizon.map(({ upper }) => upper)],
  });
  for (const { lower, upper, share } of pairs(Object.keys(horizon[0]?.quantiles ?? {}))) {
    // The widest pair may be the interval itself.
    if (Math.abs(share - forecast.level) < 1e-6) continue;
    bands.push({
      label: expected(share),
      colour: "fan",
      opacity: 0.26,
      x: ahead,
      lower: [value, ...horizon.map(({ quantiles }) => quantiles?.[lower] ?? null)],
      upper: [value, ...horizon.map(({ quantiles }) => quantiles?.[upper] ?? null)],
    });
  }
  const lines: Line[] = [
    {
      label: `forecast ${before}`,
      colour: "past",
      x: forecasts.times,
      y: forecasts.mean,
      width: 1.25,
      dashed: true,
    },
    { label: "observed", colour: "line", x, y },
    { label: "forecast now", colour: "fan", x: ahead, y: [value, ...horizon.map(({ mean }) => mean)] },
  ];
  const seen: Mark[] = marks.map(({ time, value, kind }) => ({
    x: time,
    y: value,
    colour: kind === "held" ? "bad" : "odd",
    label: kind === "held" ? "not believed: models did not learn it" : "a surprise",
    aside: kind === "held",
  }));
  return {
    bands,
    lines,
    marks: seen,
    stretches: past.gaps.map(({ from, to }) => ({ from, to, colour: "quiet" })),
    now,
    view,
  };
}
