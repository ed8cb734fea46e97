/** `docker login -p PASSWORD`: arguments are seen in the process list, and a literal one by every reader of the file. */
import type { Fix, Span } from "../../core/diagnostics.ts";
import { type DockerCommand, dockerCommands, loginOf } from "../docker/docker-commands.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { CheckContext, Rule } from "../rule.ts";
import type { ShellWord } from "../shell/shell-model.ts";

export const dockerLoginPasswordArgument: Rule = {
  id: "docker/login-password-argument",
  severity: "warning",
  title: "a password as an argument of docker login",
  source: "https://docs.docker.com/reference/cli/docker/login/#password-stdin",
  *run(context) {
    for (const docker of dockerCommands(context.shell.everyCommand)) {
      if (docker.verb !== "login") continue;
      const { password } = loginOf(docker);
      if (!password) continue;
      const { word } = password;
      const isLiteral = word.text !== undefined && !word.hasExpansion && !word.source.includes("$");
      const fix = stdinFix(context, docker, password);
      const place = placeOf(docker.command, word);
      yield {
        ...(isLiteral && { severity: "error" as const }),
        message: isLiteral
          ? `the password stands in the ${docker.command.script ? "script" : "buildspec"}, as an argument of \`docker login\``
          : `the password is an argument of \`docker login\`${inScript(docker.command)}`,
        ...place,
        // An empty span: the frame would print the line with the password in it.
        ...(isLiteral && place.span && { span: pointAt(place.span) }),
        why: isLiteral
          ? "anyone who reads the repository reads it; CodeBuild does not mask it in the log either"
          : "arguments are readable in the process list; docker warns `Using --password via the CLI is insecure. Use --password-stdin.`",
        ...(fix && { fix }),
      };
    }
  },
};

const pointAt = (span: Span): Span => ({
  ...span,
  endLine: span.line,
  endColumn: span.column,
  endOffset: span.startOffset,
});

/** `docker login -u U -p "$P" HOST` → `echo "$P" | docker login -u U --password-stdin HOST`, for a command of its own. */
function stdinFix(
  context: CheckContext,
  { command }: DockerCommand,
  password: { readonly word: ShellWord; readonly isInline: boolean },
): Fix | undefined {
  const { within } = command;
  const [piece, ...others] = password.word.pieces;
  const option = command.args[command.args.indexOf(password.word) - 1];
  if (others.length > 0 || password.isInline || !option?.span || !password.word.span || command.pipedFrom)
    return undefined;
  const feed =
    piece?.variable !== undefined && /^"?\$\{?\w+\}?"?$/.test(password.word.source)
      ? `echo "$${piece.variable}"`
      : piece?.isCommand && /^"?\$\([^()]*\)"?$/.test(password.word.source)
        ? password.word.source.replace(/^"?\$\(\s*|\s*\)"?$/g, "")
        : undefined;
  const { span } = command;
  if (feed === undefined || command.script) return undefined;
  if (span.startOffset !== within.span.startOffset || span.endOffset !== within.span.endOffset) return undefined;
  if (context.text.slice(span.startOffset, span.startOffset + 6) !== "docker") return undefined;
  const at = (startOffset: number, endOffset: number, newText: string) => ({
    file: context.file,
    startOffset,
    endOffset,
    newText,
  });
  return {
    kind: "edit",
    title: "give it on standard input",
    edits: [
      at(span.startOffset, span.startOffset, `${feed} | `),
      at(option.span.startOffset, password.word.span.endOffset, "--password-stdin"),
    ],
  };
}
