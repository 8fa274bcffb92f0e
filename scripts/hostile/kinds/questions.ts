// Questions by HTTP: queries of Prometheus, history and streams of events, with everything in them that parsers trip over.
import { inputs, type Kind } from "../kind.ts";
import { NAMES, type Random } from "../random.ts";

const SELECTORS = [
  'eddy_reading{series="a"}',
  'eddy_forecast{series=~"a|b",bound!="mean",lead="3"} offset -5m',
  '{__name__=~".+",target!~"x.*"}',
  '{"eddy_reading", series=`a`}',
  "1+1",
  "2*(3-4)^2",
] as const;

/** Expressions that take for ever elsewhere, or grow without end. */
const EXPRESSIONS = [
  "(a+)+$",
  "(a|a)*b",
  "(a|aa)+$",
  "((a{100}){100}){100}",
  "x{0,1000}x{0,1000}x{0,1000}",
  "(?:(?:a{30}){30}){30}",
  `${"(".repeat(1500)}a${")".repeat(1500)}`,
  `(${"a|".repeat(5000)}b)`,
  ".*.*.*.*.*.*.*.*.*.*b",
  "(?=a)b",
  "(?<name>a)\\k<name>",
  "[\\x00-\\x{10FFFF}]{500}",
  "\\p{L}{400}",
  "(?i)(?s)(?m)^$",
  "",
  "|||||",
  "[",
  "\\",
  "\\C",
  "a**",
  "a{2,1}",
  "a{99999999999}",
] as const;

const quoted = (text: string): string => JSON.stringify(text);

/** A query of some kind, good or not. */
export function query(random: Random): string {
  return random.pick<() => string>([
    () => random.pick(SELECTORS),
    () => random.spoiled(random.pick(SELECTORS), random.pick([0.02, 0.1, 0.4])),
    () => `{series=~${quoted(random.pick(EXPRESSIONS))},__name__="eddy_reading"}`,
    () => `{series!~${quoted(random.pick(EXPRESSIONS))},__name__=~".+"}`,
    () => `{${quoted(random.pick(NAMES))}=${quoted(random.pick(NAMES))},__name__="eddy_reading"}`,
    () => `${"(".repeat(random.size(20_000))}1`,
    () => `${"-".repeat(random.size(20_000))}1`,
    () => `1${"+1".repeat(random.size(10_000))}`,
    () => `1${"^9".repeat(random.size(5000))}`,
    () => `eddy_reading{${'series="a",'.repeat(random.size(2000))}}`,
    () => `eddy_reading offset ${"9".repeat(random.size(400))}y`,
    () => `"${"\\U0010FFFF".repeat(random.size(500))}"`,
    () => `{series="${"\\x41".repeat(random.size(2000))}"}`,
    () => `${random.pick(["rate", "sum", "histogram_quantile", "label_replace"])}(eddy_reading[5m])`,
    () => "#".repeat(random.size(30_000)),
    () => random.bytes(random.size(200)).toString("latin1"),
  ])();
}

const time = (random: Random): string =>
  random.pick([
    "0",
    "1e9",
    "1e308",
    "-1e15",
    "NaN",
    "Infinity",
    "2026-01-01T00:00:00Z",
    "9999-99-99T99:99:99Z",
    "",
    "now",
    "9".repeat(random.size(300)),
    String(random.between(0, 2_000_000_000)),
  ]);

const span = (random: Random): string =>
  random.pick([
    "1",
    "15s",
    "0",
    "-1",
    "1e-9",
    "1e300",
    "5x",
    "1h1h1h",
    "9".repeat(random.size(100)),
    "",
    "NaN",
  ]);

const PATHS = [
  "/api/v1/query",
  "/api/v1/query_range",
  "/api/v1/series",
  "/api/v1/labels",
  "/api/v1/label/series/values",
  "/api/v1/label/lead/values",
  "/api/v1/label/__proto__/values",
  "/api/v1/metadata",
  "/api/v1/query_exemplars",
] as const;

/** No answer but in words is right, and none from 500 on but `busy`. */
function wrongness(answer: { status: number; text: string } | undefined): string | undefined {
  if (answer === undefined) return "no answer";
  const { status, text } = answer;
  if (status >= 500 && !text.includes('"unavailable"') && !text.includes('"busy"'))
    return `${status} ${text}`;
  if (status >= 400 && !/"(message|error)":"[^"]/.test(text)) return `${status} without words: ${text}`;
  return undefined;
}

