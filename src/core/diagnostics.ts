/**
 * Findings about the user's files, policies or builds: data, never exceptions.
 * Produced by build/buildspec, check/ and explain/; rendered by build/report and cli/.
 */

/** A place in a file. Lines and columns are 1-based; offsets are UTF-16 units from the start of the file. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly startOffset: number;
  readonly endOffset: number;
}

export type Severity = "error" | "warning" | "info";

/** Replaces text in files; each edit is `[startOffset, endOffset)` of the original text. */
export interface TextEditFix {
  readonly kind: "edit";
  readonly title: string;
  readonly edits: readonly {
    readonly file: string;
    readonly startOffset: number;
    readonly endOffset: number;
    readonly newText: string;
  }[];
}

/** A command the user runs. */
export interface CommandFix {
  readonly kind: "command";
  readonly title: string;
  readonly commands: readonly string[];
}

/** A policy statement to attach to the service role. */
export interface PolicyFix {
  readonly kind: "policy";
  readonly title: string;
  readonly policy: unknown;
  readonly commands: readonly string[];
}

export type Fix = TextEditFix | CommandFix | PolicyFix;

export interface Diagnostic {
  /** `topic/kebab`, e.g. `env/ssm-reference-outside-parameter-store`. */
  readonly code: string;
  readonly severity: Severity;
  /** One line: what is wrong, with the value. */
  readonly message: string;
  readonly span?: Span;
  /** What CodeBuild will do because of it. */
  readonly why?: string;
  readonly related?: readonly { readonly span: Span; readonly message: string }[];
  readonly fix?: Fix;
  /** Documentation URL of the rule. */
  readonly source: string;
}

/** Sorted by file, line, column, code, message; exact duplicates removed. Same order on every machine. */
export function sortDiagnostics(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const key = (d: Diagnostic) =>
    [d.span?.file ?? "", pad(d.span?.line), pad(d.span?.column), d.code, d.message].join("\u0000");
  const byKey = new Map(diagnostics.map((d) => [key(d), d]));
  return [...byKey].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, d]) => d);
}

const pad = (n: number | undefined): string => String(n ?? 0).padStart(9, "0");
