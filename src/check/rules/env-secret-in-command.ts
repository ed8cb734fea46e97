/**
 * A password as an argument (`docker login -p`), or a secret printed by `echo`: visible in the process list and, when it
 * is transformed, in the log. CodeBuild masks only the exact values it resolved itself.
 */
import type { Fix, Span } from "../../core/diagnostics.ts";
import { type DockerCommand, dockerCommand, loginOf } from "../docker-commands.ts";
import type { CheckContext, Rule } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell-model.ts";

export const envSecretInCommand: Rule = {
  id: "env/secret-in-command",
  severity: "warning",
  title: "a password as a command's argument, or a secret that is printed",
  source: "https://docs.docker.com/reference/cli/docker/login/#password-stdin",
  *run(context) {
    const piped = new Set(context.shell.commands.map((command) => command.pipedFrom));
    for (const command of context.shell.commands) {
      const docker = dockerCommand(command);
      if (docker?.verb === "login") {
        const login = loginOf(docker);
        if (!login.password) continue;
        const isLiteral = login.password.word.text !== undefined && !login.password.word.hasExpansion;
        const fix = stdinFix(context, docker, login.password);
        yield {
          ...(isLiteral && { severity: "error" as const }),
          message: isLiteral
            ? "the password stands in the buildspec, as an argument of `docker login`"
            : "the password is an argument of `docker login`",
          // An empty span: the frame would print the line with the password in it.
          span: isLiteral
            ? pointAt(login.password.word.span ?? command.span)
            : (login.password.word.span ?? command.span),
          why: isLiteral
            ? "anyone who reads the repository reads it; CodeBuild does not mask it in the log either"
            : "arguments are readable in the process list; docker warns `Using --password via the CLI is insecure. Use --password-stdin.`",
          ...(fix && { fix }),
        };
      } else if (
        (command.name === "echo" || command.name === "printf") &&
        !piped.has(command) &&
        !writesFile(command)
      ) {
        const secret = secretIn(context, command);
        if (!secret) continue;
        yield {
          message: `\`${command.name}\` prints the secret \`$${secret.variable}\``,
          span: secret.word.span ?? command.span,
          why: "CodeBuild masks the exact value only; parts of it, or an encoded form, stay readable in the log",
        };
      }
    }
  },
};

const pointAt = (span: Span): Span => ({
  ...span,
  endLine: span.line,
  endColumn: span.column,
  endOffset: span.startOffset,
});

const writesFile = (command: ShellCommand): boolean => command.redirects.some(({ operator }) => operator.includes(">"));

function secretIn(context: CheckContext, command: ShellCommand): { word: ShellWord; variable: string } | undefined {
  for (const word of command.args) {
    for (const { variable } of word.pieces) {
      const fact = variable === undefined ? undefined : context.shell.variables.get(variable);
      if (variable === undefined || !fact || fact.origin === "plaintext") continue;
      if (/(PASS(WORD|WD)?|TOKEN|SECRET|_KEY|CREDENTIAL)/i.test(variable)) return { word, variable };
    }
  }
  return undefined;
}

/** `docker login -u U -p "$P" HOST` → `echo "$P" | docker login -u U --password-stdin HOST`, for a command of its own. */
function stdinFix(
  context: CheckContext,
  { command }: DockerCommand,
  password: { readonly word: ShellWord; readonly isInline: boolean },
): Fix | undefined {
  const { within } = command;
  const variable = password.word.pieces.length === 1 ? password.word.pieces[0]?.variable : undefined;
  const option = command.args[command.args.indexOf(password.word) - 1];
  if (variable === undefined || password.isInline || !option?.span || !password.word.span || command.pipedFrom)
    return undefined;
  const { span } = command;
  if (span.startOffset !== within.span.startOffset || span.endOffset !== within.span.endOffset) return undefined;
  if (context.text.slice(span.startOffset, span.startOffset + 6) !== "docker") return undefined;
  return {
    kind: "edit",
    title: "give it on standard input",
    edits: [
      {
        file: context.file,
        startOffset: span.startOffset,
        endOffset: span.startOffset,
        newText: `echo "$${variable}" | `,
      },
      {
        file: context.file,
        startOffset: option.span.startOffset,
        endOffset: password.word.span.endOffset,
        newText: "--password-stdin",
      },
    ],
  };
}
