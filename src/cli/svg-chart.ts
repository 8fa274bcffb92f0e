/** One line of a chart; `null` breaks it. */
export interface ChartLine {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly (number | null)[];
  /** Index into the palette; lines of the same thing share one across charts. */
  readonly color: number;
  readonly dashed?: boolean;
}

/** A shaded band between two lines. */
export interface ChartBand {
  readonly x: readonly number[];
  readonly lower: readonly (number | null)[];
  readonly upper: readonly (number | null)[];
  readonly color: number;
  /** 0..1, 0.18 if absent. */
  readonly opacity?: number;
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly lines: readonly ChartLine[];
  readonly bands?: readonly ChartBand[];
  /** Fixed range of the y axis; the data's own where absent. */
  readonly yRange?: readonly [number, number];
  /** A horizontal line to compare with, such as the coverage asked for. */
  readonly reference?: number;
  /** Words for the numbers of the x axis, such as dates. */
  readonly xFormat?: (x: number) => string;
}

/** Colours that stay apart for most kinds of colour blindness (Okabe and Ito 2008), then repeats. */
const PALETTE = [
  "#0072b2",
  "#e69f00",
  "#009e73",
  "#cc79a7",
  "#56b4e9",
  "#d55e00",
  "#999933",
  "#882255",
  "#44aa99",
  "#666666",
];
const WIDTH = 880;
const HEIGHT = 300;
const MARGIN = { top: 34, right: 16, bottom: 40, left: 64 };

export const chartColor = (index: number): string => PALETTE[index % PALETTE.length] as string;

/** Text made safe for HTML and SVG, in elements and in quoted attributes. */
export function escapeMarkup(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

/** About `count` round numbers that span [low, high]. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((m) => m * power >= rough) ?? 10) * power;
  const out: number[] = [];
  for (let i = Math.ceil(low / step) + 0; i * step <= high + step * 1e-9; i++) out.push(i * step);
  return out;
}

const word = (value: number): string => {
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) return value.toExponential(1);
  return String(Number(value.toPrecision(6)));
};

const extent = (values: Iterable<number | null>): [number, number] => {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const v of values) {
    if (v === null || !Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (low > high) return [0, 1];
  if (low === high) return [low - 0.5, high + 0.5];
  return [low, high];
};

/** Draws a chart as one SVG element: no script, no outside resource, every text escaped. */
export function svgChart(chart: Chart): string {
  const bands = chart.bands ?? [];
  const [x0, x1] = extent([
    ...chart.lines.flatMap((line) => [...line.x]),
    ...bands.flatMap((band) => [...band.x]),
  ]);
  let [y0, y1] =
    chart.yRange ??
    extent([
      ...chart.lines.flatMap((line) => [...line.y]),
      ...bands.flatMap((band) => [...band.lower, ...band.upper]),
      ...(chart.reference === undefined ? [] : [chart.reference]),
    ]);
  if (chart.yRange === undefined) {
    const room = (y1 - y0) * 0.05;
    y0 -= y0 >= 0 && y0 - room < 0 ? y0 : room;
    y1 += room;
  }
  const left = MARGIN.left;
  const right = WIDTH - MARGIN.right;
  const top = MARGIN.top;
  const bottom = HEIGHT - MARGIN.bottom;
  const X = (x: number) => (left + ((x - x0) / (x1 - x0)) * (right - left)).toFixed(1);
  const Y = (y: number) =>
    (bottom - ((Math.min(y1, Math.max(y0, y)) - y0) / (y1 - y0)) * (bottom - top)).toFixed(1);
  const parts: string[] = [];
  for (const y of ticks(y0, y1, 5)) {
    parts.push(`<line class="grid" x1="${left}" x2="${right}" y1="${Y(y)}" y2="${Y(y)}"/>`);
    parts.push(
      `<text class="tick" x="${left - 6}" y="${Y(y)}" dy="0.32em" text-anchor="end">${escapeMarkup(word(y))}</text>`,
    );
  }
  for (const x of ticks(x0, x1, 7)) {
    const label = chart.xFormat ? chart.xFormat(x) : word(x);
    parts.push(
      `<text class="tick" x="${X(x)}" y="${bottom + 16}" text-anchor="middle">${escapeMarkup(label)}</text>`,
    );
  }
  if (chart.reference !== undefined) {
    const y = Y(chart.reference);
    parts.push(`<line class="reference" x1="${left}" x2="${right}" y1="${y}" y2="${y}"/>`);
  }
  for (const band of bands) {
    const held = band.x.map((_, i) => i).filter((i) => band.lower[i] !== null && band.upper[i] !== null);
    if (held.length === 0) continue;
    const along = held.map((i) => `${X(band.x[i] as number)},${Y(band.upper[i] as number)}`);
    const back = held.reverse().map((i) => `${X(band.x[i] as number)},${Y(band.lower[i] as number)}`);
    const fill = chartColor(band.color);
    parts.push(
      `<polygon points="${[...along, ...back].join(" ")}" fill="${fill}" fill-opacity="${band.opacity ?? 0.18}"/>`,
    );
  }
  for (const line of chart.lines) {
    let path = "";
    let pen = "M";
    for (let i = 0; i < line.x.length; i++) {
      const y = line.y[i];
      if (y === null || y === undefined || !Number.isFinite(y)) {
        pen = "M";
        continue;
      }
      path += `${pen}${X(line.x[i] as number)} ${Y(y)}`;
      pen = "L";
    }
    const dash = line.dashed ? ' stroke-dasharray="5 4"' : "";
    parts.push(
      `<path d="${path}" fill="none" stroke="${chartColor(line.color)}" stroke-width="1.6"${dash}/>`,
    );
  }
  let at = left;
  const legend = chart.lines.map((line) => {
    const entry = `<rect x="${at}" y="20" width="14" height="3" fill="${chartColor(line.color)}"/><text class="legend" x="${at + 18}" y="25">${escapeMarkup(line.name)}</text>`;
    at += 30 + line.name.length * 7;
    return entry;
  });
  return `<figure><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeMarkup(chart.title)}">
<text class="title" x="${left}" y="12">${escapeMarkup(chart.title)}</text>${legend.join("")}
${parts.join("\n")}
<text class="tick" x="${right}" y="${HEIGHT - 6}" text-anchor="end">${escapeMarkup(chart.xLabel)}</text>
<text class="tick" x="12" y="${(top + bottom) / 2}" text-anchor="middle" transform="rotate(-90 12 ${(top + bottom) / 2})">${escapeMarkup(chart.yLabel)}</text>
</svg></figure>`;
}
