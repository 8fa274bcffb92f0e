import { share } from "../models/kinds.ts";
import type { Line } from "../streams/formats/lines.ts";
import { isLogLine, LogStream } from "../streams/logs/log-stream.ts";
import { TOO_LONG } from "../streams/logs/records.ts";
import type { Values } from "./command.ts";
import { flag, typed } from "./flags.ts";
import type { Refusals } from "./refusals.ts";
import type { World } from "./world.ts";

/** Characters of a line that are told with an alert. */
const TOLD = 1000;

/** An expression, without slashes about it. */
const expression = typed("REGEX", "a regular expression, such as 'request_id=(\\S+)'", (text) => {
  try {
    return new RegExp(text, "u");
  } catch {
    return undefined;
  }
});

/** Flags for the lines of a log. */
export const logFlags = {
  alert: flag(
    share,
    "of a log, only the lines so surprising that this share of the lines is: 0.001 is one in a thousand",
  ),
  session: flag(
    expression,
    "of a log, what names the session of a line, such as a request or a block: its first group, or all of it",
  ),
};

/** Writes what is told of the lines of a log as NDJSON. */
export class LogOutput {
  readonly #world: World;
  readonly #refusals: Refusals;
  readonly #alert: number;
  readonly #stream: LogStream;
  #lines: Line[] = [];
  #text = "";

  constructor({ alert, session }: Values<typeof logFlags>, world: World, refusals: Refusals) {
    this.#world = world;
    this.#refusals = refusals;
    this.#alert = alert ?? 1;
    this.#stream = new LogStream(session === undefined ? {} : { session });
  }

  /** Takes a line; what is told of it is written with the next `flush`. */
  take(line: Line): void {
    this.#lines.push(line);
  }

  #tell({ number, text, tooLong }: Line): void {
    if (tooLong) {
      this.#stream.refuse();
      this.#refusals.add(number, TOO_LONG.reason, TOO_LONG.message);
      return;
    }
    const outcome = this.#stream.push(number, text);
    if (typeof outcome === "string") return;
    if (!isLogLine(outcome)) {
      this.#refusals.add(number, outcome.reason, outcome.message);
      return;
    }
    // Where the session may alert as well, each of the two has half of the share.
    const { session } = outcome;
    const limit = session === undefined ? this.#alert : this.#alert / 2;
    const alerts = outcome.surprise <= limit || (session !== undefined && session.surprise <= limit);
    if (this.#alert < 1 && !alerts) return;
    const told = this.#alert < 1 ? { ...outcome, text: text.slice(0, TOLD) } : outcome;
    this.#text += `${JSON.stringify(told)}\n`;
  }

  /** Whether no line has come, good or bad. */
  get empty(): boolean {
    const { records, refused } = this.#stream.counts;
    return records + refused === 0;
  }

  flush(): Promise<void> | undefined {
    const lines = this.#lines;
    this.#lines = [];
    for (const line of lines) this.#tell(line);
    if (this.#text === "") return undefined;
    const text = this.#text;
    this.#text = "";
    return this.#world.stdout.write(text);
  }

  /** Sums up, and tells the exit code. */
  async end(): Promise<0 | 1> {
    await this.flush();
    const { records, continued, refused } = this.#stream.counts;
    const { templates } = this.#stream;
    const parts = [
      `${records} lines taken, ${refused} refused${this.#refusals.reasons}`,
      ...(continued > 0 ? [`${continued} that go on with the line before them`] : []),
      `${templates.templates.length} templates`,
      ...(templates.merges > 0 ? [`${templates.merges} merged`] : []),
      ...(templates.forgotten > 0 ? [`${templates.forgotten} forgotten`] : []),
    ];
    await this.#world.stderr.write(`eddy: stdin: ${parts.join(", ")}\n`);
    return records === 0 && refused > 0 ? 1 : 0;
  }
}
