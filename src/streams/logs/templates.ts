import { EddyError } from "../../models/errors.ts";
import { Bytes, readBytes } from "./saved.ts";
import { fingerprint, patternOf, SLOT, tokenise } from "./tokens.ts";

/** Most templates kept at once; the ones not met for longest make room. */
const MAX_TEMPLATES = 4096;
/** Share of them that makes room at once. */
const ROOM = 1 / 8;
/** Templates of one length and first word that a message is compared with. */
const MAX_COMPARED = 256;
/** Most fingerprints remembered. */
const MAX_REMEMBERED = 65_536;
/** Different words in one place after which it is told that the place varies. */
const MANY = 8;
/** The same at the beginning of a message, where words mostly say what it is about. */
const MANY_FIRST = 16;
/** Different values of a place after which the word before it is known to name things; most values known at all. */
const PROVEN = 5;
const MAX_KNOWN = 8192;
/** Most words that were seen to name things. */
const MAX_NAMING = 1024;
/** Characters of a value that are kept. */
const VALUE_LENGTH = 64;

/** Words after which a name stands, unless a state does. */
const NAMING = new Set("user username login account owner hostname named called".split(" "));
/** What is said of things rather than what they are called: `connected`, `starting`, `unknown`. */
const STATE =
  /(?:ed|ing|able|own|less)$|^(?:up|on|off|in|out|is|was|has|had|not|to|for|of|by|from|with|and|or|the|does|can|will|may|ok|online|offline|lost|full|left|sent|done|gone|ready)$/i;

/** A template: the tokens that messages of one kind have in common. */
export interface Template {
  /** From 1 on; never given again. */
  readonly id: number;
  /** Its messages so far. */
  readonly count: number;
  /** The tokens, with `<*>` for what varies. */
  readonly pattern: string;
}

interface Kind {
  id: number;
  tokens: string[];
  /** Places that were found to vary by comparing messages; what varies by its form alone is a slot from the start. */
  open: boolean[];
  /** Values met in an open place until there are many. */
  values: (Set<string> | null)[];
  count: number;
  /** Message at which it was last met, counted from 1. */
  met: number;
  pattern: string;
}

/** What becomes of a message. */
export interface Mined {
  readonly template: Template;
  /** Templates that have become this one with this message. */
  readonly merged: readonly number[];
}

const NONE: readonly number[] = [];

interface Bucket {
  version: number;
  readonly kinds: Kind[];
}

interface Remembered {
  readonly kind: Kind;
  readonly own: Bucket;
  readonly shared: Bucket;
  readonly ownVersion: number;
  readonly sharedVersion: number;
}

/** How a template is saved. */
interface SavedKind {
  readonly id: number;
  readonly tokens: readonly string[];
  readonly open: readonly number[];
  readonly values: readonly (readonly string[] | null)[];
  readonly count: number;
  readonly met: number;
}

/**
 * Finds the templates of messages while they come, in the manner of Drain (He et al. 2017): a message is compared with the templates
 * of its length and first word. It goes to the one it fits; a template whose difference from it is one of names is widened to hold it;
 * otherwise it is a template of its own. What decides whether two words in one place are names:
 *
 * - both look like identifiers (a digit, a dot, a slash, a joint, a capital inside);
 * - a word before them that names things (`user`, `host`), or one that has been seen to (after which many different words stood);
 * - both have been values of such a place before;
 * - they are values of a list of pairs with commas between.
 *
 * Plain words that differ (`opened`, `closed`) are two templates, until many templates differ in that place alone: then they
 * are merged, and the message that showed it tells which.
 *
 * Ids begin at 1 and are never given twice. Memory is bounded: at most 4096 templates, and the ones not met for longest make room.
 * What comes out depends on the messages alone, in their order: a miner that is saved and restored goes on with the same ids.
 *
 * Cost of a message whose like has been met: one pass over its characters.
 */
export class TemplateMiner {
  readonly #maximum: number;
  readonly #buckets = new Map<string, Bucket>();
  readonly #byId = new Map<number, Kind>();
  readonly #remembered = new Map<number, Remembered>();
  /** Templates by all their tokens but the first. */
  readonly #rests = new Map<string, number[]>();
  /** Words after which many different ones stood. */
  #naming = new Set<string>();
  /** Words that have been values. */
  #known = new Set<string>();
  #ids = 0;
  #messages = 0;
  #merges = 0;
  #forgotten = 0;

