// The peer: a bare `ws` server that sends the same bytes as often to everybody who is connected. Started by main.ts with the
// frame to send and how often a second; it tells its port.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { WebSocketServer } from "ws";

const [frame, rate] = [process.argv[2], Number(process.argv[3])];
const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
http.listen(0, "127.0.0.1", () => process.send?.((http.address() as AddressInfo).port));

const issuedAt = /"issuedAt":"[^"]+"/;
const started = performance.now();
let sent = 0;
setInterval(() => {
  const due = Math.floor(((performance.now() - started) * rate) / 1000);
  // What could not be sent in time is not sent: the last one is what counts, as for `latest`.
  if (due - sent > rate) sent = due - rate;
  for (; sent < due; sent++) {
    const bytes = Buffer.from(frame.replace(issuedAt, `"issuedAt":"${new Date().toISOString()}"`));
    for (const client of server.clients) {
      if (client.bufferedAmount < 256 * 1024) client.send(bytes, { binary: false });
    }
  }
}, 5);
