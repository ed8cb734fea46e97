/** Which of the places a tool names is the user's own code, and how tools write places. */
import type { CodePlace } from "./tool-failure.ts";

const LIBRARY =
  /(?:^|\/)(?:site-packages|dist-packages|node_modules|vendor\/bundle|gems|\.cargo|\.m2|\.gradle|\.nuget|pkg\/mod|_pytest|pluggy)\/|^(?:node:|internal\/|<|\/usr\/(?:lib|share)\/|\/usr\/local\/(?:lib|go|bin)\/|\/rustc\/|\/opt\/)|\/lib\/python\d|(?:^|\/)\.pnp\.|\/go\/src\/(?:runtime|testing|os|net)\/|(?:^|\/)\.yarn\//;

/** False for the language's own files and for dependencies. */
export const isOwnCode = (file: string): boolean => file !== "" && !LIBRARY.test(file);

export const place = (file: string | undefined, line?: string, column?: string): CodePlace | undefined =>
  file === undefined || file === "" || !isOwnCode(file)
    ? undefined
    : {
        file: file.replace(/^file:\/\//, "").replace(/^\.\//, ""),
        ...(Number(line) > 0 ? { line: Number(line) } : {}),
        ...(Number(column) > 0 ? { column: Number(column) } : {}),
      };

/** `{ place }` or nothing, for objects with exact optional members. */
export const placed = (at: CodePlace | undefined): { place?: CodePlace } => (at ? { place: at } : {});

/** A frame of a JavaScript stack: `at name (file:1:2)`, `at file:1:2`. */
const NODE_FRAME = /^\s*at .{0,300}\(((?:file:\/\/)?[^()]{1,300}):(\d+):(\d+)\)$/;
const BARE_NODE_FRAME = /^\s*at (?:async )?((?:file:\/\/)?[^()\s]{1,300}):(\d+):(\d+)$/;

export function nodeFrame(line: string): CodePlace | undefined {
  const match = NODE_FRAME.exec(line) ?? BARE_NODE_FRAME.exec(line);
  return match ? place(match[1], match[2], match[3]) : undefined;
}
