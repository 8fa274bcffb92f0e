import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import {
  type Cell,
  type Drawing,
  extentOf,
  type FixedLimits,
  type Limits,
  limitsOf,
  type Measure,
  measureOf,
} from "./drawing.ts";
import { type Gestures, gestures } from "./gestures.ts";
import { shown } from "./numbers.ts";
import { tellHovered } from "./told.ts";

export interface ChartOptions {
  /** What the x axis counts: moments, whole numbers, or neither, and then `xWords` says all. */
  readonly x: "time" | "whole" | "words";
  /** A place of x in words, for whoever points at it. */
  readonly xWords: (x: number) => string;
  /** A value in words; default: the number. */
  readonly yWords?: (y: number, step?: number) => string;
  /** Neither axes nor pointing: a small picture beside a name. */
  readonly small?: boolean;
  /** Ends of the y axis that do not follow the values. */
  readonly limits?: Partial<FixedLimits>;
  /** May be zoomed and moved; told where to. Null: back to what the drawing shows by itself. */
  readonly moved?: (view: Limits | null) => void;
}

/** Colours of the page by the names of its CSS variables, read again when the theme changes. */
const colours = new Map<string, string>();
const colour = (name: string): string => {
  let known = colours.get(name);
  if (known === undefined) {
    known = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || "#888";
    colours.set(name, known);
  }
  return known;
};

const all = new Set<Chart>();

/** Draws every chart anew in the colours that hold now. */
export function recolour(): void {
  colours.clear();
  for (const chart of all) chart.redraw();
}

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/**
 * A chart within an element, whose size it takes. Draws whatever it is given at once; what was drawn before is replaced.
 */
export class Chart {
  readonly #host: HTMLElement;
  readonly #options: ChartOptions;
  readonly #tip: HTMLElement | null;
  readonly #gestures: Gestures | null;
  #plot: uPlot | null = null;
  #drawing: Drawing | null = null;
  /** What the plot was made for; another shape needs another plot. */
  #shape = "";
  #xLimits: Limits = [0, 1];
  #yLimits: Limits = [0, 1];
  #measure: Measure = { origin: 0, scale: 1 };
  readonly #resized: ResizeObserver;

  constructor(host: HTMLElement, options: ChartOptions) {
    this.#host = host;
    this.#options = options;
    host.classList.add("chart");
    this.#tip = options.small ? null : document.createElement("div");
    if (this.#tip !== null) {
      this.#tip.className = "tip";
      this.#tip.hidden = true;
    }
    const { moved } = options;
    this.#gestures =
      moved === undefined
        ? null
        : gestures(
            host,
            () => this.#plot,
            () => this.#xLimits,
            moved,
          );
    this.#resized = new ResizeObserver(() => this.#fit());
    this.#resized.observe(host);
    all.add(this);
  }

  /** What is seen of the x axis. */
  get view(): Limits {
    return this.#xLimits;
  }

  draw(drawing: Drawing): void {
    this.#drawing = drawing;
    this.#xLimits = extentOf(drawing);
    this.#yLimits = limitsOf(drawing, ...this.#xLimits, this.#options.limits);
    this.#measure = measureOf(this.#yLimits);
    const shape = JSON.stringify([
      drawing.bands.map(({ label, colour, opacity }) => [label, colour, opacity]),
      drawing.lines.map(({ label, colour, dashed, width, points }) => [label, colour, dashed, width, points]),
    ]);
    const data = aligned(drawing, this.#measure);
    if (this.#plot === null || shape !== this.#shape) {
      const { clientWidth, clientHeight } = this.#host;
      if (clientWidth === 0 || clientHeight === 0) return;
      this.#plot?.destroy();
      this.#shape = shape;
      this.#plot = new uPlot(this.#plotOptions(drawing, clientWidth, clientHeight), data, this.#host);
      if (this.#tip !== null) this.#plot.over.append(this.#tip);
    } else this.#plot.setData(data);
  }

  redraw(): void {
    this.#plot?.redraw(false, true);
  }

  /** Moves the place that is pointed at by so many readings; for the keyboard. Returns what is told of it. */
  point(x: number): string {
    const plot = this.#plot;
    if (plot === null) return "";
    const left = plot.valToPos(x, "x");
    plot.setCursor({ left, top: plot.over.clientHeight / 2 });
    return this.#tip?.textContent ?? "";
  }

  /** From the lowest to the highest value that is seen. */
  get values(): Limits {
    return this.#yLimits;
  }

  /** Where a value lies, pixels from the top of the element; null before anything is drawn. */
  topOf(y: number): number | null {
    const plot = this.#plot;
    if (plot === null) return null;
    const over = plot.over.getBoundingClientRect();
    return over.top - this.#host.getBoundingClientRect().top + this.#place(plot, y, false);
  }

  /** The value at a height of the window. */
  valueAt(clientY: number): number {
    const plot = this.#plot;
    if (plot === null) return Number.NaN;
    return this.#value(plot.posToVal(clientY - plot.over.getBoundingClientRect().top, "y"));
  }

  /** Where a value stands in what is drawn, and the other way round. */
  #drawn(value: number): number {
    const { origin, scale } = this.#measure;
    return (value - origin) / scale;
  }

  #value(drawn: number): number {
    const { origin, scale } = this.#measure;
    return drawn * scale + origin;
  }

