/**
 * Version 0.1 runs each command in a shell of its own: a `cd` or a variable of one command is gone in the next.
 * Source: the reference's "buildspec versions", troubleshooting "commands don't recognise results of earlier ones".
 */
import type { Located } from "../../build/buildspec/index.ts";
import type { Rule } from "../rule.ts";

export const buildspecOldVersion: Rule = {
  id: "buildspec/old-version",
  severity: "warning",
  title: "version 0.1, whose commands do not see what earlier ones changed",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-build-commands",
  *run({ file, buildspec }) {
    const { version } = buildspec;
    if (version?.value !== "0.1") return;
    const usesOldKeys = buildspec.text.includes("environment_variables");
    const { startOffset, endOffset } = version.span;
    for (const { commands } of buildspec.phases) {
      for (const [index, command] of commands.entries()) {
        const change = index < commands.length - 1 ? changeOf(command) : undefined;
        if (change === undefined) continue;
        yield {
          message: `\`${change}\` has no effect on the commands after it`,
          span: command.span,
          why: "in version 0.1 CodeBuild runs each command in a shell of its own; in 0.2 directory and variables carry over",
          related: [{ span: version.span, message: "the version" }],
          ...(!usesOldKeys && {
            fix: {
              kind: "edit",
              title: "use version 0.2",
              edits: [{ file, startOffset, endOffset, newText: "0.2" }],
            },
          }),
        };
        return;
      }
    }
  },
};

/** A command that is nothing but a change of the shell: `cd x`, `export A=b`, `A=b`. */
function changeOf({ value }: Located<string>): string | undefined {
  const text = value.trim();
  return /^(?:cd\s+[^\s;&|]+|export\s+\w+=[^;&|]*|[A-Za-z_]\w*=[^\s;&|]*)$/.test(text) ? text : undefined;
}
