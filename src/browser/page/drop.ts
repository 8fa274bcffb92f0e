import { byId, make, setText } from "./dom.ts";
import { LOOKED_AT, type Ordered, oldestFirst, readable } from "./file-text.ts";
import { keyOf } from "./overview.ts";
import { ask, Refused, send } from "./server.ts";
import type { Receipt, RecognitionAnswer, RecordAnswer } from "./wire.ts";
import { readingsWords, spanWords } from "./words.ts";

/** Bytes sent at once: the server takes 8 MiB, and what is sent at once is acknowledged at once. */
const PIECE = 256 * 1024;
/** How long to wait when the server is full. */
const BUSY = 1_000;
/** Reasons told of a file's refused lines. */
const TOLD = 5;
/** Milliseconds that are waited without being told how long. */
const SOON = 5_000;
/** Columns that number the lines. */
const COUNTS = /^(id|idx|index|row|line|nr|no|n|#|)\.?$/i;

const SEPARATORS: Readonly<Record<string, string>> = {
  ",": "commas",
  ";": "semicolons",
  "\t": "tabs",
  "|": "bars",
};

/** Takes a table that is dropped on the page, or chosen: says what it is, replays it on a word, and shows how it was forecast. */
export function openDrop(choose: (key: string) => void): void {
  const dialog = byId<HTMLDialogElement>("file");
  const input = byId<HTMLInputElement>("file-input");
  const zone = byId("drop-zone");
  let file: File | null = null;
  let table: Ordered | null = null;
  let found: RecognitionAnswer | null = null;

  const look = async (chosen: File): Promise<void> => {
    file = chosen;
    found = null;
    const name = byId<HTMLInputElement>("file-series");
    name.value = chosen.name.replace(/\.[^.]*$/, "");
    setText(byId("file-name"), chosen.name);
    byId("file-found").replaceChildren(make("p", "", "looking at its first lines"));
    byId("file-result").replaceChildren();
    byId("file-naming").hidden = true;
    byId<HTMLButtonElement>("file-replay").disabled = true;
    byId<HTMLProgressElement>("file-progress").hidden = true;
    if (!dialog.open) dialog.showModal();
    const refuse = (words: string): void => byId("file-found").replaceChildren(make("p", "bad", words));
    if (chosen.size === 0) {
      refuse("The file is empty.");
      return;
    }
    try {
      const { blob, done } = await readable(chosen);
      const answer = await send<RecognitionAnswer>(
        "/v1/recognise",
        { series: name.value },
        "text/csv",
        blob.slice(0, LOOKED_AT),
      );
      const ordered = await oldestFirst(blob, answer);
      if (file !== chosen) return;
      found = answer;
      table = ordered;
      tell(answer, [done, ordered.turned ? "its newest line comes first: taken from its end" : ""]);
      byId("file-naming").hidden = answer.series.columns.length > 0 || answer.series.inLine;
      byId<HTMLButtonElement>("file-replay").disabled = answer.sample.length === 0;
      byId("file-replay").focus();
    } catch (error) {
      if (file === chosen) refuse(`It cannot be read as a table. ${(error as Error).message}`);
    }
  };

  input.addEventListener("change", () => {
    const [chosen] = input.files ?? [];
    if (chosen !== undefined) void look(chosen);
    input.value = "";
  });
  byId("file-open").addEventListener("click", () => input.click());
  byId("file-cancel").addEventListener("click", () => dialog.close());
  byId("file-form").addEventListener("submit", (event) => {
    event.preventDefault();
    if (table === null || found === null) return;
    void replay(table, found, byId<HTMLInputElement>("file-series").value.trim(), choose);
  });

  let over = 0;
  addEventListener("dragenter", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    over++;
    zone.hidden = false;
  });
  addEventListener("dragleave", () => {
    over = Math.max(0, over - 1);
    if (over === 0) zone.hidden = true;
  });
  addEventListener("dragover", (event) => {
    if (event.dataTransfer?.types.includes("Files")) event.preventDefault();
  });
  addEventListener("drop", (event) => {
    over = 0;
    zone.hidden = true;
    const [chosen] = event.dataTransfer?.files ?? [];
    if (chosen === undefined) return;
    event.preventDefault();
    void look(chosen);
  });
}

