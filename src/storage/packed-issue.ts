import { EddyError } from "../models/errors.ts";
import type { Issue, TargetIssue } from "../models/issue.ts";
import { itemAt } from "../models/item-at.ts";
import { crc32 } from "./checksum.ts";

/**
 * An issue in bytes, little-endian: format u8 · 0 · horizon H, targets D, levels K, each u16 · length of the names u32 · CRC-32 of all
 * the rest u32 · then float64: time, step, offset, level, levels [K] and per target coverage, skill, observed, surprise, taken,
 * mean [H], lower [H], upper [H], each quantile [H] and, with detail, skill against both baselines [H], coverage [H], weights [E] ·
 * names (UTF-8 JSON: model, targets, experts, what a pipeline gave). Every number keeps its bits.
 */
const FORMAT = 4;
const HEADER = 16;
/** Numbers of a target that are not per step. */
const SINGLE = 5;

/** Its names, as they stand at the end. */
interface Names {
  readonly model: string;
  readonly targets: readonly string[];
  /** With detail only. */
  readonly experts: readonly string[];
  /** Of a pipeline only. */
  readonly output?: string;
}

/** Packs an issue; the name of its series is not within. */
export function packIssue(issue: Issue): Uint8Array {
  const { horizon: H, quantileLevels, targets, model, experts, output } = issue;
  const E = experts.length;
  const K = quantileLevels.length;
  const each = SINGLE + (3 + K) * H + (E > 0 ? 3 * H + E : 0);
  const names: Names = { model, targets: targets.map(({ name }) => name), experts, ...of(output) };
  const text = new TextEncoder().encode(JSON.stringify(names));
  const numbers = new Float64Array(4 + K + targets.length * each);
  numbers.set([issue.time, issue.step, issue.offset, issue.level, ...quantileLevels]);
  let n = 4 + K;
  const put = (values: ArrayLike<number>): void => {
    numbers.set(values, n);
    n += values.length;
  };
  for (const { coverage, skill, observed, surprise, taken, ...target } of targets) {
    put([coverage, skill, observed, surprise, taken]);
    put(target.mean);
    put(target.lower);
    put(target.upper);
    target.quantiles.forEach(put);
    if (target.detail === undefined) continue;
    const { persistence, seasonalNaive, coverage: held, weights } = target.detail;
    for (const values of [persistence, seasonalNaive, held, weights]) put(values);
  }
  const bytes = new Uint8Array(HEADER + numbers.byteLength + text.byteLength);
  const header = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  header.setUint16(2, H, true);
  header.setUint16(4, targets.length, true);
  header.setUint16(6, K, true);
  header.setUint32(8, text.byteLength, true);
  bytes.set(new Uint8Array(numbers.buffer), HEADER);
  bytes.set(text, HEADER + numbers.byteLength);
  header.setUint32(12, checksum(bytes), true);
  return bytes;
}

/** The issue that was packed, bit for bit; throws `bad-state` when the bytes were altered. */
export function unpackIssue(bytes: Uint8Array, series: string): Issue {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < HEADER || bytes[0] !== FORMAT || header.getUint32(12, true) !== checksum(bytes)) {
    throw new EddyError("bad-state", `a stored forecast of ${series}`, {
      expected: `format ${FORMAT} and its checksum`,
      received: "altered bytes",
    });
  }
  const H = header.getUint16(2, true);
  const D = header.getUint16(4, true);
  const K = header.getUint16(6, true);
  const end = bytes.byteLength - header.getUint32(8, true);
  const numbers = new Float64Array(Uint8Array.from(bytes.subarray(HEADER, end)).buffer);
  const names: Names = JSON.parse(new TextDecoder().decode(bytes.subarray(end)));
  const E = names.experts.length;
  let n = 0;
  const take = (length: number): Float64Array => {
    n += length;
    return numbers.subarray(n - length, n);
  };
  const one = (): number => itemAt(numbers, n++);
  const [time, step, offset, level] = [one(), one(), one(), one()];
  const quantileLevels = Array.from(take(K));
  const targets = Array.from({ length: D }, (_, d): TargetIssue => {
    const [coverage, skill, observed, surprise, taken] = [one(), one(), one(), one(), one()];
    return {
      name: itemAt(names.targets, d),
      coverage,
      skill,
      observed,
      surprise,
      taken,
      mean: take(H),
      lower: take(H),
      upper: take(H),
      quantiles: quantileLevels.map(() => take(H)),
      ...(E > 0
        ? {
            detail: {
              persistence: take(H),
              seasonalNaive: take(H),
              coverage: take(H),
              weights: take(E),
            },
          }
        : {}),
    };
  });
  const { model, experts, output } = names;
  return {
    series,
    time,
    step,
    offset,
    level,
    model,
    horizon: H,
    quantileLevels,
    experts,
    targets,
    ...of(output),
  };
}

const of = (output: string | undefined): { output?: string } => (output === undefined ? {} : { output });

const checksum = (bytes: Uint8Array): number => crc32(bytes.subarray(HEADER), crc32(bytes.subarray(0, 12)));
