/** The element of that id, which is in the page. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element ${id}`);
  return found as T;
}

/** Makes an element; text is text and never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className = "",
  text = "",
  ...children: readonly Node[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  if (text !== "") made.textContent = text;
  made.append(...children);
  return made;
}

/** Sets text only where it differs: what is read aloud, or laid out, is not disturbed. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setTitle(element: HTMLElement, title: string): void {
  if (element.title !== title) element.title = title;
}

const labelOf = (element: Element): string => element.getAttribute("aria-label") ?? element.textContent ?? "";

/** Puts other children in the place of those there are; whoever was on a button among them stays on the one of the same name. */
export function replaceAll(host: HTMLElement, children: readonly Node[]): void {
  const { activeElement } = document;
  const label = activeElement !== null && host.contains(activeElement) ? labelOf(activeElement) : null;
  host.replaceChildren(...children);
  if (label === null) return;
  const same = [...host.querySelectorAll("button")].find((button) => labelOf(button) === label);
  same?.focus({ preventScroll: true });
}
