/** `kiln policy`: the least-privilege policy of the service role, from the plan or from what a build really called. */
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import type { DecisionRecord } from "../authorize/decision.ts";
import { requiredPermissions } from "../build/plan/index.ts";
import type { BuildEvent } from "../build/run/events.ts";
import { KilnError, usageError } from "../core/errors.ts";
import { shellQuote } from "../core/shell-quote.ts";
import {
  attachable,
  batchRolePolicy,
  type ExplainedPolicy,
  explainedPolicy,
  requirementsOfDecisions,
  toCloudFormation,
  toTerraform,
  toText,
} from "../least-privilege/index.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import { buildIdOf } from "./explain/diagnose-batch.ts";
import { findBuild, type WireBuild } from "./explain/gather-facts.ts";
import { buildNamed } from "./explain.ts";
import type { CliIo } from "./io.ts";
import { callOrigins } from "./policy/call-origins.ts";
import { printDiff } from "./policy/policy-diff.ts";
import { type BuildInput, provePolicy, sameBuild } from "./policy/prove-policy.ts";
import { requireBatch } from "./project/batch-project.ts";
import { type PlanValues, planProject, scopeFrom } from "./project/planned-project.ts";
import { isBuildspecFile, sourceDir } from "./project/project-files.ts";
import { prepareProject } from "./run/run-project.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { withSignals } from "./signals.ts";
import { batchNamed } from "./wire-batch.ts";

interface Values extends PlanValues {
  readonly batch?: boolean;
  readonly diff?: string;
  readonly prove?: boolean;
  readonly engine?: string;
  readonly output?: string;
}

export function policyCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("policy")
    .description("least-privilege policy of the service role, from the plan, or from what a build really called")
    .argument("[dir-or-build]", "source folder, or id of a build or batch", ".")
    .addOption(option("-b, --buildspec <file>", "buildspec in the source (default: buildspec.yml)"))
    .addOption(option("--project <name>", "with the buckets, log group and keys of this project"))
    .addOption(option("--template <file>", "with those of the project that this CreateProject input describes"))
    .addOption(option("--batch", "the policy of the batch role (buildBatchConfig.serviceRole) instead"))
    .addOption(option("--diff <role>", "compare with what a role is granted"))
    .addOption(
      option("--prove", "run the build with it, and without each of its statements; exit code 1 if not proved"),
    )
    .addOption(
      option("--engine <engine>", "with --prove: where commands run").choices([
        "auto",
        "host",
        "sandbox",
        "docker",
        "podman",
      ]),
    );
  addCommonOptions(command, ["json", "text", "cloudformation", "terraform"]);
  command.addHelpText("after", "\nExample:\n  kiln policy > policy.json");
  return command.action(async (target: string, values: Values) => {
    exit(await policyOf(commandContext(io, settingsOf(values, io)), target, values));
  });
}

/** A policy and whose it is. */
interface RolePolicy {
  readonly policy: ExplainedPolicy;
  /** Of the role that is to have it, where that is known. */
  readonly roleName: string;
}

async function policyOf(context: CommandContext, target: string, values: Values): Promise<number> {
  refuseMixed(values);
  const isBuild = /^arn:|:[0-9a-f]{8}-|^[0-9a-f]{8}-[0-9a-f-]+$/.test(target);
  const planned = isBuild ? undefined : await fromPlan(context, target, values);
  if (planned && values.diff === undefined && !values.prove) {
    printPolicy(context, planned, values);
    return 0;
  }
  const options = values.engine === undefined ? {} : { engine: values.engine as "auto" };
  return withKiln(
    context,
    async (kiln) => {
      const found = planned ?? (await fromRun(kiln, target, values.batch === true));
      if (values.diff !== undefined) {
        await printDiff(context, kiln, values.diff, found.policy.document, commandOf(target, values));
        return 0;
      }
      printPolicy(context, found, values);
      if (!values.prove) return 0;
      const input = isBuild ? await inputOf(kiln, target) : await inputFor(context, kiln, target, values);
      const isProved = await withSignals((interruption) =>
        provePolicy(context, kiln, input, found.policy, interruption),
      );
      return isProved ? 0 : 1;
    },
    options,
  );
}

/** What prints the same policy, to be pasted. */
function commandOf(target: string, { buildspec, project, template, batch }: Values): string {
  const flags = { "--buildspec": buildspec, "--project": project, "--template": template };
  const words = Object.entries(flags).flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  return ["kiln", "policy", ...(target === "." ? [] : [target]), ...words, ...(batch ? ["--batch"] : [])]
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : shellQuote(word)))
    .join(" ");
}

function refuseMixed(values: Values): void {
  if (values.diff !== undefined && values.prove) throw usageError("--diff and --prove are two questions", ["ask one"]);
  const isTemplate = values.output === "cloudformation" || values.output === "terraform";
  if (values.diff !== undefined && isTemplate) {
    throw usageError(`a difference is not printed as ${values.output}`, ["use `-o json`, or leave -o away"]);
  }
  if (values.prove && values.batch) {
    throw usageError("a batch role's policy cannot be proved", [
      "it depends on the project's name alone: three actions",
    ]);
  }
}

