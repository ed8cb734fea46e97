/** `kiln explain`: the cause of the last (or given) failed build; for a request id each policy decision; for a log file its cause. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import { createFolderWorkspace } from "../check/index.ts";
import { KilnError } from "../core/errors.ts";
import { explainBuild, factsFromLog, renderDiagnosis } from "../explain/index.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import { type DiagnosedBatch, diagnoseBatch } from "./diagnose-batch.ts";
import { findBuild, gatherFacts, newestBuilds, type WireBuild } from "./gather-facts.ts";
import type { CliIo } from "./io.ts";
import { paint } from "./paint.ts";
import { printRequests } from "./print-requests.ts";
import { absolute, addCommonOptions, option, settingsOf } from "./settings.ts";
import { batchNamed, type WireBatch } from "./wire-batch.ts";

export function explainCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("explain")
    .description(
      "why the last (or given) build or batch failed: line, evidence, fix; for a request id: each policy decision",
    )
    .argument("[id]", "id of a build or batch (or its uuid), or the request id of an AWS answer")
    .addOption(option("--log <file>", "explain a CodeBuild log saved from AWS instead (`-` reads standard input)"));
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln explain --log build.log");
  return command.action(async (id: string | undefined, values: { log?: string }) => {
    const context = commandContext(io, settingsOf(values, io));
    exit(values.log === undefined ? await explainStored(context, id) : await explainLog(context, values.log));
  });
}

async function explainLog(context: CommandContext, file: string): Promise<number> {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : absolute(file, context.io.cwd), "utf8");
  } catch (error) {
    throw new KilnError({
      code: "KILN_E_NO_FILE",
      message: `cannot read the log \`${file}\``,
      exitCode: 2,
      cause: error,
    });
  }
  const facts = { ...factsFromLog(text), workspace: createFolderWorkspace(context.io.cwd) };
  if ((facts.build.phases ?? []).length === 0) {
    throw new KilnError({
      code: "KILN_E_NOT_A_LOG",
      message: `\`${file}\` is not a CodeBuild log`,
      why: "it has no line such as `[Container] … Phase complete: BUILD State: FAILED`",
      exitCode: 2,
    });
  }
  return print(context, undefined, explainBuild(facts), (path) => facts.workspace.readText(path));
}

async function explainStored(context: CommandContext, id: string | undefined): Promise<number> {
  return withKiln(context, async (kiln) => {
    const build = id === undefined ? await lastBuild(kiln) : await buildNamed(kiln, id);
    if (build) {
      const facts = await gatherFacts(kiln, build);
      return print(context, build, explainBuild(facts), (path) => facts.workspace?.readText(path));
    }
    const batch = id === undefined ? undefined : await batchNamed(kiln, id);
    if (batch) return printBatch(context, batch, await diagnoseBatch(context, kiln, batch));
    const records = id === undefined ? [] : kiln.decisions({ requestId: id });
    if (records.length > 0) return printRequests(context, records);
    throw new KilnError({
      code: "KILN_E_NOTHING_TO_EXPLAIN",
      message:
        id === undefined ? "there is no build to explain yet" : `there is no build, no batch and no request \`${id}\``,
      fix: id === undefined ? ["start one with `kiln run`"] : ["see the builds with `kiln builds ls`"],
      exitCode: 2,
    });
  });
}

/** The newest build that failed, else the newest. */
async function lastBuild(kiln: Kiln): Promise<WireBuild | undefined> {
  const newest = await newestBuilds(kiln);
  return newest.find((build) => build.buildStatus !== "SUCCEEDED" && build.buildStatus !== "IN_PROGRESS") ?? newest[0];
}

/** By full id, ARN or bare uuid. */
export async function buildNamed(kiln: Kiln, id: string): Promise<WireBuild | undefined> {
  const short = id.replace(/^arn:[^/]*\//, "");
  if (short.includes(":")) return findBuild(kiln, short);
  const { ids = [] } = await kiln.root.call<{ ids?: string[] }>("codebuild", "ListBuilds", { sortOrder: "DESCENDING" });
  const full = ids.find((known) => known.split(":").at(-1)?.startsWith(short));
  return full === undefined ? undefined : findBuild(kiln, full);
}

function print(
  context: CommandContext,
  build: WireBuild | undefined,
  diagnosis: ReturnType<typeof explainBuild>,
  readText: (file: string) => string | undefined,
): number {
  if (context.settings.output === "json")
    context.printJson({ ...(build?.id === undefined ? {} : { buildId: build.id }), diagnosis });
  else {
    if (build?.id !== undefined) context.note(`build ${build.id}`);
    const batch = build?.buildBatchArn?.replace(/^.*:build-batch\//, "");
    if (batch !== undefined) context.note(`one of the batch ${batch}: \`kiln explain ${batch}\` explains all of it`);
    context.print(renderDiagnosis(diagnosis, readText, paint(context.settings.hasColor)));
  }
  return 0;
}

function printBatch(context: CommandContext, batch: WireBatch, { diagnosis, text, builds }: DiagnosedBatch): number {
  if (context.settings.output === "json") {
    context.printJson({ batchId: batch.id, diagnosis });
    return 0;
  }
  context.note(`batch ${batch.id}`);
  context.print(text);
  for (const build of builds) {
    context.print(`\n${build.identifier} (${build.buildId})`);
    context.print(build.text);
  }
  return 0;
}
