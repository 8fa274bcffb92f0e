/** In a table of several series an empty cell says that the series has no such column, unless the row has nothing at all. */
export function leaveOutMissing(values: Record<string, number | null>): void {
  const names = Object.keys(values);
  const missing = names.filter((name) => values[name] === null);
  if (missing.length === names.length) return;
  for (const name of missing) delete values[name];
}
