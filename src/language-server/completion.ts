/**
 * Completion: keys by where the cursor stands, values by what the grammar and Kiln's stores know, variables after `$`.
 * Works on text that is no YAML yet. Values of parameters and secrets are never part of it.
 */
import type { CompletionItem, CompletionItemKind, MarkupContent, TextEdit } from "vscode-languageserver-protocol";
import {
  type BuildspecVersion,
  buildspecGrammar,
  grammarAt,
  keysOf,
  type ValueGrammar,
} from "../build/buildspec/index.ts";
import type { Analysis } from "./buildspecs.ts";
import { keyMarkdown, openingOf } from "./grammar-texts.ts";
import { markdownText } from "./markdown-text.ts";
import { type Place, placeAt } from "./place.ts";
import { rangeAt } from "./ranges.ts";
import { runtimesFor } from "./runtimes.ts";
import { type Suggestion, suggestionsFor } from "./value-suggestions.ts";
import { variablesOf } from "./variables.ts";

const KIND = { property: 10, value: 12, variable: 6, reference: 18 } as const satisfies Record<
  string,
  CompletionItemKind
>;

export function complete(analysis: Analysis, offset: number): CompletionItem[] {
  const { text, outline } = analysis;
  const found = placeAt(text, offset, outline);
  if (!found) return [];
  const version = versionOf(analysis);
  const grammar = grammarAt(buildspecGrammar, found.path, version);
  if (!grammar) return [];
  const place = asKeyOfItem(found, grammar.value);
  const variables =
    place.position === "value" && takesVariables(place, grammar.value) ? variableItems(analysis, offset) : [];
  if (variables.length > 0) return variables;
  if (place.isBlock) return [];
  return place.position === "value"
    ? valueItems(analysis, place, place.path, grammar.value, offset)
    : insideItems(analysis, place, grammar.value, version, offset);
}

export const versionOf = ({ context }: Pick<Analysis, "context">): BuildspecVersion =>
  context.buildspec.version?.value === "0.1" ? "0.1" : "0.2";

/** A text after a dash may become the first key of a mapping. */
const asKeyOfItem = (place: Place, value: ValueGrammar): Place =>
  place.position === "value" && place.path.at(-1) === "[]" && value.kind === "section"
    ? { ...place, position: "inside" }
    : place;

function insideItems(
  analysis: Analysis,
  place: Place,
  value: ValueGrammar,
  version: BuildspecVersion,
  offset: number,
): CompletionItem[] {
  switch (value.kind) {
    case "section":
      return keysOf(value.section, version)
        .filter((key) => !place.siblings.has(key))
        .flatMap((key) => {
          const grammar = value.section.keys[key];
          return grammar ? [keyItem(analysis, place, key, keyMarkdown(key, grammar), grammar.value)] : [];
        });
    case "entries":
      return entryItems(analysis, place, value.of);
    case "list":
    case "items":
    case "commands": {
      // The dash is still to be typed.
      const path = [...place.path, "[]"];
      const item = grammarAt(buildspecGrammar, path, version);
      if (place.isFlow || !item || item.value.kind === "section") return [];
      return valueItems(analysis, place, path, item.value, offset).map((one) => withDash(one));
    }
    default:
      return [];
  }
}

function withDash(item: CompletionItem): CompletionItem {
  const edit = item.textEdit as TextEdit;
  return { ...item, filterText: item.label, textEdit: { ...edit, newText: `- ${edit.newText}` } };
}

function keyItem(analysis: Analysis, place: Place, key: string, markdown: string, value: ValueGrammar): CompletionItem {
  const indent = " ".repeat(place.column);
  const newText = place.hasColon
    ? key
    : place.isFlow
      ? `${key}${place.quote ?? ""}: `
      : `${key}:${openingOf(value, indent)}`;
  // In JSON keys are in quotes; editors type the second one with the first.
  const closing = place.isFlow && !place.hasColon && analysis.text[place.endOffset] === place.quote ? 1 : 0;
  return {
    label: key,
    kind: KIND.property,
    documentation: { kind: "markdown", value: markdown } satisfies MarkupContent,
    ...edited(analysis, { ...place, endOffset: place.endOffset + closing }, newText),
  };
}

