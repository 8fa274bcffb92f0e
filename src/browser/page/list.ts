import { Card } from "./card.ts";
import { byId, make } from "./dom.ts";
import { NO_GROUP, ownPart, shortened } from "./names.ts";
import type { Entry } from "./order.ts";

/** Sizes of what stands in the list, pixels; page.css has the same. */
const CARD_HEIGHT = 112;
const GROUP_HEIGHT = 34;
const GAP = 10;
const CARD_WIDTH = 246;
/** Pixels beyond what is seen for which cards are kept ready. */
const AHEAD = 240;
/** Milliseconds between two drawings of one card, and cards drawn in one frame. */
const REDRAWN = 240;
const DRAWN = 8;

/** Where an entry stands. */
interface Place {
  readonly entry: Entry;
  readonly top: number;
  readonly column: number;
  /** Which of the series it is, from 1; 0 for the head of a group. */
  readonly number: number;
}

/** The series at a glance, of which only those in sight are in the page: a thousand or ten thousand cost the same. */
export class List {
  readonly #scroller = byId("list");
  readonly #items = byId("cards");
  readonly #choose: (key: string) => void;
  readonly #sighted: () => void;
  #entries: readonly Entry[] = [];
  #places: Place[] = [];
  #columns = 1;
  #names = new Map<string, string>();
  readonly #cards = new Map<string, Card>();
  readonly #heads = new Map<string, HTMLElement>();
  #chosen: string | null = null;
  #stale = true;

  /** `sighted`: told when other cards have come into sight. */
  constructor(choose: (key: string) => void, sighted: () => void) {
    this.#choose = choose;
    this.#sighted = sighted;
    this.#scroller.addEventListener("scroll", () => this.#show(), { passive: true });
    new ResizeObserver(() => this.#layOut()).observe(this.#scroller);
    this.#items.addEventListener("click", ({ target }) => {
      const card = [...this.#cards.values()].find(({ item }) => item.contains(target as Node));
      if (card !== undefined) this.#choose(card.row.key);
    });
  }

  /** Cards in sight, by key. */
  get cards(): ReadonlyMap<string, Card> {
    return this.#cards;
  }

  show(entries: readonly Entry[]): void {
    this.#entries = entries;
    const inGroups = entries[0]?.kind === "group";
    this.#names = new Map();
    const groups = new Map<string, Entry[]>();
    for (const entry of entries) {
      if (entry.kind !== "row") continue;
      const group = groups.get(entry.group);
      if (group === undefined) groups.set(entry.group, [entry]);
      else group.push(entry);
    }
    for (const group of groups.values()) {
      const rows = group.flatMap((entry) => (entry.kind === "row" ? [entry.row] : []));
      const names = shortened(rows.map(({ series, target }) => ownPart(series, target)));
      for (const [i, { key }] of rows.entries()) this.#names.set(key, names[i] ?? "");
    }
    this.#items.dataset.grouped = String(inGroups);
    this.#layOut();
  }

  choose(key: string | null, scroll = false): void {
    this.#chosen = key;
    this.#mark();
    if (scroll) this.#reveal();
  }

