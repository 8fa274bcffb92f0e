// A token of some series, trying everything with those of others: spellings, headers, bodies, subscriptions.
import { createHash } from "node:crypto";
import { WebSocket } from "ws";
import { inputs, type Kind } from "../kind.ts";

const TOKEN = "the-Token-of-Mine";
const PATTERNS = ["mine/*"];
/** What is read of the series of others, and of no other series. */
const SECRET = 31_337_313;

/** The entry of the configuration that lets it in. */
export const scopedToken = {
  name: "mine",
  sha256: createHash("sha256").update(TOKEN).digest("hex"),
  read: PATTERNS,
  write: PATTERNS,
  alerts: PATTERNS,
  admin: PATTERNS,
};

const NAMES = [
  "theirs/one",
  "theirs%2Fone",
  "theirs%2fone",
  "%74heirs/one",
  "mine/../theirs/one",
  "mine%2F..%2Ftheirs%2Fone",
  "mine/%2e%2e/theirs/one",
  "/theirs/one",
  "theirs//one",
  "theirs/one%00",
  "THEIRS/ONE",
  "mine/*,theirs/one",
  "theirs/one?series=mine/a",
  "theirs/one#mine/a",
];
const PATHS = [
  "/v1/series/NAME",
  "/v1/series/NAME/forecast",
  "/v1/series/NAME/forecasts",
  "/v1/series/NAME/observations",
  "/v1/series/NAME/observations?from=2000-01-01",
  "/v1/series?series=NAME",
  "/v1/overview",
  "/v1/drawing?series=NAME",
  "/v1/drawing?series=mine/a&series=NAME",
  "/v1/record?series=NAME",
  "/v1/stream?series=NAME&mode=stream",
  "/v1/stream?pattern=*",
  "/v1/alerts?series=NAME",
  "/v1/sources",
  "/api/v1/query?query=%7Bseries%3D~%22.*%22%7D",
  "/api/v1/label/series/values",
];
const HEADERS = [
  "",
  "X-Original-URL: /v1/series/theirs/one\r\n",
  "X-HTTP-Method-Override: DELETE\r\n",
  "X-Forwarded-For: 127.0.0.1\r\n",
  `Authorization: Bearer ${TOKEN}\r\n`,
  "Connection: Authorization\r\n",
  "Last-Event-ID: x:0\r\n",
];

export const scopes: Kind = {
  name: "a token of other series",
  weight: 2,
  async run(target, random, count, outcome) {
    const reading = (series: string, value: number): string => `${JSON.stringify({ series, value })}\n`;
    await target.ask(
      "/v1/observations",
      [1, 2, 3].map(() => reading("theirs/one", SECRET) + reading("mine/a", 1)).join(""),
    );
    const through = (what: string, answer: string): void => {
      outcome.letIn++;
      outcome.wrong.push(`${what}: ${answer.slice(0, 80)}`);
    };
    await inputs(count, outcome, async () => {
      const name = random.pick(NAMES);
      const head = `Host: 127.0.0.1\r\nConnection: close\r\nAuthorization: Bearer ${TOKEN}\r\n${random.pick(HEADERS)}`;
      if (random.chance(0.2)) {
        const doors = ["/v1/observations", "/v1/observations?series=mine/a", "/write", "/api/v2/write"];
        const door = random.pick(doors);
        const body = door.includes("write") ? "theirs/one value=7\n" : reading("theirs/one", 7);
        await target.raw(
          `POST ${door} HTTP/1.1\r\n${head}Content-Type: application/x-ndjson\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
        );
        return;
      }
      if (random.chance(0.1)) {
        const told = await subscribed(`ws://127.0.0.1:${target.port}/v1/stream`);
        if (told.includes(String(SECRET))) through("a subscription", told);
        return;
      }
      const path = random.pick(PATHS).replace("NAME", name);
      const method = random.pick(["GET", "GET", "GET", "HEAD", "DELETE", "PUT"]);
      const answer = await target.raw(`${method} ${path} HTTP/1.1\r\n${head}\r\n`);
      if (answer.includes(String(SECRET))) through(`${method} ${path}`, answer);
    });
    // Nothing was written, deleted or taken back.
    const left = await target.ask("/v1/series/theirs%2Fone/observations");
    const values = (JSON.parse(left?.text ?? "[]") as { values: { value: number } }[]).map(
      ({ values }) => values.value,
    );
    if (values.length !== 3 || values.some((value) => value !== SECRET))
      through("theirs/one holds", values.join(" "));
  },
};

/** What comes of all that can be subscribed to, for a moment. */
function subscribed(url: string): Promise<string> {
  return new Promise((resolve) => {
    let told = "";
    const socket = new WebSocket(url, ["eddy.v1.json"]);
    const timer = setTimeout(() => socket.terminate(), 500);
    socket.on("error", () => {});
    socket.on("message", (data) => {
      told += String(data);
    });
    socket.once("open", () => {
      socket.send(JSON.stringify({ type: "init", token: TOKEN }));
      socket.send('{"type":"subscribe","id":1,"pattern":"*"}');
      socket.send('{"type":"subscribe","id":2,"series":"theirs/one","mode":"stream"}');
      socket.send('{"type":"observe","series":"theirs/one","value":7}');
    });
    socket.once("close", () => {
      clearTimeout(timer);
      resolve(told);
    });
  });
}
