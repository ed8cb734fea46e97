/**
 * Code actions: the fix of each finding, all fixes at once, a comment that keeps a finding. The edits are those of
 * `kiln check --fix`; each is tried on the open text before it is offered.
 */
import type { CodeAction, CodeActionContext, TextEdit, WorkspaceEdit } from "vscode-languageserver-protocol";
import { applyFixes, checkBuildspec } from "../check/index.ts";
import type { Diagnostic, TextEditFix } from "../core/diagnostics.ts";
import type { Analysis } from "./buildspecs.ts";
import { toLsp } from "./diagnostics.ts";
import { documentOf, rangeAt, uriOf } from "./ranges.ts";

export const FIX_ALL = "source.fixAll.kiln";
export const CODE_ACTION_KINDS: readonly string[] = ["quickfix", FIX_ALL];

/** What an action is resolved from, when the client asks for its edit only once it is chosen. */
export type ActionData =
  | { readonly uri: string; readonly version: number; readonly action: "fix-all" }
  | {
      readonly uri: string;
      readonly version: number;
      readonly action: "keep";
      readonly code: string;
      readonly startOffset: number;
    };

export interface ClientEdits {
  /** `documentChanges` with versions. */
  readonly hasVersions: boolean;
  /** Edits may be asked for later. */
  readonly canResolve: boolean;
}

export function codeActions(
  analysis: Analysis,
  from: number,
  to: number,
  { only }: Pick<CodeActionContext, "only">,
  client: ClientEdits,
): CodeAction[] {
  const wants = (kind: string) => !only || only.some((one) => kind === one || kind.startsWith(`${one}.`));
  const actions: CodeAction[] = [];
  const here = analysis.diagnostics.filter(({ span }) =>
    span ? span.file === analysis.file && span.startOffset <= to && span.endOffset >= from : from === 0,
  );
  if (wants("quickfix")) {
    for (const diagnostic of here) {
      if (diagnostic.fix?.kind === "edit") {
        const edit = workspaceEdit(analysis, diagnostic.fix, client);
        if (edit) {
          actions.push({
            title: sentence(diagnostic.fix.title),
            kind: "quickfix",
            diagnostics: [toLsp(analysis, diagnostic)],
            isPreferred: true,
            edit,
          });
        }
      }
      const keep = keepAction(analysis, diagnostic, client);
      if (keep) actions.push(keep);
    }
  }
  if (wants(FIX_ALL) && analysis.diagnostics.some(({ fix }) => fix?.kind === "edit")) {
    const data: ActionData = { ...idOf(analysis), action: "fix-all" };
    const edit = client.canResolve ? undefined : resolveAction(analysis, data, client);
    if (client.canResolve || edit) {
      actions.push({ title: "Fix all that is safe to fix", kind: FIX_ALL, ...(edit ? { edit } : { data }) });
    }
  }
  return actions;
}

const idOf = ({ document }: Analysis) => ({ uri: document.uri, version: document.version });

const sentence = (title: string): string => title.charAt(0).toUpperCase() + title.slice(1);

/** The edit of an action that was offered without one; undefined when there is nothing to do any more. */
export function resolveAction(analysis: Analysis, data: ActionData, client: ClientEdits): WorkspaceEdit | undefined {
  if (data.action === "fix-all") {
    const fixed = fixedText(analysis);
    return fixed === analysis.text ? undefined : ofDocument(analysis, [wholeChange(analysis, fixed)], client);
  }
  const diagnostic = analysis.diagnostics.find(
    ({ code, span }) => code === data.code && span?.startOffset === data.startOffset,
  );
  const edit = diagnostic && keepEdit(analysis, diagnostic);
  return edit && ofDocument(analysis, [edit], client);
}

const MAX_FIX_PASSES = 10;

/** One fix may uncover the next finding, or touch what another one wanted to change. */
function fixedText({ input, diagnostics, file, text }: Analysis): string {
  let current = text;
  let found = diagnostics;
  for (let pass = 0; pass < MAX_FIX_PASSES; pass++) {
    const next = applyFixes(current, found, file).text;
    if (next === current) break;
    current = next;
    found = checkBuildspec({ ...input, text: current }).diagnostics;
  }
  return current;
}

