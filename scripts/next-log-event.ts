// What comes next in a log: every line is a template (its text without what varies), every template is told how likely it was after those before
// it, and everything learned is kept: killed and started again, it goes on.
//
//   tail -n +1 -F app.log | node --import tsx scripts/next-log-event.ts log-model.db
//
// The log is given from its beginning each time; lines that were taken before are skipped.
import { createInterface } from "node:readline";
import { durable, PipelineStore } from "eddy/storage";
import { nextEvent, stage, TemplateMiner } from "eddy/streams";
import { filter, from, pipe } from "rxjs";

/** Lines rarer than this share of the last ones are told. */
const RARE = 0.01;

/** A stage of one's own: a line in, its template out; the templates are its state. */
const templates = stage("templates", () => {
  const miner = new TemplateMiner();
  return {
    step(line: string, output: { next(found: { line: string; template: number; pattern: string }): void }) {
      const { template } = miner.add(line);
      output.next({ line, template: template.id, pattern: template.pattern });
    },
    save: () => miner.save(),
    restore: (bytes: Uint8Array) => miner.restore(bytes),
  };
});

const model = pipe(
  templates,
  nextEvent<{ line: string; template: number; pattern: string }>({ of: ({ template }) => template }),
  filter(({ surprise, isNew }) => isNew || surprise < RARE),
);

const store = new PipelineStore(process.argv[2] ?? "log-model.db");
from(createInterface({ input: process.stdin }))
  .pipe(durable(store, "next-log-event", model))
  .subscribe({
    next: ({ offset, value: { event, probability, surprise, isNew } }) =>
      console.log(
        JSON.stringify({ offset, line: event.line, pattern: event.pattern, probability, surprise, isNew }),
      ),
    error: (error: Error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
    complete: () => store.close(),
  });
