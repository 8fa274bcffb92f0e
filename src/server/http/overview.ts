import { Readable } from "node:stream";
import type { Engine } from "../engine.ts";
import type { Units } from "../units.ts";
import { ofTarget, told, turn } from "./slices.ts";

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
  "unit",
] as const;

/** Series put into words at a time. */
const LISTED = 64;
/** Names looked at, at most, before others have a turn. */
const LOOKED_AT = 4096;

/**
 * Every target of every series in one row: its last reading, the time of that, and how its forecasts do; times in epoch
 * milliseconds, `step` in milliseconds. Of series that have not changed since journal position `after` nothing is said, unless
 * the past has changed since `rewrites`: then all are there, and `whole` is true. Of series that may not be read nothing is said
 * at all. As fast as it is read, however many there are.
 */
export function overview(
  engine: Engine,
  units: Units,
  after: number,
  rewrites: number,
  mayRead: (series: string) => boolean,
): Readable {
  return Readable.from(text(engine, units, after, rewrites, mayRead), { objectMode: false });
}

async function* text(
  engine: Engine,
  units: Units,
  after: number,
  rewrites: number,
  mayRead: (series: string) => boolean,
): AsyncGenerator<string> {
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
    if (looked % LOOKED_AT === 0) await turn();
    if (!mayRead(name)) continue;
    const found = engine.summary(name);
    if (found === undefined || (!whole && found.offset <= after)) continue;
    const issue = engine.latest(name);
    const time = found.lastTime === null ? null : Date.parse(found.lastTime);
    for (const target of found.targets) {
      const own = ofTarget(issue, target)?.own;
      const row = [
        name,
        target,
        told(own?.observed ?? Number.NaN),
        time,
        found.offset,
        found.horizon,
        own === undefined ? null : issue?.step,
        short(own?.skill),
        short(own?.coverage),
        own === undefined ? null : issue?.level,
        short(own?.surprise),
        own === undefined || Number.isNaN(own.taken) ? null : own.taken === 1,
        units.of(name, target),
      ];
      words += `${n++ === 0 ? "" : ","}${JSON.stringify(row)}`;
    }
  }
  yield `${words}]}`;
}

/** Four digits are enough for a glance. */
const short = (value = Number.NaN): number | null =>
  Number.isNaN(value) ? null : Number(value.toPrecision(4));
