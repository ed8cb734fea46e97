/** `runtime-versions` with an image that has no runtimes to choose from: CodeBuild warns and goes on without them. */
import { selectRuntimes } from "../../build/plan/index.ts";
import type { Rule } from "../rule.ts";

export const runtimeNotSupportedByImage: Rule = {
  id: "runtime/not-supported-by-image",
  severity: "warning",
  title: "`runtime-versions` with an image that selects none",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html",
  *run({ buildspec, project }) {
    if (project.image === undefined) return;
    const wanted = buildspec.phases.flatMap(({ runtimeVersions }) => runtimeVersions);
    const [first] = wanted;
    if (!first) return;
    const selected = selectRuntimes(
      project.image,
      wanted.map(({ runtime, version }) => ({ runtime: runtime.value, version: version.value })),
    );
    if (!selected.ok || selected.value.kind !== "skipped") return;
    yield {
      message: `image \`${project.image}\` does not select runtimes, so \`runtime-versions\` has no effect`,
      span: first.runtime.span,
      why: `CodeBuild prints \`${selected.value.warning.replace("[WARN] ", "")}\`; the commands get what the image has`,
    };
  },
};
