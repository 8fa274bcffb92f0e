// What sources of messages are made of: topics, payloads, waits.
import { describe, expect, test } from "vitest";
import { Backoff } from "../../src/streams/sources/backoff.ts";
import { checkSource } from "../../src/streams/sources/kinds.ts";
import { MessageReader } from "../../src/streams/sources/message-reader.ts";
import { filled, TopicTemplate } from "../../src/streams/sources/topics.ts";

describe("topics", () => {
  test.each([
    ["sensors/{host}/{metric}", "sensors/+/+", "sensors/a/t", { host: "a", metric: "t" }],
    ["sensors/{host}/{metric}", "sensors/+/+", "sensors/a", undefined],
    ["sensors/{host}/{metric}", "sensors/+/+", "sensors/a/t/u", undefined],
    ["a/+/c", "a/+/c", "a//c", {}],
    ["zigbee2mqtt/#", "zigbee2mqtt/#", "zigbee2mqtt", {}],
    ["zigbee2mqtt/#", "zigbee2mqtt/#", "zigbee2mqtt/x/y", {}],
    ["#", "#", "$SYS/uptime", undefined],
    ["$SYS/#", "$SYS/#", "$SYS/uptime", {}],
    ["{__proto__}/x", "+/x", "../x", { ["__proto__"]: ".." }],
  ])("%s subscribes to %s; %s fits or does not", (template, filter, topic, parts) => {
    const read = new TopicTemplate(template, "topics.0");
    expect(read.filter).toBe(filter);
    const found = read.match(topic);
    expect(found === undefined ? undefined : [...found]).toEqual(
      parts === undefined ? undefined : Object.entries(parts),
    );
  });

  test.each(["a/#/b", "a/b+", "a/{b", "a/{b c}", "a/x{b}", "a\0"])("%s is no topic", (template) => {
    expect(() => new TopicTemplate(template, "plant: topics.0")).toThrow(
      /^plant: topics\.0: expected levels that are words, \{name\}, \+ or, at the end, #, got /,
    );
  });

  test("names of the topic make the name of the series; a name that is not there is told at the start", () => {
    const parts = new TopicTemplate("s/{host}/{metric}", "t").match("s/a/b");
    expect(filled("{metric}@{host}", parts!)).toBe("b@a");
    const check = (options: Record<string, unknown>) => () =>
      checkSource({ name: "n", kind: "mqtt", options: { url: "mqtt://localhost", ...options } }, "sources.0");
    expect(check({ topics: ["s/{host}/{metric}"], series: "{hots}" })).toThrow(
      'sources.0: series: expected names in "s/{host}/{metric}": host, metric, got "hots"',
    );
    expect(check({ topics: [] })).toThrow("sources.0: topics: expected a list of topics");
    expect(check({ topics: ["a"], url: "http://x" })).toThrow(
      'sources.0: url: expected an address such as mqtt://localhost:1883, got "http://x"',
    );
    expect(check({ topics: ["a"], qos: 2 })).toThrow("sources.0: qos: expected one of url, topics, series");
    expect(() => checkSource({ name: "n", kind: "kafka", options: {} }, "sources.0")).toThrow(
      /^sources\.0: kind: expected one of mqtt.*, got "kafka"/,
    );
  });
});

