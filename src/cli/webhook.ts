/** `kiln webhook ls|test|trigger`: webhooks of projects, why a delivery started a build or not, and deliveries made here. */
import { readFileSync } from "node:fs";
import { basename, isAbsolute, join } from "node:path";
import { Command } from "commander";
import type { DeliveryOutcome, DeliveryRecord, Kiln } from "../app.ts";
import { KilnError, usageError } from "../core/errors.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { makeLocalEvent } from "./local-event.ts";
import { onWire } from "./on-wire.ts";
import { requireProject } from "./project/default-project.ts";
import { whyUnreadable } from "./project/template.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { withSignals } from "./signals.ts";
import { table } from "./table.ts";
import { watchBuild } from "./watch-build.ts";

interface WireProject {
  readonly name?: string;
  readonly source?: { readonly type?: string; readonly location?: string };
  readonly webhook?: {
    readonly payloadUrl?: string;
    readonly buildType?: string;
    readonly filterGroups?: readonly (readonly unknown[])[];
    readonly branchFilter?: string;
  };
}

interface TriggerValues {
  readonly type: string;
  readonly dir?: string;
  readonly base: string;
  readonly tag?: string;
  readonly actor: string;
  readonly number: string;
  readonly fork?: boolean;
  readonly approved?: boolean;
  readonly dryRun?: boolean;
  readonly printPayload?: boolean;
}

export function webhookCommand(io: CliIo, exit: (code: number) => void): Command {
  const group = new Command("webhook").description("webhooks: what they decided, and events made on this machine");
  const ls = new Command("ls")
    .description("projects with a webhook; with a project, its last deliveries and why each did what it did")
    .argument("[project]", "name of a project");
  addCommonOptions(ls).addHelpText("after", "\nExample:\n  kiln webhook ls my-app");
  ls.action(async (project: string | undefined, values: object) => {
    const context = commandContext(io, settingsOf(values, io));
    exit(
      await withKiln(context, (kiln) =>
        project === undefined ? list(context, kiln) : deliveries(context, kiln, project),
      ),
    );
  });

  const test = new Command("test")
    .description("what a payload would start, filter by filter; starts nothing")
    .argument("<project>", "name of a project with a webhook")
    .addOption(
      option("--event <file>", "the payload, as the provider shows it in its list of deliveries").makeOptionMandatory(),
    )
    .addOption(option("--event-type <name>", "the provider's name of the event (default: told by the payload)"));
  addCommonOptions(test).addHelpText("after", "\nExample:\n  kiln webhook test my-app --event push.json");
  test.action(async (project: string, values: { event: string; eventType?: string }) => {
    const context = commandContext(io, settingsOf(values, io));
    exit(await withKiln(context, (kiln) => testFile(context, kiln, project, values)));
  });

  const trigger = new Command("trigger")
    .description("deliver an event of the git repository here, as its provider would, and follow the build")
    .argument("<project>", "name of a project with a webhook")
    .addOption(option("--type <event>", "CodeBuild's name of the event, e.g. PULL_REQUEST_CREATED").default("PUSH"))
    .addOption(option("--dir <folder>", "git repository (default: here)"))
    .addOption(option("--base <branch>", "the branch a pull request merges into").default("main"))
    .addOption(option("--tag <name>", "push or release this tag instead of the branch"))
    .addOption(option("--actor <id>", "account id of who does it").default("1"))
    .addOption(option("--number <n>", "number of the pull request").default("1"))
    .addOption(option("--fork", "the pull request comes from another repository"))
    .addOption(option("--approved", "somebody approved the build of the pull request"))
    .addOption(option("--dry-run", "say what would be started, start nothing"))
    .addOption(option("--print-payload", "print the payload, deliver nothing"));
  addCommonOptions(trigger).addHelpText(
    "after",
    "\nExample:\n  kiln webhook trigger my-app --type PULL_REQUEST_CREATED --base main --dry-run",
  );
  trigger.action(async (project: string, values: TriggerValues) => {
    const context = commandContext(io, settingsOf(values, io));
    exit(await withKiln(context, (kiln) => triggerHere(context, kiln, project, values)));
  });
  for (const command of [ls, test, trigger]) group.addCommand(command);
  return group;
}

