import { EddyError, printable } from "../../models/errors.ts";

/** One level of a topic template: a fixed word, a level with a name, any level, or all that follow. */
type Level = { readonly word: string } | { readonly name: string } | "+" | "#";

/**
 * Which topics are read, and what their parts are called: `sensors/{host}/{metric}`, `home/+/temperature`, `zigbee2mqtt/#`.
 * `{name}` fits one level as `+` does.
 */
export class TopicTemplate {
  readonly text: string;
  /** What is subscribed to. */
  readonly filter: string;
  readonly names: readonly string[];
  readonly #levels: readonly Level[];

  /** @throws EddyError `bad-config` about `field` */
  constructor(text: string, field: string) {
    this.text = text;
    this.#levels = text.split("/").map((part, i, all): Level => {
      if (part === "+") return "+";
      if (part === "#" && i === all.length - 1) return "#";
      const name = /^\{([A-Za-z_]\w{0,31})\}$/.exec(part)?.[1];
      if (name !== undefined) return { name };
      if (/[+#{}\0]/.test(part)) {
        throw new EddyError("bad-config", field, {
          expected: "levels that are words, {name}, + or, at the end, #",
          received: printable(text),
        });
      }
      return { word: part };
    });
    this.names = this.#levels.flatMap((level) =>
      typeof level === "object" && "name" in level ? [level.name] : [],
    );
    this.filter = this.#levels
      .map((level) => (typeof level === "string" ? level : "word" in level ? level.word : "+"))
      .join("/");
  }

  /** The named parts of a topic that fits; undefined when it does not. */
  match(topic: string): ReadonlyMap<string, string> | undefined {
    const parts = topic.split("/");
    const levels = this.#levels;
    const open = levels[levels.length - 1] === "#";
    if (open ? parts.length < levels.length - 1 : parts.length !== levels.length) return undefined;
    // A topic of the broker's own is not meant by a wildcard at the beginning.
    if (topic.startsWith("$") && levels[0] !== undefined && !isWord(levels[0])) return undefined;
    const found = new Map<string, string>();
    for (const [i, level] of levels.entries()) {
      if (level === "#") break;
      if (level === "+") continue;
      const part = parts[i];
      if (part === undefined) return undefined;
      if ("name" in level) found.set(level.name, part);
      else if (level.word !== part) return undefined;
    }
    return found;
  }
}

const isWord = (level: Level): boolean => typeof level === "object" && "word" in level;

/** Fills `{name}` in a template of a series' name. */
export const filled = (template: string, parts: ReadonlyMap<string, string>): string =>
  template.replace(/\{(\w+)\}/g, (whole, name: string) => parts.get(name) ?? whole);
