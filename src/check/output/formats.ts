/**
 * Findings as Kiln's JSON: stable, documented in docs/checks.md.
 */
import type { Diagnostic, Fix } from "../../core/diagnostics.ts";
import type { SuppressedFinding } from "../suppressions.ts";

interface FindingJson {
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly endLine: number | null;
  readonly endColumn: number | null;
  readonly severity: Diagnostic["severity"];
  readonly code: string;
  readonly message: string;
  readonly why: string | null;
  readonly fix: Fix | null;
  readonly source: string;
}

export interface CheckJson {
  readonly diagnostics: readonly FindingJson[];
  /** What comments keep out of `diagnostics`, each with the comment's reason. */
  readonly suppressed: readonly (FindingJson & { readonly suppressed: { readonly reason: string } })[];
  readonly summary: {
    readonly errors: number;
    readonly warnings: number;
    readonly infos: number;
    readonly fixable: number;
    readonly suppressed: number;
  };
}

export function toJson(diagnostics: readonly Diagnostic[], suppressed: readonly SuppressedFinding[] = []): CheckJson {
  const count = (severity: Diagnostic["severity"]) => diagnostics.filter((d) => d.severity === severity).length;
  return {
    diagnostics: diagnostics.map(findingJson),
    suppressed: suppressed.map(({ diagnostic, reason }) => ({ ...findingJson(diagnostic), suppressed: { reason } })),
    summary: {
      errors: count("error"),
      warnings: count("warning"),
      infos: count("info"),
      fixable: diagnostics.filter((d) => d.fix?.kind === "edit").length,
      suppressed: suppressed.length,
    },
  };
}

const findingJson = ({ span, severity, code, message, why, fix, source }: Diagnostic): FindingJson => ({
  file: span?.file ?? null,
  line: span?.line ?? null,
  column: span?.column ?? null,
  endLine: span?.endLine ?? null,
  endColumn: span?.endColumn ?? null,
  severity,
  code,
  message,
  why: why ?? null,
  fix: fix ?? null,
  source,
});
