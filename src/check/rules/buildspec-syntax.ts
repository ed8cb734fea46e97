/** Everything that makes CodeBuild stop in DOWNLOAD_SOURCE with YAML_FILE_ERROR, with the repair where it is certain. */
import { parseBuildspec } from "../../build/buildspec/index.ts";
import type { Diagnostic, Fix, TextEditFix } from "../../core/diagnostics.ts";
import type { CheckContext, Rule } from "../rule.ts";
import { parserFindings } from "./from-parser.ts";

export const buildspecSyntax: Rule = {
  id: "buildspec/syntax",
  severity: "error",
  title: "text that is not a buildspec: tabs, indentation, quotes, values of the wrong kind",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-syntax",
  needsNoYaml: true,
  run: (context) => parserFindings(context, "buildspec/syntax", (diagnostic) => repair(context, diagnostic)),
};

function repair(context: CheckContext, diagnostic: Diagnostic): Fix | undefined {
  return (
    knownVersion(context, diagnostic) ??
    withoutTabs(context) ??
    escaped(context, diagnostic) ??
    quotedReference(context, diagnostic) ??
    quoted(context, diagnostic) ??
    quotedItem(context, diagnostic)
  );
}

/** `version: 2` → `version: 0.2`: 0.1 is what nobody means to write any more. */
function knownVersion({ file, buildspec }: CheckContext, { span }: Diagnostic): Fix | undefined {
  const at = buildspec.version?.span;
  if (!at || !span || at.startOffset !== span.startOffset) return undefined;
  const edits = [{ file, startOffset: at.startOffset, endOffset: at.endOffset, newText: "0.2" }];
  return { kind: "edit", title: "write `0.2`", edits };
}

/** Leading tabs as spaces, offered only when the text parses afterwards. */
function withoutTabs(context: CheckContext): Fix | undefined {
  const edits = [...context.text.matchAll(/^[ \t]*\t[ \t]*/gm)].map((match) => ({
    file: context.file,
    startOffset: match.index,
    endOffset: match.index + match[0].length,
    newText: match[0].replace(/\t/g, "  "),
  }));
  return edits.length === 0 ? undefined : ifParses(context, { kind: "edit", title: "indent with spaces", edits });
}

/** `- *.zip` → `- '*.zip'`: a value that starts with a character YAML keeps for itself. */
function quoted(context: CheckContext, diagnostic: Diagnostic): Fix | undefined {
  const start = diagnostic.span?.startOffset;
  if (start === undefined || !/[*&!%@`|>]/.test(context.text[start] ?? "")) return undefined;
  const newline = context.text.indexOf("\n", start);
  const value = context.text
    .slice(start, newline === -1 ? undefined : newline)
    .replace(/\s#.*$/, "")
    .trimEnd();
  const text = `'${value.replace(/'/g, "''")}'`;
  return ifParses(context, {
    kind: "edit",
    title: `quote it: \`${text}\``,
    edits: [{ file: context.file, startOffset: start, endOffset: start + value.length, newText: text }],
  });
}

