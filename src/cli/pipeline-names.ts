import { printable } from "../models/errors.ts";

/** Most names told in one line. */
const MOST = 5;

/** Pipelines by name, for a message: `pipeline "a"`, `pipelines "a", "b"`. */
export function pipelineNames(pipelines: readonly { readonly name: string }[]): string {
  const names = pipelines.slice(0, MOST).map(({ name }) => printable(name));
  const more = pipelines.length > MOST ? ` and ${pipelines.length - MOST} more` : "";
  return `${pipelines.length === 1 ? "pipeline" : "pipelines"} ${names.join(", ")}${more}`;
}