async function projectsOf(kiln: Kiln): Promise<WireProject[]> {
  const found: WireProject[] = [];
  let nextToken: string | undefined;
  do {
    const page: { projects?: string[]; nextToken?: string } = await kiln.root.call("codebuild", "ListProjects", {
      ...(nextToken === undefined ? {} : { nextToken }),
    });
    const names = page.projects ?? [];
    if (names.length > 0) {
      const { projects = [] } = await kiln.root.call<{ projects?: WireProject[] }>("codebuild", "BatchGetProjects", {
        names,
      });
      found.push(...projects);
    }
    nextToken = page.nextToken;
  } while (nextToken !== undefined);
  return found.filter(({ webhook }) => webhook !== undefined);
}

async function requireWebhook(kiln: Kiln, name: string): Promise<WireProject> {
  const project = (await requireProject(kiln.root, name)) as WireProject;
  if (project.webhook) return project;
  const known = (await projectsOf(kiln)).map((other) => `\`${other.name}\``);
  throw new KilnError({
    code: "KILN_E_NO_WEBHOOK",
    message: `the project \`${name}\` has no webhook`,
    fix: [
      ...(known.length > 0 ? [`projects with a webhook: ${known.join(", ")}`] : []),
      `make one: kiln aws codebuild create-webhook --project-name ${name}${project.source?.location?.startsWith("file:") ? "" : " --manual-creation"}`,
    ],
    exitCode: 2,
  });
}

async function list(context: CommandContext, kiln: Kiln): Promise<number> {
  const projects = await projectsOf(kiln);
  if (context.settings.output === "json") {
    context.printJson({
      webhooks: projects.map(({ name, webhook }) => ({ projectName: name, ...onWire(webhook) })),
    });
  } else if (projects.length === 0) context.note("no project has a webhook: kiln aws codebuild create-webhook");
  else {
    const rows = projects.map(({ name = "", source, webhook }) => {
      const [last] = kiln.webhooks.deliveries(kiln.scope, name);
      const filters = webhook?.filterGroups?.length ?? 0;
      return [
        name,
        source?.type ?? "",
        webhook?.branchFilter === undefined ? `${filters}` : `branch ${webhook.branchFilter}`,
        last === undefined ? "none yet" : `${timeOf(last.atMs)} ${last.outcomes[0]?.decision ?? ""}`,
      ];
    });
    context.print(table([["PROJECT", "SOURCE", "FILTER GROUPS", "LAST DELIVERY"], ...rows]));
  }
  return 0;
}

async function deliveries(context: CommandContext, kiln: Kiln, name: string): Promise<number> {
  const project = await requireWebhook(kiln, name);
  const records = kiln.webhooks.deliveries(kiln.scope, project.name ?? name);
  if (context.settings.output === "json") {
    context.printJson({ projectName: project.name, ...onWire(project.webhook), deliveries: records });
    return 0;
  }
  // The payload URL's token is what a sender needs besides the secret: not for a terminal's history.
  if (records.length === 0) context.note("no deliveries yet");
  for (const record of records.toReversed()) printDelivery(context, record);
  return 0;
}

function printDelivery(context: CommandContext, record: DeliveryRecord): void {
  context.print(`${timeOf(record.atMs)}  ${record.eventType || "(no event named)"}`);
  for (const outcome of record.outcomes) printOutcome(context, outcome, "  ");
}

function printOutcome(context: CommandContext, outcome: DeliveryOutcome, indent = ""): void {
  const { decision, event, trigger, buildId, buildBatchId, why, filters } = outcome;
  const what = [event, trigger].filter(Boolean).join(" ");
  const made = buildId ?? buildBatchId;
  context.print(
    `${indent}${what === "" ? "" : `${what}: `}${decision}${made === undefined ? "" : ` ${made}`} (${why})`,
  );
  for (const [index, group] of (filters?.groups ?? []).entries()) {
    context.print(`${indent}  group ${index + 1}: ${group.passed ? "passed" : "not passed"}`);
    for (const filter of group.filters) {
      const pattern = `${filter.excludeMatchedPattern ? "not " : ""}\`${filter.pattern}\``;
      context.print(`${indent}    ${filter.passed ? "ok  " : "no  "} ${filter.type} ${pattern}: ${filter.why}`);
    }
  }
}

const timeOf = (ms: number): string => new Date(ms).toISOString().slice(0, 19);

