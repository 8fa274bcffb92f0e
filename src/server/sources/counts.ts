import type { SourceStatus } from "../../streams/sources/source.ts";

/** What `GET /v1/sources` tells of one source. */
export interface SourceReport {
  readonly name: string;
  readonly kind: string;
  /** Readings that came, whatever became of them: taken, refused, or waiting. */
  readonly received: number;
  readonly taken: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly waiting: number;
  /** Values of columns that the first reading of their series did not have. */
  readonly ignored: number;
  /** Since when it is connected, or has last sent something; null while it is not. */
  readonly connectedSince: string | null;
  readonly lastError: { readonly time: string; readonly message: string } | null;
}

/** Reasons counted apart; more of them than these would come from outside. */
const MAX_REASONS = 64;
/** Reasons that are no mistakes of the sender. */
const EXPECTED: ReadonlySet<string> = new Set([
  "duplicate",
  "duplicate-time",
  "late",
  "retained",
  "stale",
  "no-numbers",
]);

/** Counts what became of the readings of one source. */
export class SourceCounts implements SourceStatus {
  readonly name: string;
  readonly kind: string;
  received = 0;
  taken = 0;
  ignored = 0;
  readonly #refused = new Map<string, number>();
  readonly #now: () => number;
  #connectedSince: number | null = null;
  #lastError: { time: number; message: string } | null = null;

  constructor(name: string, kind: string, now: () => number) {
    this.name = name;
    this.kind = kind;
    this.#now = now;
  }

  refuse(reason: string, message: string, times = 1): void {
    if (times === 0) return;
    const known = this.#refused.has(reason) || this.#refused.size < MAX_REASONS ? reason : "other";
    this.#refused.set(known, (this.#refused.get(known) ?? 0) + times);
    if (!EXPECTED.has(reason)) this.disturbed(message);
  }

  connected(): void {
    this.#connectedSince ??= this.#now();
  }

  disturbed(message: string): void {
    this.#lastError = { time: this.#now(), message };
  }

  disconnected(): void {
    this.#connectedSince = null;
  }

  get refused(): ReadonlyMap<string, number> {
    return this.#refused;
  }

  get report(): SourceReport {
    const refused = [...this.#refused.values()].reduce((sum, n) => sum + n, 0);
    const iso = (time: number): string => new Date(time).toISOString();
    return {
      name: this.name,
      kind: this.kind,
      received: this.received,
      taken: this.taken,
      refused: Object.fromEntries([...this.#refused].sort(([a], [b]) => (a < b ? -1 : 1))),
      waiting: this.received - this.taken - refused,
      ignored: this.ignored,
      connectedSince: this.#connectedSince === null ? null : iso(this.#connectedSince),
      lastError:
        this.#lastError === null
          ? null
          : { time: iso(this.#lastError.time), message: this.#lastError.message },
    };
  }
}

const quoted = (text: string): string => text.replace(/[\\"\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`));

/** The counts of all sources in the text format of Prometheus. The labels are names of the configuration and words of the program. */
export function sourceMetrics(sources: readonly SourceCounts[]): string {
  if (sources.length === 0) return "";
  const lines: string[] = [];
  const metric = (name: string, type: string, help: string, of: (source: SourceCounts) => string[]): void => {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...sources.flatMap(of));
  };
  const label = (source: SourceCounts): string => `source="${quoted(source.name)}"`;
  metric("eddy_source_received_total", "counter", "Readings that came from a source", (source) => [
    `eddy_source_received_total{${label(source)}} ${source.received}`,
  ]);
  metric("eddy_source_taken_total", "counter", "Readings of a source that were taken", (source) => [
    `eddy_source_taken_total{${label(source)}} ${source.taken}`,
  ]);
  metric(
    "eddy_source_refused_total",
    "counter",
    "Readings of a source that were not taken, by reason",
    (source) =>
      [...source.refused].map(
        ([reason, times]) =>
          `eddy_source_refused_total{${label(source)},reason="${quoted(reason)}"} ${times}`,
      ),
  );
  metric("eddy_source_connected", "gauge", "Whether a source is connected", (source) => [
    `eddy_source_connected{${label(source)}} ${source.report.connectedSince === null ? 0 : 1}`,
  ]);
  return `${lines.join("\n")}\n`;
}
