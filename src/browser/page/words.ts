import { shown } from "../chart/numbers.ts";

const percent = (share: number): string => `${Math.round(100 * share)} %`;

/** 0.62: "62 % better than repeating the last value", by the squared error. */
export function skillWords(skill: number | null): string {
  if (skill === null) return "not measured yet";
  const share = Math.abs(skill);
  if (share < 0.005) return "as good as repeating the last value";
  if (skill > 0) return `${percent(skill)} better than repeating the last value`;
  return share >= 1
    ? `${shown(1 + share, 0.1)} times the error of repeating the last value`
    : `${percent(share)} worse than repeating the last value`;
}

/** The same beside a name. */
export function shortSkill(skill: number | null): string {
  if (skill === null) return "";
  const rounded = Math.round(100 * skill);
  if (rounded < -99) return `${shown(1 - skill, 0.1)} × error`;
  return `${rounded > 0 ? "+" : rounded < 0 ? "−" : "±"}${Math.abs(rounded)} %`;
}

/** 0.9: "9 of 10"; 0.953: "95 of 100"; 0.5: "half". */
export function shareWords(share: number): string {
  const tenths = Math.round(share * 10);
  if (Math.abs(share - 0.5) < 0.005) return "half";
  if (Math.abs(share * 10 - tenths) < 0.05 && tenths > 0 && tenths < 10) return `${tenths} of 10`;
  const hundredths = Math.round(share * 100);
  if (hundredths === 100 && share < 1) return `${Math.min(999, Math.round(share * 1000))} of 1,000`;
  return hundredths === 100 ? "all" : hundredths === 0 ? "none" : `${hundredths} of 100`;
}

/** The same of readings: "9 of 10 readings", "half of the readings", "no readings". */
export function readingsWords(share: number): string {
  const words = shareWords(share);
  if (words === "half") return "half of the readings";
  return words === "none" ? "no readings" : `${words} readings`;
}

/** How much of a stretch of time: "24 h". */
export function spanWords(milliseconds: number): string {
  const seconds = milliseconds / 1000;
  if (seconds < 1) return `${shown(milliseconds, 1)} ms`;
  if (seconds < 120) return `${shown(seconds, seconds < 10 && seconds % 1 !== 0 ? 0.1 : 1)} s`;
  const minutes = seconds / 60;
  if (minutes < 120 && minutes % 60 !== 0)
    return `${shown(minutes, minutes % 1 !== 0 && minutes < 10 ? 0.1 : 1)} min`;
  const hours = minutes / 60;
  if (hours < 72) return `${shown(hours, hours % 1 !== 0 ? 0.1 : 1)} h`;
  const days = hours / 24;
  return `${shown(days, days % 1 !== 0 && days < 30 ? 0.1 : 1)} days`;
}

const zone = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });
/** The zone that times are told in: that of whoever looks. */
export const zoneName = (): string => {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const short = zone.formatToParts().find(({ type }) => type === "timeZoneName")?.value ?? "";
  return timeZone === short || timeZone === undefined ? short : `${timeZone}, ${short}`;
};

const moments = new Map<string, Intl.DateTimeFormat>();
const format = (key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat => {
  let known = moments.get(key);
  if (known === undefined) {
    known = new Intl.DateTimeFormat("en-GB", options);
    moments.set(key, known);
  }
  return known;
};

/** A moment in the reader's own time: "Fri 9 May 2025, 14:05:10"; without the seconds where steps are minutes or more. */
export function momentWords(time: number, step = 0): string {
  const date = format("date", { weekday: "short", day: "numeric", month: "short", year: "numeric" });
  const fine: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit", second: "2-digit" };
  const clock =
    step >= 60_000 && time % 60_000 === 0
      ? format("clock", { hour: "2-digit", minute: "2-digit" })
      : step > 0 && step < 1000
        ? format("finest", { ...fine, fractionalSecondDigits: 3 })
        : format("fine", fine);
  return `${date.format(time)}, ${clock.format(time)}`;
}

/** A value with its unit. */
export const withUnit = (text: string, unit: string): string =>
  unit === "" || text === "–" ? text : `${text} ${unit}`;

/** Units that names end with, as Prometheus has them. */
const SUFFIXES: Readonly<Record<string, string>> = {
  bytes: "B",
  seconds: "s",
  milliseconds: "ms",
  celsius: "°C",
  percent: "%",
  volts: "V",
  amperes: "A",
  watts: "W",
  joules: "J",
  meters: "m",
  hertz: "Hz",
  pascals: "Pa",
};

/** The unit that a name tells: `temp [°C]`, `load (kW)`, `node_memory_bytes`; empty when it tells none. */
export function unitOf(series: string, target: string): string {
  for (const name of [target, series]) {
    const within = /[[(]\s*([^\])\d]{1,8}?)\s*[\])]\s*$/.exec(name)?.[1];
    if (within !== undefined) return within;
    const suffix = /[_.]([a-z]+)(?:_total)?(?:\{.*)?$/.exec(name)?.[1];
    const unit = suffix === undefined ? undefined : SUFFIXES[suffix];
    if (unit !== undefined) return unit;
  }
  return "";
}

/** Why readings were not taken, by the code of it. */
const REFUSED: Readonly<Record<string, string>> = {
  late: "too late, after newer ones",
  duplicate: "sent twice",
  "duplicate-time": "of a time that was taken already",
  ahead: "of a time beyond the server's clock",
  "unknown-column": "without a column that the series has",
  "too-large": "too large for one series",
  busy: "while the server had too much to do",
};

/** "Readings not taken since the server started: 3 too late, after newer ones; 1 sent twice." */
export function refusedWords(counts: Readonly<Record<string, number>>): string {
  const told = Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([code, count]) => `${count.toLocaleString("en")} ${REFUSED[code] ?? code}`);
  return told.length === 0 ? "" : `Readings not taken since the server started: ${told.join("; ")}.`;
}
