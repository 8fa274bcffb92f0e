import { describe, expect, test } from "vitest";
import { readConfiguration, seriesOptions } from "../../src/server/configuration.ts";
import { CounterNames } from "../../src/server/sources/counter-names.ts";
import { milliseconds } from "../../src/streams/checked.ts";

const failure = (json: string): string => {
  try {
    readConfiguration(json, "eddy.json");
  } catch (error) {
    return (error as Error).message;
  }
  return "taken";
};

test("spans of time", () => {
  expect(["90s", "12h", "1d", "250ms", "5m"].map(milliseconds)).toEqual([90e3, 43.2e6, 864e5, 250, 300e3]);
});

describe("readConfiguration", () => {
  test("takes everything there is", () => {
    const configuration = {
      host: "127.0.0.1",
      port: 0,
      token: "t",
      tokens: [
        { name: "a", sha256: "0".repeat(64), read: ["a/*"], expires: "2027-01-31", requestsPerSecond: 5 },
      ],
      proxies: ["127.0.0.1", "10.0.0.0/8"],
      requestsPerSecond: 100,
      tls: { cert: "cert.pem", key: "key.pem" },
      origins: ["https://dash.example"],
      database: "a.db",
      durability: "process",
      bodyBytes: 4096,
      ahead: "12h",
      storage: { checkpointEvery: 1000, retention: { journalDays: 7 } },
      forecast: {
        model: "auto",
        horizon: 24,
        coverage: 0.8,
        quantiles: [0.1, 0.5, 0.9],
        periods: [24],
        seed: 7,
        lateness: 1000,
        every: 60_000,
        detail: true,
        min: 0,
        max: { level: 5, "*": 100 },
        integer: true,
        counter: ["energy"],
      },
      series: [{ match: "tank/*", targets: ["level"], inputs: ["inflow"], horizon: 3, quantiles: [] }],
    };
    expect(readConfiguration(JSON.stringify(configuration), "eddy.json")).toEqual(configuration);
    expect(readConfiguration("{}", "eddy.json")).toEqual({});
  });

  test.each([
    ["{nope", "eddy.json: expected JSON, got something else at line 1, column 2"],
    ['{\n  "port": 80 80\n}', "eddy.json: expected JSON, got something else at line 2, column 14"],
    ['{"port": 80', "eddy.json: expected JSON, got a text that ends too early"],
    // A secret is in no message, wherever the mistake is.
    ['{"token": hunter2}', "eddy.json: expected JSON, got something else at line 1, column 11"],
    ['{"token": 12345}', "eddy.json: token: expected some text, got a value (not shown)"],
    [
      '{"tokens": {"name": "a", "sha256": "hunter2"}}',
      'eddy.json: tokens: expected a list of tokens, as eddy token prints them, got {"name":"a","sha256":"(not shown)"}',
    ],
    [
      '{"tokens": [{"name": "a", "sha256": "hunter2"}]}',
      "eddy.json: tokens.0.sha256: expected the SHA-256 of the token, 64 hexadecimal digits (see eddy token), got a value (not shown)",
    ],
    [
      `{"tokens": [{"name": "a", "sha256": "${"0".repeat(64)}", "reed": ["*"]}]}`,
      /^eddy\.json: tokens\.0\.reed: expected one of name, sha256, read, write, alerts, admin, expires, requestsPerSecond, got/,
    ],
    [
      `{"tokens": [{"name": "a", "sha256": "${"0".repeat(64)}"}, {"name": "a", "sha256": "${"1".repeat(64)}"}]}`,
      'eddy.json: tokens.1.name: expected a name that no other token has, got "a"',
    ],
    [
      `{"tokens": [{"name": "a", "sha256": "${"0".repeat(64)}"}, {"name": "b", "sha256": "${"0".repeat(64)}"}]}`,
      "eddy.json: tokens.1.sha256: expected a token that is not listed already, got the same again",
    ],
    [
      `{"tokens": [{"name": "a", "sha256": "${"0".repeat(64)}", "expires": "soon"}]}`,
      'eddy.json: tokens.0.expires: expected a date, such as 2027-01-31 or 2027-01-31T12:00:00Z, got "soon"',
    ],
    ['{"tls": {"cert": "a"}}', "eddy.json: tls.key: expected the path of a PEM file, got nothing"],
    ["[]", "eddy.json: expected a JSON object, got []"],
    [
      '{"forecast":{"min":"0"}}',
      'eddy.json: forecast.min: expected a number, or { "column": number }, got "0"',
    ],
    [
      '{"forecast":{"integer":"calls"}}',
      'eddy.json: forecast.integer: expected true, or a list of columns, got "calls"',
    ],
    [
      '{"series":[{"match":"a","min":{"x":3},"max":{"x":2}}]}',
      'eddy.json: series.0.min: expected less than max of "x", 2, got 3',
    ],
    [
      '{"series":[{"match":"a","targets":["x"],"counter":["y"]}]}',
      'eddy.json: series.0.counter: expected one of the columns "x", got "y"',
    ],
    ['{"port":"80"}', 'eddy.json: port: expected a whole number from 0 to 65535, got "80"'],
    ['{"port":70000}', "eddy.json: port: expected a whole number from 0 to 65535, got 70000"],
    ['{"prot":80}', /^eddy\.json: prot: expected one of host, port, .*, got a field of another name$/],
    [
      '{"forecast":{"horizon":0}}',
      "eddy.json: forecast.horizon: expected a whole number from 1 to 512, got 0",
    ],
    ['{"forecast":{"coverage":1}}', "eddy.json: forecast.coverage: expected a number between 0 and 1, got 1"],
    [
      '{"series":[{"match":"a"},{"match":"*","horizon":1.5}]}',
      "eddy.json: series.1.horizon: expected a whole number from 1 to 512, got 1.5",
    ],
    [
      '{"series":[{"horizon":2}]}',
      "eddy.json: series.0.match: expected a pattern of series names, got nothing",
    ],
    [
      '{"series":[{"match":"*","targets":["a","a"]}]}',
      'eddy.json: series.0.targets: expected each column once, inputs included, got "a" twice',
    ],
    [`{"forecast":${"[".repeat(100)}`, /^eddy\.json: expected JSON nested at most 32 deep, got deeper$/],
    [
      '{"forecast":{"horizon":512}}',
      /^eddy\.json: forecast: expected a series of at most 32 MiB of state \(storage\.seriesBytes\), got one of \d+ MiB/,
    ],
    [
      '{"storage":{"seriesBytes":65536},"series":[{"match":"*","horizon":3}]}',
      /^eddy\.json: forecast: expected a series of at most 1 MiB/,
    ],
    [
      '{"ahead":"tomorrow"}',
      'eddy.json: ahead: expected a span of time such as "90s", "12h" or "1d", got "tomorrow"',
    ],
    ['{"forecast":{"model":"lst"}}', /^eddy\.json: forecast\.model: expected auto, .*, got "lst"$/],
    [
      '{"storage":{"retention":{"journalDays":-1}}}',
      "eddy.json: storage.retention.journalDays: expected a whole number from 0 to 36500, got -1",
    ],
    [
      '{"forecast":{"aggregate":"median"}}',
      'eddy.json: forecast.aggregate: expected one of mean, last, sum, min, max, count, got "median"',
    ],
    [
      '{"forecast":{"quantiles":[0.1,1]}}',
      "eddy.json: forecast.quantiles: expected a list of at most 32 different numbers between 0 and 1, got [0.1,1]",
    ],
    [
      '{"forecast":{"quantiles":0.5}}',
      "eddy.json: forecast.quantiles: expected a list of at most 32 different numbers between 0 and 1, got 0.5",
    ],
    [
      '{"series":[{"match":"*","quantiles":[0.5,0.1,0.5]}]}',
      "eddy.json: series.0.quantiles: expected a list of at most 32 different numbers between 0 and 1, got [0.5,0.1,0.5]",
    ],
    ['{"durability":"never"}', 'eddy.json: durability: expected one of power, process, got "never"'],
  ])("%s is refused by field", (json, message) => {
    expect(failure(json)).toMatch(message);
    expect(failure(json)).not.toContain("\n");
  });
});

