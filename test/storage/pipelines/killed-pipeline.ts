// Runs a kept pipeline over generated events until it ends or is killed: `killed-pipeline.ts STORE EVENTS`.
import { from, map, pipe } from "rxjs";
import { durable, PipelineStore, record } from "../../../src/storage/index.ts";
import { recurrent, surprise } from "../../../src/streams/index.ts";

export const eventsOf = (count: number): number[] =>
  Array.from({ length: count }, (_, t) => Math.sin(t / 5) + 0.3 * Math.sin(t * t));

export const pipelineOf = () =>
  pipe(
    recurrent<number>("lstm", { hidden: 6, ahead: 1, every: 4, through: 8 }),
    surprise({ window: 100 }),
    map(({ event, point, surprise: p }) => ({ event, point, p })),
  );

if (process.argv[1]?.endsWith("killed-pipeline.ts")) {
  const [place = "", count = "0"] = process.argv.slice(2);
  const store = new PipelineStore(place);
  const kept = durable(store, "killed", pipe(pipelineOf(), record(store, "outputs")), { every: 25 });
  from(eventsOf(Number(count)))
    .pipe(kept)
    .subscribe(({ offset }) => {
      if (offset % 20 === 0) process.stdout.write(`${offset}\n`);
    });
  store.close();
}
