/** `kiln explain`: the cause of the last (or given) failed build; for a request id each policy decision; for a log file its cause. */
import { existsSync, fstatSync, statSync } from "node:fs";
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import { KilnError } from "../core/errors.ts";
import { type BuildFacts, explainBuild } from "../explain/index.ts";
import { BuildLeaks } from "./build-leaks.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import { type DiagnosedBatch, diagnoseBatch } from "./explain/diagnose-batch.ts";
import { findBuild, gatherFacts, newestBuilds, type WireBuild } from "./explain/gather-facts.ts";
import { type EvidenceFlags, evidenceOf, isFailed, notEvidence } from "./explain/saved-evidence.ts";
import { shownDiagnosis } from "./explain/shown-diagnosis.ts";
import type { CliIo } from "./io.ts";
import { printRequests } from "./print-requests.ts";
import { absolute, addCommonOptions, option, settingsOf } from "./settings.ts";
import { batchNamed, type WireBatch } from "./wire-batch.ts";

export function explainCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("explain")
    .description(
      "why the last (or given) build or batch failed: line, evidence, fix; for a request id: each policy decision",
    )
    .argument(
      "[id]",
      "id of a build or batch (or its uuid), the request id of an AWS answer, or a file of either kind below (`-`: standard input)",
    )
    .addOption(option("--log <file>", "explain a log saved from AWS instead, in any of its spellings"))
    .addOption(
      option("--build <file>", "a build saved from AWS (BatchGetBuilds, an EventBridge event), or the error of a call"),
    )
    .addOption(option("--buildspec <path>", "the buildspec, or the folder with the source, that they belong to"));
  addCommonOptions(command);
  command.addHelpText(
    "after",
    "\nExample:\n  kiln explain --log build.log\n  aws codebuild batch-get-builds --ids app:UUID | kiln explain -",
  );
  return command.action(async (id: string | undefined, values: EvidenceFlags) => {
    const context = commandContext(io, settingsOf(values, io));
    const isNamed = id === "-" || (id !== undefined && isFile(id, io.cwd));
    // Where Kiln never ran there is nothing else that could be meant.
    const isPiped = id === undefined && hasPipedInput(io) && !existsSync(context.settings.stateDir);
    const file = isNamed ? id : isPiped ? "-" : undefined;
    const isSaved = values.log !== undefined || values.build !== undefined || file !== undefined;
    exit(isSaved ? explainSaved(context, values, file) : await explainStored(context, id));
  });
}

/** Something is piped or redirected into this process. */
function hasPipedInput({ stdin }: CliIo): boolean {
  if (stdin !== process.stdin) return false;
  const kind = fstatSync(0);
  return kind.isFIFO() || kind.isFile();
}

const isFile = (name: string, cwd: string): boolean =>
  statSync(absolute(name, cwd), { throwIfNoEntry: false })?.isFile() ?? false;

/** Without a state folder: nothing is opened, nothing is made. */
function explainSaved(context: CommandContext, flags: EvidenceFlags, other: string | undefined): number {
  const { cwd } = context.io;
  const builds = evidenceOf(flags, other, cwd);
  const explained = builds.map((facts) => ({ facts, diagnosis: explainBuild(facts) }));
  const known = explained.filter(({ facts, diagnosis }) => !facts.isGuess || !GENERAL.has(diagnosis.code));
  const name = flags.log ?? flags.build ?? other ?? "-";
  if (known.length === 0) {
    throw notEvidence(name, flags.log === undefined ? (flags.build === undefined ? undefined : "build") : "log");
  }
  const failed = known.filter(({ facts }) => isFailed(facts));
  // A guess is one reading of the same text, not one more build.
  const shown = known[0]?.facts.isGuess ? known.slice(0, 1) : failed.length > 0 ? failed : known.slice(-1);
  const last = shown.at(-1);
  if (!last) return 0;
  if (context.settings.output === "json") {
    const id = last.facts.build.id;
    const others = shown.slice(0, -1).map(({ facts, diagnosis }) => ({ ...idOf(facts), diagnosis }));
    context.printJson({
      ...(id === undefined ? {} : { buildId: id }),
      diagnosis: last.diagnosis,
      ...(others.length === 0 ? {} : { earlier: others }),
    });
    return 0;
  }
  if (builds.length > 1 && !last.facts.isGuess) {
    context.note(`${builds.length} builds in it, ${failed.length} of them failed`);
  }
  for (const { facts, diagnosis } of shown) {
    if (facts.build.id !== undefined) context.note(`build ${facts.build.id}`);
    context.print(shownDiagnosis(context, diagnosis, (path) => textIn(facts, path), true));
    if (shown.length > 1 && facts !== last.facts) context.print("");
  }
  return 0;
}

const idOf = ({ build }: BuildFacts) => (build.id === undefined ? {} : { buildId: build.id });

const textIn = ({ buildspec, workspace }: BuildFacts, path: string): string | undefined =>
  buildspec?.file === path ? buildspec.text : workspace?.readText(path);

/** What these say fits any text, so they prove nothing about one that only looks like AWS's. */
const GENERAL = new Set([
  "build/unknown",
  "commands/exit-status",
  "buildspec/yaml-error",
  "build/no-problem",
  "image/not-pulled",
]);

async function explainStored(context: CommandContext, id: string | undefined): Promise<number> {
  return withKiln(context, async (kiln) => {
    const build = id === undefined ? await lastBuild(kiln) : await buildNamed(kiln, id);
    if (build) {
      const facts = await gatherFacts(kiln, build);
      const leaks = new BuildLeaks();
      for (const event of facts.events) leaks.see(event);
      return print(context, build, explainBuild(facts), (path) => facts.workspace?.readText(path), leaks);
    }
    const batch = id === undefined ? undefined : await batchNamed(kiln, id);
    if (batch) return printBatch(context, batch, await diagnoseBatch(context, kiln, batch));
    const records = id === undefined ? [] : kiln.decisions({ requestId: id });
    if (records.length > 0) return printRequests(context, records);
    throw new KilnError({
      code: "KILN_E_NOTHING_TO_EXPLAIN",
      message:
        id === undefined ? "there is no build to explain yet" : `there is no file, build, batch or request \`${id}\``,
      fix:
        id === undefined
          ? ["start one with `kiln run`", "or explain a log saved from AWS: `kiln explain FILE`, `… | kiln explain -`"]
          : ["see the builds with `kiln builds ls`"],
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
  leaks: BuildLeaks,
): number {
  if (context.settings.output === "json")
    context.printJson({ ...(build?.id === undefined ? {} : { buildId: build.id }), diagnosis, ...leaks.told });
  else {
    if (build?.id !== undefined) context.note(`build ${build.id}`);
    const batch = build?.buildBatchArn?.replace(/^.*:build-batch\//, "");
    if (batch !== undefined) context.note(`one of the batch ${batch}: \`kiln explain ${batch}\` explains all of it`);
    context.print(shownDiagnosis(context, diagnosis, readText));
    const text = leaks.text(context);
    if (text !== "") context.print(`\n${text}`);
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