  /** The key so many places on, or rows of cards; for the arrow keys. */
  neighbour(dx: number, dy: number): string | null {
    const rows = this.#places.filter(({ entry }) => entry.kind === "row");
    const at = rows.findIndex(({ entry }) => entry.kind === "row" && entry.row.key === this.#chosen);
    let to = at < 0 ? 0 : at + dx;
    if (at >= 0 && dy !== 0) {
      const here = rows[at] as Place;
      const step = dy > 0 ? 1 : -1;
      to = at + step;
      // The nearest one in the same column in another row of cards, or the last one before the end of the group.
      while (rows[to] !== undefined && (rows[to] as Place).top === here.top) to += step;
      const top = rows[to]?.top;
      while (
        top !== undefined &&
        rows[to]?.top === top &&
        rows[to + step]?.top === top &&
        rows[to]?.column !== here.column
      )
        to += step;
    }
    const found = rows[Math.max(0, Math.min(rows.length - 1, to))]?.entry;
    return found?.kind === "row" ? found.row.key : null;
  }

  focus(): void {
    const card = this.#cards.get(this.#chosen ?? "");
    card?.button.focus({ preventScroll: true });
  }

  /** Draws what has changed, some cards a frame. */
  frame(at: number, now: number): void {
    if (this.#stale) this.#show();
    let drawn = 0;
    for (const card of this.#cards.values()) {
      if (!card.track.changed || at - card.drawnAt < REDRAWN) continue;
      card.draw(now, at);
      if (++drawn >= DRAWN) return;
    }
  }

  #layOut(): void {
    const width = this.#items.clientWidth;
    if (width === 0) return;
    this.#columns = Math.max(1, Math.floor((width + GAP) / (CARD_WIDTH + GAP)));
    this.#places = [];
    let top = 0;
    let column = 0;
    let number = 0;
    for (const entry of this.#entries) {
      if (entry.kind === "group") {
        if (column > 0) top += CARD_HEIGHT + GAP;
        this.#places.push({ entry, top, column: 0, number: 0 });
        top += GROUP_HEIGHT;
        column = 0;
        continue;
      }
      if (column === this.#columns) {
        column = 0;
        top += CARD_HEIGHT + GAP;
      }
      this.#places.push({ entry, top, column, number: ++number });
      column++;
    }
    if (column > 0) top += CARD_HEIGHT + GAP;
    this.#items.style.height = `${top}px`;
    this.#stale = true;
  }

  /** Puts the cards in sight into the page, and takes the others out. */
  #show(): void {
    this.#stale = false;
    const { scrollTop, clientHeight } = this.#scroller;
    const [from, to] = [scrollTop - AHEAD - CARD_HEIGHT, scrollTop + clientHeight + AHEAD];
    const seen = this.#places.slice(this.#firstBelow(from), this.#firstBelow(to));
    const keys = new Set<string>();
    const heads = new Set<string>();
    const width = (this.#items.clientWidth - GAP * (this.#columns - 1)) / this.#columns;
    let came = false;
    const total = this.#names.size;
    const inOrder: HTMLElement[] = [];
    for (const { entry, top, column, number } of seen) {
      if (entry.kind === "group") {
        heads.add(entry.name);
        const head = this.#heads.get(entry.name) ?? make("li", "group");
        const name = entry.name === NO_GROUP ? "others" : entry.name;
        head.replaceChildren(
          make("span", "group-name", name),
          make("span", "group-count", entry.count.toLocaleString("en")),
        );
        head.style.transform = `translateY(${top}px)`;
        this.#heads.set(entry.name, head);
        inOrder.push(head);
        continue;
      }
      const { key } = entry.row;
      keys.add(key);
      let card = this.#cards.get(key);
      if (card === undefined || card.row !== entry.row) {
        card?.destroy();
        card = new Card(entry.row);
        this.#cards.set(key, card);
        came = true;
      }
      card.name(this.#names.get(key) ?? "", this.#items.dataset.grouped === "true" ? NO_GROUP : entry.group);
      card.item.style.width = `${width}px`;
      card.item.style.transform = `translate(${column * (width + GAP)}px, ${top}px)`;
      card.item.setAttribute("aria-setsize", String(total));
      card.item.setAttribute("aria-posinset", String(number));
      inOrder.push(card.item);
    }
    for (const [key, card] of this.#cards) {
      if (keys.has(key)) continue;
      card.destroy();
      this.#cards.delete(key);
      came = true;
    }
    for (const [name, head] of this.#heads) {
      if (heads.has(name)) continue;
      head.remove();
      this.#heads.delete(name);
    }
    // The order in the page is the order in which it is read aloud and gone through with Tab.
    for (const [i, item] of inOrder.entries()) {
      if (this.#items.children[i] !== item) this.#items.insertBefore(item, this.#items.children[i] ?? null);
    }
    this.#mark();
    if (came) this.#sighted();
  }

  #firstBelow(y: number): number {
    let low = 0;
    let high = this.#places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#places[middle] as Place).top < y) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #mark(): void {
    const seen = this.#chosen !== null && this.#cards.has(this.#chosen);
    let first = true;
    for (const [key, { button }] of this.#cards) {
      const chosen = key === this.#chosen;
      if (chosen) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
      // One of them is reached with Tab, the others with the arrows.
      button.tabIndex = chosen || (!seen && first) ? 0 : -1;
      first = false;
    }
  }

  #reveal(): void {
    const place = this.#places.find(({ entry }) => entry.kind === "row" && entry.row.key === this.#chosen);
    if (place === undefined) return;
    const { scrollTop, clientHeight } = this.#scroller;
    if (place.top < scrollTop) this.#scroller.scrollTop = place.top - GROUP_HEIGHT;
    else if (place.top + CARD_HEIGHT > scrollTop + clientHeight)
      this.#scroller.scrollTop = place.top + CARD_HEIGHT - clientHeight + GAP;
    this.#show();
  }
}
