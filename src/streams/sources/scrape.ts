import { type Static, Type } from "@sinclair/typebox";
import { Observable } from "rxjs";
import { EddyError, printable } from "../../models/errors.ts";
import { VALUE } from "../../models/observation.ts";
import { duration, milliseconds, strict, text, whole } from "../checked.ts";
import { isProblem } from "../formats/grammar.ts";
import { MAX_LINE, TextBytes, TextLines } from "../formats/lines.ts";
import { MetricGrammar } from "../formats/metric-lines.ts";
import { checkedReading, isRefused, type Reading } from "../formats/reading.ts";
import { matchesPattern } from "../pattern.ts";
import type { SourceBatches, SourceContext } from "./source.ts";

/** Bytes of one answer. */
const MOST_BYTES = 64 * 2 ** 20;

export const ScrapeOptionsSchema = Type.Object(
  {
    url: Type.String({
      pattern: "^https?://\\S+$",
      maxLength: 2048,
      expected: "an address such as http://localhost:9100/metrics",
    }),
    every: Type.Optional(duration()),
    /** Of what is called like one of these. */
    keep: Type.Optional(
      Type.Array(text("a pattern such as node_load*"), { maxItems: 256, expected: "a list of patterns" }),
    ),
    token: Type.Optional(text("some text")),
    maxSeries: Type.Optional(whole(1, 1_000_000)),
  },
  strict,
);
export type ScrapeOptions = Static<typeof ScrapeOptionsSchema>;

/**
 * The metrics that a program shows at an address, in the text format of Prometheus, asked for again and again (`every`, 15 s by default):
 * a batch per answer, whose samples have the time of asking unless they say their own. While a batch is not acknowledged the
 * next one is not asked for. What goes wrong is told, and tried again at the next turn.
 */
export function scrapedMetrics(options: ScrapeOptions, context: SourceContext): SourceBatches {
  const interval = milliseconds(options.every ?? "15s");
  if (interval < 100) {
    throw new EddyError("bad-config", `${context.name}: every`, {
      expected: "at least 100ms",
      received: printable(options.every),
    });
  }
  return new Observable((subscriber) => {
    const { after, now, status } = context;
    let cancel = (): void => {};
    let waiting = false;
    let connected = false;
    const abort = new AbortController();
    const turn = async (due: number): Promise<void> => {
      const next = Math.max(due + interval, now());
      try {
        if (waiting) status.disturbed("left out an answer: the last one has not been taken in yet");
        else {
          const time = now();
          const readings = await asked(options, context, time, interval, abort.signal);
          if (!connected) status.connected();
          connected = true;
          waiting = true;
          subscriber.next({
            readings,
            acknowledge: () => {
              waiting = false;
            },
          });
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        connected = false;
        status.disconnected();
        status.disturbed(wordsOf(error, options.url));
      }
      if (!abort.signal.aborted) cancel = after(Math.max(0, next - now()), () => void turn(next));
    };
    void turn(now());
    return () => {
      abort.abort();
      cancel();
    };
  });
}

async function asked(
  { url, token, keep, maxSeries = 10_000 }: ScrapeOptions,
  context: SourceContext,
  time: number,
  timeout: number,
  stop: AbortSignal,
): Promise<Reading[]> {
  const response = await context.fetch(url, {
    headers: {
      accept: "text/plain;version=0.0.4;q=1,*/*;q=0.1",
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    signal: AbortSignal.any([stop, AbortSignal.timeout(Math.min(timeout, 10_000))]),
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new EddyError("unreachable", url, { expected: "metrics", received: `status ${response.status}` });
  }
  const bytes = new TextBytes();
  const lines = new TextLines();
  const grammar = new MetricGrammar("prometheus");
  const readings: Reading[] = [];
  const counters = new Set<string>();
  let size = 0;
  const take = (piece: string): void => {
    for (const { number, text, tooLong } of lines.push(piece)) {
      if (tooLong)
        readings.push({
          line: number,
          row: 0,
          reason: "too-long",
          message: `line ${number}: expected at most ${MAX_LINE} characters`,
        });
      else {
        noteType(text, counters);
        for (const reading of readLine(text, number, grammar, time, keep)) {
          readings.push(reading);
          if ("observation" in reading && counters.has(reading.observation.series.replace(/,.*/s, "")))
            context.counter?.(reading.observation.series);
        }
      }
      if (readings.length > maxSeries)
        throw new EddyError("too-large", url, {
          expected: `at most ${maxSeries} samples (maxSeries)`,
          received: "more",
        });
    }
  };
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > MOST_BYTES)
      throw new EddyError("too-large", url, { expected: `at most ${MOST_BYTES} bytes`, received: "more" });
    take(bytes.push(chunk));
  }
  take(`${bytes.end()}\n`);
  return readings;
}

/** `# TYPE name counter`: what the samples after it are. */
function noteType(text: string, counters: Set<string>): void {
  if (!text.startsWith("# TYPE ")) return;
  const [, name, type] = /^# TYPE (\S+) (counter|histogram|summary)\s*$/.exec(text) ?? [];
  if (name === undefined) return;
  if (type === "counter") counters.add(name);
  else for (const part of ["bucket", "count", "sum"]) counters.add(`${name}_${part}`);
}

function* readLine(
  line: string,
  number: number,
  grammar: MetricGrammar,
  asked: number,
  keep: readonly string[] | undefined,
): Generator<Reading> {
  const parsed = grammar.parse(line);
  if (typeof parsed === "string") return;
  if (isProblem(parsed)) {
    yield { line: number, row: 0, reason: parsed.reason, message: `line ${number}: ${parsed.message}` };
    return;
  }
  for (const { series = "", cells, labels, time } of parsed) {
    if (keep !== undefined && !keep.some((pattern) => matchesPattern(pattern, labels?.get("name") ?? series)))
      continue;
    const reading = checkedReading({
      line: number,
      row: 0,
      timed: time !== undefined,
      observation: {
        series,
        time: typeof time === "number" ? time : asked,
        values: { [VALUE]: cells[0] as number | null },
      },
    });
    yield isRefused(reading) ? { ...reading, message: `line ${number}: ${reading.message}` } : reading;
  }
}

function wordsOf(error: unknown, url: string): string {
  if (error instanceof EddyError) return error.message;
  const { message, cause, name } = error as Error & { cause?: { code?: string; message?: string } };
  if (name === "TimeoutError") return `${url}: expected an answer in time, got none`;
  return `${url}: ${cause?.code ?? cause?.message ?? message}`;
}
