import { WebSocket } from "ws";
import type { Client, ClientOptions } from "./client.ts";
import { connect as connectAnywhere } from "./index.ts";
import type { ClientWorld, SocketConstructor } from "./world.ts";

// What `eddy/client` is on Node: Node 20 has no WebSocket of its own, and with one from the package all versions behave alike.

/** A WebSocket that offers no compression, which the server does not speak. */
class PlainWebSocket extends WebSocket {
  constructor(url: string, protocol: string) {
    super(url, protocol, { perMessageDeflate: false });
  }
}

export function connect(
  server: string | URL,
  options: ClientOptions = {},
  world: Partial<ClientWorld> = {},
): Client {
  return connectAnywhere(server, options, {
    WebSocket: PlainWebSocket as unknown as SocketConstructor,
    ...world,
  });
}

export * from "./index.ts";
