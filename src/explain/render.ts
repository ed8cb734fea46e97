/** A diagnosis as plain text for people. Colour is the caller's: `paint` decides, the words carry the meaning. */
import type { Fix } from "../core/diagnostics.ts";
import { visibleTexts } from "../core/visible-text.ts";
import type { Diagnosis, ProjectField, SideFinding } from "./diagnosis.ts";

export interface Paint {
  bold(text: string): string;
  red(text: string): string;
  green(text: string): string;
  dim(text: string): string;
}

const plain: Paint = { bold: (t) => t, red: (t) => t, green: (t) => t, dim: (t) => t };

/** The old and new text of an edit, for printing; the caller knows the file's text. */
export type ReadText = (file: string) => string | undefined;

/** Lines without a final line end. `readText` lets edits be shown as a diff of whole lines. */
export function renderDiagnosis(found: Diagnosis, textOf: ReadText = () => undefined, paint: Paint = plain): string {
  const diagnosis = visibleTexts(found);
  const readText: ReadText = (file) => visibleTexts(textOf(file));
  const lines: string[] = [];
  const place = diagnosis.file === undefined ? "" : `${diagnosis.file}${diagnosis.line ? `:${diagnosis.line}` : ""}`;
  const heading = { problem: "cause", undiagnosed: "not diagnosed", "no-problem": "no problem" }[diagnosis.outcome];
  const mark = diagnosis.outcome === "no-problem" ? paint.green(heading) : paint.red(heading);
  lines.push(`${paint.bold(mark)}: ${diagnosis.cause}`);
  const beside = diagnosis.alsoSeen.flatMap((finding) => renderSide(finding, readText, paint));
  if (diagnosis.outcome === "no-problem") return [...lines, ...beside].join("\n");
  const source =
    diagnosis.file && diagnosis.line ? readText(diagnosis.file)?.split("\n")[diagnosis.line - 1] : undefined;
  if (place) lines.push(`  at ${place}${source === undefined ? "" : `   ${paint.dim(source.trim())}`}`);
  lines.push(...renderField(diagnosis.field, paint));
  if (diagnosis.why !== undefined) lines.push(`  why: ${diagnosis.why}`);
  if (diagnosis.evidence.length > 0) lines.push("  evidence:", ...quoted(diagnosis.evidence));
  if (diagnosis.fix) lines.push(...renderFix("fix", diagnosis.fix, readText, paint));
  for (const fix of diagnosis.alternatives) lines.push(...renderFix("or", fix, readText, paint));
  if (diagnosis.consequences.length > 0)
    lines.push("  what followed:", ...diagnosis.consequences.map((line) => `    - ${line}`));
  if (diagnosis.next !== undefined) lines.push(`  next: ${diagnosis.next}`);
  if (diagnosis.prove !== undefined) lines.push(`  prove: ${diagnosis.prove}`);
  const id = `  ${diagnosis.code}${diagnosis.confidence === "certain" ? "" : ` (${diagnosis.confidence})`}`;
  lines.push(paint.dim([id, ...diagnosis.sources.slice(0, 1)].join("  ")));
  return [...lines, ...beside].join("\n");
}

/** AWS's messages may have several lines. */
const quoted = (evidence: readonly string[]): string[] =>
  evidence.flatMap((text) => text.split("\n").map((line) => `    | ${line}`));

const renderField = (field: ProjectField | undefined, paint: Paint): string[] =>
  field ? [`  in the project: ${field.path}${field.value === undefined ? "" : `   ${paint.dim(field.value)}`}`] : [];

function renderSide(finding: SideFinding, readText: ReadText, paint: Paint): string[] {
  const place = finding.file === undefined || !finding.line ? [] : [`  at ${finding.file}:${finding.line}`];
  return [
    `${paint.bold("also")}: ${finding.cause}`,
    ...place,
    ...renderField(finding.field, paint),
    ...(finding.evidence.length > 0 ? ["  evidence:", ...quoted(finding.evidence)] : []),
    ...(finding.fix ? renderFix("fix", finding.fix, readText, paint) : []),
    ...(finding.next === undefined ? [] : [`  next: ${finding.next}`]),
    paint.dim(`  ${finding.code}`),
  ];
}

function renderFix(label: string, fix: Fix, readText: ReadText, paint: Paint): string[] {
  const title = `  ${paint.bold(label)}: ${fix.title.replace(/^or /, "")}`;
  if (fix.kind === "edit") return [title, ...fix.edits.flatMap((edit) => renderEdit(edit, readText, paint))];
  const policy =
    fix.kind === "policy"
      ? JSON.stringify(fix.policy, undefined, 2)
          .split("\n")
          .map((line) => `    ${line}`)
      : [];
  return [title, ...policy, ...fix.commands.map((command) => `    $ ${command}`)];
}

/** The lines an edit touches, before and after. */
function renderEdit(
  edit: { file: string; startOffset: number; endOffset: number; newText: string },
  readText: ReadText,
  paint: Paint,
): string[] {
  const text = readText(edit.file);
  if (text === undefined) return [`    ${edit.file}: ${edit.newText.trimEnd()}`];
  const start = text.lastIndexOf("\n", edit.startOffset - 1) + 1;
  const isInsertion = edit.startOffset === edit.endOffset && edit.newText.endsWith("\n");
  if (isInsertion)
    return edit.newText
      .trimEnd()
      .split("\n")
      .map((line) => paint.green(`    + ${line}`));
  const nextBreak = text.indexOf("\n", edit.endOffset);
  const end = nextBreak < 0 ? text.length : nextBreak;
  const after = text.slice(start, edit.startOffset) + edit.newText + text.slice(edit.endOffset, end);
  const before = text.slice(start, end);
  return [
    ...before.split("\n").map((line) => paint.red(`    - ${line}`)),
    ...after.split("\n").map((line) => paint.green(`    + ${line}`)),
  ];
}
