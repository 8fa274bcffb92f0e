import type { Command, Flags } from "./command.ts";
import type { Entry } from "./registry.ts";

const WIDTH = 100;

/** Breaks `words` into lines of at most `width` characters. */
function wrapped(words: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of words.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines;
}

/** Two columns; a left cell that is too wide gets a line of its own. */
function table(rows: readonly (readonly [string, string])[]): string {
  const left = Math.min(28, Math.max(...rows.map(([name]) => name.length)));
  return rows
    .map(([name, summary]) => {
      const lines = wrapped(summary, WIDTH - left - 4);
      const first = name.length > left ? `  ${name}\n${" ".repeat(left + 4)}` : `  ${name.padEnd(left)}  `;
      return first + lines.join(`\n${" ".repeat(left + 4)}`);
    })
    .join("\n");
}

const shown = ({ kind, fallback }: Flags[string]): string => {
  if (fallback === undefined || fallback === false) return "";
  if (typeof fallback === "object" && Object.keys(fallback).length === 0) return "";
  return ` [${kind.show?.(fallback) ?? String(fallback)}]`;
};

const hint = ({ kind }: Flags[string]): string => {
  if (kind.hint === "") return "";
  return kind.alone === undefined ? ` ${kind.hint}` : ` [${kind.hint}]`;
};

/** `eddy COMMAND --help`. */
export function commandHelp(command: Command<Flags>): string {
  const { second } = command;
  const operands = command.operand === undefined ? [] : [command.operand];
  const named = [...operands.map(({ name }) => name), ...(second === undefined ? [] : [`[${second.name}]`])];
  const flags = Object.entries(command.flags).map(
    ([name, flag]) => [`--${name}${hint(flag)}`, flag.summary + shown(flag)] as const,
  );
  const parts = [
    `eddy ${command.name}: ${command.summary}`,
    `Usage: eddy ${[command.name, ...named, "[flags]"].join(" ")}`,
  ];
  if (command.description !== undefined) {
    parts.push(
      command.description
        .split("\n\n")
        .map((paragraph) => wrapped(paragraph.replaceAll("\n", " "), WIDTH).join("\n"))
        .join("\n\n"),
    );
  }
  if (second !== undefined) operands.push({ ...second, summary: `${second.summary} [${second.fallback}]` });
  if (operands.length > 0) parts.push(table(operands.map(({ name, summary }) => [name, summary] as const)));
  parts.push(`Flags:\n${table([...flags, ["--help", "this text"]])}`);
  if (command.examples !== undefined)
    parts.push(`Examples:\n${command.examples.map((e) => `  ${e}`).join("\n")}`);
  return `${parts.join("\n\n")}\n`;
}

/** `eddy --help`. */
export function programHelp(commands: Readonly<Record<string, Entry>>): string {
  return [
    "eddy: forecasts for live series, by recurrent models that learn while they run",
    "Usage: eddy COMMAND [flags]",
    `Commands:\n${table(Object.entries(commands).map(([name, { summary }]) => [name, summary] as const))}`,
    "eddy COMMAND --help tells its flags; eddy --version the version.",
    "Exit codes: 0 done, 1 failed, 2 wrong usage.",
    "",
  ].join("\n\n");
}