/** `"C:\Temp"` → `"C:\\Temp"`: the character that is there in all probability. */
function escaped(context: CheckContext, diagnostic: Diagnostic): Fix | undefined {
  const at = diagnostic.span?.startOffset;
  if (at === undefined || context.text[at] !== "\\" || /[\s"\\]/.test(context.text[at + 1] ?? " ")) return undefined;
  const title = `write \`\\\\${context.text[at + 1]}\``;
  const edits = [{ file: context.file, startOffset: at, endOffset: at, newText: "\\" }];
  return ifParses(context, { kind: "edit", title, edits });
}

/** `KEY: arn:aws:…:name::` → `KEY: 'arn:aws:…:name::'`, in the sections whose values are texts. */
function quotedReference(context: CheckContext, diagnostic: Diagnostic): Fix | undefined {
  const at = diagnostic.span?.startOffset;
  if (at === undefined) return undefined;
  const lineStart = context.text.lastIndexOf("\n", at - 1) + 1;
  const line = context.text.slice(lineStart).split("\n", 1)[0] ?? "";
  const [, lead = "", value = ""] =
    /^(\s+[\w-]+: +)([^\s"'|>&*#].*)$/.exec((line.split(/\s#/)[0] ?? "").trimEnd()) ?? [];
  const section = openerOf(context.text, lineStart);
  if (value === "" || !/^\s*(?:variables|parameter-store|secrets-manager)\s*:\s*(?:#.*)?\r?$/.test(section ?? ""))
    return undefined;
  const newText = `'${value.replace(/'/g, "''")}'`;
  const startOffset = lineStart + lead.length;
  return ifParses(context, {
    kind: "edit",
    title: "quote the value",
    edits: [{ file: context.file, startOffset, endOffset: startOffset + value.length, newText }],
  });
}

/**
 * `- [ -f x ] && y` → `- '[ -f x ] && y'`: a list item that starts like a list or a quoted text and goes on, or a command
 * with several `: `. What YAML takes for a comment stays one.
 */
function quotedItem(context: CheckContext, diagnostic: Diagnostic): Fix | undefined {
  const at = diagnostic.span?.startOffset;
  if (at === undefined) return undefined;
  const lineStart = context.text.lastIndexOf("\n", at - 1) + 1;
  const line = context.text.slice(lineStart).split("\n")[0] ?? "";
  const [, lead = "", value = ""] = /^(\s*-\s+)(.*?)\s*(?:\s#.*)?$/.exec(line) ?? [];
  if (value === "" || /^(?:[|>&*!]|-\s|[\w-]+:\s*$)/.test(value)) return undefined;
  // `- key: value` in a list of mappings is wrong in another way.
  if (!/^[["']/.test(value) && !isCommandLine(context.text, lineStart)) return undefined;
  // `"cmd --arg "x""`: the outer quotes were meant for the whole command. `"$HOME/x" -y "z"` has quoted words.
  const inner = value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : "";
  const whole = /\s/.test(inner.slice(0, Math.max(0, inner.indexOf('"')))) ? inner : value;
  const newText = `'${whole.replace(/'/g, "''")}'`;
  const startOffset = lineStart + lead.length;
  return ifParses(context, {
    kind: "edit",
    title: whole === value ? "quote the whole command" : "write the outer quotes as single ones",
    edits: [{ file: context.file, startOffset, endOffset: startOffset + value.length, newText }],
  });
}

/** The fix, if the parser gets further with it than without. */
function ifParses(context: CheckContext, fix: TextEditFix): Fix | undefined {
  let text = context.text;
  for (const edit of fix.edits.toSorted((a, b) => b.startOffset - a.startOffset)) {
    text = text.slice(0, edit.startOffset) + edit.newText + text.slice(edit.endOffset);
  }
  const parsed = parseBuildspec(text, context.file);
  // YAML at last, whatever it says.
  if (!parsed.diagnostics.some(({ code, severity }) => code === "buildspec/syntax" && severity === "error")) return fix;
  const after = parsed.failure;
  const before = context.parsed.failure?.span?.startOffset ?? 0;
  return !after || (after.span?.startOffset ?? 0) > before ? fix : undefined;
}

/** The list that the line is an item of stands under `commands` or `finally`. */
const isCommandLine = (text: string, lineStart: number): boolean =>
  /^\s*(?:commands|finally)\s*:\s*(?:#.*)?\r?$/.test(openerOf(text, lineStart, true) ?? "");

/** The nearest line above that is indented less: the key that the line stands under. Items may stand below their key. */
function openerOf(text: string, lineStart: number, isItem = false): string | undefined {
  const indent = /^ */.exec(text.slice(lineStart))?.[0].length ?? 0;
  const above = text.slice(0, lineStart).split("\n").slice(0, -1).reverse();
  return above.find((line) => {
    const at = /^ */.exec(line)?.[0].length ?? 0;
    return (
      line.trim() !== "" && !/^\s*#/.test(line) && (at < indent || (isItem && at === indent && !/^\s*-/.test(line)))
    );
  });
}
