/**
 * Bash syntax in a build whose shell is `sh`: on the Ubuntu images that is dash, which does not know it. On Amazon Linux
 * `sh` is bash. One finding a file, at the first place.
 */
import { forEachChild, type SyntaxNode } from "unbash";
import { curatedImage } from "../../build/plan/curated-images.ts";
import type { Span } from "../../core/diagnostics.ts";
import { envEdits } from "../env-edits.ts";
import type { Rule } from "../rule.ts";

export const shellBashismUnderSh: Rule = {
  id: "shell/bashism-under-sh",
  severity: "warning",
  title: "bash syntax while the build's shell is sh",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell",
  *run(context) {
    const shell = context.buildspec.env.shell?.value;
    if (shell !== undefined && !/^(\/bin\/)?sh$/.test(shell)) return;
    const image = curatedImage(context.project.image);
    if (image ? image.sh === "bash" : context.project.image !== undefined) return;
    const found: { span: Span; what: string }[] = [];
    for (const { script, span } of context.shell.scripts) {
      for (const { node, what } of bashisms(script)) found.push({ span: span(node), what });
    }
    const [first, ...others] = found;
    if (!first) return;
    const edits = envEdits(context, { shell: "bash" });
    yield {
      severity: image ? "warning" : "info",
      message: `${first.what} is bash; the build's shell is sh`,
      span: first.span,
      why: image
        ? `sh is dash in \`${image.family}\`, which does not know it`
        : "sh is dash in the Ubuntu images (`aws/codebuild/standard`), which does not know it",
      ...(others.length > 0 && {
        related: others.slice(0, 5).map(({ span, what }) => ({ span, message: `${what} here too` })),
      }),
      ...(edits && shell === undefined && { fix: { kind: "edit" as const, title: "set `env.shell` to bash", edits } }),
    };
  },
};

function bashisms(root: SyntaxNode): { node: SyntaxNode; what: string }[] {
  const found: { node: SyntaxNode; what: string }[] = [];
  const visit = (node: SyntaxNode): void => {
    const what = bashism(node);
    if (what !== undefined) found.push({ node, what });
    // The text of a here-document and scripts for other shells are not looked into.
    if (node.type === "HereDocBody" || isOtherShell(node)) return;
    forEachChild(node, visit);
  };
  visit(root);
  return found;
}

const isOtherShell = (node: SyntaxNode): boolean =>
  node.type === "Command" && /^(bash|ssh|powershell|pwsh|python3?|node)$/.test(node.name?.value ?? "");

function bashism(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case "TestCommand":
      return "`[[ … ]]`";
    case "ArithmeticCommand":
      return "`(( … ))`";
    case "ArithmeticFor":
      return "`for ((…))`";
    case "ProcessSubstitution":
      return "process substitution";
    case "HereString":
      return "`<<<`";
    case "ArrayValue":
      return "an array";
    case "Select":
      return "`select`";
    case "Redirect":
      return node.operator === "&>" || node.operator === "&>>" ? `\`${node.operator}\`` : undefined;
    case "ParameterExpansion":
      return node.operation && /^(Replace|Slice|CaseModification|Transform)$/.test(node.operation.type)
        ? `\`${node.text}\``
        : undefined;
    case "AnsiCQuoted":
      return "`$'…'`";
    case "Command":
      return bashCommand(node);
    default:
      return undefined;
  }
}

function bashCommand(node: Extract<SyntaxNode, { type: "Command" }>): string | undefined {
  const name = node.name?.value;
  if (
    name === "source" ||
    name === "pushd" ||
    name === "popd" ||
    name === "shopt" ||
    name === "declare" ||
    name === "mapfile"
  ) {
    return `\`${name}\``;
  }
  const words = node.suffix.map((item) => (item.type === "Word" ? item.value : ""));
  if (name === "[" && words.includes("==")) return "`==` in `[`";
  if (name === "set" && words.includes("pipefail")) return "`set -o pipefail`";
  return undefined;
}
