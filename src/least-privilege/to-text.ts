/** A policy for people: a paragraph a statement, with what needs it. The document itself is JSON; this is not. */
import { visibleLine } from "../core/visible-text.ts";
import type { ExplainedPolicy, PolicyStatement } from "./policy-from-requirements.ts";

/** Lines without a final line end. */
export function toText({ document, reasons }: ExplainedPolicy): string {
  return document.Statement.map((statement, index) => paragraph(statement, reasons[index] ?? [])).join("\n\n");
}

function paragraph({ Sid, Action, Resource, Condition = {} }: PolicyStatement, reasons: readonly string[]): string {
  const conditions = Object.entries(Condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(
      ([key, value]) => `${key} ${operator === "StringLike" ? "like" : "is"} ${[value].flat().join(", ")}`,
    ),
  );
  return [
    Sid,
    ...labelled("allow", [[Action].flat().join(", ")]),
    ...labelled("on", [Resource].flat()),
    ...labelled("if", conditions),
    ...labelled("for", reasons),
  ].join("\n");
}

const labelled = (label: string, lines: readonly string[]): string[] =>
  lines.map((line, index) => `  ${(index === 0 ? label : "").padEnd(5)} ${visibleLine(line)}`);