  constructor({ maximum = MAX_TEMPLATES }: { readonly maximum?: number } = {}) {
    if (!(Number.isInteger(maximum) && maximum >= 1 && maximum <= 1_000_000)) {
      throw new EddyError("bad-argument", "maximum", {
        expected: "a whole number from 1 to 1000000",
        received: String(maximum),
      });
    }
    this.#maximum = maximum;
  }

  /** Messages so far. */
  get messages(): number {
    return this.#messages;
  }

  /** Templates that have become part of another. */
  get merges(): number {
    return this.#merges;
  }

  /** Templates that made room for others. */
  get forgotten(): number {
    return this.#forgotten;
  }

  /** The templates there are, by their ids. */
  get templates(): Template[] {
    return [...this.#byId.values()].sort((a, b) => a.id - b.id);
  }

  /** A template that is there. */
  template(id: number): Template | undefined {
    return this.#byId.get(id);
  }

  /** Takes a message and tells its template. */
  add(message: string): Mined {
    this.#messages++;
    const print = fingerprint(message);
    const known = this.#remembered.get(print);
    if (
      known !== undefined &&
      known.own.version === known.ownVersion &&
      known.shared.version === known.sharedVersion
    ) {
      known.kind.count++;
      known.kind.met = this.#messages;
      return { template: known.kind, merged: NONE };
    }
    const tokens = tokenise(message);
    if (tokens.length === 0) tokens.push("");
    const own = this.#bucket(tokens.length, headOf(tokens[0]));
    const shared = this.#bucket(tokens.length, SLOT);
    const { kind, merged } = this.#find(tokens, own, shared);
    kind.count++;
    kind.met = this.#messages;
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(print, {
      kind,
      own,
      shared,
      ownVersion: own.version,
      sharedVersion: shared.version,
    });
    return { template: kind, merged };
  }

  /** The bytes that `restore` goes on from. Cost: as large as the templates are. */
  save(): Uint8Array {
    const kinds = [...this.#byId.values()].sort((a, b) => a.id - b.id);
    return new Bytes("log-templates").json({
      maximum: this.#maximum,
      ids: this.#ids,
      messages: this.#messages,
      merges: this.#merges,
      forgotten: this.#forgotten,
      naming: [...this.#naming],
      known: [...this.#known],
      kinds: kinds.map(
        ({ id, tokens, open, values, count, met }): SavedKind => ({
          id,
          tokens,
          open: open.flatMap((is, i) => (is ? [i] : [])),
          values: values.map((set) => (set === null ? null : [...set])),
          count,
          met,
        }),
      ),
    });
  }

  /** Goes on from saved bytes. @throws EddyError `bad-state` when they are not of a miner of this size. */
  restore(bytes: Uint8Array): void {
    const saved = readBytes("log-templates", bytes) as {
      maximum: number;
      ids: number;
      messages: number;
      merges: number;
      forgotten: number;
      naming: string[];
      known: string[];
      kinds: SavedKind[];
    };
    if (saved.maximum !== this.#maximum) {
      throw new EddyError("bad-state", "saved templates", {
        expected: `at most ${this.#maximum} templates`,
        received: String(saved.maximum),
      });
    }
    this.#ids = saved.ids;
    this.#messages = saved.messages;
    this.#merges = saved.merges;
    this.#forgotten = saved.forgotten;
    this.#naming = new Set(saved.naming);
    this.#known = new Set(saved.known);
    this.#buckets.clear();
    this.#byId.clear();
    this.#remembered.clear();
    this.#rests.clear();
    for (const { id, tokens, open, values, count, met } of saved.kinds) {
      const opened = new Set(open);
      this.#insert({
        id,
        tokens: [...tokens],
        open: tokens.map((_, i) => opened.has(i)),
        values: values.map((list) => (list === null ? null : new Set(list))),
        count,
        met,
        pattern: patternOf(tokens),
      });
    }
  }

  #bucket(length: number, head: string): Bucket {
    const key = `${length} ${head}`;
    let bucket = this.#buckets.get(key);
    if (bucket === undefined) {
      bucket = { version: 0, kinds: [] };
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  #find(tokens: string[], own: Bucket, shared: Bucket): { kind: Kind; merged: readonly number[] } {
    let best: Kind | undefined;
    let bestEqual = -1;
    for (const bucket of own === shared ? [own] : [own, shared]) {
      for (const kind of bucket.kinds) {
        const equal = agreement(kind, tokens);
        if (equal > bestEqual) {
          best = kind;
          bestEqual = equal;
        }
      }
    }
    if (best !== undefined) {
      this.#meet(best, tokens);
      return { kind: best, merged: NONE };
    }
    let widened: string[] | undefined;
    for (const bucket of own === shared ? [own] : [own, shared]) {
      for (const kind of bucket.kinds.slice(-MAX_COMPARED)) {
        const { equal, wider } = this.#difference(kind, tokens);
        if (wider !== undefined && equal > bestEqual) {
          best = kind;
          bestEqual = equal;
          widened = wider;
        }
      }
    }
    if (best !== undefined && widened !== undefined) {
      const before = best.tokens;
      this.#remove(best);
      for (let i = 0; i < widened.length; i++) {
        if (widened[i] === before[i]) continue;
        best.open[i] = true;
        const met = best.values[i] ?? new Set<string>();
        const value = slotValue(before[i], widened[i]);
        met.add(value);
        best.values[i] = met;
        if (this.#isNaming(nameBefore(widened, i))) this.#know(value);
      }
      best.tokens = widened;
      best.pattern = patternOf(widened);
      this.#insert(best);
      const merged = this.#absorb(best);
      this.#meet(best, tokens);
      return { kind: best, merged };
    }
    if (this.#byId.size >= this.#maximum) this.#makeRoom();
    const kind: Kind = {
      id: ++this.#ids,
      tokens,
      open: tokens.map(() => false),
      values: tokens.map(() => null),
      count: 0,
      met: this.#messages,
      pattern: patternOf(tokens),
    };
    this.#insert(kind);
    return this.#gather(kind);
  }

  /** Remembers the values of the places that vary, until they are many. */
  #meet(kind: Kind, tokens: readonly string[]): void {
    for (let i = 0; i < tokens.length; i++) {
      if (!kind.open[i]) continue;
      const values = kind.values[i];
      if (values === null) continue;
      const value = slotValue(tokens[i], kind.tokens[i]);
      const name = nameBefore(kind.tokens, i);
      if (this.#isNaming(name)) this.#know(value);
      values.add(value);
      if (values.size < PROVEN) continue;
      kind.values[i] = null;
      this.#names(name);
      for (const each of values) this.#know(each);
    }
  }

  #isNaming(word: string): boolean {
    return this.#naming.has(word) || NAMING.has(word);
  }

  #know(value: string): void {
    if (this.#known.size < MAX_KNOWN && /\p{L}/u.test(value)) this.#known.add(value);
  }

  /** A word has been seen to name things: what was met in its places is looked at again. */
  #names(word: string): void {
    if (word === "" || this.#naming.has(word) || this.#naming.size >= MAX_NAMING) return;
    this.#naming.add(word);
    this.#remembered.clear();
  }

  /** How a message differs from a template: tokens that are equal, and the tokens of both when it may be widened. */
  #difference(kind: Kind, tokens: readonly string[]): { equal: number; wider?: string[] } {
    let equal = 0;
    let differing = 0;
    let wider: string[] | undefined;
    for (let i = 0; i < tokens.length; i++) {
      const a = kind.tokens[i];
      const b = tokens[i];
      if (a === b) {
        if (isConstant(a)) equal++;
        continue;
      }
      if (kind.open[i] && holds(a, b)) continue;
      if (!this.#areNames(kind.tokens, tokens, i)) return { equal };
      differing++;
      wider ??= [...kind.tokens];
      wider[i] = widen(a, b);
    }
    // Something must be said alike; of plain words as much as differs.
    return equal >= 1 && differing <= Math.max(1, tokens.length >> 1) && wider !== undefined
      ? { equal, wider }
      : { equal };
  }

  /** Whether what differs in one place are names of things. */
  #areNames(a: readonly string[], b: readonly string[], i: number): boolean {
    const { prefix, suffix } = shared(a[i], b[i]);
    const x = a[i].slice(prefix.length, a[i].length - suffix.length);
    const y = b[i].slice(prefix.length, b[i].length - suffix.length);
    if (x.includes("=") !== y.includes("=") || (x.includes("=") && !x.startsWith("="))) return false;
    if (i === 0 && prefix === "") return hasNumber(x) && hasNumber(y);
    const enclosed = /[=("'[{<]$/.test(prefix);
    if (x === "" || y === "") return enclosed && isIdentifier(x + y);
    if (isIdentifier(x) && isIdentifier(y)) return true;
    const name = nameOf(prefix, a[i - 1] ?? "");
    if (this.#naming.has(name)) return true;
    // Values of a list of pairs, written with commas between, are data; of others they may be states.
    if (/=["']?$/.test(prefix)) return a[i].endsWith(",") || /=.*,$/.test(a[i - 1] ?? "");
    if (this.#known.has(x) && this.#known.has(y)) return true;
    return NAMING.has(name) && !STATE.test(x) && !STATE.test(y);
  }

  /** Takes in the templates that a widened one now holds. */
  #absorb(kind: Kind): number[] {
    const merged: number[] = [];
    for (const bucket of [
      this.#bucket(kind.tokens.length, headOf(kind.tokens[0])),
      this.#bucket(kind.tokens.length, SLOT),
    ]) {
      for (const other of [...bucket.kinds]) {
        if (other === kind || agreement(kind, other.tokens) < 0) continue;
        this.#merge(kind, other, merged);
      }
    }
    return merged;
  }

  /** Merges a new template with those that differ from it in one place alone, when they are many. */
  #gather(kind: Kind): { kind: Kind; merged: readonly number[] } {
    const n = kind.tokens.length;
    if (n < 2) return { kind, merged: NONE };
    const first = this.#rests.get(restOf(kind.tokens)) ?? NONE;
    if (first.length >= MANY_FIRST && kind.tokens.slice(1).some(isConstant)) {
      return this.#unite(
        0,
        first.map((id) => this.#byId.get(id)).filter((each) => each !== undefined),
      );
    }
    if (n < 3) return { kind, merged: NONE };
    const near: (Kind[] | undefined)[] = [];
    for (const other of this.#bucket(n, headOf(kind.tokens[0])).kinds) {
      const place = onlyDifference(other.tokens, kind.tokens);
      if (place < 0) continue;
      near[place] ??= [];
      near[place].push(other);
    }
    for (let i = 1; i < n; i++) {
      const kinds = near[i];
      const many = /=["']?[^=]*$/.test(kind.tokens[i]) ? PROVEN : MANY;
      if (kinds === undefined || kinds.length + 1 < many) continue;
      if (kind.tokens.filter((token, j) => j !== i && isConstant(token)).length < 2) continue;
      return this.#unite(i, [...kinds, kind]);
    }
    return { kind, merged: NONE };
  }

  #unite(place: number, kinds: readonly Kind[]): { kind: Kind; merged: readonly number[] } {
    const ordered = kinds.toSorted((a, b) => a.id - b.id);
    const [oldest] = ordered;
    this.#remove(oldest);
    const name = nameBefore(oldest.tokens, place);
    let token = oldest.tokens[place];
    const values = new Set<string>();
    for (const { tokens } of ordered)
      token = holds(token, tokens[place]) ? token : widen(token, tokens[place]);
    for (const { tokens } of ordered) values.add(slotValue(tokens[place], token));
    for (const value of values) this.#know(value);
    if (place > 0) this.#names(name);
    oldest.tokens = oldest.tokens.with(place, token);
    oldest.open[place] = true;
    oldest.values[place] = null;
    oldest.pattern = patternOf(oldest.tokens);
    this.#insert(oldest);
    const merged: number[] = [];
    for (const other of ordered) if (other !== oldest) this.#merge(oldest, other, merged);
    return { kind: oldest, merged: [...merged, ...this.#absorb(oldest)] };
  }

  #merge(into: Kind, other: Kind, merged: number[]): void {
    this.#remove(other);
    into.count += other.count;
    into.met = Math.max(into.met, other.met);
    // One that was made by this very message has been told to nobody.
    if (other.count > 0) {
      merged.push(other.id);
      this.#merges++;
    } else if (other.id === this.#ids) this.#ids--;
  }

  #insert(kind: Kind): void {
    const bucket = this.#bucket(kind.tokens.length, headOf(kind.tokens[0]));
    // In the order of their ids, whatever was widened or restored when.
    let at = bucket.kinds.length;
    while (at > 0 && bucket.kinds[at - 1].id > kind.id) at--;
    bucket.kinds.splice(at, 0, kind);
    bucket.version++;
    this.#byId.set(kind.id, kind);
    if (kind.tokens.length > 1) {
      const rest = restOf(kind.tokens);
      const ids = this.#rests.get(rest);
      if (ids === undefined) this.#rests.set(rest, [kind.id]);
      else ids.push(kind.id);
    }
  }

  #remove(kind: Kind): void {
    const key = `${kind.tokens.length} ${headOf(kind.tokens[0])}`;
    const bucket = this.#buckets.get(key);
    if (bucket !== undefined) {
      bucket.kinds.splice(bucket.kinds.indexOf(kind), 1);
      bucket.version++;
    }
    this.#byId.delete(kind.id);
    if (kind.tokens.length > 1) {
      const rest = restOf(kind.tokens);
      const ids = this.#rests.get(rest) ?? [];
      ids.splice(ids.indexOf(kind.id), 1);
      if (ids.length === 0) this.#rests.delete(rest);
    }
  }

  #makeRoom(): void {
    const all = [...this.#byId.values()].sort((a, b) => a.met - b.met || a.id - b.id);
    for (const kind of all.slice(0, Math.ceil(this.#maximum * ROOM))) {
      this.#remove(kind);
      this.#forgotten++;
    }
    for (const [key, bucket] of this.#buckets) if (bucket.kinds.length === 0) this.#buckets.delete(key);
    this.#remembered.clear();
  }
}

const restOf = (tokens: readonly string[]): string => tokens.slice(1).join(" ");
/** What the templates of a length are kept under. */
const headOf = (token: string): string => (token.includes(SLOT) || /\d/.test(token) ? SLOT : token);
const isConstant = (token: string): boolean => token !== SLOT && /\p{L}/u.test(token.replaceAll(SLOT, ""));
const hasNumber = (text: string): boolean => text.includes(SLOT) || /\d/.test(text);
/** Whether a text looks like the name of one thing rather than a word. */
const isIdentifier = (text: string): boolean =>
  text !== "" && (hasNumber(text) || /[\p{L}\d][._/@$\\:-][\p{L}\d]|\p{Ll}\p{Lu}/u.test(text));

/** Tokens of a message that are equal to constant ones of a template that holds it, or -1. */
function agreement(kind: Kind, tokens: readonly string[]): number {
  let equal = 0;
  for (let i = 0; i < tokens.length; i++) {
    const a = kind.tokens[i];
    if (a === tokens[i]) {
      if (isConstant(a)) equal++;
    } else if (!kind.open[i] || !holds(a, tokens[i])) return -1;
  }
  return equal;
}

/** Whether a widened token holds another: its text before the first slot and behind the last one. */
function holds(wide: string, token: string): boolean {
  const from = wide.indexOf(SLOT);
  if (from < 0) return false;
  const prefix = wide.slice(0, from);
  const suffix = wide.slice(wide.lastIndexOf(SLOT) + SLOT.length);
  return token.length >= prefix.length + suffix.length && token.startsWith(prefix) && token.endsWith(suffix);
}

/** What two tokens begin and end with alike, up to marks: a word is never cut. */
function shared(a: string, b: string): { prefix: string; suffix: string } {
  const most = Math.min(a.length, b.length);
  let p = 0;
  while (p < most && a[p] === b[p]) p++;
  while (p > 0 && (/[\p{L}\d<*>]/u.test(a[p - 1]) || /[.\-_]/.test(a[p - 1]))) p--;
  let s = 0;
  while (s < most - p && a[a.length - 1 - s] === b[b.length - 1 - s]) s++;
  while (s > 0 && (/[\p{L}\d<*>]/u.test(a[a.length - s]) || /[.\-_]/.test(a[a.length - s]))) s--;
  return { prefix: a.slice(0, p), suffix: s === 0 ? "" : a.slice(-s) };
}

function widen(a: string, b: string): string {
  const { prefix, suffix } = shared(a, b);
  return prefix + SLOT + suffix;
}

/** What stands in the slot of a wide token. */
function slotValue(token: string, wide: string): string {
  const from = wide.indexOf(SLOT);
  const suffix = wide.length - wide.lastIndexOf(SLOT) - SLOT.length;
  return token.slice(from, Math.max(from, token.length - suffix)).slice(0, VALUE_LENGTH);
}

/** The word that names what stands behind `prefix` in a token. */
function nameOf(prefix: string, before: string): string {
  const pair = /([\p{L}][\p{L}\d_.-]*)["']?[=:]["'([{]*$/u.exec(prefix);
  if (pair !== null) return pair[1].toLowerCase();
  return prefix === "" || /^["'([{<]+$/.test(prefix)
    ? before.toLowerCase().replace(/^[^\p{L}]+|[^\p{L}\d]+$/gu, "")
    : "";
}

const nameBefore = (tokens: readonly string[], i: number): string =>
  nameOf(tokens[i].slice(0, Math.max(0, tokens[i].indexOf(SLOT))), tokens[i - 1] ?? "");

/** The only place in which two of one length differ, or -1. */
function onlyDifference(a: readonly string[], b: readonly string[]): number {
  let place = -1;
  for (let i = 0; i < a.length; i++) {
    if (a[i] === b[i]) continue;
    if (place >= 0) return -1;
    place = i;
  }
  return place;
}
