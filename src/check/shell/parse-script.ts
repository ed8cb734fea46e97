/**
 * The bash grammar's parser for texts of any depth. It and what walks its trees call themselves for each level, so a text
 * that nests beyond what anybody writes would end the check: such a text is not read, and taken for a command of which
 * nothing is known.
 */
import { parse } from "unbash";

const MAX_NESTING = 50;

/** May do anything, and stands for nothing that rules know. */
const UNREAD = 'eval "$_"';

export const parseScript = (text: string): ReturnType<typeof parse> => parse(isTooDeep(text) ? UNREAD : text);

/** Counted by brackets alone, whatever quotes they stand in. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x28 || code === 0x7b) depth++;
    else if ((code === 0x29 || code === 0x7d) && depth > 0) depth--;
    if (depth > MAX_NESTING) return true;
  }
  return false;
}
