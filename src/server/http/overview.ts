import { Readable } from "node:stream";
import type { Engine } from "../engine.ts";

/** What stands in each row, in this order. */
const COLUMNS = [
  "series",
  "target",
  "value",
  "time",
  "offset",
  "horizon",
  "step",
  "skill",
  "coverage",
  "level",
  "surprise",
  "taken",
] as const;

/** Series put into words at a time. */
const LISTED = 64;

/**
 * Every target of every series in one row: its last reading, the time of that, and how its forecasts do; times in epoch
 * milliseconds, `step` in milliseconds. Of series that have not changed since journal position `after` nothing is said, unless
 * the past has changed since `rewrites`: then all are there, and `whole` is true. As fast as it is read, however many there are.
 */
export function overview(engine: Engine, after: number, rewrites: number): Readable {
  return Readable.from(text(engine, after, rewrites), { objectMode: false });
}

function* text(engine: Engine, after: number, rewrites: number): Generator<string> {
  const whole = rewrites !== engine.rewrites;
  const head = {
    epoch: engine.epoch,
    offset: engine.offset,
    rewrites: engine.rewrites,
    whole,
    columns: COLUMNS,
  };
  let words = `${JSON.stringify(head).slice(0, -1)},"rows":[`;
  let n = 0;
  let looked = 0;
  for (const name of engine.names()) {
    if (++looked % LISTED === 0 && words !== "") {
      yield words;
      words = "";
    }
    const found = engine.summary(name);
    if (found === undefined || (!whole && found.offset <= after)) continue;
    const latest = engine.latest(name);
    const time = found.lastTime === null ? null : Date.parse(found.lastTime);
    for (const target of found.targets) {
      const forecast = latest.find((one) => one.target === target);
      const [first, second] = forecast?.horizon ?? [];
      const row = [
        name,
        target,
        forecast?.observed.value ?? null,
        time,
        found.offset,
        found.horizon,
        first === undefined
          ? null
          : Date.parse((second ?? first).time) - (second ? Date.parse(first.time) : (time ?? 0)),
        short(forecast?.skill),
        short(forecast?.coverage),
        forecast?.level ?? null,
        short(forecast?.observed.surprise),
        forecast?.observed.taken ?? null,
      ];
      words += `${n++ === 0 ? "" : ","}${JSON.stringify(row)}`;
    }
  }
  yield `${words}]}`;
}

/** Four digits are enough for a glance. */
const short = (value: number | null | undefined): number | null =>
  value === null || value === undefined ? null : Number(value.toPrecision(4));
