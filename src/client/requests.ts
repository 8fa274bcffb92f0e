import { ClientError } from "./errors.ts";
import type { Answer, Fetch } from "./world.ts";

/** Asks a server over HTTP. */
export class Requests {
  readonly #http: string;
  readonly #fetch: Fetch | undefined;
  readonly #token: () => Promise<string | undefined>;
  readonly #signal: AbortSignal | undefined;

  constructor(
    http: string,
    fetch: Fetch | undefined,
    token: () => Promise<string | undefined>,
    signal: AbortSignal | undefined,
  ) {
    this.#http = http;
    this.#fetch = fetch;
    this.#token = token;
    this.#signal = signal;
  }

  /**
   * The answer to a GET.
   *
   * @throws ClientError with the code and words of the server; `unreachable` when there is none
   */
  async get<T>(path: string): Promise<T> {
    if (this.#fetch === undefined) {
      throw new ClientError("unsupported", "fetch: expected one of the platform or as an option, got none");
    }
    const token = await this.#token();
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const signal = this.#signal;
    let answer: Answer;
    let text: string;
    try {
      answer = await this.#fetch(this.#http + path, { headers, ...(signal === undefined ? {} : { signal }) });
      text = await answer.text();
    } catch (error) {
      const { message, cause } = error as Error & { cause?: { code?: string } };
      throw new ClientError("unreachable", `${this.#http}: ${cause?.code ?? message}`, true);
    }
    const told = parsed(text) as { code?: unknown; message?: unknown } | null | undefined;
    if (answer.ok && told !== undefined) return told as T;
    const { status } = answer;
    const known = typeof told?.code === "string" && typeof told.message === "string";
    const [code, message] = known
      ? [told.code as string, told.message as string]
      : [
          "bad-message",
          `GET ${this.#http}${path}: expected an answer of Eddy's, got ${status} ${text.slice(0, 60)}`,
        ];
    throw new ClientError(code, message, status === 429 || status >= 500);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
