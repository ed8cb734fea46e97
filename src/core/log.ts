/**
 * Debug lines for people who work on Kiln: `KILN_DEBUG=endpoint,run` (comma list, `*` = all) prints one line an event
 * on standard error. Never pass a secret.
 */
const enabled = new Set((process.env["KILN_DEBUG"] ?? "").split(",").filter(Boolean));

export type DebugArea = "endpoint" | "authorize" | "plan" | "run" | "engine" | "store" | "docker" | "registry";

export function debug(area: DebugArea, message: () => string): void {
  if (enabled.size > 0 && (enabled.has(area) || enabled.has("*"))) process.stderr.write(`[${area}] ${message()}\n`);
}