test("limits for all say nothing of a series of other targets", () => {
  const optionsOf = seriesOptions({
    forecast: { min: { level: 0, "*": -1 }, integer: ["level"], counter: true },
    series: [{ match: "air", targets: ["temp"] }],
  });
  expect(optionsOf("air")).toMatchObject({ min: { "*": -1 }, integer: [], counter: true });
  expect(optionsOf("tank")).toMatchObject({ min: { level: 0 }, integer: ["level"] });
});

test("the first entry that fits a series wins, over the forecast of all", () => {
  const optionsOf = seriesOptions({
    forecast: { horizon: 6, coverage: 0.8 },
    series: [
      { match: "tank/*", horizon: 3 },
      { match: "*", horizon: 9, periods: [24] },
    ],
  });
  expect(optionsOf("tank/a")).toEqual({ horizon: 3, coverage: 0.8 });
  expect(optionsOf("other")).toEqual({ horizon: 9, coverage: 0.8, periods: [24] });
  expect(seriesOptions({})("any")).toEqual({});
});

test("what a sender says is a counter is opened as one, unless the configuration says what is one", () => {
  const counters = new CounterNames();
  counters.add("parts");
  counters.add("level");
  const options = seriesOptions(
    readConfiguration('{ "series": [{ "match": "level", "counter": false }] }', "c"),
    counters,
  );
  expect(options("parts").counter).toBe(true);
  expect(options("level").counter).toBe(false);
  expect(options("other").counter).toBeUndefined();
});
