import type { AlertChanges, NewTransition } from "../../../storage/store.ts";

/** What alerts have come to and what is not written yet; it rides on a commit together with all else that follows from the journal. */
export class PendingChanges {
  #rules: AlertChanges["rules"][number][] = [];
  /** The last one of each alert. */
  #alerts = new Map<string, AlertChanges["alerts"][number]>();
  #transitions: NewTransition[] = [];

  get waiting(): boolean {
    return this.#transitions.length > 0 || this.#alerts.size > 0 || this.#rules.length > 0;
  }

  /** Somebody is to be told of something. */
  get urgent(): boolean {
    return this.#transitions.length > 0;
  }

  rule(change: AlertChanges["rules"][number]): void {
    this.#rules.push(change);
  }

  alert(change: AlertChanges["alerts"][number]): void {
    this.#alerts.set(JSON.stringify([change.rule, change.series, change.target]), change);
  }

  transition(one: NewTransition): void {
    this.#transitions.push(one);
  }

  get all(): AlertChanges {
    return { rules: this.#rules, alerts: [...this.#alerts.values()], transitions: this.#transitions };
  }

  clear(): void {
    this.#rules = [];
    this.#alerts = new Map();
    this.#transitions = [];
  }
}
