import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { EddyError } from "../models/errors.ts";

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

/**
 * Who may talk to the server. A token, when there is one, must come with every request. A browser says on whose behalf
 * it asks (Origin): only the server's own page and the listed origins may. Without a token the name asked for must be
 * this machine's, or else a page anywhere could reach the server by a name that it lets point to 127.0.0.1.
 */
export class Access {
  readonly #token: Buffer | null;
  readonly #origins: ReadonlySet<string>;

  constructor(token: string | undefined, origins: readonly string[]) {
    this.#token = token === undefined ? null : digest(token);
    this.#origins = new Set(origins);
  }

  get needsToken(): boolean {
    return this.#token !== null;
  }

  /** Is this the server's token? Takes the same time for every wrong one. */
  authorise(token: string | undefined): boolean {
    if (this.#token === null) return true;
    return token !== undefined && timingSafeEqual(digest(token), this.#token);
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
  forbidden(request: IncomingMessage): string | null {
    const host = request.headers.host ?? "";
    if (!this.needsToken && !isLoopback(nameOf(host))) {
      return `Host: expected this machine's loopback name, got ${JSON.stringify(host.slice(0, 60))}`;
    }
    const { origin } = request.headers;
    if (origin === undefined || this.#origins.has(origin)) return null;
    if (URL.canParse(origin) && new URL(origin).host === host.toLowerCase()) return null;
    return `Origin: expected this server's own, got ${JSON.stringify(origin.slice(0, 60))}`;
  }
}

const digest = (token: string): Buffer => createHash("sha256").update(token).digest();
