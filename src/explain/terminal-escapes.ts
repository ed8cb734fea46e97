/**
 * Colours, cursor movements, titles and links that programs print for a terminal, taken out of a saved text. Each pattern
 * is bounded: a hostile log costs no more than another. Source: ECMA-48 (5.4 control sequences, 5.6 control strings).
 */
const ESCAPES = new RegExp(
  [
    "\\u001b\\[[0-9;?]{0,32}[ -/]{0,4}[@-~]",
    "\\u001b\\][^\\u0007\\u001b\\n]{0,400}(?:\\u0007|\\u001b\\\\)?",
    "\\u001b[()][A-Z0-9]",
    "\\u001b[=>78]",
  ].join("|"),
  "g",
);

export const withoutEscapes = (text: string): string => (text.includes("\u001b") ? text.replace(ESCAPES, "") : text);
