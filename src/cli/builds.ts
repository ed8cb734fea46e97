/** `kiln builds ls|show|logs|reports|stop|retry`: the builds and batches of this state folder, through CodeBuild's API. */
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import { cacheLine } from "../build/report/index.ts";
import type { CacheOutcome } from "../build/run/events.ts";
import { KilnError } from "../core/errors.ts";
import { listBatches, retryBatch, showBatch, stopBatch } from "./batches.ts";
import { printBuildEvents } from "./build-events.ts";
import { BuildLeaks } from "./build-leaks.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import { newestBuilds, readLog, type WireBuild } from "./explain/gather-facts.ts";
import { buildNamed } from "./explain.ts";
import type { CliIo } from "./io.ts";
import { onWire } from "./on-wire.ts";
import { printReports, reportLines } from "./reports.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { withSignals } from "./signals.ts";
import { table } from "./table.ts";
import { pause, watchBuild } from "./watch-build.ts";
import { batchNamed, newestBatches, type WireBatch } from "./wire-batch.ts";

export function buildsCommand(io: CliIo, exit: (code: number) => void): Command {
  const group = new Command("builds").description("list, show, follow, stop and retry builds");
  const add = (
    name: string,
    text: string,
    act: (
      context: CommandContext,
      kiln: Kiln,
      id: string | undefined,
      values: { follow?: boolean; limit?: string },
    ) => Promise<number>,
    argument?: string,
  ) => {
    const command = new Command(name).description(text);
    if (argument !== undefined)
      command.argument(
        argument,
        `${name === "logs" || name === "reports" ? "build" : "build or batch"} id, its uuid or the start of it (default: the newest ${name === "stop" ? "that runs" : "build"})`,
      );
    if (name === "logs" || name === "events") command.addOption(option("-f, --follow", "stay until the build ends"));
    if (name === "ls") command.addOption(option("--limit <n>", "how many, newest first (default: 20)"));
    addCommonOptions(command);
    command.addHelpText("after", `\nExample:\n  kiln builds ${name}`);
    command.action(async (...args: unknown[]) => {
      const values = args[argument === undefined ? 0 : 1] as { follow?: boolean; limit?: string };
      const id = argument === undefined ? undefined : (args[0] as string | undefined);
      const context = commandContext(io, settingsOf(values, io));
      exit(await withKiln(context, (kiln) => act(context, kiln, id, values)));
    });
    group.addCommand(command);
  };
  add("ls", "the newest builds", (context, kiln, _, values) => list(context, kiln, Number(values.limit ?? 20) || 20));
  add("show", "one build, with its phases", show, "[id]");
  add("logs", "the log of a build", logs, "[id]");
  add("reports", "test and coverage reports of a build, with what failed", reports, "[id]");
  add("events", "changes of a build, or of all, as EventBridge's events", events, "[id]");
  add("stop", "stop a build", stop, "[id]");
  add("retry", "start a build again with the same settings", retry, "[id]");
  return group;
}

async function list(context: CommandContext, kiln: Kiln, limit: number): Promise<number> {
  const builds = await newestBuilds(kiln, limit);
  const batches = await newestBatches(kiln, limit);
  if (context.settings.output === "json") context.printJson(onWire({ builds, batches }));
  else if (builds.length === 0) context.note("no builds yet: start one with `kiln run`");
  else {
    context.print(
      table([
        ["BUILD", "STATUS", "PHASE", "STARTED", "SECONDS"],
        ...builds.map((build) => [
          build.id ?? "",
          build.buildStatus ?? "",
          build.currentPhase ?? "",
          build.startTime === undefined ? "" : new Date(build.startTime).toISOString().slice(0, 19),
          build.startTime === undefined || build.endTime === undefined
            ? ""
            : ((build.endTime - build.startTime) / 1000).toFixed(1),
        ]),
      ]),
    );
    if (batches.length > 0) listBatches(context, batches);
  }
  return 0;
}

/** The batch of a name that no build has. Ids look the same; ARNs and records tell. */
async function batchWithoutBuild(kiln: Kiln, id: string | undefined): Promise<WireBatch | undefined> {
  if (id === undefined || (!id.includes(":build-batch/") && (await buildNamed(kiln, id)))) return undefined;
  return batchNamed(kiln, id);
}

