import { Type } from "@sinclair/typebox";
import { EddyError, printable } from "../../../models/errors.ts";
import { checked, duration, milliseconds, strict, text, whole } from "../../../streams/checked.ts";
import { readSecret } from "./signature.ts";

/** What the kinds have in common. */
export interface ReceiverOptions {
  /** How long an attempt may take. */
  readonly timeout?: string;
  /** How long the first alert of a message waits for others to come along. */
  readonly wait?: string;
  /** Alerts of one message at most. */
  readonly together?: number;
}

export interface WebhookSettings extends ReceiverOptions {
  readonly webhook: string;
  readonly secret?: string;
  readonly secretFile?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly giveUpAfter?: string;
}

export interface AlertmanagerSettings extends ReceiverOptions {
  readonly alertmanager: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly remindEvery?: string;
  /** Where people look at the alerts: the page of this server, as they reach it. */
  readonly page?: string;
}

export interface CommandSettings extends ReceiverOptions {
  readonly command: readonly [string, ...string[]];
  readonly giveUpAfter?: string;
}

export type ReceiverSettings = WebhookSettings | AlertmanagerSettings | CommandSettings;
export type Receivers = Readonly<Record<string, ReceiverSettings>>;

const MOST_RECEIVERS = 64;
const MOST_HEADERS = 32;

/** The receivers of a configuration, as far as their outer shape goes: `checkReceivers` checks each. */
export const receiversSchema = Type.Unsafe<Receivers>(
  Type.Record(Type.String(), Type.Unknown(), {
    maxProperties: MOST_RECEIVERS,
    expected: `an object of at most ${MOST_RECEIVERS} receivers by name`,
  }),
);

const common = {
  timeout: Type.Optional(duration()),
  wait: Type.Optional(
    Type.Union([duration(), Type.Literal("0s")], { expected: 'a span of time such as "2s"' }),
  ),
  together: Type.Optional(whole(1, 1000)),
};
const giveUpAfter = Type.Optional(duration());
/** What may be secret is checked apart, by what repeats none of it. */
const unseen = Type.Optional(Type.Unknown());

const KINDS = {
  webhook: Type.Object(
    {
      webhook: Type.Unknown(),
      secret: unseen,
      secretFile: Type.Optional(text("the path of a file")),
      headers: unseen,
      giveUpAfter,
      ...common,
    },
    strict,
  ),
  alertmanager: Type.Object(
    {
      alertmanager: Type.Unknown(),
      headers: unseen,
      remindEvery: Type.Optional(duration()),
      page: Type.Optional(Type.Unknown()),
      ...common,
    },
    strict,
  ),
  command: Type.Object(
    {
      command: Type.Array(
        Type.String({ maxLength: 4096, pattern: "^[^\\0]*$", expected: "text of at most 4096 characters" }),
        {
          minItems: 1,
          maxItems: 256,
          expected: 'a list of a program and its arguments, such as ["/usr/local/bin/siren", "--on"]',
        },
      ),
      giveUpAfter,
      ...common,
    },
    strict,
  ),
};
type Kind = keyof typeof KINDS;

/** Least and most of what the spans of time may be, milliseconds. */
const SPANS: Readonly<Record<string, readonly [least: string, most: string]>> = {
  timeout: ["100ms", "10m"],
  wait: ["0s", "10m"],
  giveUpAfter: ["1m", "365d"],
  remindEvery: ["1s", "1h"],
};

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/**
 * Checks receivers of a configuration; `where` is what errors call them. Nothing that may be secret is repeated.
 *
 * @throws EddyError `bad-config`: one line naming the field, what was expected and what came
 */
export function checkReceivers(receivers: Receivers, where: string): void {
  for (const [name, settings] of Object.entries(receivers)) {
    if (!NAME.test(name)) {
      throw new EddyError("bad-config", where, {
        expected: "names of 1 to 64 letters, digits and . _ -",
        received: printable(name),
      });
    }
    checkReceiver(settings, `${where}.${name}`);
  }
}

function checkReceiver(given: unknown, where: string): void {
  const kinds = Object.keys(typeof given === "object" && given !== null ? given : {}).filter(
    (key): key is Kind => Object.hasOwn(KINDS, key),
  );
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    throw new EddyError("bad-config", where, {
      expected: 'an object with one of "webhook", "alertmanager" and "command"',
      received: kind === undefined ? "none of them" : kinds.join(" and "),
    });
  }
  const settings = checked(KINDS[kind], given, where) as Readonly<Record<string, unknown>>;
  for (const [field, [least, most]] of Object.entries(SPANS)) {
    const span = settings[field];
    if (typeof span !== "string") continue;
    const length = spanOf(span);
    if (length >= spanOf(least) && length <= spanOf(most)) continue;
    throw new EddyError("bad-config", `${where}: ${field}`, {
      expected: `from ${least} to ${most}`,
      received: printable(span),
    });
  }
  if (kind === "command") return;
  checkAddress(settings[kind], `${where}: ${kind}`);
  if (settings.page !== undefined) checkAddress(settings.page, `${where}: page`);
  checkHeaders(settings.headers, `${where}: headers`);
  if (settings.secret === undefined) return;
  if (settings.secretFile !== undefined) {
    throw new EddyError("bad-config", `${where}: secretFile`, {
      expected: "none beside secret",
      received: "both",
    });
  }
  readSecret(settings.secret, `${where}: secret`);
}

/** Milliseconds; zero is no span of time elsewhere. */
const spanOf = (span: string): number => (span === "0s" ? 0 : milliseconds(span));

/** Milliseconds of an option. */
export const spanOr = (span: string | undefined, fallback: string): number => spanOf(span ?? fallback);

function checkAddress(given: unknown, where: string): void {
  const expected = "an address such as https://ops.example/hook";
  const wrong = (received: string, hint?: string): EddyError =>
    new EddyError("bad-config", where, { expected, received, ...(hint === undefined ? {} : { hint }) });
  if (typeof given !== "string") throw wrong(given === null ? "null" : `a ${typeof given}`);
  if (given.length > 2048 || !URL.canParse(given)) throw wrong("text that is none");
  const { protocol, username, password, hash } = new URL(given);
  if (protocol !== "http:" && protocol !== "https:") throw wrong(`one of ${printable(protocol)}`);
  if (username !== "" || password !== "") {
    throw wrong("one with a user or a password", 'say "headers": { "authorization": "Basic ..." }');
  }
  if (hash !== "") throw wrong("one with a #");
}

/** Headers that are ours, or the connection's. */
const OURS =
  /^(host|content-.*|connection|transfer-encoding|expect|upgrade|te|trailer|keep-alive|webhook-.*)$/i;

function checkHeaders(given: unknown, where: string): void {
  if (given === undefined) return;
  const wrong = (expected: string, received: string): EddyError =>
    new EddyError("bad-config", where, { expected, received });
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    throw wrong("an object of texts by name", "something else");
  }
  const headers = Object.entries(given);
  if (headers.length > MOST_HEADERS) throw wrong(`at most ${MOST_HEADERS}`, String(headers.length));
  for (const [name, value] of headers) {
    if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$/.test(name)) throw wrong("names of headers", printable(name));
    if (OURS.test(name)) throw wrong("none that Eddy sets itself", printable(name));
    if (typeof value !== "string" || !/^[\t\x20-\x7e]{0,4096}$/.test(value)) {
      throw wrong("values of printable ASCII, at most 4096 characters", `another of ${printable(name)}`);
    }
  }
}
