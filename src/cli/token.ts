import { EddyError } from "../models/errors.ts";
import { names, readSpan, text, whole } from "../models/kinds.ts";
import { SCOPES } from "../server/access/scopes.ts";
import {
  checkTokens,
  newToken,
  TokenSchema,
  type TokenSettings,
  tokenHash,
} from "../server/access/tokens.ts";
import { checked } from "../streams/checked.ts";
import { defineCommand } from "./command.ts";
import { flag, toggle } from "./flags.ts";

const patterns = (what: string) => flag(names(256, "PATTERN,..."), what);

export const command = defineCommand({
  name: "token",
  summary: "makes a token for a server, and the line of the configuration that lets it in",
  description:
    "The token is shown this once: the configuration holds its hash only. Each scope is given by patterns of series, in which * " +
    "stands for any text; none includes another. A server takes a line in, or forgets it, without a restart.",
  operand: { name: "NAME", summary: "who it is for, as logs will say: letters, digits and . _ -" },
  flags: {
    read: patterns("series whose readings, forecasts and alerts it may read"),
    write: patterns("series that it may write readings of"),
    alerts: patterns("series about which it may make, change and remove rules"),
    admin: patterns("series that it may delete, and take readings of back"),
    expires: flag(
      text("a date or a span", "DATE|SPAN"),
      "until when, or for how long, it is good: 2027-01-31, 90d",
    ),
    rate: flag(whole(1, 1_000_000), "requests a second, twice that at once"),
    json: toggle("one JSON object: the token and its entry"),
  },
  examples: [
    'eddy token dashboard --read "plant/*"',
    'eddy token gateway-7 --write "plant/7/*" --expires 90d',
    'eddy token ops --read "*" --write "*" --alerts "*" --admin "*"',
  ],
  async run({ flags, operand, world }) {
    if (SCOPES.every((scope) => flags[scope] === undefined)) {
      throw new EddyError("bad-argument", "scopes", {
        expected: `at least one of ${SCOPES.map((scope) => `--${scope}`).join(", ")}`,
        received: "none",
        hint: 'such as --read "*"',
      });
    }
    const token = newToken();
    const entry = entryOf(operand, token, flags, world.now());
    if (flags.json) {
      await world.stdout.write(`${JSON.stringify({ token, entry })}\n`);
      return 0;
    }
    await world.stdout.write(
      `${token}\n\nIt is shown this once. To let it in, put this into the list "tokens" of the configuration:\n\n` +
        `  ${JSON.stringify(entry)}\n`,
    );
    return 0;
  },
});

type Given = { readonly [K in (typeof SCOPES)[number]]: readonly string[] | undefined } & {
  readonly expires: string | undefined;
  readonly rate: number | undefined;
};

/** The entry of the configuration, checked as the server will. @throws EddyError `bad-argument` naming the flag */
function entryOf(name: string, token: string, given: Given, now: number): TokenSettings {
  const { expires, rate } = given;
  const span = expires === undefined ? undefined : readSpan(expires);
  const until = span === undefined ? expires : new Date(now + span).toISOString();
  const entry = {
    name,
    sha256: tokenHash(token),
    ...Object.fromEntries(
      SCOPES.flatMap((scope) => (given[scope] === undefined ? [] : [[scope, given[scope]]])),
    ),
    ...(until === undefined ? {} : { expires: until }),
    ...(rate === undefined ? {} : { requestsPerSecond: rate }),
  };
  try {
    const settings = checked(TokenSchema, entry, "token");
    checkTokens([settings], "token");
    return settings;
  } catch (error) {
    if (!(error instanceof EddyError)) throw error;
    const field = error.subject.replace(/^token: (tokens\.0\.)?/, "").replace(/\.\d+$/, "");
    throw error.about(field === "name" ? "NAME" : `--${field}`, "bad-argument");
  }
}
