import type { Drawing } from "./drawing.ts";
import { nearest, shown } from "./numbers.ts";

export interface Words {
  readonly xWords: (x: number) => string;
  readonly yWords?: (y: number, step?: number) => string;
}

/** Writes into `host` what lies nearest to a place of x, a line for each layer that has something within `tolerance`. */
export function tellHovered(
  host: HTMLElement,
  { lines, bands, marks = [], now }: Drawing,
  x: number,
  tolerance: number,
  { xWords, yWords = shown }: Words,
): void {
  const rows: [name: string, value: string, colour: string][] = [];
  let at = x;
  let off = Number.POSITIVE_INFINITY;
  /** The nearest place of a layer, if it is near enough. */
  const place = (places: readonly number[], alone: boolean): number => {
    const i = nearest(places, x);
    if (i < 0) return -1;
    const distance = Math.abs((places[i] as number) - x);
    const [before, after] = [places[i - 1], places[i + 1]];
    const gap = Math.max(
      before === undefined ? 0 : (places[i] as number) - before,
      after === undefined ? 0 : after - (places[i] as number),
    );
    if (distance > Math.max(tolerance, alone ? 0 : gap / 2)) return -1;
    // A forecast is drawn from the last reading on, and says nothing of that.
    if (i === 0 && places[0] === now && places.length > 1) return -1;
    if (distance < off) {
      off = distance;
      at = places[i] as number;
    }
    return i;
  };
  for (const { label, colour, x: places, y, points } of lines) {
    const i = place(places, points === true);
    const value = i < 0 ? undefined : y[i];
    if (typeof value === "number") rows.push([label, yWords(value), colour]);
    else if (value === null) rows.push([label, "none", colour]);
  }
  for (const { label, colour, x: places, lower, upper, silent } of bands) {
    const i = silent ? -1 : place(places, false);
    const [low, high] = [lower[i], upper[i]];
    if (typeof low === "number" && typeof high === "number")
      rows.push([label, `${yWords(low)} to ${yWords(high)}`, colour]);
  }
  for (const { label, colour, x: where, y } of marks)
    if (Math.abs(where - x) <= tolerance) rows.push([label, yWords(y), colour]);
  const list = document.createElement("dl");
  for (const [name, value, colour] of rows) {
    const term = document.createElement("dt");
    term.textContent = name;
    term.dataset.colour = colour;
    term.style.setProperty("--mark", `var(--${colour})`);
    const told = document.createElement("dd");
    told.textContent = value;
    list.append(term, told);
  }
  const when = document.createElement("p");
  when.textContent = xWords(at);
  host.replaceChildren(when, list);
}
