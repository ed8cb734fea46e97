/**
 * Findings as workflow commands of GitHub Actions, which show them at their lines. GitHub keeps ten annotations a level
 * and step and drops the rest; those after the tenth are printed as plain lines, so that the log still says them.
 * Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
 */
import type { Diagnostic } from "../../core/diagnostics.ts";
import { visibleText } from "../../core/visible-text.ts";

const MAX_A_LEVEL = 10;
const LEVEL = { error: "error", warning: "warning", info: "notice" } as const;

/** One line a finding, in the order given; no line end at the end. */
export function toGithub(diagnostics: readonly Diagnostic[]): string {
  const shown = { error: 0, warning: 0, info: 0 };
  return diagnostics
    .map((diagnostic) => (++shown[diagnostic.severity] > MAX_A_LEVEL ? plainLine(diagnostic) : command(diagnostic)))
    .join("\n");
}

function command({ severity, span, code, message, why, fix }: Diagnostic): string {
  const properties = [`title=${property(code)}`];
  if (span) {
    // GitHub takes columns only of an annotation on one line.
    const columns = span.line === span.endLine ? [`col=${span.column}`, `endColumn=${span.endColumn}`] : [];
    properties.unshift(`file=${property(span.file)}`, `line=${span.line}`, `endLine=${span.endLine}`, ...columns);
  }
  const text = [message, why, fix && `fix: ${fix.title}`].filter((line) => line !== undefined).join("\n");
  return `::${LEVEL[severity]} ${properties.join(",")}::${escaped(text)}`;
}

function plainLine({ severity, span, code, message }: Diagnostic): string {
  const place = span ? `${span.file}:${span.line}:${span.column}: ` : "";
  // A line that begins with `::` would be a command, and one that holds `##[` anywhere.
  return visibleText(`${place}${severity} ${code} ${message}`.replace(/[\r\n]+/g, " "))
    .replace(/^\s*::/, ": :")
    .replace(/##(?=\[)/g, "# #");
}

const escaped = (text: string): string =>
  visibleText(text).replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");

/** The name of a file stays as it is, so that the annotation finds it. */
const property = (text: string): string =>
  text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A").replace(/:/g, "%3A").replace(/,/g, "%2C");
