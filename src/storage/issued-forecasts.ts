import { EddyError } from "../models/errors.ts";
import type { Forecast } from "../models/forecast.ts";
import { crc32 } from "./checksum.ts";

/**
 * Forecasts of one issue, packed, little-endian: format u8 · regular u8 · steps u16 · targets u16 · length of the words
 * u32 at byte 8 · CRC-32 of all the
 * rest u32 · then float64: offset, level, issue time, times (first and step when regular, otherwise all) and per target
 * skill, coverage, mean [H], lower [H], upper [H], each quantile [H] · words (UTF-8 JSON: model, targets, levels, what was observed, details). Every number keeps its bits.
 */
const FORMAT = 3;
const HEADER = 16;

/** Packs the forecasts of one issue: same issue time, offset, level, model, steps and levels; one per target. */
export function packForecasts(forecasts: readonly Forecast[]): Uint8Array {
  const first = forecasts[0];
  const H = first.horizon.length;
  const times = first.horizon.map((step) => Date.parse(step.time));
  const step = H > 1 ? times[1] - times[0] : 0;
  const regular = times.every((time, i) => time === times[0] + i * step);
  const levels = Object.keys(first.horizon[0].quantiles ?? {});
  const details = forecasts.map((forecast) => forecast.detail ?? null);
  const observed = forecasts.map((forecast) => forecast.observed);
  const words = new TextEncoder().encode(
    JSON.stringify({
      model: first.model,
      targets: forecasts.map((forecast) => forecast.target),
      ...(levels.length > 0 ? { levels } : {}),
      observed,
      ...(details.some((detail) => detail !== null) ? { details } : {}),
    }),
  );
  const numbers = new Float64Array(3 + (regular ? 2 : H) + forecasts.length * (2 + (3 + levels.length) * H));
  let n = 0;
  numbers[n++] = first.offset;
  numbers[n++] = first.level;
  numbers[n++] = Date.parse(first.issuedAt);
  if (regular) {
    numbers[n++] = times[0];
    numbers[n++] = step;
  } else {
    for (const time of times) numbers[n++] = time;
  }
  for (const forecast of forecasts) {
    numbers[n++] = forecast.skill ?? Number.NaN;
    numbers[n++] = forecast.coverage ?? Number.NaN;
    for (const { mean } of forecast.horizon) numbers[n++] = mean;
    for (const { lower } of forecast.horizon) numbers[n++] = lower;
    for (const { upper } of forecast.horizon) numbers[n++] = upper;
    for (const level of levels) {
      for (const { quantiles } of forecast.horizon) numbers[n++] = quantiles?.[level] ?? Number.NaN;
    }
  }
  const bytes = new Uint8Array(HEADER + numbers.byteLength + words.byteLength);
  const header = new DataView(bytes.buffer);
  bytes[0] = FORMAT;
  bytes[1] = regular ? 1 : 0;
  header.setUint16(2, H, true);
  header.setUint16(4, forecasts.length, true);
  header.setUint32(8, words.byteLength, true);
  bytes.set(new Uint8Array(numbers.buffer), HEADER);
  bytes.set(words, HEADER + numbers.byteLength);
  header.setUint32(12, checksum(bytes), true);
  return bytes;
}

/** The forecasts of one issue, equal to those that were packed; throws `bad-state` when the bytes were altered. */
export function unpackForecasts(bytes: Uint8Array, series: string): Forecast[] {
  const header = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < HEADER || bytes[0] !== FORMAT || header.getUint32(12, true) !== checksum(bytes)) {
    throw new EddyError("bad-state", `a stored forecast of ${series}`, {
      expected: `format ${FORMAT} and its checksum`,
      received: "altered bytes",
    });
  }
  const H = header.getUint16(2, true);
  const D = header.getUint16(4, true);
  const wordLength = header.getUint32(8, true);
  const numberBytes = bytes.byteLength - HEADER - wordLength;
  const numbers = new Float64Array(Uint8Array.from(bytes.subarray(HEADER, HEADER + numberBytes)).buffer);
  const words = JSON.parse(new TextDecoder().decode(bytes.subarray(HEADER + numberBytes)));
  const levels: readonly string[] = words.levels ?? [];
  let n = 3;
  const times = new Float64Array(H);
  if (bytes[1] === 1) {
    for (let i = 0; i < H; i++) times[i] = numbers[n] + i * numbers[n + 1];
    n += 2;
  } else {
    for (let i = 0; i < H; i++) times[i] = numbers[n++];
  }
  const iso = Array.from(times, (time) => new Date(time).toISOString());
  const forecasts: Forecast[] = [];
  for (let d = 0; d < D; d++) {
    const [skill, coverage] = [numbers[n], numbers[n + 1]];
    const at = n + 2;
    n = at + (3 + levels.length) * H;
    const detail = words.details?.[d];
    forecasts.push({
      series,
      target: words.targets[d],
      issuedAt: new Date(numbers[2]).toISOString(),
      offset: numbers[0],
      horizon: iso.map((time, i) => ({
        step: i + 1,
        time,
        mean: numbers[at + i],
        lower: numbers[at + H + i],
        upper: numbers[at + 2 * H + i],
        ...(levels.length > 0
          ? {
              quantiles: Object.fromEntries(levels.map((level, k) => [level, numbers[at + (3 + k) * H + i]])),
            }
          : {}),
      })),
      level: numbers[1],
      coverage: Number.isNaN(coverage) ? null : coverage,
      skill: Number.isNaN(skill) ? null : skill,
      model: words.model,
      observed: words.observed[d],
      ...(detail ? { detail } : {}),
    });
  }
  return forecasts;
}

const checksum = (bytes: Uint8Array): number => crc32(bytes.subarray(HEADER), crc32(bytes.subarray(0, 12)));
