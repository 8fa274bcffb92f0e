/** A line: points in data units. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Panel {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly logX?: boolean;
  readonly logY?: boolean;
  readonly series: readonly Series[];
}

const COLOURS = [
  "#4269d0",
  "#efb118",
  "#ff725c",
  "#6cc5b0",
  "#3ca951",
  "#a463f2",
  "#9c6b4e",
  "#97bbf5",
  "#9498a0",
];
const WIDTH = 430;
const HEIGHT = 300;
const LEFT = 58;
const TOP = 30;
const PLOT = { width: WIDTH - LEFT - 14, height: HEIGHT - TOP - 44 };

/** Panels of lines side by side with one legend, as an SVG document. */
export function lineChart(panels: readonly Panel[]): string {
  const names = [...new Set(panels.flatMap(({ series }) => series.map(({ name }) => name)))];
  const colour = (name: string): string => COLOURS[names.indexOf(name) % COLOURS.length];
  const width = WIDTH * panels.length;
  const legend = names.map((name, i) => {
    const at = LEFT + i * 98;
    return `<rect x="${at}" y="${HEIGHT + 4}" width="12" height="4" fill="${colour(name)}"/><text x="${at + 16}" y="${HEIGHT + 10}">${name}</text>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT + 22}" font-family="sans-serif" font-size="11">`,
    `<title>${panels.map(({ title }) => title).join("; ")}</title>`,
    `<rect width="${width}" height="${HEIGHT + 22}" fill="white"/>`,
    ...panels.map((panel, i) => `<g transform="translate(${i * WIDTH} 0)">${draw(panel, colour)}</g>`),
    ...legend,
    "</svg>",
    "",
  ].join("\n");
}

function draw(panel: Panel, colour: (name: string) => string): string {
  const points = panel.series.flatMap((series) => series.points);
  const x = axis(
    points.map(([value]) => value),
    panel.logX ?? false,
    false,
  );
  const y = axis(
    points.map(([, value]) => value),
    panel.logY ?? false,
    true,
  );
  const left = (value: number): number => LEFT + x.place(value) * PLOT.width;
  const top = (value: number): number => TOP + (1 - y.place(value)) * PLOT.height;
  const parts = [`<text x="${LEFT}" y="18" font-weight="bold">${panel.title}</text>`];
  for (const tick of y.ticks) {
    const at = top(tick).toFixed(1);
    parts.push(
      `<path d="M${LEFT} ${at}h${PLOT.width}" stroke="#e5e5e5"/>`,
      `<text x="${LEFT - 6}" y="${Number(at) + 4}" text-anchor="end">${label(tick)}</text>`,
    );
  }
  for (const tick of x.ticks) {
    parts.push(
      `<text x="${left(tick).toFixed(1)}" y="${TOP + PLOT.height + 16}" text-anchor="middle">${label(tick)}</text>`,
    );
  }
  parts.push(
    `<text x="${LEFT + PLOT.width / 2}" y="${HEIGHT - 10}" text-anchor="middle">${panel.x}</text>`,
    `<text x="12" y="${TOP + PLOT.height / 2}" transform="rotate(-90 12 ${TOP + PLOT.height / 2})" text-anchor="middle">${panel.y}</text>`,
  );
  for (const { name, points: line } of panel.series) {
    if (line.length === 0) continue;
    const path = line
      .map(([a, b], i) => `${i === 0 ? "M" : "L"}${left(a).toFixed(1)} ${top(b).toFixed(1)}`)
      .join("");
    parts.push(`<path d="${path}" fill="none" stroke="${colour(name)}" stroke-width="1.8"/>`);
    if (line.length > 12) continue;
    for (const [a, b] of line) {
      parts.push(
        `<circle cx="${left(a).toFixed(1)}" cy="${top(b).toFixed(1)}" r="2.6" fill="${colour(name)}"/>`,
      );
    }
  }
  return parts.join("");
}

interface Axis {
  readonly ticks: number[];
  place(value: number): number;
}

/** `origin`: a linear axis begins at 0 even where no value does. */
function axis(values: readonly number[], log: boolean, origin: boolean): Axis {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (log) {
    const [from, to] = [Math.log10(low), Math.log10(high)];
    const span = Math.max(to - from, 1e-9);
    return { ticks: logTicks(values, from, to), place: (value) => (Math.log10(value) - from) / span };
  }
  const from = origin ? Math.min(low, 0) : low;
  const span = Math.max(high - from, 1e-9);
  const power = 10 ** Math.floor(Math.log10(span));
  const every = span / power < 2.5 ? power / 4 : span / power < 6 ? power : 2 * power;
  const ticks: number[] = [];
  for (let k = Math.ceil(from / every - 1e-9); k * every <= high + 1e-9; k++)
    ticks.push(Number((k * every).toPrecision(6)));
  return { ticks, place: (value) => (value - from) / span };
}

/** The values themselves when they are few, else decades, else 1 2 5. */
function logTicks(values: readonly number[], from: number, to: number): number[] {
  const different = [...new Set(values)];
  if (different.length <= 8) return different;
  const every = Math.max(1, Math.ceil((to - from) / 6));
  const mantissas = to - from < 2 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let e = Math.floor(from); e <= to; e += every)
    ticks.push(...mantissas.map((mantissa) => mantissa * 10 ** e));
  return ticks.filter((tick) => Math.log10(tick) >= from - 1e-9 && Math.log10(tick) <= to + 1e-9);
}

function label(value: number): string {
  if (value !== 0 && (Math.abs(value) < 1e-2 || Math.abs(value) >= 1e5)) return value.toExponential(0);
  return String(value);
}
