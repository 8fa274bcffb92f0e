import type { Drawing } from "../chart/drawing.ts";
import type { DrawingAnswer, Forecast } from "./wire.ts";

/** Readings kept of a small picture. */
const KEPT = 90;
/** Share of the width that belongs to the future. */
export const FUTURE = 0.24;

/** What a small picture shows of one target: its last readings and the forecast in force. */
export class Track {
  times: number[] = [];
  values: (number | null)[] = [];
  /** When readings came that are not believed. */
  held = new Set<number>();
  forecast: Forecast | null = null;
  /** Steps of the forecast in epoch milliseconds. */
  steps: { time: number; mean: number; lower: number; upper: number }[] = [];
  changed = true;
  /** Readings were left out on their way, as when they come faster than they are sent: the log has them. */
  behind = false;

  /** Readings from the log, among those that came live. */
  fill({ times, values, marks }: DrawingAnswer): void {
    for (const { time, kind } of marks) if (kind === "held") this.held.add(time);
    const before = times.at(-1) ?? Number.NEGATIVE_INFINITY;
    const from = this.times.findIndex((time) => time > before);
    const newer =
      from < 0
        ? { times: [], values: [] }
        : { times: this.times.slice(from), values: this.values.slice(from) };
    this.times = [...times, ...newer.times].slice(-KEPT);
    this.values = [...values, ...newer.values].slice(-KEPT);
    this.behind = false;
    this.#forget();
    this.changed = true;
  }

  /** What is no longer shown. */
  #forget(): void {
    const first = this.times[0] ?? 0;
    for (const time of this.held) if (time < first) this.held.delete(time);
  }

  add(forecast: Forecast): void {
    const time = Date.parse(forecast.issuedAt);
    const [first] = forecast.horizon;
    const last = this.times.at(-1);
    if (first !== undefined && last !== undefined && time - last > 1.5 * (Date.parse(first.time) - time))
      this.behind = true;
    if (time > (this.times.at(-1) ?? Number.NEGATIVE_INFINITY)) {
      this.times.push(time);
      this.values.push(forecast.observed.value);
      if (forecast.observed.taken === false) this.held.add(time);
      if (this.times.length > 2 * KEPT) {
        this.times = this.times.slice(-KEPT);
        this.values = this.values.slice(-KEPT);
        this.#forget();
      }
    }
    this.forecast = forecast;
    this.steps = forecast.horizon.map(({ time, mean, lower, upper }) => ({
      time: Date.parse(time),
      mean,
      lower,
      upper,
    }));
    this.changed = true;
  }

  get drawing(): Drawing {
    const { steps } = this;
    const times = this.times.slice(-KEPT);
    const values = this.values.slice(-KEPT);
    const now = times.at(-1) ?? 0;
    const value = values.at(-1) ?? steps[0]?.mean ?? 0;
    const end = steps.at(-1)?.time ?? now;
    const first = times[0] ?? now;
    const past = Math.max(now - first, (end - now) / 2, 1);
    const to = Math.min(end, now + (past * FUTURE) / (1 - FUTURE));
    const x = [now, ...steps.map(({ time }) => time)];
    return {
      bands: [
        {
          label: "interval",
          colour: "fan",
          opacity: 0.28,
          x,
          lower: [value, ...steps.map(({ lower }) => lower)],
          upper: [value, ...steps.map(({ upper }) => upper)],
        },
      ],
      lines: [
        { label: "observed", colour: "line", x: times, y: values },
        { label: "forecast", colour: "fan", x, y: [value, ...steps.map(({ mean }) => mean)] },
      ],
      marks: times.flatMap((time, i) => {
        const y = values[i];
        if (typeof y !== "number" || !this.held.has(time)) return [];
        return [{ x: time, y, colour: "bad", label: "not believed", aside: true }];
      }),
      now,
      view: [Math.min(first, now - past), Math.max(to, now + 1)],
    };
  }
}
