import { EddyError, printable } from "../../models/errors.ts";
import { text } from "../../models/kinds.ts";
import { parseJson } from "../../streams/json.ts";
import { aligned } from "../columns.ts";
import { address, flag, toggle } from "../flags.ts";
import type { World } from "../world.ts";

/** Flags of every command that asks a server. */
export const serverFlags = {
  url: flag(address, "the server", new URL("http://127.0.0.1:8787")),
  token: flag(text(), "what the server wants to be shown; better in the environment as EDDY_TOKEN"),
  json: toggle("the answer as JSON, as the server gave it"),
};

/** Where a command asks, and as whom. */
export interface Server {
  readonly world: World;
  readonly url: URL;
  readonly token: string | undefined;
}

/** Milliseconds that an answer may take. */
const PATIENCE = 30_000;

/**
 * Asks a server; resolves with what it answered, null when that is nothing.
 *
 * @throws EddyError `unreachable` when there is no server, `bad-message` with its own words when it refuses
 */
export async function ask(
  { world, url, token = world.environment.EDDY_TOKEN }: Server,
  method: "GET" | "PUT" | "POST" | "DELETE",
  path: string,
  body?: string,
): Promise<unknown> {
  let response: Response;
  let answer: string;
  try {
    response = await world.fetch(new URL(path, url), {
      method,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(token ? { authorization: `Bearer ${token}` } : {}),
      },
      ...(body === undefined ? {} : { body }),
      redirect: "error",
      signal: AbortSignal.any([world.stop, AbortSignal.timeout(PATIENCE)]),
    });
    answer = await response.text();
  } catch (cause) {
    const failure = cause as Error & { cause?: { code?: string; message?: string } };
    throw new EddyError("unreachable", "--url", {
      expected: "a running Eddy server",
      received: `${url.origin}: ${failure.cause?.code ?? failure.cause?.message ?? failure.message}`,
      cause,
    });
  }
  const subject = `${method} ${url.origin}${path}`;
  if (!response.ok) {
    throw new EddyError("bad-message", subject, {
      problem: `${response.status} ${wordsOf(answer)}`,
      ...(response.status === 401 ? { hint: "the token is taken from EDDY_TOKEN" } : {}),
    });
  }
  if (answer === "") return null;
  return parseJson(answer, "bad-message", subject);
}

/** What a server says of a refusal. */
function wordsOf(answer: string): string {
  try {
    const { message } = JSON.parse(answer) as { message?: unknown };
    if (typeof message === "string") return message.slice(0, 1000);
  } catch {
    // It is no Eddy server, or something stands in between.
  }
  return printable(answer, 200);
}

/** Follows the pages of a list until there are so many items, or no more. */
export async function pages(
  server: Server,
  path: string,
  query: Readonly<Record<string, string | undefined>>,
  field: string,
  count: number,
): Promise<unknown[]> {
  const items: unknown[] = [];
  let cursor: string | null = null;
  do {
    const asked = new URLSearchParams({ limit: String(Math.min(1000, count - items.length)) });
    for (const [name, value] of Object.entries(query)) if (value !== undefined) asked.set(name, value);
    if (cursor !== null) asked.set("cursor", cursor);
    const page = (await ask(server, "GET", `${path}?${asked}`)) as Readonly<Record<string, unknown>>;
    const { [field]: found, next } = page;
    if (!Array.isArray(found)) {
      throw new EddyError("bad-message", `GET ${server.url.origin}${path}`, {
        expected: `a list of ${field}`,
        received: printable(page),
      });
    }
    items.push(...found);
    cursor = typeof next === "string" && found.length > 0 ? next : null;
  } while (cursor !== null && items.length < count);
  return items;
}

/** Rows of what came from outside as a table; `nothing` when there are none. */
export function tableOf(
  heading: readonly string[],
  rows: readonly (readonly unknown[])[],
  nothing: string,
): string {
  if (rows.length === 0) return `${nothing}\n`;
  const cells = rows.map((row) => row.map(cell));
  return `${aligned([[...heading], ...cells], (text, width) => text.padEnd(width))
    .map((line) => line.trimEnd())
    .join("\n")}\n`;
}

/** A value in one line, without what a terminal would act upon. */
function cell(value: unknown): string {
  if (value === null || value === undefined || value === "") return "-";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, "·");
}

/** JSON for a machine, one object. */
export const asJson = (value: unknown): string => `${JSON.stringify(value)}\n`;
