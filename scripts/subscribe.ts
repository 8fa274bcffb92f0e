// Prints the forecasts of every series whose name fits a pattern, one JSON object a line, and comes back after a break.
//
//   node --import tsx scripts/subscribe.ts http://127.0.0.1:8787 'indoor-*/temperature'
//
// It speaks the protocol of docs/protocol.md and needs nothing of Eddy: copy it. EDDY_TOKEN holds the server's token.
import { WebSocket } from "ws";

const [server = "http://127.0.0.1:8787", pattern = "*"] = process.argv.slice(2);
const token = process.env.EDDY_TOKEN;
/** Where the subscription stands: after a break it goes on from here, so that no forecast is missed. */
let since: { epoch: string; offset: number } | undefined;

function connect(): void {
  const ws = new WebSocket(`${server.replace(/^http/, "ws")}/v1/stream`, "eddy.v1.json");
  const send = (message: object) => ws.send(JSON.stringify(message));
  let reconnectAfterMs = 1000;
  ws.on("open", () => send(token ? { type: "init", token } : { type: "init" }));
  ws.on("message", (data) => {
    const message = JSON.parse(String(data));
    switch (message.type) {
      case "ready":
        send({ type: "subscribe", id: "mine", pattern, mode: "stream", ...(since ? { since } : {}) });
        break;
      case "subscribed":
        since ??= { epoch: message.epoch, offset: message.offset };
        if (since.epoch !== message.epoch) since = { epoch: message.epoch, offset: message.offset };
        break;
      case "data":
        since = { epoch: message.epoch, offset: message.offset };
        console.log(JSON.stringify(message.forecast));
        break;
      case "draining":
        reconnectAfterMs = message.reconnectAfterMs;
        break;
      case "gap":
      case "error":
        console.error(JSON.stringify(message));
        break;
    }
  });
  ws.on("error", (error) => console.error(error.message));
  ws.on("close", (code, reason) => {
    console.error(`closed: ${code} ${reason}`);
    // 4010: what was missed is no longer kept. Other codes from 4400 on: trying again would end the same way.
    if (code === 4010) since = undefined;
    else if (code >= 4400) process.exit(1);
    setTimeout(connect, reconnectAfterMs);
  });
}

connect();
