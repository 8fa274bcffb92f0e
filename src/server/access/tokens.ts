import { createHash, createHmac, randomBytes } from "node:crypto";
import { type Static, Type } from "@sinclair/typebox";
import { EddyError, printable } from "../../models/errors.ts";
import { MAX_NAME } from "../../protocol/observation.ts";
import type { Clock } from "../../storage/clock.ts";
import { strict, whole } from "../../streams/checked.ts";
import { readTime } from "../../streams/observation-schema.ts";
import { Caller, unlimited } from "./caller.ts";
import { SCOPES } from "./scopes.ts";

const patterns = Type.Optional(
  Type.Array(
    Type.String({ minLength: 1, maxLength: MAX_NAME, expected: `a pattern of 1 to ${MAX_NAME} characters` }),
    { maxItems: 256, expected: 'a list of patterns of series, such as ["plant/*"]' },
  ),
);

/** One entry of `tokens` in the configuration, as `eddy token` prints it. */
export const TokenSchema = Type.Object(
  {
    name: Type.String({
      pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
      expected: "a name of 1 to 64 letters, digits and . _ -",
    }),
    sha256: Type.String({
      pattern: "^[0-9a-f]{64}$",
      expected: "the SHA-256 of the token, 64 hexadecimal digits (see eddy token)",
    }),
    read: patterns,
    write: patterns,
    alerts: patterns,
    admin: patterns,
    expires: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 64,
        expected: "a date, such as 2027-01-31 or 2027-01-31T12:00:00Z",
      }),
    ),
    requestsPerSecond: Type.Optional(whole(1, 1_000_000)),
  },
  { ...strict, expected: 'an object with "name", "sha256" and what it may do' },
);
export type TokenSettings = Static<typeof TokenSchema>;

/** A new token: 256 random bits behind a word by which scanners of leaked secrets can tell what it is. */
export const newToken = (random: Buffer = randomBytes(32)): string => `eddy_${random.toString("base64url")}`;

/**
 * What is kept of a token. A slow hash (scrypt, bcrypt) makes up for passwords that can be guessed; 256 random bits cannot, and a
 * server that asks for the token with every request cannot afford one.
 */
export const tokenHash = (token: string): string => createHash("sha256").update(token).digest("hex");

/**
 * Throws where two tokens have one name or one hash, one could do nothing, or a date is none.
 *
 * @throws EddyError `bad-config` naming the field
 */
export function checkTokens(tokens: readonly TokenSettings[], where: string): void {
  const [names, hashes] = [new Set<string>(), new Set<string>()];
  for (const [i, token] of tokens.entries()) {
    const wrong = (field: string, expected: string, received: string): never => {
      throw new EddyError("bad-config", `${where}: tokens.${i}.${field}`, { expected, received });
    };
    if (names.has(token.name)) wrong("name", "a name that no other token has", printable(token.name));
    if (hashes.has(token.sha256)) wrong("sha256", "a token that is not listed already", "the same again");
    names.add(token.name);
    hashes.add(token.sha256);
    if (token.expires === undefined) continue;
    try {
      readTime(token.expires, "expires");
    } catch {
      wrong("expires", "a date, such as 2027-01-31 or 2027-01-31T12:00:00Z", printable(token.expires));
    }
  }
}

/** A token that could not be let in, and why. */
export type LoginFailure = "no-token" | "wrong-token" | "expired-token";

interface Entry {
  readonly caller: Caller;
  /** What it was made from: an entry that has not changed keeps its caller, and with it its connections. */
  readonly settings: string;
  readonly expires: number;
  readonly cancel: () => void;
}

/** The longest a timer waits, milliseconds. */
const LONGEST = 2 ** 31 - 1;

/** The tokens that are good now. */
export class Tokens {
  readonly #clock: Pick<Clock, "now" | "after">;
  /**
   * By the hash, hashed once more with a key of this process: how long a look-up takes then tells nothing about what a token that
   * is listed hashes to.
   */
  readonly #entries = new Map<string, Entry>();
  readonly #key = randomBytes(32);

  constructor(clock: Pick<Clock, "now" | "after">) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Puts these in the place of all there were. Whoever holds one that is gone or changed is told. */
  replace(single: string | undefined, tokens: readonly TokenSettings[]): void {
    const wanted = new Map<string, TokenSettings | null>();
    for (const token of tokens) wanted.set(this.#place(token.sha256), token);
    if (single !== undefined) wanted.set(this.#place(tokenHash(single)), null);
    for (const [place, entry] of [...this.#entries]) {
      const settings = wanted.get(place);
      if (settings !== undefined && JSON.stringify(settings) === entry.settings) continue;
      this.#entries.delete(place);
      entry.cancel();
      if (settings === undefined) entry.caller.end("the token was revoked");
      else entry.caller.end("what the token may do was changed", true);
    }
    for (const [place, settings] of wanted) {
      if (!this.#entries.has(place)) this.#entries.set(place, this.#open(settings));
    }
  }

  /** Who holds this token. */
  find(shown: string | undefined): Caller | LoginFailure {
    if (shown === undefined) return "no-token";
    const entry = this.#entries.get(this.#place(tokenHash(shown)));
    if (entry === undefined) return "wrong-token";
    if (entry.caller.ended || entry.expires <= this.#clock.now()) {
      entry.caller.end(EXPIRED);
      return "expired-token";
    }
    return entry.caller;
  }

  close(): void {
    for (const { cancel } of this.#entries.values()) cancel();
  }

  #place(hash: string): string {
    return createHmac("sha256", this.#key).update(hash).digest("base64");
  }

  #open(settings: TokenSettings | null): Entry {
    const text = JSON.stringify(settings);
    const never = () => {};
    if (settings === null)
      return { caller: unlimited("token"), settings: text, expires: Number.POSITIVE_INFINITY, cancel: never };
    const grants = Object.fromEntries(SCOPES.map((scope) => [scope, settings[scope] ?? []]));
    const caller = new Caller(settings.name, grants, settings.requestsPerSecond);
    const expires =
      settings.expires === undefined ? Number.POSITIVE_INFINITY : readTime(settings.expires, "expires");
    return { caller, settings: text, expires, cancel: this.#endAt(expires, caller) };
  }

  /** Ends it when it expires, by the wall clock: looked at anew, as that may be set. */
  #endAt(expires: number, caller: Caller): () => void {
    if (expires === Number.POSITIVE_INFINITY) return () => {};
    let cancel = () => {};
    const look = (): void => {
      const left = expires - this.#clock.now();
      if (left <= 0) caller.end(EXPIRED);
      else cancel = this.#clock.after(Math.min(left, LONGEST), look);
    };
    look();
    return () => cancel();
  }
}

const EXPIRED = "the token expired";
