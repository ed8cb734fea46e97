/** The source version names no branch, tag or commit (R16). */
import type { Cause, Finding } from "../cause.ts";

export const sourceReferenceNotFound: Cause = {
  id: "source/reference-not-found",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/sample-source-version.html"],
  match(failure): Finding | undefined {
    const version = /^reference not found for primary source and source version (.+)$/m.exec(failure.message)?.[1];
    if (version === undefined) return undefined;
    return {
      cause: `the source has no branch, tag or commit \`${version}\``,
      evidence: [failure.message],
      why: "a branch that was renamed (`master`, `main`) or not pushed, or a commit of another clone",
      fix: { kind: "command", title: "see what there is", commands: ["git branch --all", "git tag --list"] },
      next: "then name one of them: `kiln run --source REV`, or the project's `sourceVersion`",
      confidence: "certain",
    };
  },
};
