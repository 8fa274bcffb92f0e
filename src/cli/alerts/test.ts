import { EddyError, printable } from "../../models/errors.ts";
import type { Issue } from "../../models/issue.ts";
import { itemAt } from "../../models/item-at.ts";
import { text } from "../../models/kinds.ts";
import { asksAhead, type Condition, conditionOf, stepsAhead } from "../../streams/alerts/condition.ts";
import { type AlertRule, checkRule } from "../../streams/alerts/rule.ts";
import { Trial, WAYS, type WarningFigures, type Way } from "../../streams/alerts/trial.ts";
import { isRefused } from "../../streams/formats/reading.ts";
import { matchesPattern } from "../../streams/pattern.ts";
import type { Series } from "../../streams/series.ts";
import { fileReadings } from "../../streams/sources/file.ts";
import { aligned } from "../columns.ts";
import { defineCommand } from "../command.ts";
import { flag, toggle } from "../flags.ts";
import { forecastFlags, formatOptions, inputFlags, seriesOptions } from "../forecast-flags.ts";
import { checkOptions, Live } from "../live.ts";
import { Progress } from "../progress.ts";
import { recognitionLine } from "../recognition-line.ts";
import { Refusals } from "../refusals.ts";

/** Changes of alerts that the table lists; JSON has all. */
const LISTED = 20;

interface Change {
  readonly series: string;
  readonly target: string;
  readonly state: "firing" | "resolved";
  readonly time: string | null;
  readonly value: number | null;
  readonly probability: number | null;
  readonly crosses: {
    readonly from: string | null;
    readonly at: string | null;
    readonly to: string | null;
  } | null;
}

export const command = defineCommand({
  name: "alerts test",
  summary: "when a rule would have fired on a file, how early, and how often for nothing",
  description:
    "Reads the file as a server would have read it, learning as it goes, and follows the rule. Beside it stand two ways to be warned that need no models, with the same limit, hold and clear: the reading itself, and the straight line through the last readings, as far ahead as the rule looks (predict_linear). A crossing is a reading outside that follows on as long a time inside as the rule looks ahead; a firing is false when no reading was outside for as long after it.",
  operand: { name: "RULE", summary: "a file with a rule, or the rule itself as JSON" },
  flags: {
    on: flag(
      text("a file", "FILE"),
      "the readings: any text that eddy pipe reads, packed or not, or Arrow or Parquet",
    ),
    ...forecastFlags("forecast"),
    ...inputFlags,
    json: toggle("one JSON object: figures of each way, and every firing and its end"),
  },
  examples: [
    `eddy alerts test '{"when":{"forecast":"above","limit":90,"within":"1h"}}' --on cpu.csv`,
    "eddy alerts test disk-full.json --on disk.csv --horizon 24 --json",
  ],
  async run({ flags, operand, world }) {
    if (flags.on === undefined) {
      throw new EddyError("bad-argument", "--on", { expected: "a file of readings", received: "none" });
    }
    const rule = readRule(operand, (path) => world.fs.readFileSync(path, "utf8"));
    const condition = conditionOf(rule);
    if (condition.kind === "silent") {
      throw new EddyError("bad-argument", "RULE: when", {
        expected: "a rule about readings: a file does not tell when nothing came",
        received: "silent",
      });
    }
    const options = seriesOptions(flags);
    checkOptions(options);
    const path = flags.on;
    const refusals = new Refusals(world, path);
    const progress = new Progress(world);
    const live = new Live(options, refusals);
    const found = new Findings(rule, condition);
    const source = fileReadings(world.fs, path, formatOptions(flags), flags.format, (recognition) => {
      if (!flags.quiet) refusals.found(recognitionLine(path, recognition));
    });
    for await (const batch of source) {
      for (const reading of batch) {
        if (!isRefused(reading) && !matchesPattern(rule.series, reading.observation.series)) continue;
        const issues = live.push(reading);
        if (isRefused(reading)) continue;
        const series = live.series(reading.observation.series);
        // Of several issues at once only the last one is the forecast that can be asked now.
        for (const issue of issues) found.take(issue, issue === issues.at(-1) ? series : undefined);
        progress.count(path, reading.row);
        if (world.stop.aborted) break;
      }
      if (world.stop.aborted) break;
    }
    progress.clear();
    refusals.tellFound();
    if (refusals.any) await world.stderr.write(refusals.summary(live.taken));
    if (found.targets === 0) {
      throw new EddyError("bad-file", path, {
        expected: "at least two readings of a series that the rule is about",
        received: String(live.taken),
      });
    }
    const { targets, ways, changes, readings } = found;
    await world.stdout.write(
      flags.json
        ? `${JSON.stringify({ rule, targets, ways, changes, readings })}\n`
        : `${table(ways, changes)}${found.never}`,
    );
    return 0;
  },
});

/** What a rule has led to on a file. */
class Findings {
  readonly #rule: AlertRule;
  readonly #condition: Condition;
  readonly #trials = new Map<string, Trial>();
  readonly changes: Change[] = [];
  /** The lowest and the highest reading that it has looked at. */
  readonly readings = { lowest: Number.POSITIVE_INFINITY, highest: Number.NEGATIVE_INFINITY };

  constructor(rule: AlertRule, condition: Condition) {
    this.#rule = rule;
    this.#condition = condition;
  }

  /** Series and targets that the rule was about. */
  get targets(): number {
    return this.#trials.size;
  }

