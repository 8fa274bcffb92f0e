// Makes src/cli/demo/departures.ts: how many flights left US airports in each hour of the first half of 2001, counted from
// the three million rows of the US Bureau of Transportation Statistics that the npm package vega-datasets carries.
//   npm install --no-save vega-datasets && node scripts/demo/flights.mjs && npm ci
import { writeFileSync } from "node:fs";
import { asyncBufferFromFile, parquetReadObjects } from "hyparquet";
import { compressors } from "hyparquet-compressors";

const BEGIN = Date.UTC(2001, 0, 1);
const HOURS = 181 * 24;
const HOUR = 3_600_000;
/** Airports that get a column of their own, beside all of them together. */
const AIRPORTS = ["ATL", "ORD", "LAX"];

const columns = new Map(["all", ...AIRPORTS].map((name) => [name, new Uint32Array(HOURS)]));
const file = await asyncBufferFromFile("node_modules/vega-datasets/data/flights-3m.parquet");
for (const { date, origin } of await parquetReadObjects({ file, compressors, columns: ["date", "origin"] })) {
  const hour = Math.floor((date.getTime() - BEGIN) / HOUR);
  if (hour < 0 || hour >= HOURS) continue;
  columns.get("all")[hour]++;
  const own = columns.get(origin);
  if (own !== undefined) own[hour]++;
}
const rows = Array.from({ length: HOURS }, (_, hour) => [...columns.values()].map((column) => column[hour]));
const csv = `${[...columns.keys()].join()}\n${rows.map((row) => row.join()).join("\n")}\n`;
writeFileSync(
  "src/cli/demo/departures.ts",
  `// Made by scripts/demo/flights.mjs; do not edit.\nexport const DEPARTURES: string = \`${csv}\`;\n`,
);
