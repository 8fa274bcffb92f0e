/**
 * Does `name` fit `pattern`, where `*` stands for any run of characters (none too, and `/` too), `?` for one, and all
 * else for itself? Linear backtracking to the last `*` only: cost O(|name| · |pattern|), never exponential, so that a
 * pattern from outside cannot stall the server as a regular expression could.
 *
 * @example
 * ```ts
 * matchesPattern("mote-?/*", "mote-3/humidity"); // true
 * ```
 */
export function matchesPattern(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let resume = 0;
  while (n < name.length) {
    if (p < pattern.length && pattern[p] === "*") {
      star = p++;
      resume = n;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.length && pattern[p] === "*") p++;
  return p === pattern.length;
}
