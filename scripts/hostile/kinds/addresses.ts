// Who gets in: spellings of addresses, tokens, and requests that are none.
import { inputs, type Kind } from "../kind.ts";
import { NAMES, type Random } from "../random.ts";

const ROUTES = [
  "/v1/series",
  "/v1/series/a",
  "/v1/series/a/forecast",
  "/v1/series/a/observations",
  "/v1/observations",
  "/metrics",
];

/** The same address, written another way. */
function spelled(route: string, random: Random): string {
  const written = [...route]
    .map((letter) =>
      letter !== "/" && random.chance(0.2)
        ? `%${letter.charCodeAt(0).toString(16)[random.chance(0.5) ? "toUpperCase" : "toLowerCase"]()}`
        : letter,
    )
    .join("");
  const changes: ((path: string) => string)[] = [
    (path) => path,
    (path) => path.toUpperCase(),
    (path) => `/${path}`,
    (path) => `//${path.slice(1)}`,
    (path) => `/.${path}`,
    (path) => `/x/..${path}`,
    (path) => `/%2e%2e${path}`,
    (path) => `${path}/`,
    (path) => `${path}?x=/healthz`,
    (path) => `${path}#x`,
    (path) => `${path};x`,
    (path) => path.replaceAll("/", "%2f"),
    (path) => path.replaceAll("/", "\\"),
    (path) => `http://127.0.0.1${path}`,
    (path) => `http://healthz/..${path}`,
    (path) => `/healthz/..${path}`,
    (path) => `${path}%00`,
    (path) => path.replace("v1", "%761").replace("m", "%6d"),
  ];
  return random.pick(changes)(written);
}

/** Answered as one who has the token is. */
const isIn = (answer: string): boolean =>
  /^HTTP\/1\.1 (200|204|207)/.test(answer) &&
  !/"status":"(ok|ready)"/.test(answer) &&
  !/content-type: (text\/html|text\/css|text\/javascript|application\/javascript|image\/)/i.test(answer);

const NDJSON = '{"series":"intruder","value":1}\n';
const post = (path: string, more = ""): string =>
  `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/x-ndjson\r\n${more}Content-Length: ${NDJSON.length}\r\n\r\n${NDJSON}`;
const get = (path: string, more = ""): string =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n${more}\r\n`;

export const spellings: Kind = {
  name: "spellings of addresses, no token",
  weight: 4,
  async run(target, random, count, outcome) {
    await inputs(count, outcome, async () => {
      const path = spelled(random.pick(ROUTES), random);
      const method = random.pick(["GET", "GET", "POST", "HEAD", "PUT", "OPTIONS", "QUERY", "get"]);
      const request = method === "POST" ? post(path) : get(path).replace("GET", method);
      const answer = await target.raw(request);
      if (!isIn(answer) || method === "OPTIONS") return;
      outcome.letIn++;
      outcome.wrong.push(`${method} ${path} was answered: ${answer.slice(0, 60)}`);
    });
    await noIntruder(target, outcome);
  },
};

export const tokens: Kind = {
  name: "wrong tokens",
  weight: 2,
  async run(target, random, count, outcome) {
    const right = target.token ?? "";
    await inputs(count, outcome, async () => {
      const wrong = random.pick([
        "",
        " ",
        right.slice(0, -1),
        `${right}x`,
        right.toUpperCase(),
        right.split("").reverse().join(""),
        `${right.slice(0, 3)}\u00e4`,
        "x".repeat(random.size(7000)),
        "null",
        "undefined",
        ...NAMES.slice(0, 12),
      ]);
      const header = random.pick([
        `Authorization: Bearer ${wrong}\r\n`,
        `Authorization: Basic ${Buffer.from(`x:${right}`).toString("base64")}\r\n`,
        `Authorization: ${right}\r\n`,
        `Authorization: Bearer\r\n`,
        `Authorization: Bearer ${wrong}\r\nAuthorization: Bearer ${wrong}\r\n`,
        `X-Authorization: Bearer ${right}\r\n`,
        `Cookie: token=${right}\r\n`,
      ]);
      const path = random.pick(ROUTES);
      const answer = await target.raw(
        random.chance(0.5) ? get(path, header) : post("/v1/observations", header),
      );
      if (!isIn(answer)) return;
      outcome.letIn++;
      outcome.wrong.push(`${path} was answered with ${header.trim().slice(0, 60)}`);
    });
    await noIntruder(target, outcome);
  },
};

async function noIntruder(
  target: Parameters<Kind["run"]>[0],
  outcome: Parameters<Kind["run"]>[3],
): Promise<void> {
  const answer = await target.ask("/v1/series");
  if (answer?.text.includes('"intruder"')) {
    outcome.letIn++;
    outcome.wrong.push("an observation was taken without the token");
  }
}

export const requests: Kind = {
  name: "requests that are none",
  weight: 2,
  async run(target, random, count, outcome) {
    await inputs(count, outcome, async () => {
      const path = random.pick([...ROUTES, "/healthz", "/"]);
      const bytes = random.pick<() => string | Buffer>([
        () => random.bytes(random.size(3000)),
        () => `GET ${path} HTTP/9.9\r\n\r\n`,
        () => `GET ${path} HTTP/1.1\r\n${"X: y\r\n".repeat(random.size(5000))}\r\n`,
        () => `GET /${"a".repeat(random.size(100_000))} HTTP/1.1\r\nHost: x\r\n\r\n`,
        () =>
          post("/v1/observations").replace(/Content-Length: \d+/, `Content-Length: ${random.size(2 ** 40)}`),
        () => post("/v1/observations").replace(/Content-Length: \d+/, "Content-Length: -1"),
        () =>
          post("/v1/observations").replace(/Content-Length/, "Transfer-Encoding: chunked\r\nContent-Length"),
        () =>
          `${post("/v1/observations").replace(/Content-Length: \d+/, "Transfer-Encoding: chunked")}ffffffffff\r\n`,
        () =>
          `GET ${path} HTTP/1.1\r\nHost: ${random.spoiled("127.0.0.1", 0.3).replaceAll("\n", "")}\r\n\r\n`,
        () =>
          `GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: ${random.pick(["h2c", "websocket", ""])}\r\nConnection: Upgrade\r\nSec-WebSocket-Version: ${random.between(0, 99)}\r\nSec-WebSocket-Key: ${random.spoiled("dGhlIHNhbXBsZSBub25jZQ==").replaceAll("\n", "")}\r\n\r\n`,
        () => random.spoiled(get(path), 0.1),
      ])();
      await target.raw(bytes, 400);
    });
  },
};
