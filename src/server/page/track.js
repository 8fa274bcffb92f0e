// What the page knows of one target of one series: readings, the forecast in force, and how earlier ones turned out.

const READINGS = 1_200;
/** Readings over which the share of held intervals is remembered. */
const MEMORY = 500;

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
    /** Forecasts whose steps are still to come, oldest first. */
    this.pending = [];
    /** What was forecast `aheadSteps` before: { time, lower, upper }. */
    this.past = [];
    this.aheadSteps = 1;
    this.held = 0;
    this.checked = 0;
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
      this.#check(time, observed);
    }
    const steps = forecast.horizon.map((step) => ({ ...step, time: Date.parse(step.time) }));
    this.stepTime = Math.max(1, steps[0].time - time);
    this.forecast = { ...forecast, issuedAt: time, horizon: steps };
    this.pending.push(this.forecast);
    if (this.pending.length > steps.length) this.pending.shift();
    this.aheadSteps = Math.min(6, steps.length);
    const ahead = steps[this.aheadSteps - 1];
    if (ahead.time > (this.past.at(-1)?.time ?? 0)) this.past.push(ahead);
    if (this.past.length > READINGS) this.past.splice(0, READINGS / 4);
    this.changed = true;
  }

  /** Share of readings that the intervals of earlier forecasts held, lately; null before there are some. */
  get coverage() {
    return this.checked < 20 ? null : this.held / this.checked;
  }

  /** Was the reading inside what each pending forecast said of its time? */
  #check(time, value) {
    const keep = 1 - 1 / (MEMORY * Math.max(1, this.pending.length));
    for (const { issuedAt, horizon } of this.pending) {
      const ahead = (time - issuedAt) / this.stepTime;
      const step = horizon[Math.round(ahead) - 1];
      if (step === undefined || Math.abs(ahead - Math.round(ahead)) > 0.25) continue;
      this.held = keep * this.held + (value >= step.lower && value <= step.upper ? 1 : 0);
      this.checked = keep * this.checked + 1;
    }
  }
}
