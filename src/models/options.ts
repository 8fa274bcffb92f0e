import { EddyError } from "./errors.ts";
import { type ColumnKind, type Kind, take } from "./kinds.ts";

/** One option: from it come its flag, its field in a configuration and in a program, its check, and its line in the pages. */
export interface Option {
  // biome-ignore lint/suspicious/noExplicitAny: a list of options of any kind
  readonly kind: Kind<any>;
  /** The value when it is not given. */
  readonly default: unknown;
  /** What it does, as the rest of a sentence. */
  readonly help: string;
  /** Its flag, where that has another name than the option; null: it has none. */
  readonly flag?: string | null;
  /** The only commands that have the flag; absent: all that forecast. */
  readonly commands?: readonly string[];
  /** Whether a configuration may set it. Default true. */
  readonly configuration?: boolean;
}

/** Options by name, in the order in which they are told. */
export type OptionList = Readonly<Record<string, Option>>;

type ValueOf<O extends Option> = O["kind"] extends Kind<infer T> ? T : never;
type SettledOf<O extends Option> =
  O["kind"] extends ColumnKind<infer _, infer S> ? S : O["kind"] extends Kind<infer T> ? T : never;

/** What may be given: any of the options. */
export type OptionsOf<L extends OptionList> = { readonly [K in keyof L]?: ValueOf<L[K]> };
/** What they come to: all of them, settled for the columns there are. */
export type SettingsOf<L extends OptionList> = { readonly [K in keyof L]: SettledOf<L[K]> };

const ofColumns = (kind: Kind<unknown>): kind is ColumnKind<unknown, unknown> => "settle" in kind;

/**
 * Checks every option, fills in the defaults, and settles what speaks of columns.
 *
 * @throws EddyError `bad-argument` naming the option, what was expected and what came
 */
export function settle<L extends OptionList>(list: L, options: OptionsOf<L>): SettingsOf<L> {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(list, name)) continue;
    throw new EddyError("bad-argument", name, {
      expected: `one of the options ${Object.keys(list).join(", ")}`,
      received: "an option of another name",
    });
  }
  const settled: Record<string, unknown> = {};
  for (const [name, option] of Object.entries(list)) {
    settled[name] = take(option.kind, options[name] === undefined ? option.default : options[name], name);
  }
  const { targets, inputs } = settled as { targets: readonly string[]; inputs: readonly string[] };
  for (const [name, { kind }] of Object.entries(list)) {
    if (ofColumns(kind)) settled[name] = kind.settle(settled[name], name, targets, inputs);
  }
  return settled as SettingsOf<L>;
}

/** Every column that an option of columns names, by the name of the option. */
export function namedColumns<L extends OptionList>(
  list: L,
  options: OptionsOf<L>,
): (readonly [name: string, column: string])[] {
  return Object.entries(list).flatMap(([name, { kind }]) => {
    const value = options[name];
    if (!ofColumns(kind) || value === undefined) return [];
    return kind.named(take(kind, value, name)).map((column) => [name, column] as const);
  });
}

/** The options without what those of columns say of others than `targets` and `inputs`. */
export function onlyKnown<L extends OptionList, O extends OptionsOf<L>>(
  list: L,
  options: O,
  targets: readonly string[],
  inputs: readonly string[],
): O {
  const known: Record<string, unknown> = { ...options };
  for (const [name, { kind }] of Object.entries(list)) {
    const value = options[name];
    if (ofColumns(kind) && value !== undefined)
      known[name] = kind.only(take(kind, value, name), targets, inputs);
  }
  return known as O;
}
