import { createRequire } from "node:module";
import type { Writable } from "node:stream";
import { tableFromIPC } from "apache-arrow";
import { EddyError } from "../../src/models/errors.ts";
import { readModel } from "../../src/models/forecaster/experts/open.ts";
import { readConfiguration } from "../../src/server/configuration.ts";
import { openArrowReader, readBody } from "../../src/server/http/observations-body.ts";
import { labelTests } from "../../src/server/http/prometheus/label-tests.ts";
import { parseQuery } from "../../src/server/http/prometheus/selector.ts";
import { SOCKET_DEFAULTS } from "../../src/server/socket/limits.ts";
import { Receive } from "../../src/server/socket/receive.ts";
import { forecastStream } from "../../src/storage/arrow/forecast-stream.ts";
import { conditionOf, stepsAhead, verdictOf } from "../../src/streams/alerts/condition.ts";
import { nextState } from "../../src/streams/alerts/life.ts";
import { checkRule } from "../../src/streams/alerts/rule.ts";
import { isRefused } from "../../src/streams/formats/reading.ts";
import type { TextFormat } from "../../src/streams/formats/recognise.ts";
import { readings } from "../../src/streams/sources/readings.ts";
import { arrowBodies } from "./arrow-bodies.ts";
import { query } from "./kinds/questions.ts";
import { frame, message } from "./kinds/sockets.ts";
import { NAMES, Random } from "./random.ts";

/** What messages to one parser came to. */
export interface FuzzCount {
  readonly parser: string;
  readonly messages: number;
  taken: number;
  refused: number;
  /** Whatever was thrown that is no refusal in words. */
  readonly failures: string[];
  /** Longest time for one message, milliseconds. */
  slowest: number;
}

/** Takes one message; true when anything of it was accepted. Throws an EddyError for one that is refused. */
type Parser = (random: Random, i: number) => boolean | Promise<boolean>;

const TEXTS = [
  "series,time,value\na,2024-01-01T00:00:00Z,1\nb,2024-01-01T00:00:01Z,2.5\n",
  '{"series":"a","time":1700000000000,"value":1.5,"id":"x"}\n{"series":"b","values":{"p":1,"q":null}}\n',
  '[{"series":"a","value":1},{"series":"b","value":2,"id":7}]',
  'time=2024-01-01T00:00:00Z level=info msg="took a while" duration=1.5 count=3\n',
  "1\n2.5\n-3e4\n\n 7 \n",
  "date;temperature;humidity\n01.02.2024 10:00;21,5;40\n01.02.2024 10:05;21,6;41\n",
  " r  b   swpd   free\n 1  0      0 123456\n 2  0      0 123400\n",
] as const;

/** A text of some format, with trouble in it. */
function text(random: Random): string {
  const share = random.pick([0, 0.01, 0.05, 0.3]);
  const spoiled = random.spoiled(random.pick(TEXTS), share);
  if (random.chance(0.9)) return spoiled;
  return random.pick([
    spoiled.repeat(random.size(50)),
    spoiled.slice(random.between(0, spoiled.length)),
    "[".repeat(random.size(20_000)),
    '{"a":'.repeat(random.size(5000)),
    `{"series":${JSON.stringify(random.pick(NAMES))},"value":${"9".repeat(random.size(400))}}`,
  ]);
}

/** The same as bytes, some of which are no UTF-8. */
function bytes(random: Random): Buffer {
  const made = Buffer.from(text(random));
  if (random.chance(0.2) && made.length > 0)
    made[random.between(0, made.length - 1)] = random.between(128, 255);
  return made;
}

