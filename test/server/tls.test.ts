// TLS by files: what it speaks, what it says to those who do not, and that a renewed certificate is used.
import {
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type PeerCertificate } from "node:tls";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { type Server, startServer } from "../../src/server/server.ts";
import { ScriptedEngine } from "./scripted-engine.ts";

const PAIRS = new URL("./tls/", import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), "eddy-tls-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

let made = 0;
/** The files of a pair, in a folder of their own. */
function filesOf(name: "one" | "two") {
  const base = join(folder, String(made++));
  const files = { cert: `${base}-cert.pem`, key: `${base}-key.pem` };
  copyFileSync(`${PAIRS}${name}.cert.pem`, files.cert);
  copyFileSync(`${PAIRS}${name}.key.pem`, files.key);
  return files;
}

async function start(files = filesOf("one")) {
  const told: { event?: string; message: string }[] = [];
  const note = (fields: object, message: string) => void told.push({ ...fields, message });
  const server = await startServer({
    engine: new ScriptedEngine(),
    tls: files,
    token: "secret",
    log: { info: note, warn: note, error: note },
  });
  await server.ready;
  closers.push(() => server.close());
  return { server, files, told };
}

/** Speaks TLS; answers whom it spoke with and what came. */
const speak = (
  server: Server,
  request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  more = {},
) =>
  new Promise<{ certificate: PeerCertificate; protocol: string | null; answer: string }>(
    (resolve, reject) => {
      const socket = connect(
        { port: server.port, host: "127.0.0.1", rejectUnauthorized: false, ...more },
        () => {
          const certificate = socket.getPeerCertificate();
          const protocol = socket.getProtocol();
          let answer = "";
          socket.on("data", (data) => {
            answer += data;
          });
          socket.on("close", () => resolve({ certificate, protocol, answer }));
          socket.write(request);
        },
      );
      socket.on("error", reject);
    },
  );

