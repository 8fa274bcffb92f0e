// Draws a track on a canvas: readings, the band that was forecast for them some steps before, and the fan ahead.

/** Share of the width that belongs to the future. */
const FUTURE = 0.24;

const niceStep = (span, count) => {
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= raw) ?? 10;
  return step * power;
};

const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400].map(
  (seconds) => seconds * 1000,
);

/** A number with as many digits as `step` makes visible. */
export const shown = (value, step = Math.abs(value) / 1000) => {
  if (!Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) >= 1e7 || Math.abs(value) < 1e-4)) return value.toExponential(2);
  const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(step || 1))));
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
};

export class Chart {
  #canvas;
  #context;
  #axes;
  #still;
  /** What is in view, easing towards what should be. */
  #view = null;
  #track = null;

  /** @param {{ axes: boolean }} options */
  constructor(canvas, { axes }) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
    this.#axes = axes;
    this.#still = matchMedia("(prefers-reduced-motion: reduce)");
  }

  /** Draws; true while the view still moves. `points`: readings in view. */
  draw(track, colours, points) {
    const { forecast, times, values } = track;
    if (forecast === null) return false;
    const width = this.#canvas.clientWidth;
    const height = this.#canvas.clientHeight;
    if (width === 0 || height === 0) return false;
    const ratio = window.devicePixelRatio || 1;
    if (
      this.#canvas.width !== Math.round(width * ratio) ||
      this.#canvas.height !== Math.round(height * ratio)
    ) {
      this.#canvas.width = Math.round(width * ratio);
      this.#canvas.height = Math.round(height * ratio);
    }
    const c = this.#context;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, width, height);

    const pad = this.#axes
      ? { left: 52, right: 12, top: 8, bottom: 24 }
      : { left: 1, right: 1, top: 3, bottom: 3 };
    const first = Math.max(0, times.length - points);
    const target = this.#target(track, first, points);
    const moving = this.#ease(track, target);
    const { from, to, low, high } = this.#view;
    const x = (time) => pad.left + ((time - from) / (to - from)) * (width - pad.left - pad.right);
    const y = (value) =>
      height - pad.bottom - ((value - low) / (high - low)) * (height - pad.top - pad.bottom);

    if (this.#axes) this.#grid(c, colours, { x, y, width, height, pad });
    c.save();
    c.beginPath();
    c.rect(pad.left, 0, width - pad.left - pad.right, height - pad.bottom + 2);
    c.clip();

    const band = (steps, colour, opacity) => {
      if (steps.length < 2) return;
      c.beginPath();
      for (const { time, upper } of steps) c.lineTo(x(time), y(upper));
      for (let i = steps.length - 1; i >= 0; i--) c.lineTo(x(steps[i].time), y(steps[i].lower));
      c.closePath();
      c.globalAlpha = opacity;
      c.fillStyle = colour;
      c.fill();
      c.globalAlpha = 1;
    };
    const line = (xs, ys, begin, colour, weight) => {
      c.beginPath();
      for (let i = begin; i < xs.length; i++) {
        if (i === begin) c.moveTo(x(xs[i]), y(ys[i]));
        else c.lineTo(x(xs[i]), y(ys[i]));
      }
      c.strokeStyle = colour;
      c.lineWidth = weight;
      c.lineJoin = "round";
      c.stroke();
    };

    const now = forecast.issuedAt;
    const value = times.at(-1) === now ? values.at(-1) : forecast.horizon[0].mean;
    band(
      track.past.filter(({ time }) => time >= from - track.stepTime && time <= now + track.stepTime / 2),
      colours.past,
      0.22,
    );
    const fan = [{ time: now, mean: value, lower: value, upper: value }, ...forecast.horizon];
    band(fan, colours.fan, 0.2);
    // The inner half, so that the fan is densest where the forecast is.
    band(
      fan.map(({ time, mean, lower, upper }) => ({
        time,
        lower: (mean + lower) / 2,
        upper: (mean + upper) / 2,
      })),
      colours.fan,
      0.22,
    );
    const weight = this.#axes ? 2 : 1.5;
    line(
      fan.map(({ time }) => time),
      fan.map(({ mean }) => mean),
      0,
      colours.fan,
      weight,
    );
    line(times, values, first, colours.line, weight);
    if (times.length > 0) {
      c.beginPath();
      c.arc(x(now), y(value), this.#axes ? 4 : 2.5, 0, 2 * Math.PI);
      c.fillStyle = colours.line;
      c.fill();
    }
    c.restore();
    return moving;
  }

  #target({ forecast, times, values, stepTime }, first, points) {
    const now = forecast.issuedAt;
    const { horizon } = forecast;
    const end = horizon.at(-1).time;
    const history = Math.max(now - (times[first] ?? now), stepTime * Math.min(20, points));
    // At most the future's share of the width, so that a far horizon does not squeeze the present.
    const to = Math.min(end, now + (history * FUTURE) / (1 - FUTURE) + stepTime);
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    const see = (value) => {
      if (value < low) low = value;
      if (value > high) high = value;
    };
    for (let i = first; i < values.length; i++) see(values[i]);
    const range = high > low ? high - low : Math.max(1e-9, Math.abs(high || 1) * 0.01);
    if (!Number.isFinite(low)) for (const { mean } of horizon) see(mean);
    // A wide interval may reach out of view rather than flatten the line.
    const [lowest, highest] = [low - 0.6 * range, high + 0.6 * range];
    for (const { time, lower, upper } of horizon) {
      if (time > to) break;
      see(Math.max(lowest, lower));
      see(Math.min(highest, upper));
    }
    const margin = (high - low) * 0.06 || range;
    return { from: now - history, to, low: low - margin, high: high + margin };
  }

  /** Moves the view towards the target; jumps when it is far off, the track is another one, or the user wants no motion. */
  #ease(track, target) {
    const jump =
      this.#view === null ||
      this.#track !== track ||
      this.#still.matches ||
      Math.abs(target.from - this.#view.from) > (target.to - target.from) / 4 ||
      Math.max(target.high - this.#view.high, this.#view.low - target.low) > (target.high - target.low) / 5;
    this.#track = track;
    if (jump) {
      this.#view = target;
      return false;
    }
    const view = this.#view;
    const move = (key, share) => view[key] + (target[key] - view[key]) * share;
    this.#view = {
      from: move("from", 0.22),
      to: move("to", 0.22),
      low: move("low", 0.12),
      high: move("high", 0.12),
    };
    const span = target.high - target.low;
    return (
      Math.abs(target.to - view.to) > (target.to - target.from) / 2000 ||
      Math.abs(target.low - view.low) > span / 500
    );
  }

  #grid(c, colours, { x, y, width, height, pad }) {
    const { from, to, low, high } = this.#view;
    c.font = '12px system-ui, "Segoe UI", sans-serif';
    c.fillStyle = colours.quiet;
    c.strokeStyle = colours.grid;
    c.lineWidth = 1;
    const step = niceStep(high - low, Math.max(2, Math.floor(height / 70)));
    c.textAlign = "right";
    c.textBaseline = "middle";
    for (let value = Math.ceil(low / step) * step; value <= high; value += step) {
      const at = Math.round(y(value)) + 0.5;
      c.beginPath();
      c.moveTo(pad.left, at);
      c.lineTo(width - pad.right, at);
      c.stroke();
      c.fillText(shown(Math.abs(value) < step / 1e6 ? 0 : value, step), pad.left - 8, at);
    }
    const wanted = ((to - from) * 110) / (width - pad.left - pad.right);
    const every = TIME_STEPS.find((span) => span >= wanted) ?? 86_400_000 * Math.ceil(wanted / 86_400_000);
    const clock = { hour: "2-digit", minute: "2-digit", timeZone: "UTC" };
    if (every < 60_000) clock.second = "2-digit";
    const words =
      every >= 86_400_000
        ? new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" })
        : new Intl.DateTimeFormat("en-GB", clock);
    c.textAlign = "center";
    c.textBaseline = "bottom";
    for (let time = Math.ceil(from / every) * every; time <= to; time += every) {
      const at = x(time);
      if (at < pad.left + 22 || at > width - pad.right - 22) continue;
      c.fillText(words.format(time), at, height - 3);
    }
  }
}
