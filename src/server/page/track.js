// What the page knows of one target of one series: readings, the forecast in force, and how earlier ones turned out.

const READINGS = 1_200;

export class Track {
  constructor(series, target) {
    this.series = series;
    this.target = target;
    this.name = target === "value" ? series : `${series} · ${target}`;
    /** Epoch milliseconds and values, oldest first. */
    this.times = [];
    this.values = [];
    this.forecast = null;
    this.stepTime = 1000;
    this.changed = true;
    /** A forecast came without the reading that led to it, as of a series that is resampled. */
    this.behind = false;
    /** What was forecast `aheadSteps` before: { time, lower, upper }. */
    this.past = [];
    this.aheadSteps = 1;
  }

  /** Readings from the server's journal, among those that came live. */
  fill(readings) {
    const byTime = new Map(this.times.map((time, i) => [time, this.values[i]]));
    for (const { time, value } of readings) if (value !== null) byTime.set(time, value);
    const all = [...byTime].sort(([a], [b]) => a - b).slice(-READINGS);
    this.times = all.map(([time]) => time);
    this.values = all.map(([, value]) => value);
    this.behind = false;
    this.changed = true;
  }

  add({ forecast, observed }) {
    const time = Date.parse(forecast.issuedAt);
    const last = this.times.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (observed === undefined) this.behind = true;
    if (typeof observed === "number" && time > last) {
      this.times.push(time);
      this.values.push(observed);
      if (this.times.length > READINGS) {
        this.times.splice(0, READINGS / 4);
        this.values.splice(0, READINGS / 4);
      }
    }
    const steps = forecast.horizon.map((step) => ({ ...step, time: Date.parse(step.time) }));
    this.stepTime = Math.max(1, steps[0].time - time);
    this.forecast = { ...forecast, issuedAt: time, horizon: steps };
    this.aheadSteps = Math.min(6, steps.length);
    const ahead = steps[this.aheadSteps - 1];
    if (ahead.time > (this.past.at(-1)?.time ?? 0)) this.past.push(ahead);
    if (this.past.length > READINGS) this.past.splice(0, READINGS / 4);
    this.changed = true;
  }
}
