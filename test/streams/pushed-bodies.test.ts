// Bodies of remote-write and OTLP with bytes changed: refused or read, never anything else.
import fc from "fast-check";
import { PbfWriter } from "pbf";
import { expect, test } from "vitest";
import { EddyError } from "../../src/models/errors.ts";
import type { Observation } from "../../src/models/observation.ts";
import { influxPoints } from "../../src/streams/formats/influx-write.ts";
import { metricName } from "../../src/streams/formats/metric-name.ts";
import { otlpMetrics, otlpRequest } from "../../src/streams/formats/otlp.ts";
import type { PushedPoints } from "../../src/streams/formats/push.ts";
import { remoteWrite } from "../../src/streams/formats/remote-write.ts";

class Collected implements PushedPoints {
  readonly observations: Observation[] = [];
  readonly refused: string[] = [];
  readonly counters: string[] = [];
  readonly units: string[] = [];
  counter(series: string): void {
    this.counters.push(series);
  }
  unit(series: string, column: string, unit: string): void {
    this.units.push(`${series} ${column} ${unit}`);
  }
  take(observation: Observation): void {
    this.observations.push(observation);
  }
  refuse(reason: string): void {
    this.refused.push(reason);
  }
}

const sub = (writer: PbfWriter, tag: number, write: (part: PbfWriter) => void): void =>
  writer.writeMessage(tag, (_: null, part: PbfWriter) => write(part), null);

const writeRequest = ((): Uint8Array => {
  const writer = new PbfWriter();
  for (let n = 0; n < 3; n++) {
    sub(writer, 1, (series) => {
      for (const [name, value] of [
        ["__name__", "up"],
        ["n", String(n)],
      ])
        sub(series, 1, (label) => {
          label.writeStringField(1, name);
          label.writeStringField(2, value);
        });
      sub(series, 2, (sample) => {
        sample.writeDoubleField(1, n);
        sample.writeVarintField(2, 1_700_000_000_000);
      });
    });
  }
  return writer.finish().slice();
})();

const otlp = ((): Uint8Array => {
  const writer = new PbfWriter();
  sub(writer, 1, (resource) =>
    sub(resource, 2, (scope) =>
      sub(scope, 2, (metric) => {
        metric.writeStringField(1, "heat");
        sub(metric, 5, (gauge) =>
          sub(gauge, 1, (point) => {
            point.writeFixed64Field(3, 1.7e18);
            point.writeDoubleField(4, 71.5);
            sub(point, 7, (attribute) => {
              attribute.writeStringField(1, "line");
              sub(attribute, 2, (value) => value.writeStringField(1, "a"));
            });
          }),
        );
      }),
    ),
  );
  return writer.finish().slice();
})();

const readRemote = (body: Uint8Array, points: PushedPoints): void => {
  for (const _ of remoteWrite(body, points));
};
const readOtlp = (body: Uint8Array, points: PushedPoints): void => {
  for (const _ of otlpMetrics(otlpRequest(body), points));
};

test("the bodies as they are", () => {
  const [first, second] = [new Collected(), new Collected()];
  readRemote(writeRequest, first);
  expect(first.observations).toHaveLength(3);
  expect(first.observations[2]).toEqual({ series: "up,n=2", time: 1_700_000_000_000, values: { value: 2 } });
  readOtlp(otlp, second);
  expect(second.observations).toEqual([
    { series: "heat,line=a", time: 1_700_000_000_000, values: { value: 71.5 } },
  ]);
});

test.each([
  ["remote-write", writeRequest, readRemote],
  ["OTLP", otlp, readOtlp],
] as const)("%s: bytes changed, cut and put in", (_, whole, read) => {
  const change = fc.tuple(fc.nat(whole.length - 1), fc.uint8Array({ minLength: 0, maxLength: 4 }), fc.nat(3));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      let body = Buffer.from(whole);
      for (const [at, bytes, cut] of changes)
        body = Buffer.concat([body.subarray(0, at), bytes, body.subarray(at + cut)]);
      const points = new Collected();
      try {
        read(body, points);
      } catch (error) {
        if (!(error instanceof EddyError && error.code === "bad-message")) throw error;
      }
      for (const { series, time, values } of points.observations) {
        expect(series.length).toBeGreaterThan(0);
        expect(series.length).toBeLessThanOrEqual(256);
        expect(Math.abs(time) <= 8.64e15 || Number.isNaN(time)).toBe(true);
        for (const value of Object.values(values))
          expect(value === null || Number.isFinite(value)).toBe(true);
      }
    }),
    { seed: 5, numRuns: 3000 },
  );
});

test("any text as line protocol", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'w,=\\"1i. \nµtf#') }), (text) => {
      const points = new Collected();
      for (const _ of influxPoints(text, 1n, points, 1000));
      expect(points.observations.length + points.refused.length).toBeLessThanOrEqual(text.split("\n").length);
    }),
    { seed: 5, numRuns: 3000 },
  );
});

test("names of metrics: the order of labels is nothing, and no two long ones are the same", () => {
  expect(
    metricName(
      "m",
      new Map([
        ["b", "1"],
        ["a", "2"],
      ]),
    ),
  ).toBe("m,a=2,b=1");
  const long = (end: string) => metricName("m", new Map([["l", `${"é".repeat(300)}${end}`]]));
  expect(long("1")).not.toBe(long("2"));
  expect(long("1")).toBe(long("1"));
});

test("OTLP: units as people write them, of values and of sums", () => {
  const points = new Collected();
  const dataPoints = [{ timeUnixNano: "1700000000000000000", asDouble: 1, count: "2", sum: 3 }];
  const metric = (name: string, unit: string, kind = "gauge") => ({ name, unit, [kind]: { dataPoints } });
  const metrics = [
    metric("heat", "Cel"),
    metric("memory", "By"),
    metric("load", "1"),
    metric("queue", "{requests}"),
    metric("took", "ms", "histogram"),
    metric("odd", "__proto__"),
    { name: "none", gauge: { dataPoints } },
  ];
  for (const _ of otlpMetrics({ resourceMetrics: [{ scopeMetrics: [{ metrics }] }] }, points));
  expect(points.units).toEqual([
    "heat value °C",
    "memory value B",
    "queue value requests",
    "took sum ms",
    "odd value __proto__",
  ]);
  expect(points.observations).toHaveLength(7);
});
