/** What each metric of the server tells; others come from the engine and carry its own names. */
const HELP: ReadonlyMap<string, string> = new Map([
  ["eddy_socket_connections", "WebSocket connections now"],
  ["eddy_socket_connections_total", "WebSocket connections opened"],
  ["eddy_socket_subscriptions", "Subscriptions now"],
  [
    "eddy_socket_conflated_total",
    "Forecasts replaced by newer ones before a latest subscription could take them",
  ],
  ["eddy_http_requests_total", "HTTP requests answered"],
  ["eddy_http_bodies_refused_total", "Bodies that were not read for want of room"],
  ["eddy_http_lines_refused_total", "Lines of bodies that could not be read as observations"],
  ["eddy_http_body_bytes", "Bytes of bodies in memory, being received or taken in"],
  ["eddy_http_waiting", "Requests that wait, unread, for room"],
  [
    "eddy_event_loop_block_seconds",
    "Longest time since the last scrape in which nothing else of the process could run",
  ],
  [
    "eddy_event_loop_own_block_seconds",
    "The same without waits for a processor that other processes had (Linux)",
  ],
  ["eddy_event_loop_block_seconds_max", "Longest such time since the server was ready"],
  ["eddy_event_loop_own_block_seconds_max", "The same without waits for a processor"],
  ["process_resident_memory_bytes", "Resident memory"],
  ["process_cpu_seconds_total", "User and system time"],
  ["process_start_time_seconds", "Start of the process, seconds since 1970"],
]);

/**
 * Counters and gauges in the text format of Prometheus (version 0.0.4). A name that ends in `_total` is a counter. There
 * are no labels, so that the number of time series never depends on the number of series.
 */
export function metricsText(metrics: Readonly<Record<string, number>>): string {
  let text = "";
  for (const name of Object.keys(metrics).sort()) {
    const help = HELP.get(name);
    if (help !== undefined) text += `# HELP ${name} ${help}\n`;
    text += `# TYPE ${name} ${name.endsWith("_total") ? "counter" : "gauge"}\n${name} ${metrics[name]}\n`;
  }
  return text;
}

/** `prefix_` before every name that does not have it. */
export const prefixed = (prefix: string, metrics: Readonly<Record<string, number>>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [
      name.startsWith(`${prefix}_`) ? name : `${prefix}_${name}`,
      value,
    ]),
  );
