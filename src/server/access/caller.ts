import { printable } from "../../models/errors.ts";
import { matchesPattern } from "../../streams/pattern.ts";
import { keepNewest } from "../newest.ts";
import { covers, type Grants, type Scope } from "./scopes.ts";

/** Peers that a token is remembered to have come from. */
const PEERS = 64;

/** Told why, and whether whoever it was may come again with the same token. */
type EndListener = (why: string, again: boolean) => void;

let callers = 0;

/** Who asks: a token's holder, or anyone where the server has no tokens. Asked anew for every series, as long as it lives. */
export class Caller {
  /** Tells callers of this process apart. */
  readonly id = callers++;
  /** Of the token, for people and logs; null where nobody has to show one. */
  readonly name: string | null;
  /** Requests a second; undefined: as for every token. */
  readonly requestsPerSecond: number | undefined;
  readonly #grants: Grants;
  readonly #listeners = new Set<EndListener>();
  readonly #peers = new Set<string>();
  #ended: Parameters<EndListener> | null = null;

  constructor(name: string | null, grants: Grants, requestsPerSecond?: number) {
    this.name = name;
    this.#grants = grants;
    this.requestsPerSecond = requestsPerSecond;
  }

  /** May it do this with that series? */
  may(scope: Scope, series: string): boolean {
    return this.#grants[scope]?.some((pattern) => matchesPattern(pattern, series)) ?? false;
  }

  /** May it do this with every series that fits a pattern, those to come among them? */
  mayAll(scope: Scope, pattern: string): boolean {
    return this.#grants[scope]?.some((granted) => covers(granted, pattern)) ?? false;
  }

  /** May it do this with any series at all? */
  mayAny(scope: Scope): boolean {
    return (this.#grants[scope]?.length ?? 0) > 0;
  }

  /** The words for what it may not do with a series. */
  lacks(scope: Scope, series: string): string {
    return `series ${printable(series)}: token ${this.name} has no scope ${scope} for it`;
  }

  /** It may do nothing any more: a clock that is set back does not bring an expired token back. */
  get ended(): boolean {
    return this.#ended !== null;
  }

  /** Calls `listener` once it may do nothing any more; the answer calls that off. */
  onEnd(listener: EndListener): () => void {
    if (this.#ended === null) this.#listeners.add(listener);
    else listener(...this.#ended);
    return () => this.#listeners.delete(listener);
  }

  /** Its token expired, was taken away, or (`again`) may now do something else. */
  end(why: string, again = false): void {
    if (this.#ended !== null) return;
    this.#ended = [why, again];
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener(why, again);
  }

  /** Has it come from this peer before? Of late, at least. */
  knows(peer: string): boolean {
    return this.#peers.has(peer);
  }

  cameFrom(peer: string): void {
    this.#peers.delete(peer);
    this.#peers.add(peer);
    keepNewest(this.#peers, PEERS);
  }
}

const ALL = ["*"];

/** Whoever holds a token that may do everything, or anyone where there are no tokens. */
export const unlimited = (name: string | null): Caller =>
  new Caller(name, { read: ALL, write: ALL, alerts: ALL, admin: ALL });

/** Nobody in particular, who may do nothing with any series. */
export const NOBODY = new Caller(null, {});
