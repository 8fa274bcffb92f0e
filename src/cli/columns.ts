/** Rows of cells as lines, every column as wide as its widest cell. `pad` puts the blanks where they belong. */
export function aligned(
  rows: readonly (readonly string[])[],
  pad: (cell: string, width: number) => string,
): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [c, cell] of row.entries()) widths[c] = Math.max(widths[c] ?? 0, cell.length);
  }
  return rows.map((row) => row.map((cell, c) => pad(cell, widths[c] ?? 0)).join("  "));
}