/** Without a pause. */
async function atOnce<T>(work: Generator<unknown, T>): Promise<T> {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

const body =
  (type: string, make: (random: Random, i: number) => Uint8Array): Parser =>
  async (random, i) => {
    const made = make(random, i);
    const bytes = Buffer.from(made.buffer, made.byteOffset, made.length);
    const options = { series: random.chance(0.5) ? "named" : undefined, rows: 100_000 };
    const { observations } = await readBody(type, bytes, options, atOnce);
    return observations.length > 0;
  };

const format =
  (name: TextFormat | "auto"): Parser =>
  async (random) => {
    const made = bytes(random);
    const cut = random.between(0, made.length);
    async function* chunks() {
      yield made.subarray(0, cut);
      yield made.subarray(cut);
    }
    let taken = false;
    const options = { name: "fuzzed", arrival: (row: number) => row * 1000, format: name };
    for await (const batch of readings(chunks(), options)) {
      taken ||= batch.some((reading) => !isRefused(reading));
    }
    return taken;
  };

const socketMessages: Parser = (random) => {
  const receive = new Receive({ limits: SOCKET_DEFAULTS.limits, authorised: true, authorise: () => null });
  if (random.chance(0.8)) receive.text('{"type":"init"}', 0);
  const effects = receive.text(message(random), 1);
  // What is to be sent has to be sendable.
  for (const effect of effects) if (effect.do === "send") JSON.stringify(effect.message);
  return effects.some((effect) => effect.do !== "send" && effect.do !== "close");
};

/** Observations of a binary frame: the same tables as bodies have, and messages that came as bytes. */
const socketTables: Parser = async (random, i) => {
  const made = random.chance(0.9) ? arrowBodies(random, i) : Buffer.from(message(random));
  tableReader ??= openArrowReader();
  const read = await tableReader;
  const bytes = Buffer.from(made.buffer, made.byteOffset, made.length);
  const { pendingObservations } = SOCKET_DEFAULTS.limits;
  const { observations } = await atOnce(read(bytes, pendingObservations));
  if (observations.length > pendingObservations) throw new Error(`${observations.length} observations`);
  return observations.length > 0;
};
let tableReader: ReturnType<typeof openArrowReader> | undefined;

/** Forecasts as frames of Arrow: whatever is forecast, the library that others read it with reads the same. */
const forecastTables: Parser = (random) => {
  const horizon = random.between(1, 40);
  const number = () => random.pick([0, -0, 1e308, -5e-324, Number.NaN, 0.1, random.between(-99, 99)]);
  const numbers = () => Float64Array.from({ length: horizon }, number);
  const levels = random.pick([[], [0.5], [0.1, 0.9]]);
  const forecasts = Array.from({ length: random.between(1, 5) }, (_, n) => {
    const target = () => ({
      name: random.pick(NAMES),
      coverage: number(),
      skill: number(),
      observed: number(),
      surprise: number(),
      taken: random.pick([0, 1, Number.NaN]),
      mean: numbers(),
      lower: numbers(),
      upper: numbers(),
      quantiles: levels.map(numbers),
    });
    const issue = {
      series: random.pick(NAMES),
      time: random.pick([0, 8.64e15, -8.64e15, 1.7e12 + n]),
      step: random.pick([0, 1000, 8.64e15]),
      offset: n,
      level: 0.9,
      model: random.pick(NAMES),
      horizon,
      quantileLevels: levels,
      experts: [],
      targets: [target(), target()],
    };
    return { issue, target: n % 2, offset: random.pick([0, n, 2 ** 53 - 1]), ordinal: n };
  });
  const table = tableFromIPC(
    forecastStream(forecasts, { metadata: { id: JSON.stringify(random.pick(NAMES)) } }),
  );
  if (table.numRows !== forecasts.length * horizon) throw new Error(`${table.numRows} rows`);
  let row = 0;
  for (const { issue, target, offset, ordinal } of forecasts) {
    const { name, mean, skill, taken } = issue.targets[target] as (typeof issue.targets)[0];
    for (let h = 1; h <= horizon; h++, row++) {
      const told = table.get(row)?.toJSON() ?? {};
      const wanted = {
        offset,
        ordinal,
        // UTF-8 has no lone surrogates.
        series: Buffer.from(issue.series).toString(),
        target: Buffer.from(name).toString(),
        step: h,
        issuedAt: issue.time,
        mean: mean[h - 1],
        skill: Number.isNaN(skill) ? null : skill,
        taken: Number.isNaN(taken) ? null : taken === 1,
        time: Math.max(-8.64e15, Math.min(8.64e15, issue.time + h * issue.step)),
      };
      for (const [column, value] of Object.entries(wanted)) {
        if (!Object.is(told[column], value)) throw new Error(`${column}: ${told[column]}, not ${value}`);
      }
    }
  }
  return true;
};

/** Queries as Prometheus has them, and the expressions within. */
const prometheusQueries: Parser = (random) => {
  const read = parseQuery(query(random));
  if ("scalar" in read) return true;
  for (const test of labelTests(read.matchers, "query")) test.fits(random.pick(["a", "a".repeat(200), ""]));
  return true;
};

/** The frames are the library's to read; what it makes of any bytes is a message or an error of its own. */
const socketFrames: Parser = (random) =>
  new Promise((resolve, reject) => {
    const { Receiver } = createRequire(import.meta.url)("ws") as {
      Receiver: new (options: object) => Writable;
    };
    const receiver = new Receiver({ isServer: true, maxPayload: 1 << 20 });
    let taken = false;
    receiver.on("message", () => {
      taken = true;
    });
    receiver.on("error", (error: Error & { code?: string }) => {
      if (error.code?.startsWith("WS_ERR")) resolve(false);
      else reject(error);
    });
    // Of a frame that is not whole nothing is told.
    receiver.write(frame(random), () => setImmediate(() => resolve(taken)));
  });

const configuration: Parser = (random) => {
  const good =
    '{"port":8080,"token":"x","storage":{"retention":{"journalDays":3}},"forecast":{"model":"auto","horizon":3},"series":[{"match":"a*","model":"lstm:hidden=8"}]}';
  readConfiguration(
    random.chance(0.1) ? text(random) : random.spoiled(good, random.pick([0, 0.02, 0.1])),
    "fuzzed",
  );
  return true;
};

/** Models as they are given, for parts of them to be swapped and spoilt. */
const MODELS = [
  "auto",
  "auto:without=lstm+esn",
  "auto:mixture=equal",
  "persistence",
  "persistence:intervals=aci",
  "lstm:hidden=8",
  "gru:hidden=4",
  "esn:units=50,leak=0.5",
  "clockwork:periods=1x2",
  "deep:layers=2",
] as const;

const models: Parser = (random) => {
  const [name, ...options] = random.pick(MODELS).split(/[:=,]/);
  const pick = (own: string | undefined): string =>
    own !== undefined && random.chance(0.8)
      ? own
      : random.pick([...NAMES, "hidden", "units", "8", "1x2", "-1", "1e999", "0.5", "true"]);
  const given = Array.from(
    { length: Math.ceil(options.length / 2) },
    (_, i) => `${pick(options[2 * i])}=${pick(options[2 * i + 1])}`,
  );
  const model = given.length === 0 ? pick(name) : `${pick(name)}:${given.join(",")}`;
  readModel(random.spoiled(model, random.pick([0, 0, 0.05])));
  return true;
};

export /** Rules as they are given, for parts of them to be swapped and spoilt. */
const WHENS = [
  { reading: "outside", limit: [10, 90] },
  { forecast: "above", limit: 90, probability: 0.8, within: 12 },
  { forecast: "below", limit: -5, within: "1h" },
  { reaches: "above", limit: 100, within: "3d" },
  { surprise: 0.001 },
  { silent: "10m" },
  { skill: 0 },
];
const CLEARS = [{ limit: [20, 80] }, { probability: 0.5, hold: "5m" }, { within: "9d" }, { hold: 3 }, {}];
const NUMBERS = [
  0,
  1,
  -1,
  1e-308,
  1e308,
  Number.MAX_SAFE_INTEGER,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  42.5,
];

/** A rule that is taken has to say something of any reading whatever. */
const rules: Parser = (random) => {
  const given: Record<string, unknown> = {
    name: random.chance(0.9) ? "r" : random.pick(NAMES),
    series: random.chance(0.9) ? "*" : random.pick(NAMES),
    when: random.pick(WHENS),
  };
  if (random.chance(0.5)) given.clear = random.pick(CLEARS);
  if (random.chance(0.3)) given.hold = random.pick<unknown>([1, 3, "5m", "0s", -1, "1e9d", null]);
  if (random.chance(0.2)) given[random.pick(NAMES)] = random.pick<unknown>(NUMBERS);
  const spoiled = random.spoiled(JSON.stringify(given), random.pick([0, 0, 0.01, 0.05]));
  let read: unknown;
  try {
    read = JSON.parse(spoiled);
  } catch {
    throw new EddyError("bad-argument", "rule", { expected: "JSON", received: "text" });
  }
  const rule = checkRule(read, { subject: "rule", code: "bad-argument", receivers: [] });
  const condition = conditionOf(rule);
  const [value, surprise, skill, step] = [0, 1, 2, 3].map(() => random.pick(NUMBERS)) as [
    number,
    number,
    number,
    number,
  ];
  const steps = stepsAhead(condition, step);
  if (!(steps >= 1 && steps <= 65_536)) throw new RangeError(`${steps} steps`);
  const crossing = {
    probability: new Float64Array(steps).fill(random.pick(NUMBERS)),
    steps: [1, 2, Number.POSITIVE_INFINITY],
  } as const;
  const verdict = verdictOf(condition, { time: 0, value, doubted: false, surprise, skill, step, crossing });
  nextState(condition, undefined, verdict, { time: 0, doubted: random.chance(0.5) });
  return true;
};

const PARSERS: Readonly<Record<string, Parser>> = {
  "JSON body": body("application/json", bytes),
  "NDJSON body": body("application/x-ndjson", bytes),
  "CSV body": body("text/csv", bytes),
  "Arrow body": body("application/vnd.apache.arrow.stream", arrowBodies),
  "CSV text": format("csv"),
  "NDJSON text": format("ndjson"),
  "lines text": format("lines"),
  "logfmt text": format("logfmt"),
  "text of any format": format("auto"),
  "queries of Prometheus": prometheusQueries,
  "socket messages": socketMessages,
  "socket tables": socketTables,
  "forecast tables": forecastTables,
  "socket frames": socketFrames,
  configuration,
  models,
  "alert rules": rules,
};

/** Sends messages to every parser, as many to each. */
export async function fuzz(options: {
  messages: number;
  seed: number;
  /** Only parsers whose name has this word. */
  word?: string;
}): Promise<readonly FuzzCount[]> {
  const parsers = Object.entries(PARSERS).filter(([name]) => name.includes(options.word ?? ""));
  const each = Math.ceil(options.messages / parsers.length);
  const counts: FuzzCount[] = [];
  for (const [k, [parser, parse]] of parsers.entries()) {
    const random = new Random(options.seed * 1000 + k);
    const count: FuzzCount = { parser, messages: each, taken: 0, refused: 0, failures: [], slowest: 0 };
    for (let i = 0; i < each; i++) {
      const started = performance.now();
      try {
        if (await parse(random, i)) count.taken++;
        else count.refused++;
      } catch (error) {
        if (error instanceof EddyError) count.refused++;
        else count.failures.push(`message ${i}: ${(error as Error).stack?.slice(0, 300)}`);
      }
      count.slowest = Math.max(count.slowest, performance.now() - started);
    }
    counts.push(count);
  }
  return counts;
}
