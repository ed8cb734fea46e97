/** `kiln policy`: the least-privilege policy of the service role, from the plan or from what a build really called. */
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import type { DecisionRecord, NamedPolicy } from "../authorize/decision.ts";
import type { PolicyDocument } from "../core/aws.ts";
import { KilnError } from "../core/errors.ts";
import {
  batchRolePolicy,
  diffPolicy,
  type PolicyDifference,
  policyFromDecisions,
  policyFromPlans,
} from "../least-privilege/index.ts";
import { requireBatch } from "./batch-project.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import { requireRole } from "./default-project.ts";
import { buildIdOf } from "./diagnose-batch.ts";
import { buildNamed } from "./explain.ts";
import type { CliIo } from "./io.ts";
import { scopeFrom } from "./plan.ts";
import { type PlanValues, planProject } from "./planned-project.ts";
import { sourceDir } from "./project-files.ts";
import { usage } from "./run-refusals.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { batchNamed } from "./wire-batch.ts";

interface Values extends PlanValues {
  readonly batch?: boolean;
  readonly diff?: string;
}

export function policyCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("policy")
    .description("least-privilege policy of the service role, from the plan, or from what a build really called")
    .argument("[dir-or-build]", "source folder, or id of a build or batch", ".")
    .addOption(option("-b, --buildspec <file>", "buildspec in the source (default: buildspec.yml)"))
    .addOption(option("--project <name>", "with the buckets, log group and keys of this project"))
    .addOption(option("--template <file>", "with those of the project that this CreateProject input describes"))
    .addOption(option("--batch", "the policy of the batch role (buildBatchConfig.serviceRole) instead"))
    .addOption(option("--diff <role>", "compare with what a role is granted"));
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln policy > policy.json");
  return command.action(async (target: string, values: Values) => {
    exit(await printPolicy(commandContext(io, settingsOf(values, io)), target, values));
  });
}

async function printPolicy(context: CommandContext, target: string, values: Values): Promise<number> {
  const isBuild = /^arn:|:[0-9a-f]{8}-|^[0-9a-f]{8}-[0-9a-f-]+$/.test(target);
  const planned = isBuild ? undefined : await fromPlan(context, target, values);
  if (planned && values.diff === undefined) {
    context.printJson(planned);
    return 0;
  }
  return withKiln(context, async (kiln) => {
    const policy = planned ?? (await fromRun(kiln, target, values.batch === true));
    if (values.diff === undefined) context.printJson(policy);
    else printDiff(context, values.diff, diffPolicy(policy, await policiesOf(kiln, values.diff)));
    return 0;
  });
}

async function fromPlan(context: CommandContext, target: string, values: Values): Promise<PolicyDocument> {
  const source = sourceDir(target, context.io.cwd);
  const { name, plans, batch, settings, files } = await planProject(context, source, values);
  const scope = scopeFrom(context.settings);
  if (values.batch) {
    if (!batch) requireBatch(files);
    return batchRolePolicy(scope, name);
  }
  if (batch) context.note("the service role's, for all builds of the batch; the batch role's: `kiln policy --batch`");
  return policyFromPlans(plans, scope, name, settings);
}

/** What the sessions of a build, of all builds of a batch, or of a batch's own role asked for. */
async function fromRun(kiln: Kiln, id: string, isBatchRole: boolean): Promise<PolicyDocument> {
  const build = await buildNamed(kiln, id);
  const batch = build ? undefined : await batchNamed(kiln, id);
  if (!build && !batch) {
    throw new KilnError({
      code: "KILN_E_NO_BUILD",
      message: `there is no build and no batch \`${id}\``,
      fix: ["see both with `kiln builds ls`"],
      exitCode: 2,
    });
  }
  if (isBatchRole && !batch) {
    throw usage(`\`${id}\` is a build, and \`--batch\` asks for the role of a batch`, [
      "name the batch: `kiln builds ls` lists them below the builds",
      "or leave --batch away for the build's service role",
    ]);
  }
  const sessions =
    batch && !isBatchRole
      ? (batch.buildGroups ?? []).flatMap((group) => buildIdOf(group) ?? [])
      : [(build ?? batch)?.id ?? ""];
  return policyFromDecisions(
    sessions.flatMap((one): DecisionRecord[] =>
      kiln.decisions({ sessionName: `AWSCodeBuild-${one.split(":").at(-1)}` }),
    ),
  );
}

/** The role's inline and attached policies. */
async function policiesOf(kiln: Kiln, roleName: string): Promise<NamedPolicy[]> {
  const name = (await requireRole(kiln.root, roleName)).split("/").at(-1) ?? roleName;
  const policies: NamedPolicy[] = [];
  const inline = await kiln.root.call<{ PolicyNames?: string[] }>("iam", "ListRolePolicies", { RoleName: name });
  for (const PolicyName of inline.PolicyNames ?? []) {
    const input = { RoleName: name, PolicyName };
    const { PolicyDocument = "" } = await kiln.root.call<{ PolicyDocument?: string }>("iam", "GetRolePolicy", input);
    policies.push({ name: `inline policy ${PolicyName}`, document: parseDocument(PolicyDocument) });
  }
  const attached = await kiln.root.call<{ AttachedPolicies?: { PolicyArn?: string }[] }>(
    "iam",
    "ListAttachedRolePolicies",
    {
      RoleName: name,
    },
  );
  for (const { PolicyArn = "" } of attached.AttachedPolicies ?? []) {
    const { Policy } = await kiln.root.call<{ Policy?: { DefaultVersionId?: string } }>("iam", "GetPolicy", {
      PolicyArn,
    });
    const { PolicyVersion } = await kiln.root.call<{ PolicyVersion?: { Document?: string } }>(
      "iam",
      "GetPolicyVersion",
      {
        PolicyArn,
        VersionId: Policy?.DefaultVersionId ?? "v1",
      },
    );
    policies.push({ name: PolicyArn, arn: PolicyArn, document: parseDocument(PolicyVersion?.Document ?? "") });
  }
  return policies;
}

/** AWS: IAM answers documents URL-encoded (RFC 3986). */
const parseDocument = (document: string): PolicyDocument =>
  JSON.parse(document.startsWith("%") ? decodeURIComponent(document) : document) as PolicyDocument;

function printDiff(context: CommandContext, role: string, difference: PolicyDifference): void {
  if (context.settings.output === "json") {
    context.printJson({ role, ...difference });
    return;
  }
  const { usedButNotGranted, grantedButUnused, grantedTooWidely } = difference;
  context.print(usedButNotGranted.length === 0 ? `nothing is missing in ${role}` : "needed but not granted:");
  for (const { action, resource } of usedButNotGranted) context.print(`  ${action} on ${resource}`);
  if (grantedTooWidely.length > 0) context.print("granted wider than needed:");
  for (const { action, resource, policyName, needs } of grantedTooWidely) {
    context.print(`  ${action} on ${resource}  (${policyName}); needed:`);
    for (const need of needs) context.print(`    ${need.action} on ${need.resource}`);
  }
  if (grantedButUnused.length > 0) context.print("granted but not needed:");
  for (const { action, resource, policyName } of grantedButUnused)
    context.print(`  ${action} on ${resource}  (${policyName})`);
  if (grantedButUnused.length + grantedTooWidely.length === 0) context.print(`nothing in ${role} is too much`);
  else context.note("the least policy that is enough: `kiln policy` without --diff");
}
