/** `run-as` names a user that the build cannot run commands as. */
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import type { Failure } from "../failures.ts";
import { at } from "./finding-parts.ts";

const SOURCES = ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.run-as"];

/** The `run-as` that counts for a phase: its own, else the buildspec's. */
function placeOf({ buildspec }: BuildFacts, { phaseType }: Failure) {
  const phase = buildspec?.phases.find(({ name }) => name.toUpperCase() === phaseType);
  return at(buildspec?.file, (phase?.runAs ?? buildspec?.runAs)?.span.line);
}

export const runAsUnknownUser: Cause = {
  id: "run-as/unknown-user",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    const user = /\. Reason: user: unknown user (\S+)$/.exec(failure.message)?.[1];
    if (user === undefined) return undefined;
    const isOurs = user === "codebuild-user";
    return {
      cause: `\`run-as: ${user}\` names a user that does not exist where the build runs`,
      ...placeOf(facts, failure),
      evidence: [failure.message],
      why: isOurs
        ? "CodeBuild's images bring this user along; this machine does not have it"
        : "commands run as nobody else instead, so the phase failed before its first command",
      ...(isOurs
        ? {
            fix: {
              kind: "command" as const,
              title: "make the user on this machine",
              commands: ["useradd --create-home codebuild-user"],
            },
            next: "or take `run-as` out of the buildspec",
          }
        : {
            next: `CodeBuild's images have \`root\` and \`codebuild-user\`; another user has to be in the image: \`useradd ${user}\` in its Dockerfile, or in an earlier phase`,
          }),
      confidence: "certain",
    };
  },
};

export const runAsNeedsRoot: Cause = {
  id: "run-as/needs-root",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    const user = /\. Reason: user (\S+): operation not permitted$/.exec(failure.message)?.[1];
    if (user === undefined) return undefined;
    return {
      cause: `\`run-as: ${user}\` needs Kiln to run as root: nobody else may become another user`,
      ...placeOf(facts, failure),
      evidence: [failure.message],
      why: "on AWS the build starts as root in its container; here commands run on this machine",
      next: `run Kiln as root (\`sudo kiln run\`), or as \`${user}\`, or take \`run-as\` out for now`,
      confidence: "certain",
    };
  },
};
