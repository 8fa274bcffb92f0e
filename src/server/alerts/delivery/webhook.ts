import { printable } from "../../../models/errors.ts";
import { post, secretsOf } from "./post.ts";
import type { DeliveryWorld, Outcome, Receiver } from "./receiver.ts";
import { spanOr, type WebhookSettings } from "./settings.ts";
import { messageId, readSecret, readSecrets, signed } from "./signature.ts";

/** Version of the body: a field may be added, none changes its meaning. */
const VERSION = 1;

/**
 * A program that takes alerts by HTTP: a POST of `{ version, receiver, alerts }`, signed after Standard Webhooks when there is
 * a secret. Any status of 2xx says that it has them.
 *
 * @throws EddyError `bad-config` when its secret cannot be read
 */
export function webhook(name: string, settings: WebhookSettings, world: DeliveryWorld): Receiver {
  const { webhook: url, headers = {}, secret, secretFile, together = 100 } = settings;
  const timeout = spanOr(settings.timeout, "10s");
  // Read again with every message: who changes a secret changes the file.
  const keys = (): readonly Buffer[] => {
    if (secret !== undefined) return [readSecret(secret, `receivers.${name}: secret`)];
    if (secretFile === undefined) return [];
    return readSecrets(world.fs.readFileSync(secretFile, "utf8"), secretFile);
  };
  keys();
  const secrets = secretsOf(new URL(url), headers);
  return {
    name,
    kind: "webhook",
    together,
    atOnce: 4,
    wait: spanOr(settings.wait, "2s"),
    giveUpAfter: spanOr(settings.giveUpAfter, "1d"),
    async send(deliveries, stop): Promise<Outcome> {
      const texts = deliveries.map(({ text }) => text);
      const id = messageId(name, texts);
      const body = `{"version":${VERSION},"receiver":${JSON.stringify(name)},"alerts":[${texts.join(",")}]}`;
      try {
        const marks = signed(id, body, keys(), world.now());
        return await post(world, { url, headers: { ...headers, ...marks }, body, timeout, secrets, stop });
      } catch (error) {
        // Its file is gone, or no longer holds a secret.
        return { told: false, reason: printable((error as Error).message, 200).slice(1, -1) };
      }
    },
  };
}
