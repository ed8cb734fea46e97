/**
 * `kiln sandbox start|exec|stop|ls`: a build's environment of a project to try commands in, through CodeBuild's API.
 * `start` keeps it open until Ctrl-C (or `stop`); the other commands reach it from any terminal on the same state folder,
 * as they reach the sandboxes of a running `kiln start`.
 */

import { Command } from "commander";
import type { Kiln } from "../app.ts";
import { KilnError } from "../core/errors.ts";
import { shellQuote } from "../core/shell-quote.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { onWire } from "./on-wire.ts";
import { requireProject } from "./project/default-project.ts";
import { addCommonOptions, settingsOf } from "./settings.ts";
import { type Interruption, withSignals } from "./signals.ts";
import { table } from "./table.ts";
import { pause } from "./watch-build.ts";

/** What of CodeBuild's shapes the command prints. */
interface WireSandbox {
  readonly id?: string;
  readonly projectName?: string;
  readonly status?: string;
  readonly startTime?: number;
  readonly endTime?: number;
  readonly currentSession?: {
    readonly phases?: readonly {
      readonly phaseType?: string;
      readonly contexts?: readonly { readonly statusCode?: string; readonly message?: string }[];
    }[];
  };
}

interface WireExecution {
  readonly id?: string;
  readonly status?: string;
  readonly endTime?: number;
  readonly exitCode?: string;
  readonly standardOutputContent?: string;
  readonly standardErrContent?: string;
}

type Act = (context: CommandContext, kiln: Kiln, args: readonly string[]) => Promise<number>;

const POLL_MS = 100;

export function sandboxCommand(io: CliIo, exit: (code: number) => void): Command {
  const group = new Command("sandbox").description("try commands in the environment of a project's builds");
  const add = (name: string, text: string, example: string, act: Act, declare: (command: Command) => Command): void => {
    const command = addCommonOptions(declare(new Command(name).description(text)));
    command.addHelpText("after", `\nExample:\n  kiln sandbox ${example}`);
    command.action(async (...given: unknown[]) => {
      const made = given.at(-1) as Command;
      const context = commandContext(io, settingsOf(made.opts(), io));
      exit(await withKiln(context, (kiln) => act(context, kiln, made.args)));
    });
    group.addCommand(command);
  };
  const id = (command: Command): Command => command.argument("[id]", "sandbox id (default: the newest open one)");
  add("start", "open a sandbox and keep it open until Ctrl-C", "start my-project", start, (command) =>
    command.argument("<project>", "name of the project"),
  );
  add("exec", "run one command in an open sandbox", "exec -- 'node --version'", execute, (command) =>
    command.argument("<command...>", "one text for the build's shell, or a program and its arguments"),
  );
  add("stop", "close a sandbox", "stop", stop, id);
  add("ls", "the newest sandboxes", "ls", list, (command) => command);
  return group;
}

function start(context: CommandContext, kiln: Kiln, [project = ""]: readonly string[]): Promise<number> {
  return withSignals(async (interruption) => {
    await requireProject(kiln.root, project);
    const answer = await kiln.root.call<{ sandbox?: WireSandbox }>("codebuild", "StartSandbox", {
      projectName: project,
    });
    const id = answer.sandbox?.id ?? "";
    try {
      const ready = await follow(kiln, id, interruption, (now) => now.status === "RUN_SANDBOX");
      if (interruption.first.aborted) return 130;
      if (ready.endTime !== undefined) throw notOpened(ready);
      if (context.settings.output === "json") context.printJson(onWire(ready));
      else {
        context.print(`sandbox ${id} is open`);
        context.note("in it    kiln sandbox exec -- COMMAND");
        context.note("close it Ctrl-C, or kiln sandbox stop");
      }
      await follow(kiln, id, interruption, () => false);
      return interruption.first.aborted ? 130 : 0;
    } finally {
      await kiln.root.call("codebuild", "StopSandbox", { id });
    }
  });
}

async function execute(context: CommandContext, kiln: Kiln, words: readonly string[]): Promise<number> {
  const { id: sandboxId = "" } = await requireOpen(kiln, undefined);
  const { commandExecution } = await kiln.root.call<{ commandExecution?: WireExecution }>(
    "codebuild",
    "StartCommandExecution",
    { sandboxId, command: commandOf(words) },
  );
  const id = commandExecution?.id ?? "";
  return withSignals(async ({ first }) => {
    for (;;) {
      const answer = await kiln.root.call<{ commandExecutions?: WireExecution[] }>(
        "codebuild",
        "BatchGetCommandExecutions",
        { sandboxId, commandExecutionIds: [id] },
      );
      const done = answer.commandExecutions?.[0];
      if (done?.endTime !== undefined) return show(context, done);
      if (!(await pause(POLL_MS, first))) return 130;
    }
  });
}

