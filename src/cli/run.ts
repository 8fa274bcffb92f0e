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
    const [name, ...rest] = typed;
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
      const near = nearest(name, Object.keys(commands));
      throw new EddyError("bad-argument", "command", {
        expected: `one of ${Object.keys(commands).join(", ")}`,
        received: printable(name),
        ...(near === undefined ? {} : { hint: `did you mean ${near}?` }),
      });
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