async function testFile(
  context: CommandContext,
  kiln: Kiln,
  name: string,
  values: { readonly event: string; readonly eventType?: string },
): Promise<number> {
  const project = await requireWebhook(kiln, name);
  const body = readPayloadFile(values.event, context.io.cwd);
  const headers = headersFor(project.source?.type ?? "", values.eventType ?? eventTypeOf(body, values.event));
  const outcomes = await kiln.webhooks.decide({ scope: kiln.scope, projectName: project.name ?? name, headers, body });
  return printDecisions(context, outcomes);
}

function readPayloadFile(file: string, cwd: string): Buffer {
  const path = isAbsolute(file) ? file : join(cwd, file);
  try {
    return readFileSync(path);
  } catch (error) {
    throw new KilnError({
      code: "KILN_E_NO_FILE",
      message: `\`${file}\` cannot be read: ${whyUnreadable(error)}`,
      exitCode: 2,
    });
  }
}

function headersFor(sourceType: string, eventType: string): Record<string, string> {
  if (sourceType.startsWith("GITLAB")) return { "x-gitlab-event": eventType };
  return sourceType === "BITBUCKET" ? { "x-event-key": eventType } : { "x-github-event": eventType };
}

/** The provider's name of the event, told by what only that event's payload has. Throws when nothing does. */
function eventTypeOf(body: Buffer, file: string): string {
  let payload: Record<string, unknown> = {};
  try {
    payload = JSON.parse(body.toString("utf8")) as Record<string, unknown>;
  } catch {
    throw new KilnError({ code: "KILN_E_BAD_FILE", message: `\`${file}\` is not JSON`, exitCode: 2 });
  }
  const kinds: Readonly<Record<string, string>> = {
    push: "Push Hook",
    tag_push: "Tag Push Hook",
    merge_request: "Merge Request Hook",
    release: "Release Hook",
    build: "Job Hook",
  };
  const known =
    kinds[String(payload["object_kind"])] ??
    (payload["pull_request"] ? "pull_request" : undefined) ??
    (payload["release"] ? "release" : undefined) ??
    (payload["workflow_job"] ? "workflow_job" : undefined) ??
    (payload["push"] ? "repo:push" : undefined) ??
    (payload["ref"] ? "push" : undefined) ??
    (payload["zen"] ? "ping" : undefined);
  if (known !== undefined) return known;
  throw usageError(`\`${basename(file)}\` does not tell which event it is of`, [
    'name it: --event-type pull_request (GitHub), "Push Hook" (GitLab), pullrequest:created (Bitbucket)',
  ]);
}

function printDecisions(context: CommandContext, outcomes: readonly DeliveryOutcome[]): number {
  const would = outcomes.map((outcome) => ({
    ...outcome,
    decision: outcome.decision === "started" ? "would start" : outcome.decision,
  }));
  if (context.settings.output === "json") context.printJson({ outcomes: would });
  else for (const outcome of would) printOutcome(context, outcome as DeliveryOutcome);
  return 0;
}

async function triggerHere(context: CommandContext, kiln: Kiln, name: string, values: TriggerValues): Promise<number> {
  const project = await requireWebhook(kiln, name);
  const dir =
    values.dir === undefined ? context.io.cwd : isAbsolute(values.dir) ? values.dir : join(context.io.cwd, values.dir);
  const number = Number(values.number);
  if (!Number.isInteger(number) || number < 1) {
    throw usageError(`\`${values.number}\` is not the number of a pull request`);
  }
  const { headers, payload } = await makeLocalEvent({
    dir,
    sourceType: project.source?.type ?? "",
    event: values.type,
    base: values.base,
    tag: values.tag,
    actor: values.actor,
    pullRequest: number,
    isFork: values.fork === true,
  });
  if (values.printPayload) {
    context.printJson(payload);
    return 0;
  }
  const delivery = {
    scope: kiln.scope,
    projectName: project.name ?? name,
    headers,
    body: Buffer.from(JSON.stringify(payload)),
    isApproved: values.approved === true,
  };
  if (values.dryRun) return printDecisions(context, await kiln.webhooks.decide(delivery));
  const record = await kiln.webhooks.deliver(delivery);
  const started = record.outcomes.find(({ buildId }) => buildId !== undefined);
  if (context.settings.output === "json") context.io.stdout.write(`${JSON.stringify(record)}\n`);
  else for (const outcome of record.outcomes) printOutcome(context, outcome);
  if (started?.buildId === undefined) return record.outcomes.some(({ decision }) => decision === "failed") ? 1 : 0;
  const buildId = started.buildId;
  return withSignals((interruption) => watchBuild(context, kiln, buildId, "kiln", interruption));
}
