import type { Condition, Lasting, Verdict } from "./condition.ts";

/**
 * How an alert of one rule, series and target stands: it waits to be told, or it has been. What is fine has no state at all, so
 * that nothing is kept of it.
 */
export interface AlertState {
  readonly phase: "pending" | "firing";
  /** Event time of the first of the readings that it began with. */
  readonly since: number;
  /** Readings in a row that spoke for it before it was told. */
  readonly readings: number;
  /** Readings in a row that speak for its end, and the time of the first of them. */
  readonly clearing: number;
  readonly clearingSince: number;
}

/** What one look leads to: the state from then on, undefined for none, and what is to be told. */
export interface Turn {
  readonly state: AlertState | undefined;
  readonly change?: "firing" | "resolved";
}

/**
 * The next state, from the one before and what a look at a reading said. A look that could not tell changes nothing: a gap neither
 * begins nor ends anything, and no count begins anew because of it.
 *
 * A reading that the forecaster doubts may be a spike: where the rule does not say how long it must hold, one such reading alone
 * is not told, and the second one in a row is.
 */
export function nextState(
  { hold, clearHold }: Condition,
  state: AlertState | undefined,
  { holds, clears }: Pick<Verdict, "holds" | "clears">,
  { time, doubted }: { readonly time: number; readonly doubted: boolean },
): Turn {
  if (holds === undefined) return { state };
  if (state?.phase === "firing") {
    if (!clears) return { state: state.clearing === 0 ? state : { ...state, clearing: 0, clearingSince: 0 } };
    const clearing = state.clearing + 1;
    const clearingSince = state.clearing === 0 ? time : state.clearingSince;
    return lasted(clearHold, clearing, time - clearingSince)
      ? { state: undefined, change: "resolved" }
      : { state: { ...state, clearing, clearingSince } };
  }
  if (!holds) return { state: undefined };
  const readings = (state?.readings ?? 0) + 1;
  const since = state?.since ?? time;
  const fires = hold === undefined ? !doubted || readings > 1 : lasted(hold, readings, time - since);
  const next: AlertState = {
    phase: fires ? "firing" : "pending",
    since,
    readings,
    clearing: 0,
    clearingSince: 0,
  };
  return fires ? { state: next, change: "firing" } : { state: next };
}

const lasted = ({ readings, milliseconds }: Lasting, count: number, time: number): boolean =>
  count >= readings && time >= milliseconds;
