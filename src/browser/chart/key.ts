import type { Drawing } from "./drawing.ts";

/** Writes the key of a drawing into a list: each name once, with its colour. */
export function showKey(list: HTMLElement, { lines, bands, levels = [], marks = [] }: Drawing): void {
  const entries = new Map<string, { kind: string; colour: string; strength?: number }>();
  for (const { label, colour, dashed } of lines)
    entries.set(label, { kind: dashed ? "dashed" : "line", colour });
  for (const { label, colour, opacity, silent } of bands)
    if (!silent) entries.set(label, { kind: "band", colour, strength: Math.max(0.25, opacity) });
  for (const { label, colour } of levels) entries.set(label, { kind: "dashed", colour });
  for (const { label, colour } of marks) entries.set(label, { kind: "mark", colour });
  // As long as it says the same it is left alone, for whoever has it read aloud.
  const said = JSON.stringify([...entries]);
  if (list.dataset.said === said) return;
  list.dataset.said = said;
  list.replaceChildren(
    ...Array.from(entries, ([label, { kind, colour, strength }]) => {
      const item = document.createElement("li");
      item.textContent = label;
      item.dataset.kind = kind;
      item.style.setProperty("--mark", `var(--${colour})`);
      if (strength !== undefined) item.style.setProperty("--strength", String(strength));
      return item;
    }),
  );
}
