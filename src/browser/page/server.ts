/** What an answer that is no success tells. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export const token = (): string | null => sessionStorage.getItem("eddy-token");

async function answer<T>(response: Response): Promise<T> {
  if (response.ok) return (await response.json()) as T;
  const told = (await response.json().catch(() => null)) as { message?: string } | null;
  throw new Refused(response.status, told?.message ?? `${response.status} ${response.statusText}`);
}

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
  const options = signal === undefined ? {} : { signal };
  return answer<T>(await fetch(path(route, query), { headers: headers(), ...options }));
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
