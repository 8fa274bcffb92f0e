import { words } from "../models/forecast.ts";
import type { Issue } from "../models/issue.ts";
import type { Output } from "./world.ts";

/** Characters gathered before they are written. */
const CHUNK = 65_536;

/** Writes forecasts as NDJSON in chunks, waiting whenever the reader is slower than we are. */
export class ForecastLines {
  readonly #out: Output;
  #text = "";

  constructor(out: Output) {
    this.#out = out;
  }

  add(issues: readonly Issue[]): Promise<void> | undefined {
    for (const forecast of issues.flatMap(words)) this.#text += `${JSON.stringify(forecast)}\n`;
    return this.#text.length > CHUNK ? this.flush() : undefined;
  }

  flush(): Promise<void> | undefined {
    const text = this.#text;
    this.#text = "";
    return text === "" ? undefined : this.#out.write(text);
  }
}
