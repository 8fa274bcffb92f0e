// Debian's MQTT broker in a process of its own, with everything it keeps in a folder of the test.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";

/** A port nobody listens on. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

/** Resolves once somebody listens there. */
async function listening(port: number): Promise<void> {
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const hasMosquitto = spawnSync("mosquitto", ["-h"]).error === undefined;

export class Mosquitto {
  readonly port: number;
  readonly url: string;
  readonly #file: string;
  #child: ChildProcess | undefined;

  constructor(folder: string, port: number) {
    this.port = port;
    this.url = `mqtt://127.0.0.1:${port}`;
    const kept = join(folder, "broker");
    mkdirSync(kept);
    this.#file = join(folder, "mosquitto.conf");
    const user = process.getuid?.() === 0 ? "user root\n" : "";
    writeFileSync(
      this.#file,
      `${user}listener ${port} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location ${kept}/\n` +
        "max_queued_messages 0\nlog_type error\n",
    );
  }

  async start(): Promise<void> {
    this.#child = spawn("mosquitto", ["-c", this.#file], { stdio: "ignore" });
    await listening(this.port);
  }

  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(signal);
    await ended;
  }
}
