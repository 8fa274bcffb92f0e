/** What a rule waits for, such as `reading above, limit 90`. */
export const conditionWords = (when: Readonly<Record<string, unknown>>): string =>
  Object.entries(when)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(" to ") : String(value)}`)
    .join(", ");
