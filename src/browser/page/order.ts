import { fullName, groupOf, searched } from "./names.ts";
import { type Row, troubles } from "./overview.ts";

export type Order = "trouble" | "skill" | "name";

/** What stands in the list: the head of a group, or a series. */
export type Entry =
  | { readonly kind: "group"; readonly name: string; readonly count: number }
  | { readonly kind: "row"; readonly row: Row; readonly group: string };

const byName = new Intl.Collator("en", { numeric: true });

/** The series that a search finds, in the order asked for; by name they stand in groups. */
export function ordered(rows: Iterable<Row>, order: Order, search: string, now: number): Entry[] {
  const fits = searched(search);
  const found = [...rows].filter(({ series, target }) => fits(fullName(series, target)));
  const weight =
    order === "trouble"
      ? (row: Row) => troubles(row, now).reduce((sum, trouble) => sum + trouble.weight, 0)
      : order === "skill"
        ? (row: Row) => row.skill ?? Number.NEGATIVE_INFINITY
        : () => 0;
  const keyed = found.map((row) => ({
    row,
    group: groupOf(row.series),
    weight: weight(row),
    name: fullName(row.series, row.target),
  }));
  keyed.sort((a, b) => {
    if (order === "name" && a.group !== b.group) return byName.compare(a.group, b.group);
    return a.weight === b.weight ? byName.compare(a.name, b.name) : b.weight - a.weight;
  });
  if (order !== "name") return keyed.map(({ row, group }) => ({ kind: "row", row, group }));
  const counts = new Map<string, number>();
  for (const { group } of keyed) counts.set(group, (counts.get(group) ?? 0) + 1);
  const entries: Entry[] = [];
  let before: string | undefined;
  for (const { row, group } of keyed) {
    if (group !== before && counts.size > 1)
      entries.push({ kind: "group", name: group, count: counts.get(group) ?? 0 });
    before = group;
    entries.push({ kind: "row", row, group });
  }
  return entries;
}
