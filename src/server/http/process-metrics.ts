import { readdirSync, readFileSync } from "node:fs";

/** What every process tells, by the names that Prometheus has for it; what the system does not tell is left out. */
export function processMetrics(): Readonly<Record<string, number>> {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  return {
    process_cpu_seconds_total: (user + system) / 1e6,
    process_resident_memory_bytes: rss,
    process_start_time_seconds: Math.round(performance.timeOrigin / 1000),
    nodejs_heap_size_used_bytes: heapUsed,
    nodejs_heap_size_total_bytes: heapTotal,
    nodejs_external_memory_bytes: external,
    ...descriptors(),
  };
}

/** Open files and sockets, and how many there may be: on Linux. */
function descriptors(): Readonly<Record<string, number>> {
  try {
    const open = readdirSync("/proc/self/fd").length;
    const limit = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
    return { process_open_fds: open, ...(limit === undefined ? {} : { process_max_fds: Number(limit) }) };
  } catch {
    return {};
  }
}
