import { parseMoment, toUtc } from "../formats/moments.ts";
import { readNumber } from "../formats/numbers.ts";
import { zoneOffset } from "../formats/zones.ts";

const DAY = 86_400_000;
/** Earlier times are of a clock that was not set. */
const FIRST = 1e11;

/** Times as logs write them, put as other texts write them. */
function usual(text: string): string {
  const basic = /^(\d{4})(\d\d)(\d\d)-(\d\d?):(\d\d):(\d\d)(?:[.:](\d+))?$/.exec(text);
  if (basic !== null) {
    const [, y, m, d, h, mi, s, f = "0"] = basic;
    return `${y}-${m}-${d}T${h.padStart(2, "0")}:${mi}:${s}.${f}`;
  }
  const digits = /^(\d\d)(\d\d)(\d\d) (\d\d)(\d\d)(\d\d)$/.exec(text);
  if (digits !== null) {
    const [, y, m, d, h, mi, s] = digits;
    return `20${y}-${m}-${d}T${h}:${mi}:${s}`;
  }
  // Two digits of a year come first: so the usual libraries write it.
  const short = /^(\d\d)\/(\d\d)\/(\d\d) (.+)$/.exec(text);
  if (short !== null) return `20${short[1]}-${short[2]}-${short[3]} ${short[4]}`;
  const dotted = /^(\d{4})[-.](\d\d)[-.](\d\d)[-_ ](\d\d)[.:](\d\d)[.:](\d\d)(.*)$/.exec(text);
  if (dotted !== null) {
    const [, y, m, d, h, mi, s, rest] = dotted;
    return `${y}-${m}-${d} ${h}:${mi}:${s}${rest}`;
  }
  // Month and day without a year.
  const monthDay = /^(\d\d)[-./]?(\d\d) (\d\d:\d\d:\d\d.*)$/.exec(text);
  if (monthDay !== null) return `${monthDay[2]} ${MONTHS[Number(monthDay[1]) - 1] ?? ""} ${monthDay[3]}`;
  return text.replace(/^(\S+ +\d+),? (\d{4}),? /, "$1 $2 ");
}

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Reads the times of one log. A year or a date that is not written is that of the present at first, then goes on as the times do. */
export class LogTimes {
  readonly #now: () => number;
  readonly #zone: string | undefined;
  /** The year, the last time in it; the day, the last clock of it. */
  #memory: [year: number, last: number, day: number, clock: number] = [Number.NaN, 0, Number.NaN, 0];

  constructor(now: () => number, zone?: string) {
    this.#now = now;
    this.#zone = zone;
  }

  get memory(): readonly (number | null)[] {
    return this.#memory.map((each) => (Number.isNaN(each) ? null : each));
  }

  set memory(memory: readonly (number | null)[]) {
    this.#memory = memory.map((each) => each ?? Number.NaN) as [number, number, number, number];
  }

  /** Epoch milliseconds, or nothing when the text is no time. */
  read(text: string): number | undefined {
    if (/^\d+(?:\.\d+)?$/.test(text)) {
      const number = readNumber(text);
      // What is smaller counts from when the machine was started.
      if (number < 1e8) return undefined;
      const size = text.split(".")[0].length;
      return Math.round(number * (size <= 11 ? 1000 : size <= 14 ? 1 : size <= 17 ? 1e-3 : 1e-6));
    }
    const moment = parseMoment(usual(text), "day-first") ?? parseMoment(usual(text), "month-first");
    if (moment === undefined || moment.lacks === "clock") return undefined;
    const offset = (this.#zone === undefined ? undefined : zoneOffset(this.#zone)) ?? (() => 0);
    if (moment.lacks === "nothing") return toUtc(moment, offset);
    return toUtc(
      { ...moment, local: moment.lacks === "date" ? this.#dated(moment.local) : this.#inYear(moment.local) },
      offset,
    );
  }

  #dated(clock: number): number {
    const memory = this.#memory;
    if (Number.isNaN(memory[2])) memory[2] = Math.floor(this.#now() / DAY) * DAY;
    if (clock < memory[3] - DAY / 2) memory[2] += DAY;
    memory[3] = clock;
    return memory[2] + clock;
  }

  #inYear(local: number): number {
    const memory = this.#memory;
    const date = new Date(local);
    const at = (year: number) => Date.UTC(year, date.getUTCMonth(), date.getUTCDate()) + (local % DAY);
    if (Number.isNaN(memory[0])) {
      const year = new Date(this.#now()).getUTCFullYear();
      // Without a present, 1972: it has a 29th of February.
      if (this.#now() < FIRST) memory[0] = 1972;
      else memory[0] = at(year) > this.#now() + DAY ? year - 1 : year;
    } else if (at(memory[0]) < memory[1] - 180 * DAY) memory[0]++;
    memory[1] = at(memory[0]);
    return memory[1];
  }
}