describe("messages", () => {
  const read = (reader: MessageReader, series: string, payload: string) =>
    reader
      .read(series, Buffer.from(payload), 1, 42)
      .map((reading) =>
        "reason" in reading
          ? `${reading.reason} ${reading.message}`
          : `${reading.observation.series} ${reading.observation.time} ${JSON.stringify(reading.observation.values)}`,
      );

  test.each([
    ["21.5", ['a NaN {"value":21.5}']],
    [" -3,5 ", ['a NaN {"value":-3.5}']],
    ['"21.5"', ['a NaN {"value":21.5}']],
    ["1013 hPa", ['a NaN {"value":1013}']],
    ["off", ['a NaN {"value":0}']],
    ["true", ['a NaN {"value":1}']],
    ["nan", ['a NaN {"value":null}']],
    ['{"t":{"in":1,"out":"2.5 °C"},"battery":null,"state":"ok"}', ['a NaN {"t.in":1,"t.out":2.5}']],
    ['{"value":1,"timestamp":1700000000}', ['a 1700000000000 {"value":1}']],
    ['{"value":1,"last_seen":"2026-01-01T00:00:00+01:00"}', ['a 1767222000000 {"value":1}']],
    [
      '[{"ts":1700000000000,"v":1},{"ts":1700000001000,"v":2}]',
      ['a 1700000000000 {"v":1}', 'a 1700000001000 {"v":2}'],
    ],
    ["temp=21.5 hum=40", ['a NaN {"temp":21.5,"hum":40}']],
    ["weather,place=x temp=21.5 1700000000000000000", ['weather,place=x 1700000000000 {"temp":21.5}']],
  ])("%s", (payload, expected) => {
    const [first] = read(new MessageReader({}, 10), "a", payload);
    expect(first.replace(/,?"battery":null/, "")).toBe(expected[0]);
    expect(read(new MessageReader({}, 10), "a", payload)).toHaveLength(expected.length);
  });

  test("fields that tell several things apart are named, or else told", () => {
    const two = (reader: MessageReader) => [
      ...read(reader, "gw", '{"dev":{"eui":"a/1"},"t":1}'),
      ...read(reader, "gw", '{"dev":{"eui":"b"},"t":2}'),
    ];
    expect(two(new MessageReader({ key: ["dev.eui"] }, 10))).toEqual([
      'gw/a/1 NaN {"t":1}',
      'gw/b NaN {"t":2}',
    ]);
    expect(two(new MessageReader({ key: [] }, 10))).toEqual(['gw NaN {"t":1}', 'gw NaN {"t":2}']);
    expect(two(new MessageReader({}, 10))[1]).toMatch(
      /^bad-observation dev\.eui: expected "a\/1" as in the first/,
    );
  });

  test("a list of things in one message: told which field tells them apart, and read by it", () => {
    const list = JSON.stringify({
      timestamp: 1_700_000_000_000,
      values: [
        { id: "press.one", t: 1_700_000_000_100, v: 7, q: true },
        { id: "press.two", t: 1_700_000_000_200, v: 4, q: true },
      ],
    });
    expect(read(new MessageReader({}, 10), "plant", list)[0]).toMatch(/^bad-\w+ .*"key".*id/);
    expect(read(new MessageReader({ key: ["id"], time: "t", values: ["v"] }, 10), "plant", list)).toEqual([
      'plant/press.one 1700000000100 {"v":7}',
      'plant/press.two 1700000000200 {"v":4}',
    ]);
  });

  test("fields that come later join where each is a series of its own", () => {
    const reader = new MessageReader({ split: true }, 10);
    expect(read(reader, "room", '{"battery":"100.00","voltage":3015}')).toEqual([
      'room/battery NaN {"value":100}',
      'room/voltage NaN {"value":3015}',
    ]);
    expect(read(reader, "room", '{"battery":99,"voltage":3015,"temperature":30.46,"state":"on"}')).toContain(
      'room/temperature NaN {"value":30.46}',
    );
    expect(read(reader, "plain", "5")).toEqual(['plain NaN {"value":5}']);
  });

  test("messages without numbers are counted as such", () => {
    const reader = new MessageReader({}, 10);
    expect(read(reader, "a", "online")[0]).toMatch(/^no-numbers payload: expected a number, got "online"/);
    expect(read(reader, "b", '{"state":"online"}')[0]).toMatch(/^no-numbers /);
  });

  test("sizes and numbers from outside are bounded", () => {
    const reader = new MessageReader({}, 2);
    expect(read(reader, "a", "1")).toHaveLength(1);
    expect(read(reader, "b", "1")).toHaveLength(1);
    expect(read(reader, "c", "1")).toEqual(["too-many-series series: expected at most 2, got one more"]);
    expect(read(reader, "a", "9".repeat(2 ** 20 + 1))[0]).toMatch(/^too-large /);
    expect(read(reader, "a", `${"[".repeat(5000)}`)[0]).toMatch(/^bad-line payload: expected JSON nested/);
    expect(read(reader, "x".repeat(300), "1")[0]).toMatch(/^bad-observation series: expected a name/);
    expect(read(reader, "a\u0007", "1")[0]).toMatch(/^bad-observation series: expected a name/);
    expect(read(reader, "a", '{"__proto__":{"x":1},"constructor":2}')[0]).toBe(
      'a NaN {"__proto__.x":1,"constructor":2}',
    );
  });
});

test("waits double up to a bound, and each is any part of it; a success begins anew", () => {
  let drawn = 0;
  const backoff = new Backoff(() => [0, 0.5, 1][drawn++ % 3], 100, 1000);
  const waits = Array.from({ length: 7 }, () => backoff.next());
  expect(waits).toEqual([0, 100, 400, 0, 500, 1000, 0]);
  backoff.reset();
  expect(backoff.next()).toBe(50);
});
