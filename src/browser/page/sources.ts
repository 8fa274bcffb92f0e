import { byId, make, setText } from "./dom.ts";
import { watchedList } from "./watched-list.ts";
import type { SourceReport } from "./wire.ts";
import { momentWords } from "./words.ts";

/** The sources of the server: what came, what was taken, what was not and why. */
export const sources = watchedList<SourceReport>("/v1/sources", show);

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

function show(sources: readonly SourceReport[]): void {
  byId("sources").hidden = sources.length === 0;
  const lost = sources.filter(({ connectedSince }) => connectedSince === null).length;
  const refused = sources.reduce((total, one) => total + sum(one.refused), 0);
  const parts = [
    `${sources.length} ${sources.length === 1 ? "source" : "sources"}`,
    lost > 0 ? `${lost} not connected` : "",
    refused > 0 ? `${refused.toLocaleString("en")} readings refused` : "",
  ];
  setText(byId("sources-summary"), parts.filter((part) => part !== "").join(" · "));
  byId("sources-summary").dataset.state = lost > 0 ? "lost" : "live";
  byId("source-list").replaceChildren(
    ...sources.map(({ name, kind, received, taken, refused, connectedSince, lastError }) => {
      const item = make("li", "", "", make("b", "", name));
      item.dataset.state = connectedSince === null ? "lost" : "live";
      const add = (tag: "span" | "em", text: string): void => {
        if (text !== "") item.append(" ", make(tag, "", text));
      };
      const reasons = Object.entries(refused)
        .map(([reason, times]) => `${times.toLocaleString("en")} ${reason}`)
        .join(", ");
      add("span", kind === "push" || kind === name ? "" : kind);
      add("span", `${taken.toLocaleString("en")} of ${received.toLocaleString("en")} taken`);
      if (reasons !== "") add("span", `not taken: ${reasons}`);
      if (connectedSince === null) add("span", "not connected");
      if (lastError !== null) add("em", `${momentWords(Date.parse(lastError.time))}: ${lastError.message}`);
      return item;
    }),
  );
}
