/** Applies the edits of findings to a text. Overlapping edits are left for the next run, so no two fixes mix. */
import type { Diagnostic, TextEditFix } from "../../core/diagnostics.ts";

export interface AppliedFixes {
  readonly text: string;
  /** The findings whose fix was applied. */
  readonly applied: readonly Diagnostic[];
  /** Findings with an edit that overlaps another one; check again to see them. */
  readonly skipped: readonly Diagnostic[];
}

/** The text with the fixes in it. Edits for other files than `file` (default: any) are not applied. */
export function applyFixes(text: string, diagnostics: readonly Diagnostic[], file?: string): AppliedFixes {
  const applied: Diagnostic[] = [];
  const skipped: Diagnostic[] = [];
  const taken: TextEditFix["edits"][number][] = [];
  for (const diagnostic of diagnostics) {
    const fix = diagnostic.fix;
    if (fix?.kind !== "edit" || fix.edits.length === 0) continue;
    if (file !== undefined && fix.edits.some((edit) => edit.file !== file)) continue;
    const isSame = (a: TextEditFix["edits"][number], b: TextEditFix["edits"][number]) =>
      a.startOffset === b.startOffset && a.endOffset === b.endOffset && a.newText === b.newText;
    const fresh = fix.edits.filter((edit) => !taken.some((other) => isSame(edit, other)));
    const isOutside = fresh.some((edit) => edit.startOffset < 0 || edit.endOffset > text.length);
    const isClear = fresh.every((edit) => taken.every((other) => isApart(edit, other)));
    if (!isClear || isOutside) {
      skipped.push(diagnostic);
      continue;
    }
    taken.push(...fresh);
    applied.push(diagnostic);
  }
  return { text: withEdits(text, taken), applied, skipped };
}

/** The text with edits that do not overlap. */
export function withEdits(text: string, edits: TextEditFix["edits"]): string {
  let result = text;
  for (const edit of edits.toSorted((a, b) => b.startOffset - a.startOffset || b.endOffset - a.endOffset)) {
    result = result.slice(0, edit.startOffset) + edit.newText + result.slice(edit.endOffset);
  }
  return result;
}

/** One fix may uncover the next finding, or touch what another one wanted to change. */
const MAX_PASSES = 10;

/** Fixes until nothing is left to fix. `find` gives the findings of a text. */
export function fixAll(
  text: string,
  find: (text: string) => readonly Diagnostic[],
): Pick<AppliedFixes, "text" | "applied"> {
  const applied: Diagnostic[] = [];
  let fixed = text;
  for (let pass = 0; pass < MAX_PASSES; pass++) {
    const step = applyFixes(fixed, find(fixed));
    if (step.text === fixed) break;
    fixed = step.text;
    applied.push(...step.applied);
  }
  return { text: fixed, applied };
}

/** Touching is allowed; two that begin at one place, of which nobody knows which comes first, or any shared character, is not. */
function isApart(a: TextEditFix["edits"][number], b: TextEditFix["edits"][number]): boolean {
  if (a.startOffset === b.startOffset) return false;
  return a.endOffset <= b.startOffset || b.endOffset <= a.startOffset;
}