  /** Where a value lies, pixels: of the canvas, or of the element. */
  #place(plot: uPlot, value: number, ofCanvas = true): number {
    return plot.valToPos(this.#drawn(value), "y", ofCanvas);
  }

  /** Points at nothing. */
  leave(): void {
    this.#plot?.setCursor({ left: -10, top: -10 });
  }

  destroy(): void {
    all.delete(this);
    this.#resized.disconnect();
    this.#gestures?.stop();
    this.#plot?.destroy();
    this.#plot = null;
  }

  #fit(): void {
    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width === 0 || height === 0) return;
    if (this.#plot === null) {
      if (this.#drawing !== null) this.draw(this.#drawing);
    } else if (this.#plot.width !== width || this.#plot.height !== height)
      this.#plot.setSize({ width, height });
  }

  #plotOptions(drawing: Drawing, width: number, height: number): uPlot.Options {
    const { small = false, x, moved, yWords = shown } = this.#options;
    const bandSeries = drawing.bands.flatMap(({ label }): uPlot.Series[] => [
      { label: `${label}, upper`, points: { show: false }, spanGaps: false },
      { label: `${label}, lower`, points: { show: false }, spanGaps: false },
    ]);
    const lineSeries = drawing.lines.map(
      ({ label, colour: name, dashed, width: weight, points }): uPlot.Series => ({
        label,
        stroke: () => colour(name),
        width: points ? 0 : (weight ?? (small ? 1.5 : 2)),
        spanGaps: false,
        ...(dashed ? { dash: [6, 4] } : {}),
        ...(points ? { paths: () => null } : {}),
        points: points ? { show: true, size: 6, fill: () => colour(name) } : { show: false },
      }),
    );
    const axis: uPlot.Axis = {
      stroke: () => colour("quiet"),
      grid: { stroke: () => colour("grid"), width: 1 },
      ticks: { show: false },
      font: FONT,
    };
    return {
      width,
      height,
      ms: 1,
      pxAlign: small ? 0 : 1,
      padding: small ? [3, 1, 3, 1] : [10, 34, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: x === "time", range: () => [...this.#xLimits] as [number, number] },
        y: { range: () => this.#yLimits.map((limit) => this.#drawn(limit)) as [number, number] },
      },
      axes: small
        ? [{ show: false }, { show: false }]
        : [
            {
              ...axis,
              grid: { show: false },
              size: 28,
              ...(x === "time"
                ? { values: timeWords(), space: 90 }
                : {
                    space: x === "words" ? 110 : 40,
                    values: (_: uPlot, splits: number[]) =>
                      splits.map((split) =>
                        x === "words"
                          ? this.#options.xWords(split)
                          : Number.isInteger(split)
                            ? String(split)
                            : "",
                      ),
                  }),
            },
            {
              ...axis,
              size: (_, words) => Math.max(44, ...(words ?? []).map((word) => 7.2 * word.length + 16)),
              values: (_, splits) => {
                const step = splits.length > 1 ? (splits[1] as number) - (splits[0] as number) : undefined;
                const { scale } = this.#measure;
                return splits.map((split) =>
                  yWords(this.#value(split), step === undefined ? undefined : step * scale),
                );
              },
            },
          ],
      cursor: {
        show: !small,
        y: false,
        points: { show: false },
        drag: { x: moved !== undefined, y: false, setScale: false },
      },
      series: [{}, ...bandSeries, ...lineSeries],
      bands: drawing.bands.map(({ colour: name, opacity }, b) => ({
        series: [1 + 2 * b, 2 + 2 * b] as [number, number],
        fill: () => faded(colour(name), opacity),
      })),
      hooks: {
        drawClear: [(plot) => this.#drawStretches(plot)],
        draw: [(plot) => this.#drawMarks(plot)],
        setCursor: small ? [] : [(plot) => this.#tell(plot)],
        setSelect:
          moved === undefined
            ? []
            : [
                (plot) => {
                  const { left, width } = plot.select;
                  if (width < 4) return;
                  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
                  moved([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
                },
              ],
      },
    };
  }

  #drawStretches(plot: uPlot): void {
    const { ctx, bbox } = plot;
    for (const { from, to, colour: name } of this.#drawing?.stretches ?? []) {
      const left = Math.max(bbox.left, plot.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
      if (right <= left) continue;
      ctx.fillStyle = faded(colour(name), 0.12);
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    }
  }

  #drawMarks(plot: uPlot): void {
    const { ctx, bbox } = plot;
    const { levels = [], reaches = [], marks = [], now, lines } = this.#drawing ?? { lines: [] };
    const ratio = devicePixelRatio || 1;
    const [right, bottom] = [bbox.left + bbox.width, bbox.top + bbox.height];
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    const straight = (x0: number, y0: number, x1: number, y1: number, name: string): void => {
      ctx.strokeStyle = colour(name);
      ctx.lineWidth = ratio;
      ctx.setLineDash([5 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(x0, y0);
      ctx.lineTo(x1, y1);
      ctx.stroke();
      ctx.setLineDash([]);
    };
    ctx.font = `${11 * ratio}px system-ui, sans-serif`;
    ctx.textAlign = "left";
    for (const { y, colour: name, text } of levels) {
      const place = this.#place(plot, y);
      const beyond = place < bbox.top ? "↑ " : place > bottom ? "↓ " : "";
      const at = Math.round(Math.min(Math.max(place, bbox.top), bottom - 1)) + 0.5;
      if (beyond === "") straight(bbox.left, at, right, at, name);
      if (text === undefined) continue;
      const under = at - bbox.top < 16 * ratio;
      ctx.textBaseline = under ? "top" : "bottom";
      const words = `${beyond}${text}`;
      const [left, top] = [bbox.left + 6 * ratio, at + (under ? 3 : -3) * ratio];
      // Read also where lines run behind it.
      ctx.fillStyle = faded(colour("panel"), 0.8);
      const height = 14 * ratio;
      ctx.fillRect(
        left - 3 * ratio,
        under ? top : top - height,
        ctx.measureText(words).width + 6 * ratio,
        height,
      );
      ctx.fillStyle = colour(name);
      ctx.fillText(words, left, top);
    }
    for (const { y, from, at, to, colour: name } of reaches) {
      const place = Math.min(Math.max(this.#place(plot, y), bbox.top + 2), bottom - 2);
      const [first, middle, last] = [from, at, to].map((x) => plot.valToPos(x, "x", true)) as [
        number,
        number,
        number,
      ];
      ctx.strokeStyle = colour(name);
      ctx.lineWidth = 4 * ratio;
      ctx.beginPath();
      ctx.moveTo(first, place);
      ctx.lineTo(Math.min(last, right), place);
      ctx.stroke();
      ctx.lineWidth = 2 * ratio;
      ctx.beginPath();
      ctx.moveTo(middle, place - 8 * ratio);
      ctx.lineTo(middle, place + 8 * ratio);
      ctx.stroke();
    }
    if (now !== undefined && !this.#options.small) {
      const at = Math.round(plot.valToPos(now, "x", true)) + 0.5;
      if (at > bbox.left && at < right) straight(at, bbox.top, at, bottom, "quiet");
    }
    const dot = (x: number, y: number, radius: number, name: string, ring: boolean): void => {
      const [px, py] = [plot.valToPos(x, "x", true), this.#place(plot, y)];
      if (px < bbox.left - 1 || px > right + 1) return;
      ctx.beginPath();
      // What lies beyond the picture is shown at its edge.
      ctx.arc(px, Math.min(Math.max(py, bbox.top + 4), bottom - 4), radius * ratio, 0, 2 * Math.PI);
      if (ring) {
        ctx.strokeStyle = colour(name);
        ctx.lineWidth = 2 * ratio;
        ctx.stroke();
      } else {
        ctx.fillStyle = colour(name);
        ctx.fill();
      }
    };
    for (const { x, y, colour: name } of marks) dot(x, y, this.#options.small ? 2.5 : 5, name, true);
    if (now !== undefined) {
      const last = lines.find(({ x, dashed }) => !dashed && x.at(-1) === now);
      const y = last?.y.at(-1);
      if (last !== undefined && typeof y === "number")
        dot(now, y, this.#options.small ? 2.5 : 4, last.colour, false);
    }
    ctx.restore();
  }

  #tell(plot: uPlot): void {
    const tip = this.#tip;
    const drawing = this.#drawing;
    if (tip === null || drawing === null) return;
    const { left = -1, top = 0 } = plot.cursor;
    const width = plot.over.clientWidth;
    if (left < 0 || left > width) {
      tip.hidden = true;
      tip.textContent = "";
      return;
    }
    const x = plot.posToVal(left, "x");
    // As far as a finger is from what it means.
    const tolerance = plot.posToVal(left + 12, "x") - x;
    tellHovered(tip, drawing, x, tolerance, this.#options);
    tip.hidden = false;
    const beside = left + 14 + tip.offsetWidth > width ? left - tip.offsetWidth - 14 : left + 14;
    tip.style.left = `${Math.max(0, Math.min(beside, width - tip.offsetWidth))}px`;
    tip.style.top = `${top > plot.over.clientHeight / 2 ? 4 : Math.max(4, plot.over.clientHeight - tip.offsetHeight - 4)}px`;
  }
}

/** All layers over one list of places of x: `undefined` where a layer has no place, null where its value is missing. */
function aligned({ bands, lines }: Drawing, { origin, scale }: Measure): uPlot.AlignedData {
  const drawn = (cells: readonly Cell[]): readonly Cell[] =>
    scale === 1 && origin === 0
      ? cells
      : cells.map((cell) => (cell === null ? null : (cell - origin) / scale));
  const columns: readonly { x: readonly number[]; y: readonly Cell[] }[] = [
    ...bands.flatMap(({ x, lower, upper }) => [
      { x, y: upper },
      { x, y: lower },
    ]),
    ...lines,
  ];
  if (columns.length === 0) return [[]];
  return uPlot.join(columns.map(({ x, y }) => [x, drawn(y)] as unknown as uPlot.AlignedData));
}

/** Words of moments along the axis, in the time zone of whoever looks, 24 hours to the day. */
function timeWords(): uPlot.Axis.Values {
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat("en-GB", options);
  const seconds = format({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const minutes = format({ hour: "2-digit", minute: "2-digit" });
  const days = format({ weekday: "short", day: "numeric", month: "short" });
  const months = format({ month: "short", year: "numeric" });
  return (_plot, splits, _axis, _space, every) => {
    let before = Number.NaN;
    return splits.map((split) => {
      const date = new Date(split);
      const day = new Date(split).setHours(0, 0, 0, 0);
      const first = day !== before;
      const dated = first && !Number.isNaN(before);
      before = day;
      if (every >= 27 * 86_400_000) return months.format(date);
      if (every >= 86_400_000) return days.format(date);
      if (dated && day === split) return days.format(date);
      return (every < 60_000 ? seconds : minutes).format(date);
    });
  };
}

/** A colour `#rrggbb` let through by `opacity`. */
function faded(hex: string, opacity: number): string {
  if (!/^#[0-9a-f]{6}$/i.test(hex)) return hex;
  return `${hex}${Math.round(opacity * 255)
    .toString(16)
    .padStart(2, "0")}`;
}
