import { type ChildProcess, spawn } from "node:child_process";

/** A program of the project in a process of its own, for tests: what it printed, and how it ended. */
export class Program {
  readonly child: ChildProcess;
  readonly ended: Promise<number | string | null>;
  stdout = "";
  stderr = "";
  #waiting: (() => void)[] = [];
  #over = false;

  constructor(args: readonly string[], environment: Record<string, string> = {}) {
    this.child = spawn(process.execPath, ["--import", "tsx", ...args], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child.stdout?.setEncoding("utf8").on("data", (text) => {
      this.stdout += text;
      this.#tell();
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
      this.#tell();
    });
    this.ended = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        this.#over = true;
        resolve(code ?? signal);
        this.#tell();
      });
    });
  }

  static eddy(...args: string[]): Program {
    return new Program(["src/cli/main.ts", ...args]);
  }

  /** Waits until something is printed; fails when the program ends before. */
  async until(holds: (program: Program) => boolean): Promise<void> {
    while (!holds(this)) {
      if (this.#over) throw new Error(`ended; stdout: ${this.stdout}; stderr: ${this.stderr}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The URL that a server prints once it listens. */
  async url(): Promise<string> {
    const pattern = /http:\/\/127\.0\.0\.1:\d+/;
    await this.until(({ stdout }) => pattern.test(stdout));
    return pattern.exec(this.stdout)?.[0] ?? "";
  }

  /** Sends a signal and waits for the end: exit code, or the signal that ended it. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<number | string | null> {
    this.child.kill(signal);
    return this.ended;
  }

  #tell(): void {
    for (const resume of this.#waiting.splice(0)) resume();
  }
}
