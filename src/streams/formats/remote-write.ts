import { PbfReader } from "pbf";
import { EddyError, printable } from "../../models/errors.ts";
import { VALUE } from "../../models/observation.ts";
import { finiteOrMissing, isName, shownName } from "../checked-observation.ts";
import { metricName } from "./metric-name.ts";
import { type PushedPoints, takePoint, YIELD_POINTS } from "./push.ts";

/** Labels of one series at most, and characters of all of them. */
const MAX_LABELS = 256;
const MAX_LABEL_TEXT = 16_384;
/** The bits of the NaN by which Prometheus says that a series has ended. */
const STALE_HIGH = 0x7ff00000;
const STALE_LOW = 2;

interface Series {
  labels: [string, string][];
  /** Where its samples stand. */
  samples: [from: number, to: number][];
  histograms: number;
}

/**
 * Reads an unpacked `WriteRequest` of Prometheus remote-write 1.0. A series is called by its name and labels; NaN and the infinities
 * are missing values, markers of an ended series and native histograms are refused by name. Yields now and then.
 *
 * @throws EddyError `bad-message` when it is none
 */
export function* remoteWrite(body: Uint8Array, points: PushedPoints): Generator<undefined, void> {
  let read = 0;
  for (const series of seriesOf(body)) {
    const { labels, samples, histograms } = series;
    if (histograms > 0)
      for (let i = 0; i < histograms; i++)
        points.refuse("native-histogram", "native histogram: expected samples (classic histograms are read)");
    const name = nameOf(labels);
    if (isName(name) && isCounter(labels)) points.counter(name);
    for (const [from, to] of samples) {
      if (++read % YIELD_POINTS === 0) yield;
      if (typeof name !== "string") {
        points.refuse(name.code, name.message);
        continue;
      }
      const { value, time, stale } = sampleAt(body, from, to);
      if (stale) points.refuse("stale", `${shownName(name)}: the series has ended`);
      else
        takePoint(
          points,
          { series: name, time, values: { [VALUE]: finiteOrMissing(value) } },
          shownName(name),
        );
    }
    if (samples.length === 0 && ++read % YIELD_POINTS === 0) yield;
  }
}

/** What a metric is does not come with its samples: by the endings that Prometheus asks for, none but counters has these. */
const isCounter = (labels: readonly (readonly [string, string])[]): boolean =>
  labels.some(([label, value]) => label === "__name__" && /_(?:total|bucket)$/.test(value));

function nameOf(labels: readonly (readonly [string, string])[]): string | EddyError {
  const wrong = (expected: string, received: string) =>
    new EddyError("bad-observation", "labels", { expected, received });
  if (labels.length > MAX_LABELS) return wrong(`at most ${MAX_LABELS}`, String(labels.length));
  const rest = new Map(labels);
  const name = rest.get("__name__");
  let length = 0;
  for (const [label, value] of labels) length += label.length + value.length;
  if (length > MAX_LABEL_TEXT) return wrong(`at most ${MAX_LABEL_TEXT} characters together`, String(length));
  if (name === undefined || name === "")
    return wrong("a name (__name__)", printable(Object.fromEntries(rest)));
  rest.delete("__name__");
  return metricName(name, rest);
}

function sampleAt(
  body: Uint8Array,
  from: number,
  to: number,
): { value: number; time: number; stale: boolean } {
  const pbf = new PbfReader(body);
  pbf.pos = from;
  let value = 0;
  let time = 0;
  let stale = false;
  guarded(() =>
    pbf.readFields(
      (tag) => {
        if (tag === 1) {
          // Some engines do not keep the bits of a NaN that passes through a number.
          const view = new DataView(body.buffer, body.byteOffset + pbf.pos, 8);
          stale = view.getUint32(4, true) === STALE_HIGH && view.getUint32(0, true) === STALE_LOW;
          value = pbf.readDouble();
        } else if (tag === 2) time = pbf.readVarint(true);
      },
      undefined,
      to,
    ),
  );
  return { value, time, stale };
}

function* seriesOf(body: Uint8Array): Generator<Series> {
  const pbf = new PbfReader(body);
  while (pbf.pos < body.length) {
    const found = guarded(() => {
      const tag = pbf.nextField(body.length);
      if (tag !== 1) return undefined;
      const series: Series = { labels: [], samples: [], histograms: 0 };
      const end = endOf(pbf, body.length);
      pbf.readFields(
        (field) => {
          if (field === 1) {
            const label: [string, string] = ["", ""];
            const labelEnd = endOf(pbf, end);
            pbf.readFields(
              (part) => {
                if (part === 1 || part === 2) {
                  const textEnd = endOf(pbf, labelEnd);
                  label[part - 1] = text(body.subarray(pbf.pos, textEnd));
                  pbf.pos = textEnd;
                }
              },
              undefined,
              labelEnd,
            );
            series.labels.push(label);
          } else if (field === 2) {
            const to = endOf(pbf, end);
            series.samples.push([pbf.pos, to]);
            pbf.pos = to;
          } else if (field === 4) series.histograms++;
        },
        undefined,
        end,
      );
      return series;
    });
    if (found !== undefined) yield found;
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true });
const text = (bytes: Uint8Array): string => decoder.decode(bytes);

/** Where what has a length ends: within what it is in. */
function endOf(pbf: PbfReader, limit: number): number {
  const end = pbf.readVarint() + pbf.pos;
  if (!(end <= limit)) throw new RangeError("longer than what it is in");
  return end;
}

function guarded<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new EddyError("bad-message", "body", {
      expected: "a WriteRequest of Prometheus remote-write 1.0",
      received: "other bytes",
      cause,
    });
  }
}
