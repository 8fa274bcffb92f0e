const BILLION = 1e9;
const TRILLION = 1e12;
/** From here on, and below `SMALL`, numbers are told by powers of ten. */
const LARGE = 1e15;
const SMALL = 1e-4;
/** Digits of a number that can be told apart. */
const DIGITS = 16;

const plain = (value: number, digits: number): string =>
  value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    // What rounds to nothing is no less than nothing.
    signDisplay: "negative",
  });

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";
const raised = (exponent: string): string =>
  exponent.replace("+", "").replaceAll(/[-\d]/g, (c) => (c === "-" ? "⁻" : (SUPERSCRIPTS[Number(c)] ?? c)));

/** Decimals that make steps of `step` visible: one for 0.5, two for 0.25. */
function decimals(step: number, most = DIGITS): number {
  const first = Math.ceil(-Math.log10(step) - 1e-9);
  const leading = step * 10 ** first;
  const halves = Math.abs(leading - Math.round(leading)) > 1e-6 ? 1 : 0;
  return Math.min(most, Math.max(0, first + halves));
}

/** A number with as many digits as `step` makes visible; by itself, four significant ones. */
export function shown(value: number, step?: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (value === 0) return plain(0, step === undefined || step < SMALL ? 0 : decimals(step));
  // Of a step that is as small as this one the number is told as finely.
  const small = size < SMALL && (step === undefined || step < SMALL);
  if (small || size >= LARGE) {
    const digits = step === undefined ? 2 : decimals(step / 10 ** Math.floor(Math.log10(size)), DIGITS - 1);
    const [mantissa, exponent = "0"] = value.toExponential(digits).split("e");
    return `${mantissa} × 10${raised(exponent)}`;
  }
  const [by, name] =
    size >= TRILLION
      ? ([TRILLION, " trillion"] as const)
      : size >= BILLION
        ? ([BILLION, " billion"] as const)
        : ([1, ""] as const);
  const whole = step === undefined && by === 1 && Number.isInteger(value) && size < 1e6;
  const digits = whole
    ? 0
    : step === undefined
      ? Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(size / by))))
      : decimals(step / by);
  return `${plain(value / by, digits)}${name}`;
}

/** The last place of a sorted list whose number is at most `value`; -1 when there is none. */
export function lastAtMost(sorted: readonly number[], value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** The place of the number nearest to `value` in a sorted list; -1 when it is empty. */
export function nearest(sorted: readonly number[], value: number): number {
  const before = lastAtMost(sorted, value);
  const after = before + 1;
  if (after >= sorted.length) return before;
  if (before < 0) return after;
  return value - (sorted[before] as number) <= (sorted[after] as number) - value ? before : after;
}
