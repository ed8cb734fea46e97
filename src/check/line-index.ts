/** Offsets in a text → spans with 1-based lines and columns. */
import type { Span } from "../core/diagnostics.ts";

export function lineIndex(file: string, text: string): { spanOf(startOffset: number, endOffset: number): Span } {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const place = (offset: number): { line: number; column: number } => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
  return {
    spanOf(startOffset, endOffset) {
      const start = place(startOffset);
      const end = place(endOffset);
      return {
        file,
        line: start.line,
        column: start.column,
        endLine: end.line,
        endColumn: end.column,
        startOffset,
        endOffset,
      };
    },
  };
}
