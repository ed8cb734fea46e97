/** Findings of the checker → the protocol's diagnostics, by the URI of the file that they are about. */
import type { Diagnostic as LspDiagnostic } from "vscode-languageserver-protocol";
import type { Diagnostic } from "../core/diagnostics.ts";
import type { Analysis } from "./buildspecs.ts";
import { rangeAt, rangeIn, rangeOf, uriOf } from "./ranges.ts";

const SEVERITIES = { error: 1, warning: 2, info: 3 } as const;

/** Every file that has findings; the buildspec's own URI is always there. */
export function diagnosticsByUri(
  analysis: Analysis,
  client: { readonly hasRelated: boolean },
): Map<string, LspDiagnostic[]> {
  const found = new Map<string, LspDiagnostic[]>([[analysis.document.uri, []]]);
  for (const diagnostic of analysis.diagnostics) {
    const uri = diagnostic.span ? uriOf(analysis, diagnostic.span.file) : analysis.document.uri;
    const list = found.get(uri) ?? [];
    list.push(toLsp(analysis, diagnostic, client));
    found.set(uri, list);
  }
  return found;
}

export function toLsp(
  analysis: Analysis,
  diagnostic: Diagnostic,
  { hasRelated }: { readonly hasRelated: boolean } = { hasRelated: false },
): LspDiagnostic {
  const { code, severity, message, why, source, related } = diagnostic;
  return {
    range: rangeOfDiagnostic(analysis, diagnostic),
    severity: SEVERITIES[severity],
    code,
    codeDescription: { href: source },
    source: "kiln",
    message: why === undefined ? message : `${message}\n${why}`,
    ...(hasRelated &&
      related && {
        relatedInformation: related.map(({ span, message: text }) => ({
          location: { uri: uriOf(analysis, span.file), range: rangeIn(span) },
          message: text,
        })),
      }),
  };
}

/** What is about the whole file stands at its first line. */
export function rangeOfDiagnostic({ document, file, text }: Analysis, { span }: Diagnostic): LspDiagnostic["range"] {
  if (!span) return rangeAt(document, 0, (/^.*/.exec(text)?.[0] ?? "").trimEnd().length);
  return span.file === file ? rangeOf(document, span) : rangeIn(span);
}
