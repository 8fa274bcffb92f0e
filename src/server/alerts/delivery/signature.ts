import { createHash, createHmac } from "node:crypto";
import { EddyError } from "../../../models/errors.ts";

const PREFIX = "whsec_";

/**
 * The key in a secret of Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. What came is not repeated.
 *
 * @throws EddyError `bad-config`
 */
export function readSecret(secret: unknown, where: string): Buffer {
  const encoded = typeof secret === "string" && secret.startsWith(PREFIX) ? secret.slice(PREFIX.length) : "";
  const key = /^[A-Za-z0-9+/]+={0,2}$/.test(encoded) ? Buffer.from(encoded, "base64") : Buffer.alloc(0);
  if (key.length >= 24 && key.length <= 64) return key;
  throw new EddyError("bad-config", where, {
    expected: `${PREFIX} and 24 to 64 bytes in base64`,
    received: typeof secret === "string" ? "other text" : `a ${typeof secret}`,
    hint: 'such as of: echo "whsec_$(openssl rand -base64 32)"',
  });
}

/**
 * The keys in a file: one secret on each line, the newest first. While it holds two, messages are signed with both, so that a
 * receiver may change from one to the other at any time.
 */
export function readSecrets(text: string, where: string): readonly Buffer[] {
  const lines = text.split("\n").map((line) => line.trim());
  const secrets = lines.filter((line) => line !== "");
  if (secrets.length === 0 || secrets.length > 4) {
    throw new EddyError("bad-config", where, {
      expected: "1 to 4 secrets, one on each line",
      received: String(secrets.length),
    });
  }
  return secrets.map((secret) => readSecret(secret, where));
}

/** A name for what a message says: the same for the same message, however often it is sent. */
export const messageId = (receiver: string, texts: readonly string[]): string =>
  `msg_${createHash("sha256")
    .update(JSON.stringify([receiver, texts]))
    .digest("base64url")
    .slice(0, 27)}`;

/**
 * The headers by which a receiver tells that a message is ours and new (Standard Webhooks 1.0): HMAC-SHA256 over
 * `id.timestamp.body` with each key. `now`: epoch milliseconds.
 */
export function signed(
  id: string,
  body: string,
  keys: readonly Buffer[],
  now: number,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000));
  const signatures = keys.map(
    (key) => `v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64")}`,
  );
  return {
    "webhook-id": id,
    "webhook-timestamp": timestamp,
    ...(signatures.length === 0 ? {} : { "webhook-signature": signatures.join(" ") }),
  };
}
