/**
 * `env.exported-variables`, as the build's session has them at the end of POST_BUILD.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.exported-variables
 */
import type { BuildLog } from "./build-log.ts";
import type { BuildResult } from "./build-request.ts";
import type { ReadyBuild } from "./download-source.ts";

/** AWS: `AWS_…` names are never exported. Secrets of the project are left out; other values are masked. */
export async function exportedVariables(build: ReadyBuild, log: BuildLog): Promise<BuildResult["exportedVariables"]> {
  const names = build.plan.exportedVariables.filter((name) => /^[A-Za-z_]\w*$/.test(name) && !name.startsWith("AWS_"));
  const secretOfProject = new Set(
    build.plan.variables
      .filter((variable) => variable.type !== "PLAINTEXT" && variable.source !== "buildspec")
      .map((variable) => variable.name),
  );
  const values = await build.session.values(names.filter((name) => !secretOfProject.has(name)));
  return [...values].map(([name, value]) => ({ name, value: log.mask(value) }));
}