/** The build a person named, or the newest. */
async function requireBuild(kiln: Kiln, id: string | undefined): Promise<WireBuild & { id: string }> {
  const build = id === undefined ? (await newestBuilds(kiln, 1))[0] : await buildNamed(kiln, id);
  if (build?.id !== undefined) return { ...build, id: build.id };
  const batch = id === undefined ? undefined : await batchNamed(kiln, id);
  if (batch) {
    throw new KilnError({
      code: "KILN_E_NO_BUILD",
      message: `\`${batch.id}\` is a batch: its builds have the logs and reports`,
      fix: [`name one of them: \`kiln builds show ${batch.id}\` lists them`],
      exitCode: 2,
    });
  }
  throw new KilnError({
    code: "KILN_E_NO_BUILD",
    message: id === undefined ? "there are no builds yet" : `there is no build \`${id}\``,
    fix: id === undefined ? ["start one with `kiln run`"] : ["see the builds with `kiln builds ls`"],
    exitCode: 2,
  });
}

async function show(context: CommandContext, kiln: Kiln, id: string | undefined): Promise<number> {
  const batch = await batchWithoutBuild(kiln, id);
  if (batch) return showBatch(context, kiln, batch);
  const build = await requireBuild(kiln, id);
  const { cache, leaks } = await outcomes(kiln, build);
  if (context.settings.output === "json") {
    context.printJson(onWire({ ...build, ...(cache.length === 0 ? {} : { cacheLedger: cache }), ...leaks.told }));
    return 0;
  }
  context.print(
    table([
      ["build", build.id],
      ["status", build.buildStatus ?? ""],
      ["role", build.serviceRole ?? ""],
      ["image", build.environment?.image ?? ""],
      ["source", build.source?.location ?? build.source?.type ?? ""],
      ...artifactRows(build),
      ["log", `${build.logs?.groupName ?? ""} ${build.logs?.streamName ?? ""}`.trim()],
    ]),
  );
  context.print("");
  for (const phase of build.phases ?? []) {
    const contexts = (phase.contexts ?? []).filter((c) => c.statusCode || c.message);
    const status = (phase.phaseStatus ?? "").padEnd(12);
    context.print(`${(phase.phaseType ?? "").padEnd(17)} ${status} ${durationOf(phase)}`.trimEnd());
    for (const c of contexts) context.print(`  ${c.statusCode ?? ""}: ${c.message ?? ""}`);
  }
  if (cache.length > 0) context.print(`\ncache\n${cache.map((outcome) => `  ${cacheLine(outcome)}`).join("\n")}`);
  const made = await reportLines(kiln, build.reportArns);
  if (made.length > 0) context.print(`\nreports\n${made.map((line) => `  ${line}`).join("\n")}`);
  const found = leaks.text(context, true);
  if (found !== "") context.print(`\n${found}`);
  return 0;
}

/** Where the artifacts are; after a failed build, where they would be. */
function artifactRows({ artifacts, secondaryArtifacts = [] }: WireBuild): string[][] {
  return [...(artifacts ? [artifacts] : []), ...secondaryArtifacts].flatMap(({ location, artifactIdentifier }) =>
    location === undefined || location === ""
      ? []
      : [["artifacts", artifactIdentifier === undefined ? location : `${artifactIdentifier}: ${location}`]],
  );
}

/** A phase that still runs, and COMPLETED, have none. */
const durationOf = ({ startTime, endTime }: Pick<WireBuild, "startTime" | "endTime">): string =>
  startTime === undefined || endTime === undefined ? "" : `${((endTime - startTime) / 1000).toFixed(1).padStart(7)} s`;

async function reports(context: CommandContext, kiln: Kiln, id: string | undefined): Promise<number> {
  await printReports(context, kiln, await requireBuild(kiln, id));
  return 0;
}

