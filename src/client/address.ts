import { ClientError, shown } from "./errors.ts";

/** Where a server is asked. */
export interface Address {
  /** Without a slash at its end. */
  readonly http: string;
  readonly stream: string;
}

/** The address of a server as a person gives it: `http`, `https`, `ws` or `wss`, with a path where a proxy has put it under one. */
export function readAddress(given: string | URL): Address {
  const text = String(given);
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Told below.
  }
  const scheme = /^(http|ws)(s?):$/.exec(url?.protocol ?? "");
  if (url === undefined || scheme === null) {
    throw new ClientError(
      "bad-argument",
      `server: expected a URL such as http://127.0.0.1:8787, got ${shown(text)}`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new ClientError(
      "bad-argument",
      "server: expected a URL without a name and a password, give the token",
    );
  }
  const path = url.pathname.replace(/\/+$/, "");
  const [, , secure = ""] = scheme;
  return {
    http: `http${secure}://${url.host}${path}`,
    stream: `ws${secure}://${url.host}${path}/v1/stream`,
  };
}
