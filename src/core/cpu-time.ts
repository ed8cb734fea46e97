/**
 * Processor time of this process, beside a limit of time: what ran out of time without having had the processor is no
 * program that never ends, but one that a busy machine has not run. Used where callers' regular expressions are matched.
 */

export function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
