/** The longest line that is read; what goes on longer is refused whole. */
export const MAX_LINE = 2 ** 20;

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** The line was longer than MAX_LINE; `text` is its beginning. */
  readonly tooLong: boolean;
}

/**
 * Cuts bytes into lines: LF or CRLF, a byte order mark is dropped, invalid UTF-8 becomes U+FFFD. Holds at most one
 * line of bounded length, whatever comes.
 */
export class LineSplitter {
  readonly #decoder = new TextDecoder("utf-8");
  #rest = "";
  #number = 0;
  #overlong = false;

  /** The lines that these bytes complete. */
  push(bytes: Uint8Array): Line[] {
    return this.#cut(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The last line, when it has no line end. */
  end(): Line[] {
    const lines = this.#cut(this.#decoder.decode());
    if (this.#rest !== "" || this.#overlong) lines.push(this.#line(this.#rest));
    this.#rest = "";
    return lines;
  }

  #cut(text: string): Line[] {
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
