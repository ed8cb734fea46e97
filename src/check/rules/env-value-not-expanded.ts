/**
 * `PATH: $PATH:/x` under `env.variables`: CodeBuild sets the text as it stands, it expands nothing. A command that uses
 * the variable gets the dollar sign with it, because a shell expands once.
 */
import type { Rule } from "../rule.ts";

export const envValueNotExpanded: Rule = {
  id: "env/value-not-expanded",
  severity: "warning",
  title: "a variable's value that refers to another variable",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.variables",
  *run({ buildspec }) {
    const commands = buildspec.phases.flatMap((phase) => [...phase.commands, ...phase.finally]);
    const script = commands.map(({ value }) => value).join("\n");
    // Expanded by a command after all.
    if (/(?:^|[\s;&|(])(?:eval|envsubst)\b/.test(script)) return;
    for (const { name, value } of buildspec.env.variables) {
      const reference = /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*)|(\((?!\()))/.exec(value.value);
      if (!reference) continue;
      const [text, braced, bare] = reference;
      const referred = braced ?? bare;
      const isOwn = referred === name.value;
      const isPath = isOwn && name.value === "PATH";
      yield {
        // `X: $X` alone: where the project sets X, its value counts, and nothing is lost.
        severity: isOwn && (isPath || value.value !== text) ? "error" : "warning",
        message: `\`${name.value}\` is the literal text \`${value.value}\`, not the value of \`${referred === undefined ? `${text}…)` : text}\``,
        span: value.span,
        why: isPath
          ? "CodeBuild replaces the image's PATH by this text and expands nothing, so no command is found"
          : isOwn
            ? "CodeBuild replaces the variable by this text and expands nothing"
            : "CodeBuild expands nothing in `env.variables`",
        fix: {
          kind: "command",
          title: `set it in a command: \`export ${name.value}="${value.value.replace(/"/g, '\\"')}"\``,
          commands: [],
        },
      };
    }
  },
};
