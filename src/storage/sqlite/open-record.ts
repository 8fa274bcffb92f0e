import { closeSync, fstatSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";

/** What `<database>-open` says. */
export interface OpenRecordContent {
  /** The process that has the database open. */
  readonly process: number;
  /** Position of the last observation that it acknowledged. */
  readonly reached: number;
}

const DIGITS = 16;
const number = (value: number): string => String(value).padStart(DIGITS, "0");
const pathOf = (database: string): string => `${database}-open`;

/** The record of a database that is open, or was when its process died; undefined when there is none that can be read. */
export function readOpenRecord(database: string): OpenRecordContent | undefined {
  let text: string;
  try {
    text = readFileSync(pathOf(database), "latin1");
  } catch {
    return undefined;
  }
  const match = /^process (\d{16})\nacknowledged (\d{16})\n$/.exec(text);
  return match === null ? undefined : { process: Number(match[1]), reached: Number(match[2]) };
}

/**
 * A small file beside the database, there while it is open: who has it, and how far observations have been acknowledged. It
 * is written after every commit and never synced, so it says less than is true after a power cut, and what is true
 * after the death of the process: whoever opens the database next can tell that its log was lost or cut.
 */
export class OpenRecord {
  readonly #database: string;
  #file: number;
  #reached: number;

  constructor(database: string, reached: number) {
    this.#database = database;
    this.#reached = reached;
    this.#file = this.#write();
  }

  reached(position: number): void {
    this.#reached = position;
    writeSync(this.#file, number(position), "process \nacknowledged ".length + DIGITS, "latin1");
  }

  /** Writes it anew when it was deleted or replaced. */
  renew(): void {
    const { ino } = fstatSync(this.#file);
    if (statSync(pathOf(this.#database), { throwIfNoEntry: false })?.ino === ino) return;
    closeSync(this.#file);
    this.#file = this.#write();
  }

  /** `inOrder`: everything acknowledged is in the database, and the record goes. */
  close(inOrder: boolean): void {
    closeSync(this.#file);
    if (inOrder) rmSync(pathOf(this.#database), { force: true });
  }

  #write(): number {
    const file = openSync(pathOf(this.#database), "w");
    writeSync(file, `process ${number(process.pid)}\nacknowledged ${number(this.#reached)}\n`, 0, "latin1");
    return file;
  }
}
