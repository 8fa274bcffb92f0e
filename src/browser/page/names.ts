/** What stands in for the first part of names that have none. */
export const NO_GROUP = "";

/** The part of a name that others may share, up to its last separator: `tank/a` of `tank/a/level`, `up` of `up{job="x"}`. */
export function groupOf(series: string): string {
  const brace = series.indexOf("{");
  if (brace > 0) return series.slice(0, brace);
  const slash = series.lastIndexOf("/");
  if (slash > 0) return series.slice(0, slash);
  // A sentence is no path.
  if (/\s/.test(series)) return NO_GROUP;
  const colon = series.lastIndexOf(":");
  if (colon > 0) return series.slice(0, colon);
  const dot = series.lastIndexOf(".");
  return dot > 0 ? series.slice(0, dot) : NO_GROUP;
}

/** What a name is told as beside the others of its group. */
export function ownPart(series: string, target: string): string {
  const group = groupOf(series);
  const rest = group === NO_GROUP ? series : series.slice(group.length).replace(/^[/:.]/, "");
  return target === "value" ? rest : `${rest} · ${target}`;
}

/** A whole name, as on top of a chart. */
export const fullName = (series: string, target: string): string =>
  target === "value" ? series : `${series} · ${target}`;

/** Characters of a name that are told at most where there is little room. */
const ROOM = 46;

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** What a reader sees as characters: a flag or a family is one, and is not cut. */
const characters = (name: string): string[] =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  /^[\x00-\x7f]*$/.test(name)
    ? name.split("")
    : Array.from(graphemes.segment(name), ({ segment }) => segment);

/**
 * Names shortened so that they can be told apart: what all of them begin with and end with gives way first, then the middle.
 * Cost: the length of all of them.
 */
export function shortened(names: readonly string[], room = ROOM): string[] {
  if (names.every((name) => name.length <= room)) return [...names];
  const cut = names.map(characters);
  const [first = []] = cut;
  let head = first.length;
  let tail = first.length;
  for (const name of cut) {
    let i = 0;
    while (i < head && i < name.length && name[i] === first[i]) i++;
    head = i;
    let j = 0;
    while (j < tail && j < name.length && name.at(-1 - j) === first.at(-1 - j)) j++;
    tail = j;
  }
  return cut.map((name) => {
    if (name.length <= room) return name.join("");
    const from = names.length < 2 || head < 8 ? 0 : head - 2;
    const to = names.length < 2 || tail < 8 ? name.length : Math.max(from + 1, name.length - tail + 2);
    const told = [...(from > 0 ? ["…"] : []), ...name.slice(from, to), ...(to < name.length ? ["…"] : [])];
    if (told.length <= room) return told.join("");
    const half = Math.floor((room - 1) / 2);
    return [...told.slice(0, half), "…", ...told.slice(-half)].join("");
  });
}

/** Whether every word of a search is somewhere in a name; `*` and `?` stand for any run of characters and for one. */
export function searched(search: string): (name: string) => boolean {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const tests = words.map((word) => {
    if (!/[*?]/.test(word)) return (name: string) => name.includes(word);
    const source = word
      .replace(/[.+^${}()|[\]\\]/g, "\\$&")
      .replaceAll("*", ".*")
      .replaceAll("?", ".");
    const pattern = new RegExp(source);
    return (name: string) => pattern.test(name);
  });
  return (name) => {
    const low = name.toLowerCase();
    return tests.every((fits) => fits(low));
  };
}
