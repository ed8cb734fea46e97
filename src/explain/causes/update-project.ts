/** Commands that change one setting of the project and keep the rest. */
import { shellText, shellWord } from "../../core/shell-word.ts";
import type { BuildFacts } from "../build-facts.ts";

/** `aws codebuild update-project --name NAME …` */
export const updateProject = ({ build }: BuildFacts, flags: string): string =>
  `aws codebuild update-project --name ${shellWord(build.projectName ?? "PROJECT")} ${flags}`;

/** AWS: UpdateProject replaces `environment` as a whole, so its other required members are repeated. */
export function updateEnvironment(facts: BuildFacts, changes: Readonly<Record<string, string>>): string {
  const { build, plan } = facts;
  const { environment: known } = build;
  const environment = {
    type: known?.type ?? plan?.environmentType ?? "LINUX_CONTAINER",
    image: known?.image || plan?.image || "aws/codebuild/standard:7.0",
    computeType: known?.computeType ?? plan?.computeType ?? "BUILD_GENERAL1_SMALL",
    ...(known?.privilegedMode ? { privilegedMode: "true" } : {}),
    ...changes,
  };
  const text = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return updateProject(facts, `--environment ${shellText(text.join(","))}`);
}

/** The compute type above this one, where there is one. */
export function largerCompute(computeType: string | undefined): string | undefined {
  const sizes = ["SMALL", "MEDIUM", "LARGE", "XLARGE", "2XLARGE"];
  const at = sizes.findIndex((size) => `BUILD_GENERAL1_${size}` === computeType);
  return at < 0 || at === sizes.length - 1 ? undefined : `BUILD_GENERAL1_${sizes[at + 1]}`;
}
