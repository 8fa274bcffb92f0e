import { X509Certificate } from "node:crypto";
import type * as fileSystem from "node:fs";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import { createSecureContext } from "node:tls";
import { EddyError } from "../models/errors.ts";
import { fileError } from "../streams/sources/open-file.ts";
import { rawResponse } from "./http/failure.ts";

/** Paths of PEM files: the certificate with those that lead to its root, and its key. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Epoch milliseconds. */
  readonly expires: number;
}

/** Time for a handshake, from the first byte. */
export const HANDSHAKE_MILLISECONDS = 10_000;

/**
 * Reads a certificate and its key.
 *
 * @throws EddyError `bad-file` naming the file; of the key nothing is told
 */
export function readTls({ cert, key }: TlsFiles, fs: Pick<typeof fileSystem, "readFileSync">): TlsPair {
  const read = (path: string): Buffer => {
    try {
      return fs.readFileSync(path);
    } catch (cause) {
      throw fileError(path, cause);
    }
  };
  const pair = { cert: read(cert), key: read(key) };
  let expires: number;
  try {
    expires = Date.parse(new X509Certificate(pair.cert).validTo);
  } catch (cause) {
    throw new EddyError("bad-file", cert, {
      expected: "a certificate in PEM",
      received: "something else",
      cause,
    });
  }
  try {
    createSecureContext(pair);
  } catch (cause) {
    const mismatch = /mismatch/i.test((cause as Error).message);
    throw new EddyError("bad-file", key, {
      expected: `the key of ${cert} in PEM, without a passphrase`,
      received: mismatch ? "that of another certificate" : "something else",
      cause,
    });
  }
  return { ...pair, expires };
}

/** The first byte of a TLS handshake. */
const HANDSHAKE = 0x16;

/**
 * Looks at the first byte of every connection: whoever speaks HTTP to a port of TLS is told so in HTTP, instead of seeing the
 * connection end. Nothing is redirected: what was sent, a token among it, has been sent in the clear already.
 *
 * The answer ends all connections there are, those among them that have not come to speak yet.
 */
export function answerPlainHttp(server: HttpsServer): () => void {
  const secure = server.listeners("connection") as ((socket: Socket) => void)[];
  const sockets = new Set<Socket>();
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    const timer = setTimeout(() => socket.destroy(), HANDSHAKE_MILLISECONDS);
    const ended = (): void => clearTimeout(timer);
    const failed = (): void => {
      socket.destroy();
    };
    socket.on("error", failed);
    socket.once("close", ended);
    socket.once("readable", () => {
      ended();
      const first: Buffer | null = socket.read(1);
      if (first === null) {
        socket.destroy();
        return;
      }
      socket.unshift(first);
      if (first[0] === HANDSHAKE) {
        socket.off("error", failed);
        socket.off("close", ended);
        for (const listener of secure) listener.call(server, socket);
      } else {
        socket.end(
          rawResponse("400 Bad Request", "tls", "this port speaks TLS: expected https:// or wss://"),
        );
        socket.resume();
      }
    });
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}