/** Sends bytes without TLS; resolves with what comes back once the connection ends. */
const plain = (server: Server, bytes: string | Buffer) =>
  new Promise<string>((resolve) => {
    const socket = connectPlain(server.port, "127.0.0.1", () => socket.write(bytes));
    let answer = "";
    socket.on("data", (data) => {
      answer += data.toString("latin1");
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });

describe("TLS", () => {
  test("HTTPS and wss, at least TLS 1.2", async () => {
    const { server } = await start();
    expect(server.url).toMatch(/^https:\/\//);
    const { answer, protocol, certificate } = await speak(server);
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK/);
    expect(protocol).toBe("TLSv1.3");
    expect(certificate.subject.CN).toBe("one.test");
    expect((await speak(server, undefined, { maxVersion: "TLSv1.2" })).protocol).toBe("TLSv1.2");
    await expect(
      speak(server, undefined, { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }),
    ).rejects.toThrow();
    const ws = new WebSocket(`${server.url.replace("https", "wss")}/v1/stream`, ["eddy.v1.json"], {
      rejectUnauthorized: false,
      headers: { authorization: "Bearer secret" },
    });
    closers.push(() => ws.terminate());
    const message = new Promise((resolve) => ws.once("message", (data) => resolve(JSON.parse(String(data)))));
    ws.once("open", () => ws.send('{"type":"init"}'));
    expect(await message).toMatchObject({ type: "ready" });
  });

  test("a client that verifies accepts the certificate for its name", async () => {
    const { server } = await start();
    const ca = readFileSync(`${PAIRS}one.cert.pem`);
    await expect(speak(server, undefined, { rejectUnauthorized: true, ca })).resolves.toMatchObject({
      protocol: "TLSv1.3",
    });
    await expect(speak(server, undefined, { rejectUnauthorized: true })).rejects.toThrow(/self.signed/);
  });

  test("plain HTTP is told what the port speaks, and no redirect asks for its token again", async () => {
    const { server } = await start();
    const answer = await plain(
      server,
      "GET /v1/series HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer secret\r\n\r\n",
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request/);
    expect(answer).toContain('{"code":"tls","message":"this port speaks TLS: expected https:// or wss://"}');
    expect(answer).not.toMatch(/location/i);
  });

  test("garbage, torn handshakes and silence hold nobody else up", async () => {
    const { server } = await start();
    const silent = connectPlain(server.port, "127.0.0.1");
    const half = connectPlain(server.port, "127.0.0.1", () => half.write(Buffer.from([0x16, 3, 1, 0x40, 0])));
    for (const socket of [silent, half]) {
      socket.on("error", () => {});
      closers.push(() => socket.destroy());
    }
    for (const bytes of [
      Buffer.from([0x16]),
      Buffer.from([0x16, 3, 1, 0, 5, 1, 2, 3, 4, 5]),
      Buffer.from([0x16, 3, 1, 0xff, 0xff, ...Array(100).fill(0)]),
      Buffer.from([0x80, 0x2e, 1, 0, 2]),
      Buffer.from([0]),
      "\r\n\r\n",
    ]) {
      const socket = connectPlain(server.port, "127.0.0.1", () => socket.end(bytes));
      socket.on("error", () => {});
      await new Promise((resolve) => socket.once("close", resolve).resume());
    }
    expect((await speak(server)).answer).toContain('{"status":"ok"}');
  });

  test("a renewed certificate is used within seconds, also through a link that is switched; connections stay", async () => {
    const [one, two] = [filesOf("one"), filesOf("two")];
    const links = { cert: join(folder, "live-cert.pem"), key: join(folder, "live-key.pem") };
    symlinkSync(one.cert, links.cert);
    symlinkSync(one.key, links.key);
    const { server, told } = await start(links);
    const before = connect({ port: server.port, host: "127.0.0.1", rejectUnauthorized: false });
    await new Promise((resolve) => before.once("secureConnect", resolve));
    closers.push(() => before.destroy());
    expect((await speak(server)).certificate.subject.CN).toBe("one.test");
    // As certbot does it, one after the other: in between the pair does not fit.
    symlinkSync(two.cert, `${links.cert}.new`);
    renameSync(`${links.cert}.new`, links.cert);
    while (!told.some(({ message }) => message.includes("the old certificate stays in use")))
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await speak(server)).certificate.subject.CN).toBe("one.test");
    symlinkSync(two.key, `${links.key}.new`);
    renameSync(`${links.key}.new`, links.key);
    while (!told.some(({ message }) => message === "the certificate was read anew"))
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect((await speak(server)).certificate.subject.CN).toBe("two.test");
    before.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    const [answer] = await new Promise<Buffer[]>((resolve) => before.once("data", (data) => resolve([data])));
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200/);
    expect(told.filter(({ message }) => message.includes("stays in use"))).toHaveLength(1);
  });
});

describe("what cannot be used is told by its file, and nothing of the key", () => {
  const refused = async (files: { cert: string; key: string }) =>
    startServer({ engine: new ScriptedEngine(), tls: files }).then(
      async (server) => {
        await server.close();
        return "started";
      },
      (error: Error) => error.message,
    );
  test.each([
    ["no file", () => ({ ...filesOf("one"), cert: join(folder, "none.pem") }), /none\.pem/],
    [
      "the key of another",
      () => ({ cert: filesOf("one").cert, key: filesOf("two").key }),
      /expected the key of .* in PEM, without a passphrase, got that of another certificate$/,
    ],
    [
      "no certificate",
      () => {
        const files = filesOf("one");
        writeFileSync(files.cert, "hello");
        return files;
      },
      /expected a certificate in PEM, got something else$/,
    ],
    [
      "no key",
      () => {
        const files = filesOf("one");
        writeFileSync(files.key, "hello hunter2");
        return files;
      },
      /expected the key of .* in PEM, without a passphrase, got something else$/,
    ],
  ])("%s", async (_name, files, message) => {
    const told = await refused(files());
    expect(told).toMatch(message);
    expect(told).not.toContain("hunter2");
  });
});
