/** Applies the edits of findings to a text. Overlapping edits are left for the next run, so no two fixes mix. */
import type { Diagnostic, TextEditFix } from "../core/diagnostics.ts";

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
  let result = text;
  for (const edit of taken.toSorted((a, b) => b.startOffset - a.startOffset || b.endOffset - a.endOffset)) {
    result = result.slice(0, edit.startOffset) + edit.newText + result.slice(edit.endOffset);
  }
  return { text: result, applied, skipped };
}

/** Touching is allowed; two insertions at one place, or any shared character, is not. */
function isApart(a: TextEditFix["edits"][number], b: TextEditFix["edits"][number]): boolean {
  if (a.startOffset === b.startOffset && a.endOffset === b.endOffset) return false;
  return a.endOffset <= b.startOffset || b.endOffset <= a.startOffset;
}
