import type { AlertBook } from "./alert-book.ts";
import { alertWords, type Told } from "./alert-words.ts";
import { byId, make, replaceAll, setText } from "./dom.ts";
import { fullName } from "./names.ts";
import { keyOf, type Row } from "./overview.ts";
import type { Alert } from "./wire.ts";

/** The gravest first. */
const grave = (a: Alert, b: Alert): number =>
  a.state === b.state ? Date.parse(b.since) - Date.parse(a.since) : a.state === "firing" ? -1 : 1;

/** The alerts of all series: told above the list, and marked in it. */
export class Alerts {
  readonly #rows: ReadonlyMap<string, Row>;
  readonly #choose: (key: string) => void;
  readonly #marks: () => void;
  #marked: Row[] = [];
  #said = "";
  #firing = 0;

  /** `marks`: told when other series are marked than before. */
  constructor(rows: ReadonlyMap<string, Row>, choose: (key: string) => void, marks: () => void) {
    this.#rows = rows;
    this.#choose = choose;
    this.#marks = marks;
  }

  show({ rules, alerts: all, more }: AlertBook): void {
    const alerts = [...all];
    const sorted = alerts.sort(grave);
    this.#mark(sorted);
    byId("alerts").hidden = rules.length === 0;
    const byName = new Map(rules.map((rule) => [rule.name, rule]));
    const firing = alerts.filter(({ state }) => state === "firing").length;
    const parts = [
      firing === 0 ? "no alert" : firing + more === 1 ? "1 alert" : `${firing + more} alerts`,
      alerts.length > firing ? `${alerts.length - firing} about to be` : "",
      `${rules.length} ${rules.length === 1 ? "rule" : "rules"}`,
    ];
    setText(byId("alerts-summary"), parts.filter((part) => part !== "").join(" · "));
    byId("alerts-summary").dataset.state = firing > 0 ? "lost" : "live";
    // As long as it says the same it is left alone: somebody may be about to press one of them.
    const said = JSON.stringify(
      sorted.map(({ alert, rule, series, target, state, summary, crosses }) => [
        alert,
        rule,
        series,
        target,
        state,
        summary,
        crosses,
      ]),
    );
    if (said === this.#said) return;
    // The first to fire opens the list; whoever shuts it then keeps it shut until all is well and another fires.
    const opened = firing > 0 && this.#firing === 0;
    this.#firing = firing;
    this.#said = said;
    if (opened) byId<HTMLDetailsElement>("alerts").open = true;
    replaceAll(
      byId("alert-list"),
      sorted.slice(0, 50).map((alert) => {
        const { series, target, rule, state } = alert;
        const button = make(
          "button",
          "plain",
          `${rule}: ${fullName(series, target === "" ? "value" : target)}`,
        );
        button.type = "button";
        button.addEventListener("click", () => {
          const key = this.#keys(alert)[0];
          if (key !== undefined) this.#choose(key);
        });
        const item = make(
          "li",
          "",
          "",
          button,
          make("span", "", alertWords(alert, byName.get(rule), this.#told(alert))),
        );
        item.dataset.state = state === "firing" ? "lost" : "pending";
        return item;
      }),
    );
  }

  #told(alert: Alert): Told {
    const [key = ""] = this.#keys(alert);
    const row = this.#rows.get(key);
    return { unit: row?.unit ?? "", step: row?.step ?? 0 };
  }

  /** The rows that an alert is about. */
  #keys({ series, target }: Alert): string[] {
    if (target !== "") return [keyOf(series, target)];
    return [...this.#rows.values()].filter((row) => row.series === series).map(({ key }) => key);
  }

  /** Alerts that fire now. */
  get firing(): number {
    return this.#firing;
  }

  #mark(alerts: readonly Alert[]): void {
    const before = this.#marked.map(({ key, alert }) => `${key} ${alert?.state}`).join();
    for (const row of this.#marked) row.alert = undefined;
    this.#marked = [];
    for (const alert of alerts) {
      for (const key of this.#keys(alert)) {
        const row = this.#rows.get(key);
        if (row === undefined || row.alert !== undefined) continue;
        row.alert = { rule: alert.rule, state: alert.state };
        this.#marked.push(row);
      }
    }
    if (before !== this.#marked.map(({ key, alert }) => `${key} ${alert?.state}`).join()) this.#marks();
  }
}
