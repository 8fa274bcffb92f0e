import type { IncomingMessage } from "node:http";
import { EddyError } from "../models/errors.ts";
import { type Clock, systemClock } from "../storage/clock.ts";
import { Audit, type Refused, type ServerLog, SILENT } from "./access/audit.ts";
import { Caller, unlimited } from "./access/caller.ts";
import { Peers } from "./access/peer.ts";
import { Rates } from "./access/rates.ts";
import { type LoginFailure, type TokenSettings, Tokens } from "./access/tokens.ts";

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]", "::1"]);

/** Is `host` an address that only this machine can reach? */
export const isLoopback = (host: string): boolean => LOOPBACK.has(host) || /^127(\.\d{1,3}){3}$/.test(host);

/** What a Bearer header can carry: RFC 6750, section 2.1. */
const TOKEN = /^[A-Za-z0-9._~+/-]{1,4096}=*$/;

/** Throws `bad-argument` unless a client could show this token. It is not repeated: logs are read by others. */
export function checkToken(token: string): void {
  if (TOKEN.test(token)) return;
  const stray = [...token].find((character) => !/[A-Za-z0-9._~+/=-]/.test(character));
  throw new EddyError("bad-argument", "token", {
    expected: "1 to 4096 letters, digits and - . _ ~ + /, as an Authorization header can carry",
    received: token === "" ? "none" : stray === undefined ? "another" : `one with ${JSON.stringify(stray)}`,
  });
}

/** The name in a Host header or an origin, without the port. */
const nameOf = (authority: string): string => authority.replace(/:\d+$/, "").toLowerCase();

/** Requests a second of one token, and of one peer, where nothing else is said. */
const REQUESTS_PER_SECOND = 5_000;
/** Wrong tokens of one peer at once, and then one in so many seconds. */
const WRONG_TOKENS = 10;
const WRONG_TOKEN_SECONDS = 5;
/** Tokens and peers whose rates are remembered. */
const REMEMBERED = 10_000;

/** What those who ask have to show. */
export interface Credentials {
  /** One token that may do everything. */
  readonly token?: string | undefined;
  /** Tokens by their hashes, with what each may do. A list, even an empty one, means that a token has to be shown. */
  readonly tokens?: readonly TokenSettings[] | undefined;
}

export interface AccessOptions extends Credentials {
  readonly origins?: readonly string[];
  /** Addresses and networks of proxies whose `X-Forwarded-For` is believed. */
  readonly proxies?: readonly string[];
  /** Of each token and each peer; default 5,000, twice that at once. */
  readonly requestsPerSecond?: number;
  readonly log?: ServerLog;
  readonly clock?: Clock;
}

/** Why somebody is not let in, and what to answer. */
export interface Refusal {
  readonly reason: Refused;
  readonly status: 401 | 403 | 429;
  readonly message: string;
  /** Seconds after which it may be tried again. */
  readonly retryAfter?: number;
}

const WRONG: Readonly<Record<LoginFailure, string>> = {
  "no-token": "Authorization: expected Bearer and a token of the server, got none",
  "wrong-token": "Authorization: expected Bearer and a token of the server, got another",
  "expired-token": "Authorization: expected a token that is good, got one that has expired",
};

const busy = (reason: "logins" | "requests", message: string, seconds: number): Refusal => ({
  reason,
  status: 429,
  message,
  retryAfter: Math.max(1, Math.ceil(seconds)),
});

/**
 * Who may talk to the server, and how often. Where there are tokens, one must come with every request. A browser says on whose
 * behalf it asks (Origin): only the server's own page and the listed origins may. Without tokens the name asked for must be this
 * machine's, or else a page anywhere could reach the server by a name that it lets point to 127.0.0.1.
 */
export class Access {
  readonly audit: Audit;
  readonly #tokens: Tokens;
  readonly #needsToken: boolean;
  readonly #anyone = unlimited(null);
  readonly #origins: ReadonlySet<string>;
  readonly #peers: Peers;
  readonly #byToken: Rates;
  readonly #byPeer: Rates;
  readonly #wrong: Rates;

