import type { Drawing, Level, Reach, Stretch } from "../chart/drawing.ts";
import { shown } from "../chart/numbers.ts";
import type { AlertBook, Past } from "./alert-book.ts";
import {
  alertWords,
  chanceWords,
  crossesWords,
  holds,
  limitsOfRule,
  type Told,
  whenWords,
} from "./alert-words.ts";
import { byId, make, replaceAll, setText } from "./dom.ts";
import { put } from "./server.ts";
import type { Alert, Rule } from "./wire.ts";
import { momentWords, spanWords, withUnit } from "./words.ts";

/** Firings told in words. */
const TOLD = 5;
const AGAIN = "Press again to delete";

/** A time at which a rule fired, until it was over. */
interface Firing {
  readonly rule: string;
  readonly from: number;
  /** Infinity: it still does. */
  readonly to: number;
  readonly value: number | null;
  readonly probability: number | null;
}

const fits = (target: string, wanted: string): boolean => target === "" || target === wanted;

/** The rules about one target, what they have led to, and how both are drawn. */
export class StageAlerts {
  readonly #book: AlertBook;
  readonly #changed: () => void;
  readonly #move: (rule: Rule) => void;
  #series = "";
  #target = "";
  #told: Told = { unit: "", step: 0 };
  #rules: readonly Rule[] = [];
  #alerts: readonly Alert[] = [];
  #firings: readonly Firing[] = [];
  #said = "";
  /** The rule that will be deleted if that is pressed again. */
  #sure = "";

  /** `changed`: there is something else to draw; `move`: somebody wants to change a rule. */
  constructor(book: AlertBook, changed: () => void, move: (rule: Rule) => void) {
    this.#book = book;
    this.#changed = changed;
    this.#move = move;
  }

  open(series: string, target: string, told: Told): void {
    this.#series = series;
    this.#target = target;
    this.#told = told;
    this.#said = "";
    this.#sure = "";
    byId("alert-rules").replaceChildren();
    this.show();
  }

  /** How long a step is has come to be known. */
  set step(step: number) {
    if (step === this.#told.step) return;
    this.#told = { ...this.#told, step };
    this.#said = "";
    this.show();
  }

  /** What the book tells of the series now. */
  show(): void {
    const series = this.#series;
    if (series === "") return;
    const own = (one: { readonly series: string; readonly target: string }): boolean =>
      one.series === series && fits(one.target, this.#target);
    this.#rules = this.#book.rulesOf(series);
    this.#alerts = [...this.#book.alerts].filter(own);
    this.#firings = firings(this.#book.pastOf(series).filter(own));
    this.#tell();
    this.#changed();
  }

  close(): void {
    this.#series = "";
  }

  /** Limits as lines, where they are expected to be crossed, and when they were. */
  draw(drawing: Drawing, moving: string | null): Drawing {
    const firing = new Map(this.#alerts.map((alert) => [alert.rule, alert]));
    const levels: Level[] = [];
    const reaches: Reach[] = [];
    for (const rule of this.#rules) {
      if (rule.name === moving) continue;
      const alert = firing.get(rule.name);
      const colour = alert?.state === "firing" ? "bad" : "alert";
      const when = alert === undefined || !holds(alert, rule) ? "" : crossesWords(alert.crosses);
      for (const y of limitsOfRule(rule)) {
        const text = when === "" ? rule.name : `${rule.name}, ${when}`;
        levels.push({ y, colour, label: `alert ${rule.name}`, text });
        if (when === "" || alert?.crosses?.at == null || typeof alert.limit !== "number") continue;
        const at = Date.parse(alert.crosses.at);
        const end = (time: string | null, otherwise: number) =>
          time === null ? otherwise : Date.parse(time);
        const { from, to } = alert.crosses;
        reaches.push({ y, from: end(from, at), at, to: end(to, Number.MAX_SAFE_INTEGER), colour });
      }
    }
    const stretches: Stretch[] = this.#firings.map(({ from, to }) => ({
      from,
      to: Math.min(to, drawing.now ?? Number.MAX_SAFE_INTEGER),
      colour: "bad",
    }));
    return {
      ...drawing,
      levels: [...(drawing.levels ?? []), ...levels],
      reaches,
      stretches: [...(drawing.stretches ?? []), ...stretches],
    };
  }

