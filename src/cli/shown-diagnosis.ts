/** A diagnosis as a command prints it: in colour where there is some, and with --quiet without what failed nothing. */
import { type Diagnosis, renderDiagnosis } from "../explain/index.ts";
import type { CommandContext } from "./command-context.ts";
import { paint } from "./paint.ts";

export function shownDiagnosis(
  { settings }: Pick<CommandContext, "settings">,
  diagnosis: Diagnosis,
  readText: (file: string) => string | undefined,
): string {
  const shown = settings.isQuiet ? { ...diagnosis, alsoSeen: [] } : diagnosis;
  return renderDiagnosis(shown, readText, paint(settings.hasColor));
}
