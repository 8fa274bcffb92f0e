// Is the server of this container alive? Exit code 0 or 1. EDDY_HEALTH_URL: where to ask, when the port or the scheme is another.
import { get as getPlain } from "node:http";
import { get as getSecure } from "node:https";

const url = process.env.EDDY_HEALTH_URL ?? "http://127.0.0.1:8787/healthz";
const get = url.startsWith("https:") ? getSecure : getPlain;
// The certificate is made out for the name by which others reach it.
const request = get(url, { rejectUnauthorized: false, timeout: 4000 }, (response) => {
  response.resume();
  process.exitCode = response.statusCode === 200 ? 0 : 1;
});
request.on("timeout", () => request.destroy(new Error("no answer in time")));
request.on("error", ({ message }) => {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
});
