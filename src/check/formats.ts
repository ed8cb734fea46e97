/**
 * Findings for machines: Kiln's JSON (PRODUCT 4, stable), annotations of GitHub Actions, SARIF 2.1.0.
 * Sources: https://docs.github.com/actions/reference/workflow-commands-for-github-actions,
 * https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
 */
import type { Diagnostic, Fix } from "../core/diagnostics.ts";
import { rules } from "./rules/index.ts";

export interface CheckJson {
  readonly diagnostics: readonly {
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
  }[];
  readonly summary: {
    readonly errors: number;
    readonly warnings: number;
    readonly infos: number;
    readonly fixable: number;
  };
}

export function toJson(diagnostics: readonly Diagnostic[]): CheckJson {
  const count = (severity: Diagnostic["severity"]) => diagnostics.filter((d) => d.severity === severity).length;
  return {
    diagnostics: diagnostics.map(({ span, severity, code, message, why, fix, source }) => ({
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
    })),
    summary: {
      errors: count("error"),
      warnings: count("warning"),
      infos: count("info"),
      fixable: diagnostics.filter((d) => d.fix?.kind === "edit").length,
    },
  };
}

/** One `::error …` line a finding. */
export function toGithub(diagnostics: readonly Diagnostic[]): string {
  const level = { error: "error", warning: "warning", info: "notice" } as const;
  const escaped = (text: string) => text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
  const property = (text: string) => escaped(text).replace(/:/g, "%3A").replace(/,/g, "%2C");
  return diagnostics
    .map(({ severity, span, code, message, why, fix }) => {
      const place = span
        ? ` file=${property(span.file)},line=${span.line},endLine=${span.endLine},col=${span.column},endColumn=${span.endColumn},title=${property(code)}`
        : ` title=${property(code)}`;
      const text = [message, why, fix && `fix: ${fix.title}`].filter((line) => line !== undefined).join("\n");
      return `::${level[severity]}${place}::${escaped(text)}`;
    })
    .join("\n");
}

/** A SARIF log with one run. `version` is Kiln's. */
export function toSarif(diagnostics: readonly Diagnostic[], version: string): object {
  const ids = [...new Set([...rules.map((rule) => rule.id), ...diagnostics.map((d) => d.code)])].sort();
  const level = { error: "error", warning: "warning", info: "note" } as const;
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "kiln",
            version,
            rules: ids.map((id) => {
              const rule = rules.find((candidate) => candidate.id === id);
              const helpUri = rule?.source ?? diagnostics.find((d) => d.code === id)?.source;
              return {
                id,
                ...(rule && { shortDescription: { text: rule.title } }),
                ...(helpUri !== undefined && { helpUri }),
              };
            }),
          },
        },
        columnKind: "utf16CodeUnits",
        results: diagnostics.map((d) => ({
          ruleId: d.code,
          ruleIndex: ids.indexOf(d.code),
          level: level[d.severity],
          message: { text: [d.message, d.why].filter(Boolean).join(". ") },
          ...(d.span && { locations: [location(d.span)] }),
          ...(d.fix?.kind === "edit" && { fixes: [sarifFix(d.fix)] }),
        })),
      },
    ],
  };
}

const location = (span: NonNullable<Diagnostic["span"]>) => ({
  physicalLocation: {
    artifactLocation: { uri: span.file },
    region: { startLine: span.line, startColumn: span.column, endLine: span.endLine, endColumn: span.endColumn },
  },
});

function sarifFix(fix: Extract<Fix, { kind: "edit" }>): object {
  const files = [...new Set(fix.edits.map((edit) => edit.file))];
  return {
    description: { text: fix.title },
    artifactChanges: files.map((file) => ({
      artifactLocation: { uri: file },
      replacements: fix.edits
        .filter((edit) => edit.file === file)
        .map((edit) => ({
          deletedRegion: { charOffset: edit.startOffset, charLength: edit.endOffset - edit.startOffset },
          insertedContent: { text: edit.newText },
        })),
    })),
  };
}