function printPolicy(context: CommandContext, { policy, roleName }: RolePolicy, { output }: Values): void {
  const names = { scope: scopeFrom(context.settings), roleName, policyName: "least-privilege" };
  if (output === "cloudformation") context.print(toCloudFormation(policy, names).trimEnd());
  else if (output === "terraform") context.print(toTerraform(policy, names).trimEnd());
  else if (output === "text") context.print(toText(policy));
  else context.printJson(policy.document);
  if ((output ?? "json") === "json" && !attachable(policy).isInline) {
    context.note(
      "more than the 10,240 characters of an inline policy: `-o cloudformation` and `-o terraform` make several managed ones",
    );
  }
}

async function fromPlan(context: CommandContext, target: string, values: Values): Promise<RolePolicy> {
  const source = sourceDir(target, context.io.cwd);
  const { name, plans, batch, settings, files, commands, serviceRole } = await planProject(context, source, values);
  const scope = scopeFrom(context.settings);
  if (values.batch) {
    if (!batch) requireBatch(files);
    return { policy: withoutReasons(batchRolePolicy(scope, name)), roleName: `kiln-${name}-batch-role` };
  }
  if (batch) {
    if (values.prove) {
      throw usageError(`\`${files.buildspecFile}\` has a \`batch\`, and \`--prove\` runs one build`, [
        "name a buildspec of the batch with -b",
      ]);
    }
    context.note("the service role's, for all builds of the batch; the batch role's: `kiln policy --batch`");
  }
  const ofCodeBuild = plans.flatMap((plan) => requiredPermissions(plan, scope, name, settings));
  const requirements = [...ofCodeBuild, ...commands.permissions];
  if (commands.open.length > 0) {
    context.note(
      `not in it, because only a build knows on what: ${commands.open.join(", ")}; then: \`kiln policy BUILD-ID\``,
    );
  }
  const roleName = serviceRole?.split("/").at(-1) ?? `kiln-${name}-service-role`;
  return { policy: explainedPolicy(requirements), roleName };
}

const withoutReasons = (document: ExplainedPolicy["document"]): ExplainedPolicy => ({ document, reasons: [] });

/** What the sessions of a build, of all builds of a batch, or of a batch's own role asked for. */
async function fromRun(kiln: Kiln, id: string, isBatchRole: boolean): Promise<RolePolicy> {
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
    throw usageError(`\`${id}\` is a build, and \`--batch\` asks for the role of a batch`, [
      "name the batch: `kiln builds ls` lists them below the builds",
      "or leave --batch away for the build's service role",
    ]);
  }
  const ids =
    batch && !isBatchRole
      ? (batch.buildGroups ?? []).flatMap((group) => buildIdOf(group) ?? [])
      : [(build ?? batch)?.id ?? ""];
  const sessions = ids.map((one) => `AWSCodeBuild-${one.split(":").at(-1)}`);
  const records = sessions.flatMap((sessionName): DecisionRecord[] => kiln.decisions({ sessionName }));
  const whyOf = callOrigins(
    buildspecFileOf(build),
    new Map(await Promise.all(ids.map(async (one, at) => [sessions[at] ?? "", await eventsOf(kiln, one)] as const))),
  );
  const roleName = (build ?? batch)?.serviceRole?.split("/").at(-1) ?? "CodeBuildServiceRole";
  return { policy: explainedPolicy(requirementsOfDecisions(records, whyOf)), roleName };
}

function buildspecFileOf(build: WireBuild | undefined): string {
  const named = build?.source?.buildspec;
  return named !== undefined && isBuildspecFile(named) ? named : "buildspec.yml";
}

async function eventsOf(kiln: Kiln, buildId: string): Promise<BuildEvent[]> {
  const events: BuildEvent[] = [];
  if ((await findBuild(kiln, buildId))?.buildComplete !== true) return events;
  for await (const event of kiln.events(buildId, { joined: true })) if (event.type !== "log") events.push(event);
  return events;
}

/** StartBuild's input for the build of that id once more. */
async function inputOf(kiln: Kiln, id: string): Promise<BuildInput> {
  const build = await buildNamed(kiln, id);
  if (!build) throw usageError(`\`${id}\` is a batch, and \`--prove\` runs one build`, ["name one of its builds"]);
  return sameBuild(build);
}

/** StartBuild's input for the project here. */
async function inputFor(context: CommandContext, kiln: Kiln, target: string, values: Values): Promise<BuildInput> {
  const { buildspec, project, template } = values;
  const runValues = {
    ...(buildspec === undefined ? {} : { buildspec }),
    ...(project === undefined ? {} : { project }),
    ...(template === undefined ? {} : { template }),
  };
  const prepared = await prepareProject(context, kiln, sourceDir(target, context.io.cwd), runValues, []);
  return { ...prepared, autoRetryLimitOverride: 0 };
}