/** Keys that the user chooses, where there is something to choose from. */
function entryItems(analysis: Analysis, place: Place, of: ValueGrammar): CompletionItem[] {
  const section = place.path.at(-1);
  if (section === "runtime-versions") {
    return Object.entries(runtimesFor(analysis))
      .filter(([runtime]) => !place.siblings.has(runtime))
      .map(([runtime, versions]) =>
        keyItem(analysis, place, runtime, `Versions of CodeBuild's images: ${versions.join(", ")}`, of),
      );
  }
  if (section === "secondary-artifacts") {
    return (analysis.knowledge.project?.secondaryArtifacts ?? []).flatMap(({ artifactIdentifier: identifier }) =>
      identifier === undefined || place.siblings.has(identifier)
        ? []
        : [keyItem(analysis, place, identifier, "A secondary artifact of the project.", of)],
    );
  }
  if (section !== "parameter-store" || place.isFlow || place.hasColon) return [];
  // `NAME: /path/name`, with a name made of the parameter's.
  return suggestionsFor(analysis, [...place.path, "*"]).flatMap((suggestion) => {
    const variable = variableNameFor(suggestion.text);
    if (variable === "" || place.siblings.has(variable)) return [];
    return [
      {
        ...item(suggestion),
        label: `${variable}: ${suggestion.text}`,
        kind: KIND.reference,
        ...edited(analysis, place, `${variable}: ${suggestion.text}`),
      },
    ];
  });
}

/** `/app/db-password` → `DB_PASSWORD` */
const variableNameFor = (parameter: string): string =>
  (parameter.split("/").at(-1) ?? "")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^(?=\d)/, "_")
    .toUpperCase();

function valueItems(
  analysis: Analysis,
  place: Place,
  path: readonly string[],
  value: ValueGrammar,
  offset: number,
): CompletionItem[] {
  // A key whose value belongs on the next lines.
  if (["section", "entries", "items", "list", "commands"].includes(value.kind) && !place.isFlow) {
    return value.kind === "list" && place.startOffset <= offset ? listOnOneLine(analysis, place, path, value) : [];
  }
  return suggestionsFor(analysis, path, value).map((suggestion, index) => ({
    ...item(suggestion),
    sortText: String(index).padStart(4, "0"),
    ...edited(analysis, place, quotedFor(place, suggestion)),
  }));
}

/** `files: x`: one text is a list of one. */
const listOnOneLine = (
  analysis: Analysis,
  place: Place,
  path: readonly string[],
  value: Extract<ValueGrammar, { kind: "list" }>,
): CompletionItem[] =>
  suggestionsFor(analysis, [...path, "[]"], value.of).map((suggestion) => ({
    ...item(suggestion),
    ...edited(analysis, place, quotedFor(place, suggestion)),
  }));

const item = ({ text, detail, markdown }: Suggestion): CompletionItem => ({
  label: text,
  kind: KIND.value,
  ...(detail !== undefined && { detail }),
  ...(markdown !== undefined && { documentation: { kind: "markdown" as const, value: markdown } }),
});

/** A version such as 3.10 is a number to other readers of YAML, so it gets quotes; as does what YAML would not take bare. */
function quotedFor({ quote, isFlow }: Place, { text, isNumber }: Suggestion): string {
  if (quote) return text;
  if (isNumber && /0$/.test(text)) return `"${text}"`;
  return /^[*&!|>%@`"'#{[\]},?-]|: | #|:$/.test(text) || (isFlow && /[,[\]{}]/.test(text)) ? `"${text}"` : text;
}

const edited = (
  { document, text }: Analysis,
  place: Place,
  newText: string,
): Pick<CompletionItem, "textEdit" | "filterText"> => ({
  textEdit: { range: rangeAt(document, place.startOffset, place.endOffset), newText },
  // What is replaced may begin with a quote or hold a dot, which editors do not take for a word.
  ...(/^["']/.test(text.slice(place.startOffset, place.endOffset)) && {
    filterText: text.slice(place.startOffset, place.endOffset),
  }),
});

/** Texts that the shell, or CodeBuild, expands. */
const takesVariables = ({ path }: Place, value: ValueGrammar): boolean =>
  path.includes("commands") ||
  path.includes("finally") ||
  path[0] === "artifacts" ||
  path[0] === "cache" ||
  path[0] === "reports" ||
  (value.kind === "text" && value.takesVariables === true);

function variableItems(analysis: Analysis, offset: number): CompletionItem[] {
  const { document, text } = analysis;
  const typed = /\$(\{?)([A-Za-z_]\w*)?$/.exec(text.slice(Math.max(0, offset - 200), offset));
  if (!typed || text[offset - typed[0].length - 1] === "\\") return [];
  const [all, brace = "", name = ""] = typed;
  const startOffset = offset - name.length;
  const after = /^\w*/.exec(text.slice(offset))?.[0] ?? "";
  const closes = brace === "" || text[offset + after.length] === "}" ? "" : "}";
  return [...variablesOf(analysis).values()].map(({ name: variable, says, span }) => ({
    label: variable,
    kind: KIND.variable,
    documentation: { kind: "markdown" as const, value: markdownText(says) },
    filterText: `${all.slice(0, all.length - name.length)}${variable}`,
    sortText: `${span ? 0 : variable.startsWith("CODEBUILD_") ? 1 : 2}${variable}`,
    textEdit: {
      range: rangeAt(document, startOffset - all.length + name.length, offset + after.length),
      newText: `$${brace}${variable}${closes}`,
    },
  }));
}
