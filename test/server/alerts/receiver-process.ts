// A receiver of webhooks that fails now and then by its seed: it refuses, says nothing, or takes the message and hangs up before it
// has said so. What arrives is written to a file before it is answered.
import { appendFileSync } from "node:fs";
import { createServer } from "node:http";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { Webhook } from "standardwebhooks";

const { RECEIVER_FILE, RECEIVER_SECRET, RECEIVER_SEED, RECEIVER_PORT } = process.env;
const generator = xoroshiro128plus(Number(RECEIVER_SEED));
const hook = new Webhook(RECEIVER_SECRET!);

const server = createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8").on("data", (text) => {
    body += text;
  });
  request.on("end", () => {
    const chance = uniformInt(generator, 0, 99);
    if (chance < 25) {
      response.writeHead(500).end("not now");
      return;
    }
    if (chance < 30) {
      request.socket.destroy();
      return;
    }
    const { alerts } = hook.verify(body, request.headers as Record<string, string>) as { alerts: unknown[] };
    const lines = alerts.map(
      (alert) => `${JSON.stringify({ message: request.headers["webhook-id"], alert })}\n`,
    );
    appendFileSync(RECEIVER_FILE!, lines.join(""));
    if (chance < 40) request.socket.destroy();
    else response.writeHead(204).end();
  });
});
server.listen(Number(RECEIVER_PORT ?? 0), "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as { port: number }).port}\n`);
});