export const queries: Kind = {
  name: "queries of Prometheus",
  weight: 5,
  async run(target, random, count, outcome) {
    await inputs(count, outcome, async () => {
      const path = random.pick(PATHS);
      const asked = new URLSearchParams();
      const put = (name: string, value: string): void => {
        if (random.chance(0.9)) asked.append(name, value);
      };
      put("query", query(random));
      put("match[]", query(random));
      if (random.chance(0.2))
        for (let i = random.size(200); i > 0; i--) asked.append("match[]", "eddy_reading");
      put("start", random.chance(0.5) ? "1700000000" : time(random));
      put("end", random.chance(0.5) ? "1700000600" : time(random));
      put("step", random.chance(0.5) ? "15" : span(random));
      put("time", time(random));
      if (random.chance(0.3)) put("limit", random.pick(["0", "1", "-1", "1e9", "9".repeat(40), "x"]));
      if (random.chance(0.2)) put("lookback_delta", span(random));
      const form = random.chance(0.5) && !/label\/|metadata/.test(path);
      const text = String(asked);
      const answer = form
        ? await target.ask(path, text, "application/x-www-form-urlencoded")
        : await target.ask(`${path}?${text.slice(0, 12_000)}`);
      const wrong = wrongness(answer);
      if (wrong !== undefined) outcome.wrong.push(`${path} ${text.slice(0, 200)}: ${wrong.slice(0, 200)}`);
    });
  },
};

export const histories: Kind = {
  name: "questions about the past",
  weight: 2,
  async run(target, random, count, outcome) {
    await target.ask("/v1/observations", '{"series":"a","value":1}\n{"series":"a","value":2}\n');
    await inputs(count, outcome, async () => {
      const what = random.pick(["forecast", "forecasts", "observations"]);
      const asked = new URLSearchParams();
      for (const name of ["from", "to", "asOf", "limit", "cursor"]) {
        if (random.chance(0.4))
          asked.append(name, random.pick([time(random), "1.2.3", "-1", "1000", random.pick(NAMES)]));
      }
      const name = random.chance(0.7)
        ? "a"
        : encodeURIComponent(
            random
              .pick(NAMES)
              .slice(0, 300)
              .replaceAll(/[\ud800-\udfff]/g, ""),
          );
      const path = `/v1/series/${name}/${what}?${asked}`;
      const answer = await target.ask(path.slice(0, 12_000));
      const wrong = wrongness(answer);
      if (wrong !== undefined) outcome.wrong.push(`${path.slice(0, 200)}: ${wrong.slice(0, 200)}`);
    });
  },
};

export const eventStreams: Kind = {
  name: "streams of events",
  weight: 3,
  async run(target, random, count, outcome) {
    await inputs(count, outcome, async () => {
      const asked = new URLSearchParams();
      const put = (name: string, values: readonly string[]): void => {
        if (random.chance(0.4)) asked.append(name, random.pick(values));
      };
      put("pattern", ["*", "*".repeat(256), "*a*b*c*d*e*f*", "?", ...NAMES]);
      if (random.chance(0.2)) put("series", ["a", ...NAMES]);
      put("mode", ["latest", "stream", "", "__proto__"]);
      put("horizons", ["1", "1,2,3", "0", "1,".repeat(5000), "1e9", "NaN", ","]);
      put("maxRate", ["1", "0", "1e300", "-1", "0.0001", "x"]);
      put("since", ["a:1:1", ":::", "%:1", `${"a".repeat(300)}:1`, "a:999999999999999:1", "a:-1"]);
      const last = random.pick([
        "",
        "Last-Event-ID: a:1:1\r\n",
        "Last-Event-ID: :\r\n",
        `Last-Event-ID: ${"9".repeat(random.size(10_000))}\r\n`,
        `Last-Event-ID: ${random.spoiled("epoch:12:3", 0.3).replaceAll(/[\r\n\0]/g, "")}\r\n`,
        "Last-Event-ID: a:1\r\nLast-Event-ID: b:2\r\n",
      ]);
      const token = `Authorization: Bearer ${target.token}\r\n`;
      const accept = random.pick(["*/*", "text/event-stream", "application/json", ";;;q=,", "text/*;q=9e9"]);
      // Most go away at once, some stay for a moment and take nothing.
      const answer = await target.raw(
        `GET /v1/stream?${String(asked).slice(0, 10_000)} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: ${accept}\r\n${token}${last}\r\n`,
        random.pick([50, 100, 300]),
      );
      if (/^HTTP\/1\.1 5/.test(answer) && !answer.includes('"busy"'))
        outcome.wrong.push(`${asked} ${last}: ${answer.slice(0, 200)}`);
    });
    const left = /^eddy_socket_subscriptions (\d+)$/m.exec(await target.metrics())?.[1];
    if (Number(left) > 8) outcome.wrong.push(`${left} subscriptions are left of clients that went away`);
  },
};