function tell(
  { separator, time, series, columns, leftOut, sample }: RecognitionAnswer,
  done: readonly string[],
): void {
  const named = columns.map(({ name, unit }) => (unit === "" ? name : `${name} [${unit}]`));
  const few = (names: readonly string[]): string =>
    names.length > 8 ? `${names.slice(0, 8).join(", ")} and ${names.length - 8} more` : names.join(", ");
  const lines = [
    ["a table", separator === null ? "" : `cut by ${SEPARATORS[separator] ?? JSON.stringify(separator)}`],
    [
      "time",
      time === null
        ? "none: a reading counts as one when it arrives"
        : `${time.columns.join(" and ")}, ${time.form}`,
    ],
    ["series", series.columns.length > 0 ? `named by ${few(series.columns)}` : "one"],
    ["values", few(named)],
    ["left out", few(leftOut.columns)],
    ["the file", done.filter((part) => part !== "").join(", ")],
    ["first reading", sample[0] === undefined ? "none" : sampleWords(sample[0])],
  ];
  const list = make("dl", "found");
  for (const [name = "", words = ""] of lines)
    if (words !== "") list.append(make("dt", "", name), make("dd", "", words));
  const none =
    "No reading was found in its first lines: a table has a line for each reading, and columns with numbers.";
  byId("file-found").replaceChildren(list, ...(sample.length === 0 ? [make("p", "bad", none)] : []));
}

const sampleWords = ({ time, values }: RecognitionAnswer["sample"][number]): string => {
  const told = Object.entries(values)
    .slice(0, 6)
    .map(([name, value]) => `${name} ${value ?? "missing"}`);
  return `${time === null ? "" : `${time.slice(0, 19).replace("T", " ")} UTC: `}${told.join(", ")}`;
};

/** Sends the file piece by piece, then tells what became of it. */
async function replay(
  { blob: file, lineOf }: Ordered,
  found: RecognitionAnswer,
  series: string,
  choose: (key: string) => void,
): Promise<void> {
  const progress = byId<HTMLProgressElement>("file-progress");
  const button = byId<HTMLButtonElement>("file-replay");
  const result = byId("file-result");
  const total = { accepted: 0, duplicate: 0, late: 0, refused: 0 };
  const reasons: string[] = [];
  const began = performance.now();
  button.disabled = true;
  progress.hidden = false;
  progress.max = file.size;
  progress.value = 0;
  try {
    for await (const { piece, until, line } of pieces(file, found)) {
      const receipt = await sendPatiently(series, piece);
      total.accepted += receipt.accepted;
      total.duplicate += receipt.duplicate;
      total.late += receipt.late;
      total.refused += receipt.refused.length + (receipt.moreRefused ?? 0);
      for (const one of receipt.refused)
        if (reasons.length < TOLD) reasons.push(`line ${lineOf(line + one.line)}: ${one.message}`);
      progress.value = until;
      const left = ((performance.now() - began) * (file.size - until)) / until;
      const wait = left > SOON ? `, about ${spanWords(Math.ceil(left / 1000) * 1000)} more` : "";
      result.replaceChildren(make("p", "", `${readings(total.accepted)} replayed${wait}`));
    }
    if (total.accepted + total.duplicate === 0) {
      told(total, ["Nothing of it was taken.", ...reasons]);
      return;
    }
    const [first] = found.sample;
    const name = first === undefined ? series : first.series === "" ? series : first.series;
    const targets = Object.keys(first?.values ?? {});
    // What only counts the lines is shown where there is nothing else.
    const target = targets.find((one) => !COUNTS.test(one)) ?? targets[0] ?? "value";
    choose(keyOf(name, target));
    await report(name, target, total, reasons);
  } catch (error) {
    result.append(make("p", "bad", (error as Error).message));
  } finally {
    progress.hidden = true;
    button.disabled = false;
  }
}

type Total = Readonly<Record<"accepted" | "duplicate" | "late" | "refused", number>>;

