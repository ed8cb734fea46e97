/** `kiln builds ls|show|logs|stop|retry`: the builds of this state folder, through CodeBuild's API. */
import { Command } from "commander";
import type { Kiln } from "../app.ts";
import { KilnError } from "../core/errors.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import { buildNamed } from "./explain.ts";
import { newestBuilds, readLog, type WireBuild } from "./gather-facts.ts";
import type { CliIo } from "./io.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { withSignals } from "./signals.ts";
import { table } from "./table.ts";
import { pause, watchBuild } from "./watch-build.ts";

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
      command.argument(argument, "build id, its uuid or the start of it (default: the newest)");
    if (name === "logs") command.addOption(option("-f, --follow", "stay until the build ends"));
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
  add("stop", "stop a build", stop, "[id]");
  add("retry", "start a build again with the same settings", retry, "[id]");
  return group;
}

async function list(context: CommandContext, kiln: Kiln, limit: number): Promise<number> {
  const builds = await newestBuilds(kiln, limit);
  if (context.settings.output === "json") context.printJson({ builds });
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
  }
  return 0;
}

/** The build a person named, or the newest. */
async function requireBuild(kiln: Kiln, id: string | undefined): Promise<WireBuild & { id: string }> {
  const build = id === undefined ? (await newestBuilds(kiln, 1))[0] : await buildNamed(kiln, id);
  if (build?.id !== undefined) return { ...build, id: build.id };
  throw new KilnError({
    code: "KILN_E_NO_BUILD",
    message: id === undefined ? "there are no builds yet" : `there is no build \`${id}\``,
    fix: id === undefined ? ["start one with `kiln run`"] : ["see the builds with `kiln builds ls`"],
    exitCode: 2,
  });
}

async function show(context: CommandContext, kiln: Kiln, id: string | undefined): Promise<number> {
  const build = await requireBuild(kiln, id);
  if (context.settings.output === "json") {
    context.printJson(build);
    return 0;
  }
  context.print(
    table([
      ["build", build.id],
      ["status", build.buildStatus ?? ""],
      ["role", build.serviceRole ?? ""],
      ["image", build.environment?.image ?? ""],
      ["source", build.source?.location ?? build.source?.type ?? ""],
      ["log", `${build.logs?.groupName ?? ""} ${build.logs?.streamName ?? ""}`.trim()],
    ]),
  );
  context.print("");
  for (const phase of build.phases ?? []) {
    const contexts = (phase.contexts ?? []).filter((c) => c.statusCode || c.message);
    context.print(`${(phase.phaseType ?? "").padEnd(17)} ${phase.phaseStatus ?? ""}`.trimEnd());
    for (const c of contexts) context.print(`  ${c.statusCode ?? ""}: ${c.message ?? ""}`);
  }
  return 0;
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

async function stop(context: CommandContext, kiln: Kiln, id: string | undefined): Promise<number> {
  const build = await requireBuild(kiln, id);
  const answer = await kiln.root.call<{ build?: WireBuild }>("codebuild", "StopBuild", { id: build.id });
  if (context.settings.output === "json") context.printJson(answer.build);
  else context.print(`${build.id}: ${answer.build?.buildStatus ?? ""}`);
  return 0;
}

async function retry(context: CommandContext, kiln: Kiln, id: string | undefined): Promise<number> {
  const build = await requireBuild(kiln, id);
  const { build: started } = await kiln.root.call<{ build?: WireBuild }>("codebuild", "RetryBuild", { id: build.id });
  return withSignals((interruption) => watchBuild(context, kiln, started?.id ?? "", "kiln", interruption));
}
