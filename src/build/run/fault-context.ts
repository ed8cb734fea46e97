/** What a phase that ends as FAULT says: this machine, or Kiln itself, could not go on. */
import { KilnError } from "../../core/errors.ts";
import { debug } from "../../core/log.ts";
import type { PhaseContext } from "./events.ts";

export function faultContext(error: unknown): PhaseContext {
  debug("run", () => (error instanceof Error ? (error.stack ?? error.message) : String(error)));
  return { statusCode: "INTERNAL_SERVICE_ERROR", message: explain(error) };
}

function explain(error: unknown): string {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC" || code === "EDQUOT") {
    return `no space is left on this machine${path === undefined ? " for the build's log" : ` for \`${path}\``}; free some and start the build again`;
  }
  if (error instanceof KilnError) return [error.message, ...error.fix].join("; ");
  return error instanceof Error ? error.message : String(error);
}
