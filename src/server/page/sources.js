/** The sources of the server as a plain list: what came, what was taken, what was not and why. */
export function showSources(list, sources) {
  const items = sources.map(({ name, kind, received, taken, refused, connectedSince, lastError }) => {
    const item = document.createElement("li");
    item.dataset.state = connectedSince === null ? "lost" : "live";
    const part = (tag, text) => {
      const made = document.createElement(tag);
      made.textContent = text;
      item.append(made, " ");
    };
    const reasons = Object.entries(refused)
      .map(([reason, times]) => `${times.toLocaleString("en")} ${reason}`)
      .join(", ");
    part("b", name);
    part("span", kind === "push" || kind === name ? "" : kind);
    part("span", `${taken.toLocaleString("en")} of ${received.toLocaleString("en")} taken`);
    if (reasons !== "") part("span", `not taken: ${reasons}`);
    part("span", connectedSince === null ? "not connected" : "");
    if (lastError !== null)
      part("em", `${lastError.time.slice(0, 19).replace("T", " ")} UTC: ${lastError.message}`);
    return item;
  });
  list.replaceChildren(...items);
}