  constructor(options: AccessOptions = {}) {
    const { token, tokens, origins = [], proxies = [], log = SILENT, clock = systemClock } = options;
    const { requestsPerSecond: rate = REQUESTS_PER_SECOND } = options;
    const monotonic = () => clock.monotonic();
    this.audit = new Audit(log, clock);
    this.#tokens = new Tokens(clock);
    this.#needsToken = token !== undefined || tokens !== undefined;
    this.#tokens.replace(token, tokens ?? []);
    this.#origins = new Set(origins);
    this.#peers = new Peers(proxies);
    this.#byToken = new Rates(rate, 2 * rate, REMEMBERED, monotonic);
    this.#byPeer = new Rates(rate, 2 * rate, REMEMBERED, monotonic);
    this.#wrong = new Rates(1 / WRONG_TOKEN_SECONDS, WRONG_TOKENS, REMEMBERED, monotonic);
  }

  get needsToken(): boolean {
    return this.#needsToken;
  }

  /**
   * Puts other tokens in the place of all there are: connections of those that are gone or changed are closed. A server that asked
   * for tokens goes on to, even when none is left.
   */
  setTokens({ token, tokens = [] }: Credentials): void {
    if (this.#needsToken) this.#tokens.replace(token, tokens);
  }

  /** Where a request comes from. */
  peer(request: IncomingMessage): string {
    return this.#peers.of(request);
  }

  /**
   * Who shows this token, or why they are not let in. After some wrong ones no token is looked at any more for a while, but for those
   * with which the peer has been let in before: otherwise, behind one proxy, a guesser would lock out everybody.
   */
  login(shown: string | undefined, peer: string): Caller | Refusal {
    if (!this.#needsToken) return this.#anyone;
    const found = this.#tokens.find(shown);
    if (found === "no-token") return { reason: found, status: 401, message: WRONG[found] };
    const wait = this.#wrong.wait(peer);
    if (found instanceof Caller && (wait === 0 || found.knows(peer))) {
      found.cameFrom(peer);
      return found;
    }
    if (wait > 0) return busy("logins", "Authorization: expected fewer wrong tokens; try again later", wait);
    this.#wrong.spend(peer);
    const failure = found as LoginFailure;
    return { reason: failure, status: 401, message: WRONG[failure] };
  }

  /** Counts one request of a peer; why it comes too soon, or null. */
  pace(peer: string): Refusal | null {
    const wait = this.#byPeer.spend(peer);
    return wait === 0 ? null : busy("requests", "expected fewer requests a second from here", wait);
  }

  /** The same of a token. */
  paceOf({ name, requestsPerSecond: rate }: Caller): Refusal | null {
    if (name === null) return null;
    const wait = rate === undefined ? this.#byToken.spend(name) : this.#byToken.spend(name, rate, 2 * rate);
    return wait === 0 ? null : busy("requests", "expected fewer requests a second of this token", wait);
  }

  /** The token of an `Authorization: Bearer` header. */
  bearer(request: IncomingMessage): string | undefined {
    return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  }

  /**
   * The token as clients of InfluxDB show it: `Bearer`, `Token`, or the password of `Basic`, whatever the user is called. For their
   * routes alone.
   */
  influxToken(request: IncomingMessage): string | undefined {
    const [, scheme, shown] =
      /^(Bearer|Token|Basic) +(\S+)$/i.exec(request.headers.authorization ?? "") ?? [];
    if (shown === undefined || scheme?.toLowerCase() !== "basic") return shown;
    return /^[^:]*:(.*)$/s.exec(Buffer.from(shown, "base64").toString("utf8"))?.[1];
  }

  /** Why a request may not come from where it comes from, or null. */
  forbidden(request: IncomingMessage): Refusal | null {
    const refuse = (reason: "host" | "origin", message: string): Refusal => ({
      reason,
      status: 403,
      message,
    });
    const host = request.headers.host ?? "";
    if (!this.needsToken && !isLoopback(nameOf(host))) {
      return refuse(
        "host",
        `Host: expected this machine's loopback name, got ${JSON.stringify(host.slice(0, 60))}`,
      );
    }
    const { origin } = request.headers;
    if (origin === undefined || this.#origins.has(origin)) return null;
    if (URL.canParse(origin) && new URL(origin).host === host.toLowerCase()) return null;
    return refuse("origin", `Origin: expected this server's own, got ${JSON.stringify(origin.slice(0, 60))}`);
  }

  /** Numbers for /metrics. */
  get metrics(): Readonly<Record<string, number>> {
    return { eddy_tokens: this.#tokens.size, eddy_peers_remembered: this.#byPeer.size };
  }

  close(): void {
    this.#tokens.close();
    this.audit.close();
  }
}
