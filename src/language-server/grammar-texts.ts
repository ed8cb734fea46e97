/** The grammar's keys and values as Markdown, for completion and hover. */
import type { KeyGrammar, ValueGrammar } from "../build/buildspec/index.ts";

/** A key: its sentence, what it takes, where AWS says so. */
export function keyMarkdown(name: string, { doc, url, value, isRequired, only }: KeyGrammar): string {
  const facts = [
    kindOf(value),
    isRequired ? "required" : undefined,
    only === undefined ? undefined : `version ${only} only`,
  ].filter((fact) => fact !== undefined);
  const values = valuesOf(value);
  return [
    `**\`${name}\`** (${facts.join(", ")})`,
    doc,
    ...(values
      ? [
          Object.entries(values)
            .map(([text, says]) => `- \`${text}\`: ${says}`)
            .join("\n"),
        ]
      : []),
    `[AWS documentation](${url})`,
  ].join("\n\n");
}

/** What a value is, in a few words. */
export function kindOf(value: ValueGrammar): string {
  switch (value.kind) {
    case "text":
      return value.values ? "one of the values below" : "text";
    case "scalar":
      return "text";
    case "boolean":
      return "`yes` or `no`";
    case "version":
      return "`0.2` or `0.1`";
    case "count":
      return "whole number";
    case "list":
      return "list of texts";
    case "commands":
      return "list of commands";
    case "section":
      return "mapping";
    case "items":
      return "list of mappings";
    case "entries":
      return `mapping, each key a ${value.key}`;
  }
}

export const valuesOf = (value: ValueGrammar): Readonly<Record<string, string>> | undefined =>
  value.kind === "text" ? value.values : value.kind === "list" ? value.of.values : undefined;

/** What follows the colon on the same line, or on the next one; `indent` is the column of the key. */
export function openingOf(value: ValueGrammar, indent: string): string {
  switch (value.kind) {
    case "section":
    case "entries":
      return `\n${indent}  `;
    case "items":
    case "list":
    case "commands":
      return `\n${indent}  - `;
    default:
      return " ";
  }
}
