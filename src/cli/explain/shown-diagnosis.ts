/**
 * A diagnosis as a command prints it: in colour where there is some, and with --quiet without what failed nothing. Its
 * `aws` commands are for the shell as it is: of a build of Kiln's they would go to AWS where nothing points them at Kiln.
 */
import type { Fix } from "../../core/diagnostics.ts";
import { type Diagnosis, renderDiagnosis } from "../../explain/index.ts";
import type { CommandContext } from "../command-context.ts";
import { paint } from "../paint.ts";

export function shownDiagnosis(
  { io, settings }: Pick<CommandContext, "io" | "settings">,
  diagnosis: Diagnosis,
  readText: (file: string) => string | undefined,
  /** Of a build on AWS, as far as anybody can tell. */
  isOnAws = false,
): string {
  const shown = settings.isQuiet ? { ...diagnosis, alsoSeen: [] } : diagnosis;
  const isPointedAtKiln = (io.env["AWS_ENDPOINT_URL"] ?? "") !== "";
  return renderDiagnosis(isOnAws || isPointedAtKiln ? shown : onKiln(shown), readText, paint(settings.hasColor));
}

function onKiln(diagnosis: Diagnosis): Diagnosis {
  const { fix, alternatives, next, prove, alsoSeen } = diagnosis;
  return {
    ...diagnosis,
    ...(fix && { fix: fixOnKiln(fix) }),
    alternatives: alternatives.map(fixOnKiln),
    ...(next !== undefined && { next: textOnKiln(next) }),
    ...(prove !== undefined && { prove: textOnKiln(prove) }),
    alsoSeen: alsoSeen.map((side) => ({
      ...side,
      ...(side.fix && { fix: fixOnKiln(side.fix) }),
      ...(side.next !== undefined && { next: textOnKiln(side.next) }),
    })),
  };
}

const fixOnKiln = (fix: Fix): Fix =>
  fix.kind === "edit"
    ? fix
    : { ...fix, commands: fix.commands.map((command) => command.replace(/^aws /, "kiln aws ")) };

const textOnKiln = (text: string): string => text.replaceAll("`aws ", "`kiln aws ");
