/** Characters of a message that are looked at. */
export const MAX_MESSAGE = 4096;

export const END = 0;
export const SPACE = 1;
/** Letters, and words whose few digits are part of a name: `ssh2`, `jk2`. */
export const WORD = 2;
/** A number, with its unit if it has one; a hexadecimal number; an identifier of many digits. */
export const NUMBER = 3;
/** A path in a file system. */
export const PATH = 4;
/** One other character. */
export const MARK = 5;

const LETTER = 1;
const DIGIT = 2;
/** What a path does not go on over. */
const STOP = 4;
const HEX = 8;
const BLANK = 16;
const ENCLOSING = 32;

const kinds = new Uint8Array(128);
for (let c = 0; c < 128; c++) {
  const text = String.fromCharCode(c);
  if (/[A-Za-z]/.test(text)) kinds[c] |= LETTER;
  if (/\d/.test(text)) kinds[c] |= DIGIT;
  if (/[\da-fA-F]/.test(text)) kinds[c] |= HEX;
  if (c <= 32 || c === 127) kinds[c] |= BLANK | STOP | ENCLOSING;
  if (/["'<>()[\]]/.test(text)) kinds[c] |= ENCLOSING;
  if (/["'<>()[\],;:|=`{}]/.test(text)) kinds[c] |= STOP;
}
const kindOf = (code: number): number => (code < 128 ? kinds[code] : LETTER);

/**
 * Cuts a message into lexemes. Everything that is made of a message (its tokens, its fingerprint) is made of them, so that two
 * messages of one fingerprint have the same tokens. It is started again for every message; nothing is allocated.
 */
export class Lexemes {
  kind = END;
  start = 0;
  end = 0;
  #text = "";
  #length = 0;
  /** 1 behind a number, 2 behind a number and a hyphen: what comes may be a group of the same identifier. */
  #joint = 0;

  begin(message: string): void {
    this.#text = message;
    this.#length = Math.min(message.length, MAX_MESSAGE);
    this.kind = END;
    this.start = 0;
    this.end = 0;
    this.#joint = 0;
  }

  /** Goes on to the next lexeme and tells its kind. */
  next(): number {
    const text = this.#text;
    const length = this.#length;
    const start = this.end;
    this.start = start;
    if (start >= length) {
      this.kind = END;
      return END;
    }
    let i = start;
    const first = text.charCodeAt(i);
    let kind = kindOf(first);
    if ((kind & BLANK) !== 0) {
      while (i < length && (kindOf(text.charCodeAt(i)) & BLANK) !== 0) i++;
      this.end = i;
      this.#joint = 0;
      this.kind = SPACE;
      return SPACE;
    }
    if ((kind & (LETTER | DIGIT)) === 0) {
      if (
        first === 47 &&
        this.kind !== WORD &&
        this.kind !== NUMBER &&
        this.kind !== PATH &&
        i + 1 < length
      ) {
        const next = text.charCodeAt(i + 1);
        // A letter, or one of _ . ~ % * behind the slash.
        if ((kindOf(next) & LETTER) !== 0 || next === 95 || next === 46 || next === 126) {
          let query = false;
          for (; i < length; i++) {
            const code = text.charCodeAt(i);
            // A question goes on over what a path ends at, but not over its quotes and brackets.
            if (code === 63) query = true;
            if ((kindOf(code) & (query ? ENCLOSING : STOP)) !== 0) break;
          }
          this.end = i;
          this.#joint = 0;
          this.kind = PATH;
          return PATH;
        }
      }
      this.end = i + 1;
      this.kind = MARK;
      this.#joint = first === 45 && this.#joint === 1 ? 2 : 0;
      return MARK;
    }
    let digits = 0;
    let hex = true;
    let leading = 0;
    let firstDigit = -1;
    for (; i < length; i++) {
      const code = text.charCodeAt(i);
      kind = kindOf(code);
      if ((kind & (LETTER | DIGIT)) === 0) break;
      if ((kind & DIGIT) !== 0) {
        if (firstDigit < 0) firstDigit = i;
        digits++;
        if (digits === i + 1 - start) leading = digits;
      } else if ((kind & HEX) === 0) hex = false;
    }
    this.end = i;
    const size = i - start;
    if (hex && size >= 4 && this.#joint === 2) this.kind = NUMBER;
    else if (digits === 0) this.kind = WORD;
    else if (digits === size || (hex && size >= 6)) this.kind = NUMBER;
    else if (leading > 0) {
      // With a unit, as 80x25, as 0x1f, or an identifier.
      const rest = size - leading;
      const second = text.charCodeAt(start + leading);
      this.kind = rest <= 3 || second === 120 || second === 88 || size >= 8 ? NUMBER : WORD;
    } else if (digits >= 4 || size >= 20) {
      // A name that is numbered: the letters are a word, what comes after them is a number.
      this.end = firstDigit;
      this.kind = WORD;
    } else this.kind = WORD;
    this.#joint = this.kind === NUMBER ? 1 : 0;
    return this.kind;
  }
}
