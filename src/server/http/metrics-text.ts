import { VERSION } from "../version.ts";

/** What each metric tells. */
const HELP: Readonly<Record<string, string>> = {
  eddy_ahead_total: "Observations refused because their time lies too far ahead of the clock",
  eddy_alert_rules: "Rules of alerts",
  eddy_alert_transitions_total: "Alerts that began to fire or ended",
  eddy_alerts_firing: "Alerts that fire now",
  eddy_alerts_pending: "Alerts whose condition holds and that do not fire yet",
  eddy_alerts_refused_total: "Alerts for which there was no room",
  eddy_checkpoint_bytes_total: "Bytes of checkpoints written",
  eddy_checkpoint_failures_total: "Checkpoints that could not be written",
  eddy_checkpoint_round_seconds: "Time of the last round of checkpoints",
  eddy_checkpoint_rounds_total: "Rounds of checkpoints",
  eddy_checkpoint_slice_max_seconds: "Longest time for which checkpoints held the event loop",
  eddy_checkpoints_refused_total: "Checkpoints found damaged",
  eddy_checkpoints_total: "Checkpoints written",
  eddy_commit_failures_total: "Commits that failed",
  eddy_commit_seconds: "Time of the last commit",
  eddy_commits_total: "Commits",
  eddy_config_last_reload_successful: "Whether the tokens could be read anew when they last were",
  eddy_database_bytes: "Size of the database file",
  eddy_doubted_readings_total: "Readings held at arm's length, far from all that was forecast",
  eddy_duplicates_total: "Observations that had been taken before, by their ids",
  eddy_event_loop_block_max_seconds:
    "Longest time, since the server was ready, in which nothing else of the process could run",
  eddy_event_loop_block_seconds: "The same since the last scrape",
  eddy_event_loop_own_block_max_seconds:
    "The longest since the server was ready without waits for a processor that other processes had (Linux)",
  eddy_event_loop_own_block_seconds: "The same since the last scrape",
  eddy_evictions_total: "Series whose state went to disk for want of memory",
  eddy_forecast_rows: "Rows of the log of forecasts",
  eddy_forecasts_damaged_total: "Rows of the log of forecasts found damaged",
  eddy_http_bodies_refused_total: "Bodies that were not read for want of room",
  eddy_http_body_bytes: "Bytes of bodies in memory, being received or taken in",
  eddy_http_lines_refused_total: "Lines of bodies that were not taken as observations",
  eddy_http_requests_total: "HTTP requests answered",
  eddy_http_waiting: "Requests that wait, unread, for room",
  eddy_id_rows: "Ids of observations that are remembered",
  eddy_ignored_values_total: "Values of columns that the first observation of their series did not have",
  eddy_ingest_busy_total: "Batches refused because the queue was full",
  eddy_journal_rows: "Rows of the journal of observations",
  eddy_late_total: "Observations earlier than one already taken",
  eddy_log_bytes: "Size of the write-ahead log",
  eddy_log_copy_failures_total: "Times that the write-ahead log could not be copied into the database",
  eddy_new_series_refused_total: "Observations refused because they would open a series too many",
  eddy_observations_total: "Observations taken",
  eddy_offset: "Journal position of the last observation applied",
  eddy_out_of_range_total: "Values that their columns cannot have",
  eddy_peers_remembered: "Peers whose rate of requests is remembered",
  eddy_pipeline_readings_total: "Readings given to hosted pipelines",
  eddy_queue: "Observations that wait to be made durable",
  eddy_refused_total: "Observations refused",
  eddy_replayed_total: "Observations applied again at the start",
  eddy_series: "Series in the database",
  eddy_series_failures_total: "Series that failed and stand still",
  eddy_series_in_memory: "Series whose state is in memory",
  eddy_series_removed_total: "Series deleted",
  eddy_series_reset_total: "Series begun anew because no checkpoint was good",
  eddy_set_aside_total: "Observations held back until others confirm them",
  eddy_socket_connections: "WebSocket connections now",
  eddy_socket_connections_total: "WebSocket connections opened",
  eddy_socket_subscriptions: "Subscriptions now",
  eddy_socket_too_slow_total:
    "Subscribers that were ended because they did not take what there was (close code 4008, or a stream of events)",
  eddy_socket_conflated_total:
    "Forecasts replaced by newer ones before a latest subscription could take them",
  eddy_socket_log_pages_read_total: "Pages of the log of forecasts read for subscriptions that catch up",
  eddy_state_in_memory_bytes: "State of the series in memory",
  eddy_storage_failed: "Whether the database can no longer be written",
  eddy_taken_back_total: "Observations taken back",
  eddy_tokens: "Tokens that are good now",
  eddy_trim_slice_max_seconds: "Longest time for which deleting old rows held the event loop",
  eddy_trimmed_rows_total: "Rows deleted because they are no longer kept",
  nodejs_external_memory_bytes: "Memory outside the heap of JavaScript",
  nodejs_heap_size_total_bytes: "Heap of JavaScript",
  nodejs_heap_size_used_bytes: "Heap of JavaScript that is in use",
  process_cpu_seconds_total: "User and system time",
  process_max_fds: "Files and sockets that may be open",
  process_open_fds: "Files and sockets that are open",
  process_resident_memory_bytes: "Resident memory",
  process_start_time_seconds: "Start of the process, seconds since 1970",
};

/**
 * Counters and gauges in the text format of Prometheus (version 0.0.4). A name that ends in `_total` is a counter, and there from the
 * first scrape on. There are no labels, so that the number of time series never depends on the number of series.
 */
export function metricsText(metrics: Readonly<Record<string, number>>): string {
  let text =
    "# HELP eddy_build_info What runs, always 1\n# TYPE eddy_build_info gauge\n" +
    `eddy_build_info{version="${VERSION}",node="${process.version}"} 1\n`;
  for (const name of [...new Set([...Object.keys(HELP), ...Object.keys(metrics)])].sort()) {
    const counter = name.endsWith("_total");
    const value = metrics[name] ?? (counter ? 0 : undefined);
    if (value === undefined) continue;
    if (Object.hasOwn(HELP, name)) text += `# HELP ${name} ${HELP[name]}\n`;
    text += `# TYPE ${name} ${counter ? "counter" : "gauge"}\n${name} ${value}\n`;
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
