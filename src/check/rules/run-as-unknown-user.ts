/**
 * `run-as` with a user that the image does not have, when no command before it makes the user. CodeBuild's images bring
 * root and codebuild-user along, and the system users of their distribution.
 */
import { type Located, PHASE_NAMES } from "../../build/buildspec/index.ts";
import { curatedImage } from "../../build/plan/curated-images.ts";
import { nearest } from "../../core/nearest.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

const OWN = ["root", "codebuild-user"];
/** Debian's and Amazon Linux's, as far as a build might name them. */
const SYSTEM = new Set(["nobody", "daemon", "bin", "sys", "www-data", "mail", "games", "man", "backup", "sshd"]);

export const runAsUnknownUser: Rule = {
  id: "run-as/unknown-user",
  severity: "warning",
  title: "a `run-as` user that the image does not have",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.run-as",
  *run(context) {
    const { buildspec, project } = context;
    // Another image: who lives in it is its own affair.
    const image = curatedImage(project.image);
    if (project.image !== undefined && !image) return;
    const made: string[] = [];
    for (const name of PHASE_NAMES) {
      const phase = buildspec.phases.find((one) => one.name === name);
      if (!phase) continue;
      const commands = [...phase.commands, ...phase.finally].map(({ value }) => value);
      if (phase.runAs && commands.length > 0) yield* findingFor(context, phase.runAs, made);
      made.push(...commands);
    }
    if (buildspec.runAs && made.length > 0) yield* findingFor(context, buildspec.runAs, made);
  },
};

function* findingFor({ project }: CheckContext, user: Located<string>, before: readonly string[]): Iterable<Finding> {
  const name = user.value;
  if (OWN.includes(name) || SYSTEM.has(name) || /[$]/.test(name)) return;
  if (before.some((command) => /\b(?:useradd|adduser)\b/.test(command) && command.includes(name))) return;
  const guess = nearest(name, OWN);
  yield {
    message: `\`run-as: ${name}\` names a user that ${project.image === undefined ? "CodeBuild's images do" : `\`${project.image}\` does`} not have${guess === undefined ? "; they have `root` and `codebuild-user`" : `; did you mean \`${guess}\`?`}`,
    span: user.span,
    why: "the phase fails before its first command; commands never run as another user instead",
  };
}