/** One edit from the first to the last character that differs. */
function wholeChange({ document, text }: Analysis, changed: string): TextEdit {
  const limit = Math.min(text.length, changed.length);
  let start = 0;
  while (start < limit && text[start] === changed[start]) start++;
  let end = 0;
  while (end < limit - start && text[text.length - 1 - end] === changed[changed.length - 1 - end]) end++;
  return { range: rangeAt(document, start, text.length - end), newText: changed.slice(start, changed.length - end) };
}

/** `# kiln-ignore rule/id: …`; without a reason it does nothing, so one is to be written. */
const REASON = "say here why it stays";

function keepAction(analysis: Analysis, diagnostic: Diagnostic, client: ClientEdits): CodeAction | undefined {
  const { span, code } = diagnostic;
  if (!span || analysis.text.trimStart().startsWith("{")) return undefined;
  const data: ActionData = { ...idOf(analysis), action: "keep", code, startOffset: span.startOffset };
  const edit = client.canResolve ? undefined : keepEdit(analysis, diagnostic);
  if (!client.canResolve && !edit) return undefined;
  return {
    title: `Keep it, with a comment: # kiln-ignore ${code}`,
    kind: "quickfix",
    diagnostics: [toLsp(analysis, diagnostic)],
    ...(edit ? { edit: ofDocument(analysis, [edit], client) } : { data }),
  };
}

/** On the line above, or at the end of the line; whichever the checker then takes for what it says. */
function keepEdit(analysis: Analysis, { code, span }: Diagnostic): TextEdit | undefined {
  const { document, text, input } = analysis;
  if (!span) return undefined;
  const lineStart = span.startOffset === 0 ? 0 : text.lastIndexOf("\n", span.startOffset - 1) + 1;
  const found = text.indexOf("\n", span.startOffset);
  const lineEnd = (found === -1 ? text : text.slice(0, found)).trimEnd().length;
  const indent = /^[ \t]*/.exec(text.slice(lineStart))?.[0] ?? "";
  const comment = `# kiln-ignore ${code}: ${REASON}`;
  const before = checkBuildspec(input);
  const count = (list: readonly Diagnostic[], id: string) => list.filter((one) => one.code === id).length;
  for (const { at, newText } of [
    { at: lineStart, newText: `${indent}${comment}\n` },
    { at: lineEnd, newText: ` ${comment}` },
  ]) {
    const after = checkBuildspec({ ...input, text: text.slice(0, at) + newText + text.slice(at) });
    const isKept =
      count(after.diagnostics, code) < count(before.diagnostics, code) &&
      after.diagnostics.length < before.diagnostics.length;
    if (isKept) return { range: rangeAt(document, at, at), newText };
  }
  return undefined;
}

function ofDocument({ document }: Analysis, edits: TextEdit[], { hasVersions }: ClientEdits): WorkspaceEdit {
  return hasVersions
    ? { documentChanges: [{ textDocument: { uri: document.uri, version: document.version }, edits }] }
    : { changes: { [document.uri]: edits } };
}

/** A fix may touch other files too; undefined when one of them cannot be read. */
function workspaceEdit(analysis: Analysis, fix: TextEditFix, client: ClientEdits): WorkspaceEdit | undefined {
  const byUri = new Map<string, { readonly version: number | null; readonly edits: TextEdit[] }>();
  for (const { file, startOffset, endOffset, newText } of fix.edits) {
    const document = documentOf(analysis, file);
    if (!document) return undefined;
    const uri = uriOf(analysis, file);
    const known = byUri.get(uri) ?? { version: file === analysis.file ? document.version : null, edits: [] };
    known.edits.push({ range: rangeAt(document, startOffset, endOffset), newText });
    byUri.set(uri, known);
  }
  if (byUri.size === 0) return undefined;
  return client.hasVersions
    ? { documentChanges: [...byUri].map(([uri, { version, edits }]) => ({ textDocument: { uri, version }, edits })) }
    : { changes: Object.fromEntries([...byUri].map(([uri, { edits }]) => [uri, edits])) };
}
