// Replays a recording through the forecast operator, as fast as it can be forecast, and tells how well each series was told
// in advance.
//
//   node --import tsx scripts/replay.ts sensors.csv 12
//
// Reads CSV, NDJSON and Arrow. In a project of your own, import from "eddy" and "eddy/streams".
import * as fs from "node:fs";
import { concatMap, from } from "rxjs";
import type { Forecast } from "../src/index.ts";
import { fileReadings, forecast, isRefused, perSeries, type RefusedEvent } from "../src/streams/index.ts";

const [path, horizon = "12"] = process.argv.slice(2);
if (path === undefined) {
  console.error("usage: node --import tsx scripts/replay.ts FILE [HORIZON]");
  process.exit(2);
}

// The file is pulled: what follows sets the pace. A line that cannot be read is told, and the rest goes on.
const observations$ = from(fileReadings(fs, path)).pipe(
  concatMap((batch) =>
    batch.flatMap((reading) => {
      if (!isRefused(reading)) return [reading.observation];
      console.error(`${path} line ${reading.line}: ${reading.message}`);
      return [];
    }),
  ),
);

const refused = {
  next: ({ event, reason }: RefusedEvent<unknown>) => console.error(`${reason}: ${JSON.stringify(event)}`),
};
const forecasts$ = observations$.pipe(
  perSeries((_series, part$) => part$.pipe(forecast({ horizon: Number(horizon), refused }))),
);

const latest = new Map<string, Forecast>();
let count = 0;
forecasts$.subscribe({
  next(issued) {
    count++;
    latest.set(`${issued.series} ${issued.target}`, issued);
  },
  error(error: Error) {
    console.error(error.message);
    process.exitCode = 1;
  },
  complete() {
    console.log(`${count} forecasts`);
    for (const [name, { issuedAt, skill, horizon: steps }] of latest) {
      const [next] = steps;
      console.log(
        `${name}: after ${issuedAt} comes ${next.mean.toPrecision(4)}, ` +
          `between ${next.lower.toPrecision(4)} and ${next.upper.toPrecision(4)}; ` +
          `skill against persistence ${skill === null ? "unknown" : skill.toFixed(2)}`,
      );
    }
  },
});
