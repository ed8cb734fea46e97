/**
 * A secret written into the repository: in the buildspec, a Dockerfile, a file of settings, or a file that a command names.
 * By patterns of known kinds (leak-guard/hard-coded-secrets.ts) and, for variables of the buildspec, by name and looks.
 * Other files only when all are asked for: reading a tree costs more than everything else a check does.
 * The value is never shown: the span is empty, because a frame would print the line.
 */

import type { Span } from "../../core/diagnostics.ts";
import { shellText } from "../../core/shell-word.ts";
import { hardCodedSecrets } from "../../leak-guard/hard-coded-secrets.ts";
import { isMadeUp, isSecretsFile } from "../../leak-guard/secret-files.ts";
import { isPlaceholder as isExample, looksMade } from "../../leak-guard/value-shape.ts";
import { isPlaceholder, isSecretName } from "../knowledge/secret-looks.ts";
import { lineIndex } from "../line-index.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { perWorkspace } from "../tree/per-workspace.ts";

export const secretsHardCoded: Rule = {
  id: "secrets/hard-coded",
  severity: "warning",
  title: "a secret written into the repository",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/data-protection.html",
  *run(context) {
    const { file, text } = context;
    yield* inText(file, text, "the buildspec");
    yield* inVariables(context);
    for (const path of filesToRead(context)) {
      if (path === file) continue;
      const other = context.workspace.readText(path, MAX_FILE_BYTES);
      if (other !== undefined) yield* inText(path, other, `\`${path}\``);
    }
  },
};

const MAX_FILE_BYTES = 256 * 1024;
const MAX_FILES = 500;
const WHY = "whoever may read the repository, or its history, has it; CodeBuild does not mask it in the log";

function* inText(file: string, text: string, where: string): Generator<Finding> {
  const found = hardCodedSecrets(text, file);
  if (found.length === 0) return;
  const lines = lineIndex(file, text);
  for (const { kind, shown, startOffset } of found) {
    yield finding(`${where} holds ${kind} (\`${shown}\`)`, lines.spanOf(startOffset, startOffset), "NAME");
  }
}

/** Variables with a value that only a secret has under such a name; those of a known kind are found in the text. */
function* inVariables({ buildspec, file }: CheckContext): Generator<Finding> {
  for (const { name, value: given } of buildspec.env.variables) {
    const { value, span } = given;
    if (!isSecretName(name.value) || value.length < 8) continue;
    if (isPlaceholder(value) || isExample(value)) continue;
    // A name, path or ARN leads to the secret, an expansion brings it.
    if (/^(?:ssm:|arn:|[a-z][a-z0-9+.-]*:\/\/|[~./])|[$`\s]/i.test(value) || !looksMade(value)) continue;
    if (hardCodedSecrets(`${name.value}: ${value}`, file).length > 0) continue;
    const point = { ...span, endLine: span.line, endColumn: span.column, endOffset: span.startOffset };
    yield finding(`the variable \`${name.value}\` of the buildspec holds a secret in clear`, point, name.value);
  }
}

const finding = (message: string, span: Span | undefined, name: string): Finding => ({
  message,
  ...(span && { span }),
  why: WHY,
  fix: {
    kind: "command",
    title: "take it out, change it, and keep the new one as a SecureString that `env.parameter-store` reads",
    commands: [`aws ssm put-parameter --name ${shellText(name)} --type SecureString --value VALUE`],
  },
});

function filesToRead({ workspace, shell, searchesAllFiles }: CheckContext): readonly string[] {
  const all = workspace.files();
  const mayHave = (path: string): boolean => !isMadeUp(path);
  if (searchesAllFiles) return all.filter(mayHave);
  const named = new Set(
    shell.commands
      .flatMap(({ name = "", args }) => [name, ...args.map(({ text = "" }) => text)])
      .map((path) => path.replace(/^\.\//, "")),
  );
  const { usual, isListed } = filesOf(workspace);
  const found = [...new Set([...usual, ...[...named].filter((path) => isListed(path) && mayHave(path))])];
  return found.length <= MAX_FILES ? found : found.sort().slice(0, MAX_FILES);
}

const filesOf = perWorkspace((workspace) => {
  const listed = new Set(workspace.files());
  const usual = workspace.files().filter((path) => isSecretsFile(path) && !isMadeUp(path));
  return { usual, isListed: (path: string) => listed.has(path) };
});
