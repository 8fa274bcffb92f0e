import { byId, make, setText } from "./dom.ts";
import { watchedList } from "./watched-list.ts";
import type { PipelineReport } from "./wire.ts";

/** The hosted pipelines: what they read, how much they took and gave, how they do. */
export const pipelines = watchedList<PipelineReport>("/v1/pipelines", show);

const figure = (value: number): string =>
  Number.isInteger(value) ? value.toLocaleString("en") : value.toPrecision(3);

function show(pipelines: readonly PipelineReport[]): void {
  byId("pipelines").hidden = pipelines.length === 0;
  const stopped = pipelines.filter((one) => one.stopped !== null).length;
  const count = `${pipelines.length} ${pipelines.length === 1 ? "pipeline" : "pipelines"}`;
  setText(byId("pipelines-summary"), stopped > 0 ? `${count} · ${stopped} stopped` : count);
  byId("pipelines-summary").dataset.state = stopped > 0 ? "lost" : "live";
  byId("pipeline-list").replaceChildren(
    ...pipelines.map(({ name, series, readings, outputs, stopped: why, figures }) => {
      const item = make("li", "", "", make("b", "", name));
      item.dataset.state = why === null ? "live" : "lost";
      const add = (tag: "span" | "em", text: string): void => void item.append(" ", make(tag, "", text));
      if (series.length > 0) add("span", `reads ${series.join(", ")}`);
      add("span", `${readings.toLocaleString("en")} readings taken`);
      if (outputs !== null) add("span", `${outputs.toLocaleString("en")} outputs given`);
      for (const [of, value] of Object.entries(figures)) {
        if (value !== null) add("span", `${of.replaceAll("_", " ")} ${figure(value)}`);
      }
      if (why !== null) add("em", `stopped: ${why}`);
      return item;
    }),
  );
}
