/**
 * Image names that docker refuses to parse: upper case in the repository, an empty part, `{name}` left from a template,
 * a tag with characters that tags cannot have. Only text that is known is judged.
 * `https://` in front is docker/registry-url-scheme's.
 */
import { dockerCommands, imageWords } from "../docker/docker-commands.ts";
import { imageReference, isOpen } from "../docker/image-references.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";
import type { ShellWord } from "../shell/shell-model.ts";

export const dockerInvalidReference: Rule = {
  id: "docker/invalid-reference",
  severity: "error",
  title: "an image name that docker cannot parse",
  source: "https://docs.docker.com/reference/cli/docker/image/tag/#description",
  *run(context) {
    const reported = new Set<string>();
    for (const docker of dockerCommands(context.shell.everyCommand)) {
      for (const word of imageWords(docker)) {
        const found = problemIn(word);
        const isFromVariable = found !== undefined && problemIn(withoutValues(word)) === undefined;
        const problem = found && { ...found, isFromVariable };
        if (!problem || reported.has(word.symbol)) continue;
        reported.add(word.symbol);
        const fix =
          problem.lower !== undefined &&
          word.span &&
          !isFromVariable &&
          !word.source.includes("$") &&
          !docker.command.script
            ? {
                kind: "edit" as const,
                title: "write it in lower case",
                edits: everyUse(context.text, problem.lower).map(({ start, text }) => ({
                  file: context.file,
                  startOffset: start,
                  endOffset: start + text.length,
                  newText: text.toLowerCase(),
                })),
              }
            : undefined;
        yield {
          // The project may set the variable to something else.
          ...((docker.command.isGuarded || problem.isFromVariable) && { severity: "warning" as const }),
          message: `\`${word.source}\`${inScript(docker.command)} is no image name: ${problem.text}`,
          ...placeOf(docker.command, word),
          why: `\`docker ${docker.verb}\` fails with \`${problem.lower === undefined ? "invalid reference format" : "invalid reference format: repository name must be lowercase"}\``,
          ...(fix && fix.edits.length > 0 && { fix }),
        };
      }
    }
  },
};

interface Problem {
  readonly text: string;
  /** The repository name to write in lower case. */
  readonly lower?: string;
  /** What is wrong came out of a variable. */
  readonly isFromVariable?: boolean;
}

function problemIn(word: ShellWord): Problem | undefined {
  // The first piece is registry-url-scheme's; a word that is empty or a pattern is somebody else's mistake.
  if (/^https?:\/\//.test(word.symbol) || word.symbol === "" || /[*?]/.test(word.source)) return undefined;
  // commands/placeholder-left says what it is.
  if (/REPLACE_?(ME|WITH)|CHANGE_?ME|YOUR_|[<>]/.test(word.symbol)) return undefined;
  const template = /\{\{?\s*[A-Za-z_][\w.-]*\s*\}\}?/.exec(
    word.pieces
      .filter(({ variable }) => variable === undefined)
      .map(({ text }) => text ?? " ")
      .join(""),
  )?.[0];
  if (template !== undefined) return { text: `\`${template}\` is left from a template` };
  const { host, name, tag } = imageReference(word.symbol);
  const repository = host !== undefined && name.startsWith(`${host}/`) ? name.slice(host.length + 1) : name;
  const literal = literalOf(repository);
  // env/value-not-expanded says why.
  if (literal.includes("$")) return undefined;
  if (word.symbol.startsWith("/")) return { text: emptyPart(word) };
  if (literal.includes("//")) return { text: "an empty part between two slashes" };
  if (/[A-Z]/.test(literal)) return { text: "its repository has upper-case letters", lower: repository };
  if (/\s/.test(literal)) return { text: "it has a blank in it" };
  if (/\/$/.test(literal) && !isOpen(repository)) return { text: "it ends in a slash" };
  if (tag === "") return { text: "nothing follows the colon" };
  if (tag !== undefined && !isOpen(tag) && !/^\w[\w.-]{0,127}$/.test(tag))
    return { text: `a tag cannot be \`${tag}\`` };
  return undefined;
}

/** The word as if no variable were known. */
const withoutValues = (word: ShellWord): ShellWord => ({
  ...word,
  symbol: word.pieces.map(({ variable, symbol }) => (variable === undefined ? symbol : `\${${variable}}`)).join(""),
});

/** What stands there for certain; a variable's unknown value becomes one ordinary letter. */
const literalOf = (symbol: string): string =>
  symbol.replace(/\$\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}|\$\((?:[^()]|\([^()]*\))*\)|`[^`]*`/g, "x");

function emptyPart(word: ShellWord): string {
  const empty = word.pieces.find(({ text, variable }) => text === "" && variable !== undefined)?.variable;
  return empty === undefined ? "it begins with a slash" : `\`$${empty}\` is empty, so it begins with a slash`;
}

/** All places of the literal name, so that build, tag and push keep agreeing. */
function everyUse(text: string, name: string): { start: number; text: string }[] {
  const escaped = name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return [...text.matchAll(new RegExp(`(?<![\\w/.-])${escaped}(?=[:\\s"']|$)`, "gm"))].map((match) => ({
    start: match.index,
    text: name,
  }));
}
