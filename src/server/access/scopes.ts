/**
 * What a token may do with series:
 * `read` their readings, forecasts and alerts; `write` readings of them; `alerts`: make, change and remove rules about them;
 * `admin`: delete them, and take readings of them back. None of them includes another.
 */
export const SCOPES = ["read", "write", "alerts", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** For each scope the patterns of the series that it is about. */
export type Grants = Readonly<Partial<Record<Scope, readonly string[]>>>;

/**
 * Does every name that fits the pattern `inner` fit `outer` too? The same walk as `matchesPattern`, but a `*` of `inner` is taken in
 * by a `*` only, and a `?` of it by `*` or `?`. Cost: O(|outer| · |inner|).
 *
 * @example
 * ```
 * covers("plant/*", "plant/?/pressure"); // true
 * ```
 */
export function covers(outer: string, inner: string): boolean {
  let o = 0;
  let i = 0;
  let star = -1;
  let resume = 0;
  while (i < inner.length) {
    const [wide, narrow] = [outer[o], inner[i]];
    if (wide === "*") {
      star = o++;
      resume = i;
    } else if (wide !== undefined && narrow !== "*" && (wide === "?" || wide === narrow)) {
      o++;
      i++;
    } else if (star >= 0) {
      o = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  while (outer[o] === "*") o++;
  return o === outer.length;
}
