import type uPlot from "uplot";
import type { Limits } from "./drawing.ts";

export interface Gestures {
  stop(): void;
}

/** How much nearer one turn of the wheel comes. */
const WHEEL = 1.2;

/**
 * Moving about in a chart: the wheel zooms where the pointer is, the wheel sideways and the pointer with Shift move along, one
 * finger moves, two zoom, a double click goes back. Dragging without Shift chooses a stretch, which uPlot does itself.
 */
export function gestures(
  host: HTMLElement,
  plotOf: () => uPlot | null,
  viewOf: () => Limits,
  moved: (view: Limits | null) => void,
): Gestures {
  const place = (clientX: number): number => {
    const plot = plotOf();
    if (plot === null) return Number.NaN;
    return plot.posToVal(clientX - plot.over.getBoundingClientRect().left, "x");
  };
  const zoom = (factor: number, about: number): void => {
    const [from, to] = viewOf();
    if (Number.isFinite(about)) moved([about - (about - from) * factor, about + (to - about) * factor]);
  };
  const shift = (by: number): void => {
    const [from, to] = viewOf();
    if (Number.isFinite(by)) moved([from + by, to + by]);
  };

  const onWheel = (event: WheelEvent): void => {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    // Scrolling the page past a chart must stay possible: only with Ctrl or a pinch does the wheel zoom, as on a map.
    if (!sideways && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const [from, to] = viewOf();
    if (sideways) shift(((event.deltaX || event.deltaY) / host.clientWidth) * (to - from));
    else zoom(event.deltaY > 0 ? WHEEL : 1 / WHEEL, place(event.clientX));
  };

  /** Where each finger, or the pointer with Shift, was last. */
  const held = new Map<number, number>();
  const onDown = (event: PointerEvent): void => {
    if (event.pointerType !== "touch" && !event.shiftKey) return;
    held.set(event.pointerId, event.clientX);
    // uPlot must not choose a stretch meanwhile.
    if (event.shiftKey) event.stopPropagation();
  };
  const onMove = (event: PointerEvent): void => {
    const before = held.get(event.pointerId);
    if (before === undefined) return;
    const [one, two] = [...held.values()];
    if (two === undefined) shift(place(before) - place(event.clientX));
    else {
      const other = before === one ? two : (one as number);
      const [was, is] = [Math.abs(before - other), Math.abs(event.clientX - other)];
      if (was > 10 && is > 10) zoom(was / is, place(other));
    }
    held.set(event.pointerId, event.clientX);
  };
  const onUp = (event: PointerEvent): void => {
    held.delete(event.pointerId);
  };
  /** Dragging with Shift moves: uPlot listens to the mouse. */
  const onMouse = (event: MouseEvent): void => {
    if (event.shiftKey || held.size > 0) event.stopPropagation();
  };
  const onDouble = (): void => moved(null);

  const capture = { capture: true };
  host.addEventListener("wheel", onWheel, { passive: false });
  host.addEventListener("pointerdown", onDown, capture);
  host.addEventListener("mousedown", onMouse, capture);
  addEventListener("pointermove", onMove);
  addEventListener("pointerup", onUp);
  addEventListener("pointercancel", onUp);
  host.addEventListener("dblclick", onDouble);
  return {
    stop() {
      removeEventListener("pointermove", onMove);
      removeEventListener("pointerup", onUp);
      removeEventListener("pointercancel", onUp);
    },
  };
}
