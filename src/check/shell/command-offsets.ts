/**
 * A place in a command's text → the same place in the buildspec, so carets and edits hit the right characters.
 * Undefined where YAML changed the text (folded or multi-line plain scalars, escapes): then nothing is edited.
 */
import type { Located } from "../../build/buildspec/index.ts";

export type OffsetMap = (position: number) => number | undefined;

export function commandOffsets(command: Located<string>, fileText: string): OffsetMap {
  const { value, span } = command;
  const source = fileText.slice(span.startOffset, span.endOffset);
  if (source === value) return (position) => span.startOffset + position;
  if (/^["']/.test(source) && source.slice(1, -1) === value) return (position) => span.startOffset + 1 + position;
  if (source.startsWith("|")) return literalOffsets(value, source, span.startOffset);
  return () => undefined;
}

/** `|` blocks: each line of the value is a source line without the block's indentation. */
function literalOffsets(value: string, source: string, startOffset: number): OffsetMap {
  const headerEnd = source.indexOf("\n");
  if (headerEnd === -1) return () => undefined;
  const lines: { start: number; text: string }[] = [];
  for (let at = headerEnd + 1; at <= source.length; ) {
    const end = source.indexOf("\n", at);
    const stop = end === -1 ? source.length : end;
    lines.push({ start: at, text: source.slice(at, stop).replace(/\r$/, "") });
    at = stop + 1;
  }
  const first = lines.find((line) => line.text.trim() !== "");
  const indent = /^ */.exec(first?.text ?? "")?.[0].length ?? 0;
  const starts: { value: number; source: number }[] = [];
  let position = 0;
  for (const [index, text] of value.split("\n").entries()) {
    const line = lines[index];
    if (text !== "" && line?.text.slice(indent) !== text) return () => undefined;
    starts.push({ value: position, source: startOffset + (line?.start ?? source.length) + (text === "" ? 0 : indent) });
    position += text.length + 1;
  }
  return (wanted) => {
    const line = starts.findLast((start) => start.value <= wanted);
    return line && line.source + wanted - line.value;
  };
}
