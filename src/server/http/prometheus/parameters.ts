import { EddyError, printable } from "../../../models/errors.ts";
import { MAX_TIME } from "../../../models/observation.ts";
import { readTime } from "../../../streams/observation-schema.ts";
import { spanOf } from "./selector.ts";

/** What came with a request, in its path or as a form; of those given twice the first counts, as with Prometheus. */
export class Parameters {
  readonly #given: URLSearchParams;

  constructor(query: string, form: string) {
    this.#given = new URLSearchParams(form);
    for (const [name, value] of new URLSearchParams(query)) this.#given.append(name, value);
  }

  all(name: string): readonly string[] {
    return this.#given.getAll(name);
  }

  text(name: string): string {
    const given = this.#given.get(name);
    if (given === null || given === "") {
      throw new EddyError("bad-argument", name, { expected: "something", received: "nothing" });
    }
    return given;
  }

  /** Epoch milliseconds of seconds since 1970, or of RFC 3339. */
  time(name: string, otherwise?: number): number {
    const given = this.#given.get(name);
    if ((given === null || given === "") && otherwise !== undefined) return otherwise;
    const text = given ?? "";
    if (/^-?\d+(\.\d*)?(e[+-]?\d+)?$/i.test(text)) {
      const time = Math.round(Number(text) * 1000);
      if (Math.abs(time) <= MAX_TIME) return time;
    } else if (/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text))
      return readTime(text, name);
    throw new EddyError("bad-argument", name, {
      expected: "seconds since 1970, or a time such as 2026-01-31T12:00:00Z",
      received: given === null ? "nothing" : printable(given),
    });
  }

  /** Milliseconds of a span such as `15s`, or of seconds. */
  span(name: string): number;
  span(name: string, otherwise: undefined): number | undefined;
  span(name: string, ...otherwise: readonly undefined[]): number | undefined {
    const given = this.#given.get(name);
    if ((given === null || given === "") && otherwise.length > 0) return undefined;
    const span = spanOf(given ?? "");
    if (span !== undefined && span > 0 && span <= MAX_TIME) return span;
    throw new EddyError("bad-argument", name, {
      expected: 'seconds, or a span such as "15s", more than 0',
      received: given === null ? "nothing" : printable(given),
    });
  }

  /** A whole number; undefined for 0, which says that there is no limit, and for none. */
  limit(): number | undefined {
    const given = this.#given.get("limit");
    if (given === null || given === "") return undefined;
    if (/^\d{1,9}$/.test(given)) return Number(given) || undefined;
    throw new EddyError("bad-argument", "limit", { expected: "a whole number", received: printable(given) });
  }
}
