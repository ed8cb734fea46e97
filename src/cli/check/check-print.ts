/** What `kiln check` prints: findings for people or machines on standard output, the count on standard error. */
import type { SuppressedFinding } from "../../check/index.ts";
import type { Diagnostic } from "../../core/diagnostics.ts";
import { kilnVersion } from "../../core/kiln-version.ts";
import type { CommandContext } from "../command-context.ts";
import { plural } from "../plural.ts";

/** Findings of every file that was checked, with paths as the user sees them from where the command runs. */
export interface CheckReport {
  readonly diagnostics: readonly Diagnostic[];
  readonly suppressed: readonly SuppressedFinding[];
  readonly texts: ReadonlyMap<string, string>;
  /** How many buildspecs were read. */
  readonly files: number;
}

export async function printReport(context: CommandContext, report: CheckReport, output = "text"): Promise<void> {
  const { diagnostics, suppressed, texts } = report;
  if (output === "json") {
    const { toJson } = await import("../../check/output/formats.ts");
    return context.printJson(toJson(diagnostics, suppressed));
  }
  if (output === "sarif") {
    const { allRules, toSarif } = await import("../../check/index.ts");
    const { pageOf } = await import("./check-pages.ts");
    const ids = new Set(allRules.map(({ id }) => id));
    const helpOf = (id: string): string | undefined => (ids.has(id) ? pageOf(id) : undefined);
    return context.printJson(toSarif(diagnostics, { version: kilnVersion(), texts, suppressed, helpOf }));
  }
  if (output === "github") {
    const { toGithub } = await import("../../check/output/github-annotations.ts");
    const text = toGithub(diagnostics);
    if (text !== "") context.print(text);
    return;
  }
  if (diagnostics.length > 0) {
    const { renderDiagnostics } = await import("../../check/output/render.ts");
    context.print(renderDiagnostics(diagnostics, { texts, color: context.settings.hasColor, showsEdits: true }));
  }
  context.note(summaryOf(report));
}

/** `1 error, 2 warnings, 1 suppressed in 12 files`; infos are not counted, as nobody has to act on them. */
function summaryOf({ diagnostics, suppressed, files }: CheckReport): string {
  const count = (severity: Diagnostic["severity"]) => diagnostics.filter((d) => d.severity === severity).length;
  const [errors, warnings] = [count("error"), count("warning")];
  const found = errors + warnings === 0 ? ["no problem found"] : [plural(errors, "error"), plural(warnings, "warning")];
  if (suppressed.length > 0) found.push(`${suppressed.length} suppressed`);
  return `${found.join(", ")}${files > 1 ? ` in ${files} files` : ""}`;
}