/** One word is a text for the build's shell. Several are a program and its arguments, each reaching it as it is here. */
const commandOf = (words: readonly string[]): string =>
  words.length === 1
    ? (words[0] ?? "")
    : words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : shellQuote(word))).join(" ");

/** Prints what the command printed; answers its exit status, as a shell would. */
function show(context: CommandContext, done: WireExecution): number {
  if (context.settings.output === "json") context.printJson(onWire(done));
  else {
    context.io.stdout.write(done.standardOutputContent ?? "");
    context.io.stderr.write(done.standardErrContent ?? "");
    if (done.exitCode === undefined) context.note(`the command was ended: ${done.status ?? ""}`);
  }
  return done.exitCode === undefined ? 1 : Number(done.exitCode);
}

async function stop(context: CommandContext, kiln: Kiln, [id]: readonly string[]): Promise<number> {
  const open = await requireOpen(kiln, id);
  const { sandbox } = await kiln.root.call<{ sandbox?: WireSandbox }>("codebuild", "StopSandbox", { id: open.id });
  if (context.settings.output === "json") context.printJson(onWire(sandbox));
  else context.print(`${sandbox?.id ?? ""}: ${sandbox?.status ?? ""}`);
  return 0;
}

async function list(context: CommandContext, kiln: Kiln): Promise<number> {
  const sandboxes = await newest(kiln);
  if (context.settings.output === "json") context.printJson(onWire({ sandboxes }));
  else if (sandboxes.length === 0) context.note("no sandboxes yet: open one with `kiln sandbox start PROJECT`");
  else {
    context.print(
      table([
        ["SANDBOX", "STATUS", "STARTED"],
        ...sandboxes.map(({ id, status, startTime }) => [
          id ?? "",
          status ?? "",
          startTime === undefined ? "" : new Date(startTime).toISOString().slice(0, 19),
        ]),
      ]),
    );
  }
  return 0;
}

async function newest(kiln: Kiln): Promise<WireSandbox[]> {
  const { ids = [] } = await kiln.root.call<{ ids?: string[] }>("codebuild", "ListSandboxes", { maxResults: 20 });
  if (ids.length === 0) return [];
  const { sandboxes = [] } = await kiln.root.call<{ sandboxes?: WireSandbox[] }>("codebuild", "BatchGetSandboxes", {
    ids,
  });
  return sandboxes;
}

/** The open sandbox a person named, or the newest. */
async function requireOpen(kiln: Kiln, id: string | undefined): Promise<WireSandbox> {
  const open = (await newest(kiln)).filter((sandbox) => sandbox.endTime === undefined);
  const found =
    id === undefined ? open[0] : open.find((sandbox) => sandbox.id === id || sandbox.id?.endsWith(`:${id}`));
  if (found) return found;
  throw new KilnError({
    code: "KILN_E_NO_SANDBOX",
    message: id === undefined ? "no sandbox is open" : `there is no open sandbox \`${id}\``,
    fix: id === undefined ? ["open one with `kiln sandbox start PROJECT`"] : ["see them with `kiln sandbox ls`"],
    exitCode: 2,
  });
}

/** The sandbox once it is over or `isReached`, or as it is when interrupted. */
async function follow(
  kiln: Kiln,
  id: string,
  { first }: Interruption,
  isReached: (sandbox: WireSandbox) => boolean,
): Promise<WireSandbox> {
  for (;;) {
    const answer = await kiln.root.call<{ sandboxes?: WireSandbox[] }>("codebuild", "BatchGetSandboxes", { ids: [id] });
    const now = answer.sandboxes?.[0] ?? {};
    if (now.endTime !== undefined || isReached(now) || !(await pause(POLL_MS, first))) return now;
  }
}

function notOpened(sandbox: WireSandbox): KilnError {
  const phase = sandbox.currentSession?.phases?.find(({ contexts }) => (contexts?.length ?? 0) > 0);
  const context = phase?.contexts?.[0];
  return new KilnError({
    code: "KILN_E_SANDBOX_NOT_OPENED",
    message: `the sandbox did not open: ${sandbox.status ?? ""} in ${phase?.phaseType ?? "its start"}`,
    ...(context?.message === undefined ? {} : { why: `${context.statusCode ?? ""}: ${context.message}` }),
    fix: ["a build of the project fails in the same way; `kiln explain` says more about a failed build"],
    exitCode: 1,
  });
}