  get ways(): ({ way: Way } & Totals)[] {
    return WAYS.flatMap((way) => {
      const all = [...this.#trials.values()].flatMap(({ figures }) => figures.get(way) ?? []);
      return all.length === 0 ? [] : [{ way, ...together(all) }];
    });
  }

  /** That no reading was beyond the limit, which may be one in another unit (90 % of what is told as 0.9). */
  get never(): string {
    const { kind, limit, range } = this.#condition;
    const { lowest, highest } = this.readings;
    if (limit === null || kind === "skill" || lowest < range.low || highest > range.high) return "";
    return `no reading was beyond ${[limit].flat().join(" and ")}: they lie from ${lowest} to ${highest}\n`;
  }

  take({ series, time, step, targets }: Issue, asked: Series | undefined): void {
    for (const { name: target, observed: value, surprise, skill, taken } of targets) {
      if (this.#rule.target !== undefined && !matchesPattern(this.#rule.target, target)) continue;
      const key = JSON.stringify([series, target]);
      const trial = this.#trials.get(key) ?? new Trial(this.#condition);
      this.#trials.set(key, trial);
      const crossing = asksAhead(this.#condition)
        ? asked?.crossing(target, this.#condition.range, stepsAhead(this.#condition, step))
        : undefined;
      if (!Number.isNaN(value)) {
        this.readings.lowest = Math.min(this.readings.lowest, value);
        this.readings.highest = Math.max(this.readings.highest, value);
      }
      const state = trial.take({ time, value, doubted: taken === 0, surprise, skill, step, crossing });
      const said = trial.verdict;
      if (state === undefined || said === undefined) continue;
      const { crosses, probability } = said;
      this.changes.push({
        series,
        target,
        state,
        time: iso(time),
        value: said.value,
        probability,
        crosses:
          crosses === null ? null : { from: iso(crosses.from), at: iso(crosses.at), to: iso(crosses.to) },
      });
    }
  }
}

/** The rule, where a name and a series are left out for any. */
function readRule(operand: string, read: (path: string) => string): AlertRule {
  const subject = operand.trimStart().startsWith("{") ? "RULE" : operand;
  let given: unknown;
  try {
    given = JSON.parse(subject === "RULE" ? operand : read(operand));
  } catch (error) {
    if (error instanceof SyntaxError) {
      throw new EddyError("bad-argument", subject, { expected: "a rule as JSON", received: error.message });
    }
    throw new EddyError("bad-file", subject, {
      expected: "a file with a rule, or the rule itself as JSON",
      received: "none",
    });
  }
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw new EddyError("bad-argument", subject, {
      expected: "one rule, as an object",
      received: printable(given),
    });
  }
  const rule = { name: "rule", series: "*", ...given };
  // Whom it tells makes no difference here.
  const to = "to" in rule && Array.isArray(rule.to) ? rule.to.map(String) : [];
  return checkRule(rule, { subject, code: "bad-argument", receivers: to });
}

interface Totals {
  readonly crossings: number;
  readonly foretold: number;
  /** Median, milliseconds. */
  readonly lead: number | null;
  readonly firings: number;
  readonly falseAlarms: number;
  /** A week of one target; null where the readings span none. */
  readonly falseAlarmsWeekly: number | null;
}

function together(all: readonly WarningFigures[]): Totals {
  const sum = (of: (figures: WarningFigures) => number): number =>
    all.reduce((total, figures) => total + of(figures), 0);
  const leads = all.flatMap(({ leads }) => leads).sort((a, b) => a - b);
  const weeks = sum((figures) => figures.weeks);
  const falseAlarms = sum((figures) => figures.falseAlarms);
  return {
    crossings: sum(({ crossings }) => crossings),
    foretold: sum(({ foretold }) => foretold),
    lead: leads.length > 0 ? itemAt(leads, leads.length >> 1) : null,
    firings: sum(({ firings }) => firings),
    falseAlarms,
    falseAlarmsWeekly: weeks > 0 ? falseAlarms / weeks : null,
  };
}

const NAMES: Readonly<Record<Way, string>> = {
  rule: "the rule",
  reading: "the reading itself",
  line: "a straight line",
};

function table(ways: readonly ({ way: Way } & Totals)[], changes: readonly Change[]): string {
  const rows = ways.map(({ way, crossings, foretold, lead, firings, falseAlarms, falseAlarmsWeekly }) => [
    NAMES[way],
    String(crossings),
    String(foretold),
    lead === null ? "" : span(lead),
    String(firings),
    String(falseAlarms),
    falseAlarmsWeekly === null ? "" : falseAlarmsWeekly.toFixed(2),
  ]);
  const head = ["", "crossings", "foretold", "by (median)", "firings", "false", "false a week"];
  const [title = "", ...lines] = aligned([head, ...rows], (cell, width) => cell.padEnd(width));
  const listed = changes
    .slice(0, LISTED)
    .map(({ time, state, series, target, value, probability, crosses }) => [
      time ?? "",
      state,
      `${series} ${target}`,
      value === null ? "" : String(value),
      probability === null ? "" : probability.toFixed(2),
      crosses === null ? "" : `crosses ${crosses.at}`,
    ]);
  const more = changes.length > LISTED ? [`and ${changes.length - LISTED} more: --json has all`] : [];
  const list = aligned(listed, (cell, width) => cell.padEnd(width)).map((line) => line.trimEnd());
  return `${[title, ...lines, "", ...list, ...more].map((line) => line.trimEnd()).join("\n")}\n`;
}

const iso = (time: number): string | null => (Number.isFinite(time) ? new Date(time).toISOString() : null);

/** A span of time in its largest unit. */
function span(milliseconds: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
    ["s", 1000],
  ] as const;
  const [unit, size] = units.find(([, size]) => milliseconds >= size) ?? ["ms", 1];
  return `${Number((milliseconds / size).toPrecision(3))} ${unit}`;
}
