/** A value that may be missing: a line is broken there. */
export type Cell = number | null;

/** What all layers have in common. Colours are names of CSS variables, such as `line` for `--line`. */
interface Layer {
  readonly label: string;
  readonly colour: string;
  /** Places on the x axis, ascending; epoch milliseconds where it is time. */
  readonly x: readonly number[];
}

export interface Line extends Layer {
  readonly y: readonly Cell[];
  readonly dashed?: boolean;
  readonly width?: number;
  /** Points and no line between them. */
  readonly points?: boolean;
}

/** An area between two lines. */
export interface Band extends Layer {
  readonly lower: readonly Cell[];
  readonly upper: readonly Cell[];
  /** 0 to 1. */
  readonly opacity: number;
  /** Not told of where values are told: another band tells the same. */
  readonly silent?: boolean;
}

/** A stretch of the x axis that is shaded, such as one without readings. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
  readonly colour: string;
}

/** A single reading worth a look. */
export interface Mark {
  readonly x: number;
  readonly y: number;
  readonly colour: string;
  readonly label: string;
  /** Nobody believes it: where it lies far beyond all else, and is not what may come, it does not flatten the lines, and is shown at the edge. */
  readonly aside?: boolean;
}

/** A level all along the chart, such as a share that is asked for. */
export interface Level {
  readonly y: number;
  readonly colour: string;
  readonly label: string;
  /** Written beside it. One that lies far beyond all else does not flatten the lines: it is shown at the edge. */
  readonly text?: string;
}

/** When a level is expected to be reached: as likely before as after `at`, and most likely from `from` to `to`. */
export interface Reach {
  readonly y: number;
  readonly from: number;
  readonly at: number;
  readonly to: number;
  readonly colour: string;
}

/** Everything that one chart shows, from back to front: stretches, bands, lines, levels, marks. */
export interface Drawing {
  readonly bands: readonly Band[];
  readonly lines: readonly Line[];
  readonly stretches?: readonly Stretch[];
  readonly marks?: readonly Mark[];
  readonly levels?: readonly Level[];
  readonly reaches?: readonly Reach[];
  /** A line upwards from here: what is to its right has not happened yet. */
  readonly now?: number;
  /** What is to be seen of the x axis; all of it without. */
  readonly view?: readonly [from: number, to: number];
}

/** From where to where the y axis goes. */
export type Limits = readonly [low: number, high: number];

/** Share of the height of the lines by which a band may reach beyond them: a wide one must not flatten the lines. */
const REACH = 0.6;
const MARGIN = 0.06;
/** Two numbers that lie nearer to each other than this, beside their size, can hardly be told apart. */
const NEAREST = 4e-15;

/**
 * The y axis of a drawing between two places of x: all of its lines, of its bands what lies near. Always two finite numbers
 * that differ, whatever there is to draw.
 */
export function limitsOf(
  drawing: Drawing,
  from: number,
  to: number,
  fixed: Partial<FixedLimits> = {},
): Limits {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  const see = (value: Cell | undefined): void => {
    if (value === null || value === undefined || !Number.isFinite(value)) return;
    if (value < low) low = value;
    if (value > high) high = value;
  };
  const inView = (x: readonly number[], i: number): boolean =>
    (x[i] as number) >= from && (x[i] as number) <= to;
  const aside = new Map((drawing.marks ?? []).filter((mark) => mark.aside).map(({ x, y }) => [x, y]));
  for (const { x, y } of drawing.lines) {
    for (let i = 0; i < x.length; i++) if (inView(x, i) && aside.get(x[i] as number) !== y[i]) see(y[i]);
  }
  const lineless = low > high;
  const reach = high > low ? REACH * (high - low) : Math.abs(high || 1) * 0.01;
  const [lowest, highest] = lineless
    ? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY]
    : [low - reach, high + reach];
  // What may still come, from where to where.
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { x, lower, upper } of drawing.bands) {
    for (let i = 0; i < x.length; i++) {
      if (!inView(x, i)) continue;
      const [a, b] = [lower[i], upper[i]];
      if (drawing.now !== undefined && (x[i] as number) > drawing.now) {
        least = Math.min(least, a ?? least);
        most = Math.max(most, b ?? most);
      }
      if (typeof a === "number" && Number.isFinite(a)) see(Math.min(Math.max(a, lowest), highest));
      if (typeof b === "number" && Number.isFinite(b)) see(Math.max(Math.min(b, highest), lowest));
    }
  }
  const span = high > low ? high - low : Math.abs(high || 1);
  const [bottomMost, topMost] = [low - span, high + span];
  const near = (y: number): boolean => lineless || (y >= bottomMost && y <= topMost);
  for (const { y, text } of drawing.levels ?? []) if (text === undefined || near(y)) see(y);
  for (const [x, y] of aside) if (x >= from && x <= to && (near(y) || (y >= least && y <= most))) see(y);
  if (low > high) [low, high] = [0, 1];
  const largest = Math.max(Math.abs(low), Math.abs(high));
  const margin =
    high > low ? Math.max((high - low) * MARGIN, largest * NEAREST, 1e-290) : largest * 0.05 || 1;
  const bottom = fixed.low ?? Math.max(-Number.MAX_VALUE, low - margin);
  const top = fixed.high ?? Math.min(Number.MAX_VALUE, high + margin);
  return bottom < top ? [bottom, top] : [bottom - 1, bottom + 1];
}

export interface FixedLimits {
  readonly low: number;
  readonly high: number;
}

/** From the first to the last place of x that anything is drawn at; two that differ. */
export function extentOf({ bands, lines, view }: Drawing): Limits {
  if (view !== undefined) return view;
  let from = Number.POSITIVE_INFINITY;
  let to = Number.NEGATIVE_INFINITY;
  for (const { x } of [...bands, ...lines]) {
    if (x.length === 0) continue;
    from = Math.min(from, x[0] as number);
    to = Math.max(to, x.at(-1) as number);
  }
  if (from > to) return [0, 1];
  return from === to ? [from - 1, to + 1] : [from, to];
}

/** Values are drawn as (value - origin) / scale. */
export interface Measure {
  readonly origin: number;
  readonly scale: number;
}

/** Beyond these a chart loses digits: it counts in steps of 17 digits at most. */
const LARGEST = 1e15;
const SMALLEST_SPAN = 1e-9;

/** What values between two are measured by so that a chart can count in them: as they are, but for very large, very small and very near ones. */
export function measureOf([low, high]: Limits): Measure {
  const largest = Math.max(Math.abs(low), Math.abs(high));
  // The difference of the largest numbers there are is none.
  const half = high / 2 - low / 2;
  if (largest < LARGEST && half >= SMALLEST_SPAN && half >= largest * SMALLEST_SPAN)
    return { origin: 0, scale: 1 };
  const scale = Math.max(1e-300, 10 ** Math.floor(Math.log10(half)));
  const ten = 10 * scale;
  return { origin: half < largest * SMALLEST_SPAN ** 0.5 ? Math.floor(low / ten) * ten : 0, scale };
}
