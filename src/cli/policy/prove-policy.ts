/**
 * `kiln policy --prove`: the policy is enough when the build passes under a role that has nothing else, and the smallest
 * when it does not without any one of its statements. Each claim is a build that runs: one with the policy, one for each
 * statement without it. The role is made for it and removed afterwards.
 */
import type { Kiln } from "../../app.ts";
import { KilnError } from "../../core/errors.ts";
import { systemIds } from "../../core/ids.ts";
import { attachable, type ExplainedPolicy } from "../../least-privilege/index.ts";
import type { CommandContext } from "../command-context.ts";
import { findBuild, type WireBuild } from "../explain/gather-facts.ts";
import { unlessCode } from "../params/parameters.ts";
import { plural } from "../plural.ts";
import { CODEBUILD_TRUST_POLICY } from "../project/generated-role.ts";
import type { Interruption } from "../signals.ts";
import { aborted } from "../signals.ts";
import { diagnose } from "../watch-build.ts";

/** Input of StartBuild without the role. */
export type BuildInput = Readonly<Record<string, unknown>>;

interface Outcome {
  readonly build: WireBuild;
  /** `service:Action on ARN` of what was denied to the build's session. */
  readonly denied: readonly string[];
}

const POLICY_NAME = "kiln-prove";

/** Runs the builds and says what came of each; true when the policy is proved. */
export async function provePolicy(
  context: CommandContext,
  kiln: Kiln,
  input: BuildInput,
  policy: ExplainedPolicy,
  interruption: Interruption,
): Promise<boolean> {
  const { Statement } = policy.document;
  if (!attachable(policy).isInline) {
    throw new KilnError({
      code: "KILN_E_POLICY_TOO_LONG",
      message: "the policy is too long to be proved: more than the 10,240 characters of an inline policy",
      fix: ["split the build into projects with roles of their own"],
      exitCode: 2,
    });
  }
  const runs = Statement.length + 1;
  context.note(`proving: the build runs ${runs} times, with the policy and without each of its statements`);
  return withRole(kiln, async (roleName, roleArn) => {
    const runWith = async (statements: readonly unknown[]): Promise<Outcome> => {
      await kiln.root.call("iam", "PutRolePolicy", {
        RoleName: roleName,
        PolicyName: POLICY_NAME,
        PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
      });
      return runToEnd(kiln, { ...input, serviceRoleOverride: roleArn }, interruption);
    };
    const whole = await runWith(Statement);
    context.note(`1/${runs} with the policy: ${told(whole, [])}`);
    if (whole.build.buildStatus !== "SUCCEEDED" || whole.denied.length > 0) {
      const found = await diagnose(context, kiln, whole.build);
      if (found) context.warn(found.text);
      context.warn("not proved: the build does not pass under this policy alone");
      return false;
    }
    const unproved: string[] = [];
    for (const [index, { Sid }] of Statement.entries()) {
      const outcome = await runWith(Statement.filter((_, at) => at !== index));
      const isNeeded = outcome.build.buildStatus !== "SUCCEEDED" || outcome.denied.length > 0;
      if (!isNeeded) unproved.push(Sid);
      context.note(
        `${index + 2}/${runs} without ${Sid}: ${isNeeded ? told(outcome, outcome.denied) : "no difference"}`,
      );
    }
    if (unproved.length > 0) {
      context.warn(`not proved: this build does the same without ${unproved.join(", ")}`);
      return false;
    }
    context.note(
      `proved: the build passes with ${plural(Statement.length, "statement")}, and not as well without any of them`,
    );
    return true;
  });
}

/** StartBuild's input for a build like an earlier one, whose overrides are no longer known apart from its settings. */
export function sameBuild(build: WireBuild): BuildInput {
  const { source, environment } = build as WireBuild & {
    readonly environment?: { readonly environmentVariables?: readonly unknown[] };
  };
  const isPipeline = source?.type === "CODEPIPELINE";
  return {
    projectName: build.projectName,
    ...(build.sourceVersion === undefined ? {} : { sourceVersion: build.sourceVersion }),
    ...(source?.type === undefined ? {} : { sourceTypeOverride: source.type }),
    ...(source?.location === undefined ? {} : { sourceLocationOverride: source.location }),
    ...(source?.buildspec === undefined ? {} : { buildspecOverride: source.buildspec }),
    ...(isPipeline ? { artifactsOverride: { type: "CODEPIPELINE" } } : {}),
    ...(environment?.image === undefined ? {} : { imageOverride: environment.image }),
    ...(environment?.type === undefined ? {} : { environmentTypeOverride: environment.type }),
    ...(environment?.computeType === undefined ? {} : { computeTypeOverride: environment.computeType }),
    ...(environment?.privilegedMode === undefined ? {} : { privilegedModeOverride: environment.privilegedMode }),
    environmentVariablesOverride: environment?.environmentVariables ?? [],
    autoRetryLimitOverride: 0,
  };
}

async function runToEnd(kiln: Kiln, input: BuildInput, interruption: Interruption): Promise<Outcome> {
  const { build: started } = await kiln.root.call<{ build?: { id?: string } }>("codebuild", "StartBuild", input);
  const id = started?.id ?? "";
  const follow = async (): Promise<void> => {
    for await (const event of kiln.events(id)) if (event.type === "build-finished") return;
  };
  await Promise.race([follow(), aborted(interruption.first)]);
  if (interruption.first.aborted) {
    await kiln.root.call("codebuild", "StopBuild", { id });
    throw new KilnError({ code: "KILN_E_INTERRUPTED", message: "interrupted: nothing is proved", exitCode: 130 });
  }
  const build = await findBuild(kiln, id);
  const denied = kiln
    .decisions({ sessionName: `AWSCodeBuild-${id.split(":").at(-1)}` })
    .flatMap((record) => record.decisions.filter(({ effect }) => effect !== "allowed"))
    .map(({ action, resource }) => `${action} on ${resource}`);
  return { build: build ?? { id, buildStatus: "FAULT" }, denied: [...new Set(denied)] };
}

function told({ build }: Outcome, denied: readonly string[]): string {
  const { buildStatus = "" } = build;
  if (denied.length === 0) return buildStatus;
  const more = denied.length > 1 ? `, and ${denied.length - 1} more` : "";
  return `${buildStatus}, ${denied[0]} is denied${more}`;
}

async function withRole<T>(kiln: Kiln, work: (roleName: string, roleArn: string) => Promise<T>): Promise<T> {
  // Several proofs may share a state folder, from containers whose process ids are the same.
  const RoleName = `kiln-prove-${systemIds.uuid()}`;
  const { Role } = await kiln.root.call<{ Role?: { Arn?: string } }>("iam", "CreateRole", {
    RoleName,
    AssumeRolePolicyDocument: JSON.stringify(CODEBUILD_TRUST_POLICY),
    Description: "Made by kiln policy --prove, and removed at its end",
  });
  try {
    return await work(RoleName, Role?.Arn ?? "");
  } finally {
    const gone = ["NoSuchEntity"];
    await unlessCode(gone, kiln.root.call("iam", "DeleteRolePolicy", { RoleName, PolicyName: POLICY_NAME }));
    await unlessCode(gone, kiln.root.call("iam", "DeleteRole", { RoleName }));
  }
}
