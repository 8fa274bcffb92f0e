/** What an answer that is no success tells. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Milliseconds for an answer: a connection that broke while the computer slept tells of nothing. */
const PATIENCE = 60_000;

export const token = (): string | null => sessionStorage.getItem("eddy-token");

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T;
  const told = (await response.json().catch(() => null)) as { message?: string } | null;
  throw new Refused(response.status, told?.message ?? `${response.status} ${response.statusText}`);
}

/** Milliseconds that the clock of the server is ahead of this one, as far as its answers tell. */
let ahead = 0;

function readClock(response: Response): void {
  const told = Date.parse(response.headers.get("date") ?? "");
  // It is told in whole seconds, and takes a moment to come.
  if (Number.isFinite(told)) ahead = Math.abs(told - Date.now()) < 3_000 ? 0 : told - Date.now();
}

/** The moment by the server's clock: readings are told by it, and the clock of whoever looks may be wrong. */
export const serverNow = (): number => Date.now() + ahead;

const headers = (more: Readonly<Record<string, string>> = {}): Record<string, string> => {
  const shown = token();
  return { ...more, ...(shown === null ? {} : { authorization: `Bearer ${shown}` }) };
};

const path = (route: string, query: Readonly<Record<string, string | number>>): string => {
  const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  const text = words.toString();
  return text === "" ? route : `${route}?${text}`;
};

/** Asks the server this page came from. Throws `Refused`, or TypeError when it cannot be reached. */
export async function ask<T>(
  route: string,
  query: Readonly<Record<string, string | number>> = {},
  signal?: AbortSignal,
): Promise<T> {
  const patience = AbortSignal.timeout(PATIENCE);
  const options = { signal: signal === undefined ? patience : AbortSignal.any([signal, patience]) };
  const response = await fetch(path(route, query), { headers: headers(), ...options });
  readClock(response);
  return answer<T>(response);
}

export async function send<T>(
  route: string,
  query: Readonly<Record<string, string | number>>,
  type: string,
  body: Blob,
): Promise<T> {
  const options = { method: "POST", headers: headers({ "content-type": type }), body };
  return answer<T>(await fetch(path(route, query), options));
}

/** Puts something there, or with null takes away what is. */
export async function put(route: string, body: unknown): Promise<void> {
  const options =
    body === null
      ? { method: "DELETE", headers: headers() }
      : {
          method: "PUT",
          headers: headers({ "content-type": "application/json" }),
          body: JSON.stringify(body),
        };
  const response = await fetch(route, options);
  if (response.status === 204) return;
  await answer(response);
}
