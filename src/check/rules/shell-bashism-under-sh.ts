/**
 * Bash syntax in a build whose shell is `sh`: on the Ubuntu images that is dash, which does not know it. On Amazon Linux
 * `sh` is bash. One finding a file, at the first place; scripts of the tree that say `#!/bin/sh` have one each.
 */
import { curatedImage } from "../../build/plan/curated-images.ts";
import type { Span } from "../../core/diagnostics.ts";
import { envEdits } from "../edits/env-edits.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import { assignedNames, type Bashism, bashismsIn } from "../shell/bashisms.ts";

export const shellBashismUnderSh: Rule = {
  id: "shell/bashism-under-sh",
  severity: "warning",
  title: "bash syntax while the build's shell is sh",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell",
  *run(context) {
    if (isShBash(context)) return;
    const shell = context.buildspec.env.shell?.value;
    const isOwnSh = shell === undefined || /^(\/bin\/)?sh$/.test(shell);
    if (isOwnSh) {
      const found = ownPlaces(context);
      const [first] = found;
      const edits = shell === undefined ? envEdits(context, { shell: "bash" }) : undefined;
      if (first) {
        yield {
          ...describe(context, found),
          span: first.span,
          ...(edits && { fix: { kind: "edit" as const, title: "set `env.shell` to bash", edits } }),
        };
      }
    }
    const files = new Set<string>();
    for (const { file, script, shell: by, calledBy, span } of context.shell.scriptFiles) {
      if (files.has(file) || !(by === "sh" || (by === "own" && isOwnSh))) continue;
      files.add(file);
      const found = bashismsIn(script, assignedNames(script))
        .filter(({ effect }) => effect === "fails")
        .map((each) => ({ ...each, span: span(each.node) }));
      const [first] = found;
      if (!first) continue;
      const described = describe(context, found.slice(0, 1));
      yield {
        ...described,
        message: `${described.message}, in \`${file}\``,
        span: calledBy.span,
        related: [{ span: first.span, message: `${first.what} stands here` }],
        fix: { kind: "command", title: `run \`${file}\` with bash, or begin it with \`#!/bin/bash\``, commands: [] },
      };
    }
  },
};

type Place = Bashism & { readonly span: Span };

/** Places in the buildspec's commands; what only prints otherwise counts when it stands beside something worse. */
function ownPlaces(context: CheckContext): Place[] {
  const assigned = new Set([...context.shell.variables.keys()]);
  for (const { script } of context.shell.scripts) assignedNames(script, assigned);
  const found = context.shell.scripts.flatMap(({ script, span }) =>
    bashismsIn(script, assigned).map((each) => ({ ...each, span: span(each.node) })),
  );
  const failing = found.filter(({ effect }) => effect === "fails");
  return failing.length > 0 ? failing : found;
}

/** Is `sh` known to be bash, or not known at all because the image is somebody's own? */
function isShBash({ project, shell }: CheckContext): boolean {
  const image = curatedImage(project.image);
  if (image) return image.sh === "bash";
  if (project.image !== undefined) return true;
  // Package managers of Amazon Linux: the image is one.
  return (
    shell.commands.some(
      ({ name, isGuarded }) => !isGuarded && /^(yum|dnf|amazon-linux-extras|microdnf|rpm)$/.test(name ?? ""),
    ) && !shell.commands.some(({ name }) => /^(apt|apt-get|dpkg)$/.test(name ?? ""))
  );
}

function describe(
  { project }: CheckContext,
  found: readonly Place[],
): Pick<Finding, "message" | "severity" | "why" | "related"> & { message: string } {
  const image = curatedImage(project.image);
  const [first, ...others] = found;
  const isHarmful = first?.effect === "fails" || /^`&>/.test(first?.what ?? "");
  const where = image ? `\`${image.family}\`` : "the Ubuntu images (`aws/codebuild/standard`)";
  return {
    severity: isHarmful ? "warning" : "info",
    message: `${first?.what} is bash; the build's shell is sh`,
    why: isHarmful
      ? `sh is dash in ${where}, which does not know it`
      : `sh is dash in ${where}, which gives another result`,
    ...(others.length > 0 && {
      related: others.slice(0, 5).map(({ span, what }) => ({ span, message: `${what} here too` })),
    }),
  };
}