const readings = (count: number): string =>
  `${count.toLocaleString("en")} ${count === 1 ? "reading" : "readings"}`;

/** What became of the readings, and more lines about it. */
function told({ accepted, duplicate, late, refused }: Total, more: readonly string[]): HTMLElement[] {
  const was = (count: number): string => `${count.toLocaleString("en")} ${count === 1 ? "was" : "were"}`;
  const parts = [`${readings(accepted)} replayed`];
  if (duplicate > 0) parts.push(`${was(duplicate)} known already`);
  if (late > 0)
    parts.push(
      `${late.toLocaleString("en")} came after later ones and ${late === 1 ? "was" : "were"} left out`,
    );
  if (refused > 0) parts.push(`${was(refused)} refused`);
  const lines = [make("p", "", `${parts.join(", ")}.`), ...more.map((line) => make("p", "quiet", line))];
  byId("file-result").replaceChildren(...lines);
  return lines;
}

async function report(
  series: string,
  target: string,
  total: Total,
  reasons: readonly string[],
): Promise<void> {
  const lines = told(total, reasons);
  const record = await ask<RecordAnswer>("/v1/record", { series, target }).catch(() => null);
  if (record !== null) {
    const sums = (of: (one: RecordAnswer["steps"][number]) => number | null): number =>
      record.steps.reduce((sum, one) => sum + (of(one) ?? 0) * one.count, 0);
    const count = record.steps.reduce((sum, one) => sum + one.count, 0);
    if (count > 0 && sums(({ persistence }) => persistence) > 0) {
      const share = Math.round(
        100 * (1 - sums(({ error }) => error) / sums(({ persistence }) => persistence)),
      );
      const better = `off by ${Math.abs(share)} % ${share >= 0 ? "less" : "more"} than repeating the last value`;
      lines.push(
        make(
          "p",
          "",
          `The last ${record.readings.toLocaleString("en")} forecasts, made as if it were live, were ${better}; ${readingsWords(sums(({ held }) => held) / count)} fell inside.`,
        ),
      );
    }
  }
  byId("file-result").replaceChildren(...lines);
}

/** Sends a piece, again when the server is full. */
async function sendPatiently(series: string, piece: Blob): Promise<Receipt> {
  for (;;) {
    try {
      return await send<Receipt>("/v1/observations", series === "" ? {} : { series }, "text/csv", piece);
    } catch (error) {
      if (!(error instanceof Refused && error.status === 429)) throw error;
      await new Promise((resolve) => setTimeout(resolve, BUSY));
    }
  }
}

interface Piece {
  readonly piece: Blob;
  /** Bytes of the file up to its end. */
  readonly until: number;
  /** Lines of the file that come before its first, less those repeated in front of it. */
  readonly line: number;
}

/** The file in pieces that end with a line, each with the heading in front, where there is one. */
async function* pieces(file: Blob, { columns }: RecognitionAnswer): AsyncGenerator<Piece> {
  const begin = new Uint8Array(await file.slice(0, LOOKED_AT).arrayBuffer());
  let from = begin.indexOf(0x0a) + 1;
  const heading = file.slice(0, from);
  const words = new TextDecoder().decode(begin.subarray(0, from));
  // Without a heading in its first line, or with characters of several bytes each, a piece could not be read by itself.
  const headed = from > 0 && !begin.includes(0) && columns.every(({ name }) => words.includes(name));
  if (!headed || file.size <= PIECE) {
    yield { piece: file, until: file.size, line: 0 };
    return;
  }
  let line = 0;
  while (from < file.size) {
    let to = Math.min(file.size, from + PIECE);
    if (to < file.size) {
      const tail = new Uint8Array(await file.slice(to, Math.min(file.size, to + LOOKED_AT)).arrayBuffer());
      const end = tail.indexOf(0x0a);
      to = end < 0 ? file.size : to + end + 1;
    }
    const part = file.slice(from, to);
    yield { piece: new Blob([heading, part]), until: to, line };
    line += newLines(new Uint8Array(await part.arrayBuffer()));
    from = to;
  }
}

function newLines(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) if (byte === 0x0a) count++;
  return count;
}
