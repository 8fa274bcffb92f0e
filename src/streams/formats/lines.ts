/** The longest line that is read; what goes on longer is refused whole. */
export const MAX_LINE = 2 ** 20;

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** The line was longer than MAX_LINE; `text` is its beginning. */
  readonly tooLong: boolean;
}

/** Cuts the text of an input into what is read at once: its lines, or its JSON values. */
export interface Splitter {
  /** What this text completes. */
  push(text: string): Line[];
  /** What is left when the input has ended. */
  end(): Line[];
}

/** Cuts text into lines: LF or CRLF. Holds at most one line of bounded length, whatever comes. */
export class TextLines implements Splitter {
  #rest = "";
  #number = 0;
  #overlong = false;

  push(text: string): Line[] {
    const lines: Line[] = [];
    let from = 0;
    for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
      lines.push(this.#line(this.#rest + text.slice(from, to)));
      this.#rest = "";
      from = to + 1;
    }
    this.#rest += text.slice(from);
    if (this.#rest.length > MAX_LINE) {
      this.#overlong = true;
      this.#rest = this.#rest.slice(0, 80);
    }
    return lines;
  }

  end(): Line[] {
    const lines: Line[] = [];
    if (this.#rest !== "" || this.#overlong) lines.push(this.#line(this.#rest));
    this.#rest = "";
    return lines;
  }

  #line(text: string): Line {
    this.#number++;
    const tooLong = this.#overlong || text.length > MAX_LINE;
    this.#overlong = false;
    return {
      number: this.#number,
      text: tooLong ? text.slice(0, 80) : text.endsWith("\r") ? text.slice(0, -1) : text,
      tooLong,
    };
  }
}

/** No byte: like none and unlike none. */
const NONE = Number.NaN;

/** The encoding of text that begins with these bytes, at least four of which should be there. */
export function encodingOf([a = NONE, b = NONE, c = NONE, d = NONE]: Uint8Array):
  | "utf-8"
  | "utf-16le"
  | "utf-16be" {
  if ((a === 0xff && b === 0xfe) || (a > 0 && b === 0 && c > 0 && d === 0)) return "utf-16le";
  if ((a === 0xfe && b === 0xff) || (a === 0 && b > 0 && c === 0 && d > 0)) return "utf-16be";
  return "utf-8";
}

/** Turns bytes into text: UTF-8 or, behind a byte order mark, UTF-16; a byte order mark is dropped, invalid bytes become U+FFFD. */
export class TextBytes {
  #decoder: InstanceType<typeof TextDecoder> | undefined;
  #head: Uint8Array = new Uint8Array(0);

  push(bytes: Uint8Array): string {
    if (this.#decoder !== undefined) return this.#decoder.decode(bytes, { stream: true });
    const head = new Uint8Array(this.#head.length + bytes.length);
    head.set(this.#head);
    head.set(bytes, this.#head.length);
    this.#head = head;
    // Three bytes tell a mark; four tell text without one whose every second byte is 0.
    return head.length < 4 ? "" : this.#begin();
  }

  end(): string {
    const begun = this.#decoder === undefined ? this.#begin() : "";
    return begun + (this.#decoder?.decode() ?? "");
  }

  #begin(): string {
    this.#decoder = new TextDecoder(encodingOf(this.#head));
    const text = this.#decoder.decode(this.#head, { stream: true });
    this.#head = new Uint8Array(0);
    return text;
  }
}

/** Cuts bytes into lines: LF or CRLF, a byte order mark is dropped, invalid UTF-8 becomes U+FFFD. */
export class LineSplitter {
  readonly #bytes = new TextBytes();
  readonly #lines = new TextLines();

  /** The lines that these bytes complete. */
  push(bytes: Uint8Array): Line[] {
    return this.#lines.push(this.#bytes.push(bytes));
  }

  /** The last lines. */
  end(): Line[] {
    return [...this.#lines.push(this.#bytes.end()), ...this.#lines.end()];
  }
}
