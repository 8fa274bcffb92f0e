import { readdirSync, readFileSync } from "node:fs";
import type { FastifyInstance } from "fastify";

const FOLDER = new URL("../page/", import.meta.url);
const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
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

/** Serves the files of the page, read once: `/` is index.html, the others are under `/page/`. */
export function addPage(app: FastifyInstance): void {
  for (const name of readdirSync(FOLDER)) {
    const type = TYPES[name.split(".").at(-1) ?? ""];
    if (type === undefined) continue;
    const content = readFileSync(new URL(name, FOLDER));
    app.get(name === "index.html" ? "/" : `/page/${name}`, { config: { open: true } }, (_request, reply) =>
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
