/** An old image that starts no build without `runtime-versions`. */
import { selectRuntimes } from "../../build/plan/index.ts";
import type { Rule } from "../rule.ts";

export const runtimeNoneSelected: Rule = {
  id: "runtime/none-selected",
  severity: "error",
  title: "no `runtime-versions` where the image needs them",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html",
  *run({ buildspec, project, spanOf }) {
    if (project.image === undefined) return;
    if (buildspec.phases.some(({ runtimeVersions }) => runtimeVersions.length > 0)) return;
    const selected = selectRuntimes(project.image, []);
    if (selected.ok) return;
    const phase = buildspec.phases.find(({ name }) => name === "install") ?? buildspec.phases[0];
    if (!phase) return;
    const { startOffset } = phase.span;
    yield {
      message: `the image \`${project.image}\` needs \`runtime-versions\`, and the buildspec has none`,
      span: spanOf(startOffset, startOffset + phase.name.length),
      why: `the build ends in DOWNLOAD_SOURCE with \`YAML_FILE_ERROR: ${selected.error}\``,
    };
  },
};
