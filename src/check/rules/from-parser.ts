/** Rules whose findings the parser makes; the rule adds the name, the documentation and, where there is one, the fix. */
import type { Diagnostic, Fix } from "../../core/diagnostics.ts";
import type { CheckContext, Finding } from "../rule.ts";

export const parserFindings = (
  context: CheckContext,
  code: string,
  fix?: (diagnostic: Diagnostic) => Fix | undefined,
): Iterable<Finding> => findingsIn(context.parsed.diagnostics, code, fix);

/** What others found under one code. */
export function* findingsIn(
  diagnostics: readonly Diagnostic[],
  code: string,
  fix?: (diagnostic: Diagnostic) => Fix | undefined,
): Iterable<Finding> {
  for (const diagnostic of diagnostics) {
    if (diagnostic.code !== code) continue;
    const { message, severity, span, why, related } = diagnostic;
    const found = fix?.(diagnostic);
    yield {
      message,
      severity,
      ...(span && { span }),
      ...(why !== undefined && { why }),
      ...(related && { related }),
      ...(found && { fix: found }),
    };
  }
}