  #tell(): void {
    const said = JSON.stringify([
      this.#rules,
      this.#alerts.map(({ rule, state, summary, crosses }) => [rule, state, summary, crosses]),
      this.#firings,
    ]);
    if (said === this.#said) return;
    this.#said = said;
    const byRule = new Map(this.#alerts.map((alert) => [alert.rule, alert]));
    replaceAll(
      byId("alert-rules"),
      this.#rules.map((rule) => this.#item(rule, byRule.get(rule.name))),
    );
    byId("alert-none").hidden = this.#rules.length > 0;
    byId("alert-past").replaceChildren(
      ...this.#firings
        .slice(-TOLD)
        .reverse()
        .map(({ rule, from, to, value, probability }) =>
          make(
            "li",
            "",
            `${momentWords(from, 60_000)}: ${rule} fired${[
              value === null ? "" : ` at ${withUnit(shown(value), this.#told.unit)}`,
              probability === null ? "" : `, with a probability of ${chanceWords(probability)}`,
              to === Number.POSITIVE_INFINITY
                ? ", and still does"
                : `, over after ${spanWords(Math.max(1000, to - from))}`,
            ].join("")}`,
          ),
        ),
    );
  }

  #item(rule: Rule, alert: Alert | undefined): HTMLElement {
    const item = make(
      "li",
      "",
      "",
      make("b", "", rule.name),
      make("span", "", `when ${whenWords(rule.when, this.#told)}`),
    );
    item.dataset.state = alert === undefined ? "live" : alert.state === "firing" ? "lost" : "pending";
    if (alert !== undefined) item.append(make("em", "", alertWords(alert, rule, this.#told)));
    if (rule.from === "configuration") {
      item.append(make("span", "quiet", "of the configuration: changed there"));
      return item;
    }
    if (limitsOfRule(rule).length === 1) {
      const move = make("button", "plain", "Change");
      move.type = "button";
      move.setAttribute("aria-label", `Change ${rule.name}`);
      move.addEventListener("click", () => this.#move(rule));
      item.append(move);
    }
    const remove = make("button", "plain", rule.name === this.#sure ? AGAIN : "Delete");
    remove.type = "button";
    remove.setAttribute("aria-label", `Delete ${rule.name}`);
    remove.addEventListener("click", () => void this.#remove(rule, remove));
    item.append(remove);
    return item;
  }

  async #remove({ name }: Rule, button: HTMLButtonElement): Promise<void> {
    if (this.#sure !== name) {
      this.#sure = name;
      setText(button, AGAIN);
      return;
    }
    this.#sure = "";
    try {
      await put(`/v1/alerts/${encodeURIComponent(name)}`, null);
      setText(byId("alert-told"), `${name} is deleted.`);
      // What was pressed is about to go: whoever has only a keyboard goes on from here.
      byId("alert-new").focus();
    } catch (error) {
      setText(byId("alert-told"), (error as Error).message);
    }
    this.#book.refresh();
  }
}

/** The times between a firing and its end. */
function firings(transitions: readonly Past[]): Firing[] {
  const open = new Map<string, Firing>();
  const found: Firing[] = [];
  for (const { alert, rule, state, time, value, probability } of transitions) {
    const at = Date.parse(time);
    if (state === "firing")
      open.set(alert, { rule, from: at, to: Number.POSITIVE_INFINITY, value, probability });
    else {
      const begun = open.get(alert);
      open.delete(alert);
      if (begun !== undefined) found.push({ ...begun, to: at });
    }
  }
  return [...found, ...open.values()].sort((a, b) => a.from - b.from);
}
