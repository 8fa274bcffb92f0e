import { EddyError, printable } from "../models/errors.ts";
import { fileError } from "../streams/sources/open-file.ts";
import { nearest, readArguments } from "./arguments.ts";
import type { ExitCode } from "./command.ts";
import { commandHelp, programHelp } from "./help.ts";
import { type Entry, commands as registered } from "./registry.ts";
import type { World } from "./world.ts";

/** What is wrong with what was typed, as opposed to what went wrong with it. */
const USAGE: ReadonlySet<string> = new Set(["bad-argument", "bad-model"]);

/** Runs what was typed after `eddy`. Failures become one line on stderr and an exit code; nothing is thrown. */
export async function run(
  typed: readonly string[],
  world: World,
  commands: Readonly<Record<string, Entry>> = registered,
): Promise<ExitCode> {
  try {
    const [name, ...rest] = ofTwoWords(typed, commands);
    if (name === undefined) {
      await world.stderr.write(programHelp(commands));
      return 2;
    }
    if (name === "--help" || name === "-h" || name === "help") {
      if (rest.length === 0) {
        await world.stdout.write(programHelp(commands));
        return 0;
      }
      return await run([...rest, "--help"], world, commands);
    }
    if (name === "--version") {
      const manifest = JSON.parse(
        world.fs.readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
      );
      await world.stdout.write(`${manifest.version}\n`);
      return 0;
    }
    const entry = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (entry === undefined) {
      const [word = ""] = rest;
      const family = Object.entries(commands).filter(([one]) => one.startsWith(`${name} `));
      if (family.length > 0 && (word === "--help" || word === "-h")) {
        await world.stdout.write(programHelp(Object.fromEntries(family)));
        return 0;
      }
      const seconds = family.map(([one]) => one.slice(name.length + 1));
      if (seconds.length > 0) throw noSuchCommand(`eddy ${name}`, word, seconds);
      throw noSuchCommand("command", name, Object.keys(commands));
    }
    const command = await entry.load();
    const read = readArguments(command, rest);
    if (read === null) {
      await world.stdout.write(commandHelp(command));
      return 0;
    }
    return await command.run({ ...read, world });
  } catch (error) {
    return report(error, world);
  }
}

/** What was typed, with the two words of a command that is called by two as one. */
function ofTwoWords(typed: readonly string[], commands: Readonly<Record<string, Entry>>): readonly string[] {
  const [first, second, ...rest] = typed;
  const name = `${first} ${second}`;
  return Object.hasOwn(commands, name) ? [name, ...rest] : typed;
}

function noSuchCommand(subject: string, word: string, known: readonly string[]): EddyError {
  const near = nearest(word, known);
  return new EddyError("bad-argument", subject, {
    expected: `one of ${known.join(", ")}`,
    received: word === "" ? "nothing" : printable(word),
    ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
  });
}

async function report(error: unknown, world: World): Promise<ExitCode> {
  const failure = error as NodeJS.ErrnoException;
  if (error instanceof EddyError) {
    await world.stderr.write(`eddy: ${error.message}\n`);
    return USAGE.has(error.code) ? 2 : 1;
  }
  if (typeof failure?.code === "string" && failure.syscall !== undefined) {
    await world.stderr.write(`eddy: ${fileError(failure.path ?? failure.syscall, failure).message}\n`);
    return 1;
  }
  await world.stderr.write(`eddy: internal error: ${failure?.message ?? String(error)}\n`);
  if (world.environment.EDDY_TRACE && failure?.stack) await world.stderr.write(`${failure.stack}\n`);
  return 1;
}
