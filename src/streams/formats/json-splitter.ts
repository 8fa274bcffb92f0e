import type { Line } from "./lines.ts";
import { MAX_LINE } from "./lines.ts";

/**
 * Cuts a stream of JSON values, one after the other or in one array around them all, into the texts of these values, whatever
 * the layout. Holds one value at most; one that is longer than MAX_LINE is told as too long. `number` is the line on which the
 * value begins.
 */
export class JsonSplitter {
  #line = 1;
  #depth = 0;
  #inText = false;
  #escaped = false;
  #start = 0;
  #value = "";
  #overlong = false;
  /** The array around all values has been opened, and nothing else has come before it. */
  #wrapped = false;
  #begun = false;

  /** The values that this text completes. */
  push(text: string): Line[] {
    const found: Line[] = [];
    let from = -1;
    if (this.#depth > 0 || this.#value !== "") from = 0;
    const finish = (to: number) => {
      const value = this.#value + text.slice(from, to);
      const tooLong = this.#overlong || value.length > MAX_LINE;
      if (value.trim() !== "")
        found.push({ number: this.#start, text: tooLong ? value.slice(0, 80) : value, tooLong });
      this.#value = "";
      this.#overlong = false;
      from = -1;
    };
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === 10) this.#line++;
      if (this.#inText) {
        if (this.#escaped) this.#escaped = false;
        else if (code === 92) this.#escaped = true;
        else if (code === 34) this.#inText = false;
        continue;
      }
      if (code === 34) {
        this.#inText = true;
        if (from < 0) [from, this.#start] = [i, this.#line];
        continue;
      }
      if (code === 123 || code === 91) {
        if (!this.#begun && code === 91) {
          this.#wrapped = true;
          this.#begun = true;
          continue;
        }
        this.#begun = true;
        if (this.#depth === 0 && from < 0) [from, this.#start] = [i, this.#line];
        this.#depth++;
        continue;
      }
      if (code === 125 || code === 93) {
        if (this.#depth === 0) {
          // The end of the array around them all.
          if (from >= 0) finish(i);
          this.#wrapped = false;
          continue;
        }
        this.#depth--;
        if (this.#depth === 0) finish(i + 1);
        continue;
      }
      if (this.#depth > 0) continue;
      const blank = code === 32 || code === 9 || code === 10 || code === 13;
      if (blank || code === 44) {
        if (from >= 0) finish(i);
        continue;
      }
      this.#begun = true;
      if (from < 0) [from, this.#start] = [i, this.#line];
    }
    if (from >= 0) {
      this.#value += text.slice(from);
      if (this.#value.length > MAX_LINE) {
        this.#overlong = true;
        this.#value = this.#value.slice(0, 80);
      }
    }
    return found;
  }

  /** What is left when the input has ended: a value that was never closed. */
  end(): Line[] {
    const left = this.#value;
    this.#value = "";
    return left.trim() === "" ? [] : [{ number: this.#start, text: left, tooLong: this.#overlong }];
  }

  /** Whether all values stand in one array. */
  get wrapped(): boolean {
    return this.#wrapped;
  }
}
