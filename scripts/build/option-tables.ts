// The tables of forecast options in the pages, made from the one list of them.
//
//   node --import tsx scripts/build/option-tables.ts    # writes them into docs/cli.md and docs/configuration.md
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { flagName } from "../../src/cli/forecast-flags.ts";
import type { Option } from "../../src/models/options.ts";
import { SERIES_OPTIONS } from "../../src/streams/series-specification.ts";

const options: readonly (readonly [string, Option])[] = Object.entries(SERIES_OPTIONS);

const none = (value: unknown): boolean => typeof value === "object" && Object.keys(value ?? {}).length === 0;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows]
    .map((row) => `| ${row.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |\n`)
    .join("");

/** The flags, as `eddy COMMAND --help` tells them. */
const flags = (): string =>
  table(
    ["flag", "default", ""],
    options
      .filter(([, { flag }]) => flag !== null)
      .map(([name, { kind, help, default: fallback, commands }]) => {
        const hint = kind.alone === undefined ? kind.hint : `[${kind.hint}]`;
        const shown = none(fallback) || fallback === false ? "" : (kind.show?.(fallback) ?? String(fallback));
        return [
          `\`--${flagName(name)}${hint === "" ? "" : ` ${hint}`}\``,
          shown,
          `${help}${commands === undefined ? "" : `; only of ${commands.join(", ")}`}`,
        ];
      }),
  );

/** The fields of a configuration, which are those of a program as well. */
const fields = (): string =>
  table(
    ["option", "default", "takes", ""],
    options
      .filter(([, { configuration }]) => configuration !== false)
      .map(([name, { kind, help, default: fallback }]) => [
        `\`${name}\``,
        none(fallback) ? "none" : `\`${JSON.stringify(fallback)}\``,
        kind.expected,
        help,
      ]),
  );

/** Each page with its table as it should be. */
export const pages = (): readonly (readonly [path: string, text: string])[] =>
  [["docs/cli.md", flags()] as const, ["docs/configuration.md", fields()] as const].map(([path, made]) => [
    path,
    readFileSync(path, "utf8").replace(
      /(<!-- options: [^>]* -->\n)[\s\S]*?(<!-- end -->)/,
      (_, begin: string, end: string) => `${begin}\n${made}\n${end}`,
    ),
  ]);

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, text] of pages()) writeFileSync(path, text);
}
