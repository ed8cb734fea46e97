/**
 * Findings as a SARIF 2.1.0 log with one run, for code scanning: rules with their pages as help, fixes, suppressions with
 * their justification, fingerprints that survive moved lines.
 * Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html (3.27 result, 3.35 suppression, 3.57 replacement)
 */
import { createHash } from "node:crypto";
import type { Diagnostic, Span, TextEditFix } from "../../core/diagnostics.ts";
import { lineIndex } from "../line-index.ts";
import { allRules } from "../rules/index.ts";
import type { SuppressedFinding } from "../suppressions.ts";

export interface SarifOptions {
  /** Kiln's. */
  readonly version: string;
  /** Texts by file name: places of edits and fingerprints are made of them. */
  readonly texts?: ReadonlyMap<string, string>;
  readonly suppressed?: readonly SuppressedFinding[];
  /** A check's page as Markdown, where there is one. */
  helpOf?(id: string): string | undefined;
}

const LEVEL = { error: "error", warning: "warning", info: "note" } as const;

/** The log. Names of files are taken as relative to the root of the repository. */
export function toSarif(diagnostics: readonly Diagnostic[], options: SarifOptions): object {
  const { version, suppressed = [], texts = new Map<string, string>() } = options;
  const all = [
    ...diagnostics.map((diagnostic) => ({ diagnostic, suppressions: [] })),
    ...suppressed.map(({ diagnostic, reason }) => ({
      diagnostic,
      suppressions: [{ kind: "inSource", status: "accepted", justification: reason }],
    })),
  ];
  const ids = [...new Set([...allRules.map(({ id }) => id), ...all.map(({ diagnostic }) => diagnostic.code)])].sort();
  const seen = new Map<string, number>();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: { name: "kiln", semanticVersion: version, version, rules: ids.map((id) => ruleOf(id, all, options)) },
        },
        columnKind: "utf16CodeUnits",
        results: all.map(({ diagnostic, suppressions }) => ({
          ruleId: diagnostic.code,
          ruleIndex: ids.indexOf(diagnostic.code),
          level: LEVEL[diagnostic.severity],
          message: { text: [diagnostic.message, diagnostic.why].filter(Boolean).join(". ") },
          ...(diagnostic.span && { locations: [location(diagnostic.span)] }),
          ...(diagnostic.related?.length && {
            relatedLocations: diagnostic.related.map(({ span, message }) => ({
              ...location(span),
              message: { text: message },
            })),
          }),
          partialFingerprints: { "kilnFinding/v1": fingerprint(diagnostic, texts, seen) },
          ...(diagnostic.fix?.kind === "edit" && { fixes: [sarifFix(diagnostic.fix, texts)] }),
          // Given for all results or for none (3.27.23).
          ...(suppressed.length > 0 && { suppressions }),
        })),
      },
    ],
  };
}

function ruleOf(id: string, all: readonly { readonly diagnostic: Diagnostic }[], { helpOf }: SarifOptions): object {
  const rule = allRules.find((candidate) => candidate.id === id);
  const helpUri = rule?.source ?? all.find(({ diagnostic }) => diagnostic.code === id)?.diagnostic.source;
  const page = helpOf?.(id);
  return {
    id,
    ...(rule && {
      shortDescription: { text: rule.title },
      defaultConfiguration: { level: LEVEL[rule.severity] },
    }),
    ...(page !== undefined && { help: { text: page, markdown: page } }),
    ...(helpUri !== undefined && { helpUri }),
    properties: { tags: [id.split("/")[0] ?? id] },
  };
}

const location = (span: Span) => ({
  physicalLocation: {
    artifactLocation: { uri: uriOf(span.file) },
    region: { startLine: span.line, startColumn: span.column, endLine: span.endLine, endColumn: span.endColumn },
  },
});

/** A relative reference (RFC 3986); a first segment with a colon would read as a scheme. */
function uriOf(file: string): string {
  const path = file
    .split(/[\\/]/)
    .map((segment) => encodeURIComponent(segment).replace(/%40/g, "@"))
    .join("/");
  return path.startsWith("/") ? `file://${path}` : path;
}

/** The same for a finding whose line has moved: check, file, the line's text, and which of the equal ones it is. */
function fingerprint(
  { code, span, message }: Diagnostic,
  texts: ReadonlyMap<string, string>,
  seen: Map<string, number>,
): string {
  const line = span && texts.get(span.file)?.split("\n")[span.line - 1]?.trim();
  const key = [code, span?.file ?? "", line ?? message].join("\u0000");
  const nth = (seen.get(key) ?? 0) + 1;
  seen.set(key, nth);
  return `${createHash("sha256").update(key).digest("hex").slice(0, 32)}:${nth}`;
}

function sarifFix(fix: TextEditFix, texts: ReadonlyMap<string, string>): object {
  const files = [...new Set(fix.edits.map((edit) => edit.file))];
  return {
    description: { text: fix.title },
    artifactChanges: files.map((file) => ({
      artifactLocation: { uri: uriOf(file) },
      replacements: fix.edits
        .filter((edit) => edit.file === file)
        .map(({ startOffset, endOffset, newText }) => ({
          deletedRegion: regionOf(file, texts.get(file), startOffset, endOffset),
          insertedContent: { text: newText },
        })),
    })),
  };
}

function regionOf(file: string, text: string | undefined, startOffset: number, endOffset: number): object {
  if (text === undefined) return { charOffset: startOffset, charLength: endOffset - startOffset };
  const { line, column, endLine, endColumn } = lineIndex(file, text).spanOf(startOffset, endOffset);
  return { startLine: line, startColumn: column, endLine, endColumn };
}
