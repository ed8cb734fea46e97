/** UPLOAD_ARTIFACTS found none of the files that the buildspec lists (R17, R18). */

import type { Artifacts } from "../../build/buildspec/buildspec.ts";
import { nearestPath } from "../../check/tree/nearest-path.ts";
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import { at, quotedList } from "./finding-parts.ts";

export const artifactsNotFound: Cause = {
  id: "artifacts/not-found",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.files"],
  match(failure, facts): Finding | undefined {
    if (failure.phaseType !== "UPLOAD_ARTIFACTS") return undefined;
    const directory = /^no matching base directory path found for (.+)$/.exec(failure.message)?.[1];
    if (directory === undefined && !/no matching artifact paths found/i.test(failure.message)) return undefined;
    const { artifacts, section } = artifactsOf(facts);
    const { workspace } = facts;
    if (directory !== undefined) {
      const near = workspace && nearestPath(workspace, directory, "directory")?.path;
      return {
        cause: `the folder \`${directory}\` of \`${section}.base-directory\` does not exist after the build`,
        ...at(facts.buildspec?.file, artifacts?.baseDirectory?.span.line),
        evidence: [failure.message],
        next: near === undefined ? "check that a command makes this folder, and where" : `the source has \`${near}\``,
        confidence: "certain",
      };
    }
    const files = artifacts?.files.map((file) => file.value) ?? facts.plan?.artifacts?.files ?? [];
    const base = artifacts?.baseDirectory?.value;
    return {
      cause: `nothing matches \`${section}.files\`${files.length > 0 ? ` (${quotedList(files)})` : ""}${base === undefined ? "" : ` in \`${base}\``} after the build`,
      ...at(facts.buildspec?.file, artifacts?.files[0]?.span.line ?? artifacts?.span.line),
      evidence: [failure.message],
      why: "paths count from the root of the source, or from `base-directory`, wherever the commands changed to with `cd`",
      next: "list what the build made: put `find . -newer $CODEBUILD_SRC_DIR/buildspec.yml -type f` at the end of the last phase",
      confidence: "certain",
    };
  },
};

/** The artifacts that were being collected: the log names secondary ones before it looks for their files. */
function artifactsOf({ buildspec, events }: BuildFacts): { artifacts: Artifacts | undefined; section: string } {
  const line = events.findLast(
    (event) => event.type === "log" && event.kind === "container" && event.text.startsWith(SECONDARY),
  );
  const identifier = line?.type === "log" ? line.text.slice(SECONDARY.length) : undefined;
  const secondary = buildspec?.artifacts?.secondary.find((one) => one.identifier.value === identifier);
  if (!secondary) return { artifacts: buildspec?.artifacts, section: "artifacts" };
  return { artifacts: secondary.artifacts, section: `artifacts.secondary-artifacts.${identifier}` };
}

const SECONDARY = "Preparing to copy secondary artifacts ";
