import { FIXED } from "./header.ts";
import { END, Lexemes, MARK, MAX_MESSAGE, NUMBER, PATH, SPACE, WORD } from "./lexemes.ts";

/** What stands in a pattern for what varies. */
export const SLOT = "<*>";

/** Tokens of a message that are told apart; whatever comes after them is one slot. */
const MAX_TOKENS = 128;

const DAY_OR_MONTH =
  /^[[("']*(?:mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}[,.)\]"']*$/i;
const NUMERIC = /^[[("']*<\*>[\])"'.,;:<*>]*$/;
/** Stands before a token that no blank parts from the one before it. */
const GLUE = "\ue001";
/** Marks between values that are written without blanks. */
const BETWEEN = /^[,;|&]$/;
/** Lexemes of one token; what is longer is cut. */
const MAX_PARTS = 512;

const lexemes = new Lexemes();

/** One lexeme of a token: a word, a mark, or the slot. */
interface Part {
  readonly kind: number;
  readonly text: string;
}

/**
 * The tokens of a message with a slot for everything that varies by its form: `Received block blk_-42 of size 7` is
 * `Received block blk_<*> of size <*>`. Numbers with signs and units, addresses, paths, identifiers, dates written out and lists
 * of numbers are one slot each; a digit inside a name (`ssh2`, `jk2_init`) is part of it until another line shows that it varies.
 */
export function tokenise(message: string): string[] {
  const masked: string[] = [];
  let parts: Part[] = [];
  lexemes.begin(message);
  for (;;) {
    const kind = lexemes.next();
    if (kind === SPACE || kind === END) {
      if (parts.length > 0) {
        if (masked.length === MAX_TOKENS) {
          masked.push(SLOT);
          break;
        }
        masked.push(...partedTokens(parts));
        parts = [];
      }
      if (kind === END) break;
    } else if (parts.length < MAX_PARTS) {
      const text = kind === NUMBER || kind === PATH ? SLOT : message.slice(lexemes.start, lexemes.end);
      parts.push({ kind, text });
    }
  }
  if (message.length > MAX_MESSAGE) masked.push(SLOT);
  return withoutLists(masked);
}

/** The tokens of a word between blanks: one, or more where three values or more are written with commas, bars and the like between. */
function partedTokens(parts: readonly Part[]): string[] {
  let marks = 0;
  for (const { text } of parts) if (BETWEEN.test(text)) marks++;
  if (marks < 2) return [joined(parts)];
  const tokens: string[] = [];
  let from = 0;
  for (let i = 0; i < parts.length; i++) {
    if (!BETWEEN.test(parts[i].text) && i < parts.length - 1) continue;
    tokens.push((tokens.length === 0 ? "" : GLUE) + joined(parts.slice(from, i + 1)));
    from = i + 1;
  }
  return tokens.slice(0, MAX_TOKENS);
}

/** The text of a pattern: tokens with blanks between, but for those that are glued. */
export const patternOf = (tokens: readonly string[]): string =>
  tokens.join(" ").replaceAll(` ${GLUE}`, "").replaceAll(FIXED, "");

const isHexWord = ({ kind, text }: Part): boolean => kind === WORD && /^[0-9a-fA-F]{1,4}$/.test(text);
const at = (parts: readonly Part[], i: number): string => (i < parts.length ? parts[i].text : "");
const isAlphanumeric = (parts: readonly Part[], i: number): boolean =>
  i < parts.length && (parts[i].kind === NUMBER || parts[i].kind === WORD);

/** One token of its lexemes, with what belongs to a number drawn into its slot. */
function joined(parts: readonly Part[]): string {
  if (parts.every(({ kind }) => kind === WORD || kind === MARK)) {
    const plain = parts.map(({ text }) => text).join("");
    return /:\/\/|\\|::|[0-9a-f]:[0-9a-f]/i.test(plain) ? addresses(parts) : plain;
  }
  return addresses(parts);
}

function addresses(parts: readonly Part[]): string {
  let text = "";
  let i = 0;
  while (i < parts.length) {
    const part = parts[i];
    // An address of the web, and a path that begins with a drive.
    if (part.kind === WORD && at(parts, i + 1) === ":") {
      const web = at(parts, i + 2) === "/" && at(parts, i + 3).startsWith("/");
      const webPath = at(parts, i + 2) === "/" && parts[i + 3]?.kind === PATH;
      const drive = part.text.length === 1 && at(parts, i + 2) === "\\";
      if (web || webPath || drive) {
        i += 3;
        while (i < parts.length && !/^["'<>()[\],;|]$/.test(parts[i].text)) i++;
        text += SLOT;
        continue;
      }
    }
    // Groups with colons between, as hardware and IPv6 addresses have them.
    if ((part.kind === NUMBER || isHexWord(part) || part.text === ":") && !/[A-Za-z]$/.test(text)) {
      const end = colonGroups(parts, i);
      if (end > i) {
        text += SLOT;
        i = end;
        continue;
      }
    }
    if (part.kind === NUMBER) {
      if (/(?:^|[^\w>)\]])[-+]$|_-$/.test(text)) text = text.slice(0, -1);
      text += SLOT;
      i = numberEnd(parts, i + 1);
      continue;
    }
    text += part.text;
    i++;
  }
  return text;
}

/** Where a number that began before `i` ends: over points, joints and what is joined; a percent sign. */
function numberEnd(parts: readonly Part[], from: number): number {
  let i = from;
  while (i < parts.length) {
    const mark = parts[i].text;
    if (/^[.,_-]$/.test(mark) && isAlphanumeric(parts, i + 1)) {
      // After a comma only digits belong to the same number.
      if (mark === "," && parts[i + 1].kind !== NUMBER) return i;
      i += 2;
      continue;
    }
    if (mark === "%" || mark === "°") return i + 1;
    if (parts[i].kind === NUMBER || parts[i].kind === WORD) {
      i++;
      continue;
    }
    return i;
  }
  return i;
}

/** Where groups with colons between end that begin at `from`: at least four of them, or two about a double colon. */
function colonGroups(parts: readonly Part[], from: number): number {
  let i = from;
  let groups = 0;
  let doubled = false;
  let numbers = 0;
  for (;;) {
    if (i < parts.length && (parts[i].kind === NUMBER || isHexWord(parts[i]))) {
      if (parts[i].kind === NUMBER || /\d/.test(parts[i].text)) numbers++;
      groups++;
      i++;
    } else if (at(parts, i) !== ":") break;
    if (at(parts, i) !== ":") break;
    if (at(parts, i + 1) === ":") {
      if (doubled) break;
      doubled = true;
      i += 2;
      if (!(i < parts.length && (parts[i].kind === NUMBER || isHexWord(parts[i])))) break;
      continue;
    }
    if (!(i + 1 < parts.length && (parts[i + 1].kind === NUMBER || isHexWord(parts[i + 1])))) break;
    i++;
  }
  if (isAlphanumeric(parts, i)) return from;
  return (groups >= 5 && numbers > 0) || (doubled && groups >= 1 && numbers > 0) ? i : from;
}

/** Dates written out and lists of numbers as one slot. */
function withoutLists(masked: readonly string[]): string[] {
  const tokens: string[] = [];
  for (let i = 0; i < masked.length; i++) {
    const token = masked[i];
    if (DAY_OR_MONTH.test(token)) {
      let end = i + 1;
      while (
        end < masked.length &&
        end - i < 6 &&
        (DAY_OR_MONTH.test(masked[end]) || NUMERIC.test(masked[end]))
      )
        end++;
      if (end - i >= 2 && masked.slice(i, end).some((each) => NUMERIC.test(each))) {
        tokens.push(SLOT);
        i = end - 1;
        continue;
      }
    }
    if (token.includes(SLOT)) {
      // A list of any length reads like one of its items.
      const item = plain(token);
      let end = i + 1;
      while (end < masked.length && plain(masked[end]) === item) end++;
      if (end - i >= 3) {
        tokens.push(masked[end - 1]);
        i = end - 1;
        continue;
      }
    }
    tokens.push(token);
  }
  return tokens;
}

/** An item of a list without what parts it from the others. */
const plain = (token: string): string => token.replace(GLUE, "").replace(/[,;|&]$/, "");

let low = 0;
let high = 0;
/**
 * A number of 53 bits that is the same for messages whose lexemes are the same but for their numbers and paths: such messages have
 * the same tokens. Cost: one pass.
 */
export function fingerprint(message: string): number {
  low = 0x9e3779b1;
  high = 0x85ebca6b;
  lexemes.begin(message);
  for (let kind = lexemes.next(); kind !== END; kind = lexemes.next()) {
    if (kind === WORD || kind === MARK) {
      for (let i = lexemes.start; i < lexemes.end; i++) {
        const code = message.charCodeAt(i);
        low = Math.imul(low ^ code, 0x01000193);
        high = Math.imul(high + code, 0x5bd1e995) ^ (high >>> 15);
      }
      if (kind === MARK) continue;
    }
    low = Math.imul(low ^ (kind + 0x10000), 0x01000193);
    high = Math.imul(high + kind + 0x10000, 0x5bd1e995) ^ (high >>> 15);
  }
  if (message.length > MAX_MESSAGE) low ^= 1;
  high ^= low >>> 13;
  return (high >>> 0) * 2 ** 21 + ((low ^ (low >>> 11)) & 0x1fffff);
}
