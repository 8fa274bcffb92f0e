/** A number with as many digits as `step` makes visible; by itself, four significant ones. */
export function shown(value: number, step?: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (value !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(2);
  const whole = step === undefined && Number.isInteger(value) && size < 1e6;
  const digits = whole
    ? 0
    : step === undefined
      ? Math.min(6, Math.max(0, 3 - Math.floor(Math.log10(size))))
      : Math.min(6, Math.max(0, Math.ceil(-Math.log10(step || 1))));
  return value.toLocaleString("en", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
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
