import type { FastifyInstance } from "fastify";
import { readBrowserFiles } from "../browser-files.ts";

/** The files of the page; `index.html` is `/`, the others are under `/page/`. */
const FILES: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "page.js": "text/javascript; charset=utf-8",
  "page.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
};
/** Nothing but the page's own files, and nothing inline: a series name can never become code. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Serves the files of the page and the client for pages of others, which anyone may load: what they show asks for the token. */
export function addPage(app: FastifyInstance): void {
  const files = readBrowserFiles();
  const client = files.get("client.js");
  if (client === undefined) throw new Error("client.js: not among the files for browsers");
  app.get("/client.js", { config: { access: "open" } }, (_request, reply) =>
    reply
      .headers({
        "content-type": "text/javascript; charset=utf-8",
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
        // From which pages it may be asked for has been decided already: see `origins`.
        "access-control-allow-origin": "*",
      })
      .send(client),
  );
  for (const [name, type] of Object.entries(FILES)) {
    const content = files.get(name);
    if (content === undefined) throw new Error(`${name}: not among the files of the page`);
    app.get(
      name === "index.html" ? "/" : `/page/${name}`,
      { config: { access: "open" } },
      (_request, reply) =>
        reply
          .headers({
            "content-type": type,
            "cache-control": "no-cache",
            "content-security-policy": CONTENT_SECURITY_POLICY,
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
          })
          .send(content),
    );
  }
}
