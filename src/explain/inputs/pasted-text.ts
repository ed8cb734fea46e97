/**
 * What a page, an issue or a chat puts around lines that somebody copied: code fences, `> ` quotes, HTML tags and
 * entities, the console's line numbers (`12 | …`, as a Markdown table). Taken off before anything is read; a text
 * without these marks comes back as it is. First in the flow of read-evidence.ts.
 * Sources: how CodeBuild's console, GitHub and mail programs copy a log; https://html.spec.whatwg.org/#named-character-references
 */
import { ownValue } from "../../core/own-value.ts";

const NUMBERED = /^\s*\d{1,7}(?: ?\||\t) ?/;
const NUMBERED_CONTAINER = /^\s*\d{1,7}(?: ?\||\t) ?\[Container\] \d{4}\//m;
/** The rule below the head of a Markdown table: what was the first line of the copied table. */
const TABLE_RULE = /^\s*\|?\s*-{2,3}(?:\s*\|\s*-{2,3})*\s*\|?\s*$/;
/** A rule has a few columns; a line of blanks as long as a file is none. */
const MAX_RULE = 300;
const isRule = (line: string): boolean => line.length < MAX_RULE && TABLE_RULE.test(line);
const FENCE = /^\s*(?:`{3,}|~{3,})[\w+-]*\s*$/;
const TAG = "</?(?:html|head|body|pre|code|p|div|span|br|table|tbody|thead|tr|td|th|details|summary|meta)\\b[^<>]*>";
const ONLY_TAGS = new RegExp(`^\\s*(?:(?:${TAG}|<!--(?:Start|End)Fragment-->)\\s*)+$`, "i");
const ENDING_TAG = /<br\b[^<>]*>\s*$/i;
/** A console's copy that lost its first character. */
const HEADLESS = /^Container\] (?=\d{4}\/\d{2}\/\d{2} \d{2}:)/gm;

/** The text without what stands around its lines. */
export function unwrapped(text: string): string {
  let lines: readonly string[] = text.split(/\r?\n/);
  const said = lines.length;
  lines = unquoted(lines);
  lines = lines.filter((line) => !FENCE.test(line) && !ONLY_TAGS.test(line));
  const hasTags = lines.length < said;
  if (hasTags) lines = lines.map((line) => (line.endsWith(">") ? line.replace(ENDING_TAG, "") : line));
  lines = withoutNumbers(dedented(lines));
  return withoutEntities(lines.join("\n")).replace(HEADLESS, "[Container] ");
}

/** `> ` before (nearly) every line: a quote of a comment or of a mail. */
function unquoted(lines: readonly string[]): readonly string[] {
  const told = lines.filter((line) => line.trim() !== "" && !FENCE.test(line));
  const quoted = told.filter((line) => /^\s{0,3}>/.test(line)).length;
  // npm prints `> name@1.0.0 build` before a script, and a blank or another line after it.
  if (quoted < 2 || quoted < told.length * 0.9) return lines;
  return unquoted(lines.map((line) => line.replace(/^\s{0,3}> ?/, "")));
}

/** A code block's indentation: what every line of it has. */
function dedented(lines: readonly string[]): readonly string[] {
  const told = lines.filter((line) => line.trim() !== "");
  const depth = told.reduce((least, line) => Math.min(least, /^[ \t]*/.exec(line)?.[0].length ?? 0), 80);
  return depth === 0 || told.length < 2 ? lines : lines.map((line) => line.slice(depth));
}

/** The console's numbers; a Dockerfile's or a compiler's excerpt has them, too, and keeps them. */
function withoutNumbers(lines: readonly string[]): readonly string[] {
  const isTable = lines.some((line, at) => isRule(line) && NUMBERED.test(lines[at + 1] ?? ""));
  const told = lines.filter((line) => line.trim() !== "");
  const numbered = told.filter((line) => NUMBERED.test(line)).length;
  const isNumbered = isTable || (numbered >= 3 && numbered >= told.length * 0.8) || hasNumberedContainer(lines);
  if (!isNumbered) return lines;
  return lines
    .filter((line) => !isRule(line) && !/^\s*\d{1,7}\s*\|?\s*$/.test(line.slice(0, MAX_RULE)))
    .map((line) => {
      const own = line.replace(NUMBERED, "");
      // A `|` of the log is `\|` in a table.
      return own === line ? line : own.replaceAll("\\|", "|");
    });
}

const hasNumberedContainer = (lines: readonly string[]): boolean =>
  lines.some((line) => line.includes("[Container] ") && NUMBERED_CONTAINER.test(line));

const ENTITY = /&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,6}|#x[\da-f]{1,6});/gi;
const NAMED: Readonly<Record<string, string>> = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'", nbsp: " " };

/** A text that was HTML has neither a bare `<` nor a bare `&`; an XML file that a command printed has. */
function withoutEntities(text: string): string {
  if (!/&(?:[a-z]{2,4}|#\w{1,7});/i.test(text)) return text;
  if (text.includes("<") || /&(?!(?:[a-z]{2,8}|#\w{1,7});)/i.test(text)) return text;
  return text.replace(ENTITY, (entity) => {
    const name = entity.slice(1, -1).toLowerCase();
    const code = name.startsWith("#x") ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
    return ownValue(NAMED, name) ?? (code > 0 && code < 0x110000 ? String.fromCodePoint(code) : entity);
  });
}