/** What became of the cache of a build that is over, and of its secrets. */
async function outcomes(
  kiln: Kiln,
  build: WireBuild & { readonly id: string },
): Promise<{ readonly cache: readonly CacheOutcome[]; readonly leaks: BuildLeaks }> {
  const cache: CacheOutcome[] = [];
  const leaks = new BuildLeaks();
  if (build.buildComplete !== true) return { cache, leaks };
  for await (const event of kiln.events(build.id, { joined: true })) {
    leaks.see(event);
    if (event.type !== "cache") continue;
    const { type: _, buildId: __, atMs: ___, ...outcome } = event;
    cache.push(outcome);
  }
  return { cache, leaks };
}

async function logs(
  context: CommandContext,
  kiln: Kiln,
  id: string | undefined,
  values: { readonly follow?: boolean },
): Promise<number> {
  const build = await requireBuild(kiln, id);
  let printed = await printLogFrom(context, kiln, build, 0);
  if (!values.follow) return 0;
  return withSignals(async ({ first }) => {
    const stop = AbortSignal.any([first, context.io.outputClosed]);
    for (let current = build; !current.buildComplete; ) {
      if (!(await pause(500, stop))) return first.aborted ? 130 : 0;
      current = await requireBuild(kiln, build.id);
      printed = await printLogFrom(context, kiln, current, printed);
    }
    return 0;
  });
}

/** Prints what came after the first `printed` characters; answers the new length. */
async function printLogFrom(context: CommandContext, kiln: Kiln, build: WireBuild, printed: number): Promise<number> {
  const text = await readLog(kiln, build);
  if (context.settings.output !== "json") {
    context.io.stdout.write(text.slice(printed));
    return text.length;
  }
  // JSON Lines: an object for each whole line; the rest of a line that is still being written waits.
  const end = build.buildComplete ? text.length : text.lastIndexOf("\n") + 1;
  const lines = text.slice(printed, end).replace(/\n$/, "");
  if (end > printed)
    for (const message of lines.split("\n")) context.io.stdout.write(`${JSON.stringify({ message })}\n`);
  return Math.max(printed, end);
}

/** Without an id, of every build whose events are kept. */
async function events(
  context: CommandContext,
  kiln: Kiln,
  id: string | undefined,
  values: { readonly follow?: boolean },
): Promise<number> {
  const batch = await batchWithoutBuild(kiln, id);
  const build = id === undefined || batch ? batch : await requireBuild(kiln, id);
  return printBuildEvents(context, kiln, build?.id, values.follow === true);
}

async function stop(context: CommandContext, kiln: Kiln, id: string | undefined): Promise<number> {
  const batch = await batchWithoutBuild(kiln, id);
  if (batch) return stopBatch(context, kiln, batch);
  const build = id === undefined ? await newestRunning(kiln) : await requireBuild(kiln, id);
  const answer = await kiln.root.call<{ build?: WireBuild }>("codebuild", "StopBuild", { id: build.id });
  const status = answer.build?.buildStatus ?? "";
  if (context.settings.output === "json") context.printJson(onWire(answer.build));
  else if (build.buildComplete) context.print(`${build.id}: was over already, ${status}`);
  else context.print(`${build.id}: ${status === "IN_PROGRESS" ? "stopping" : status}`);
  return 0;
}

/** What `stop` means without an id. */
async function newestRunning(kiln: Kiln): Promise<WireBuild & { id: string }> {
  const build = (await newestBuilds(kiln)).find(({ buildComplete }) => buildComplete !== true);
  if (build?.id !== undefined) return { ...build, id: build.id };
  throw new KilnError({
    code: "KILN_E_NO_BUILD",
    message: "no build is running",
    fix: ["see the builds with `kiln builds ls`"],
    exitCode: 2,
  });
}

async function retry(context: CommandContext, kiln: Kiln, id: string | undefined): Promise<number> {
  const batch = await batchWithoutBuild(kiln, id);
  if (batch) return retryBatch(context, kiln, batch);
  const build = await requireBuild(kiln, id);
  const { build: started } = await kiln.root.call<{ build?: WireBuild }>("codebuild", "RetryBuild", { id: build.id });
  return withSignals((interruption) => watchBuild(context, kiln, started?.id ?? "", "kiln", interruption));
}
