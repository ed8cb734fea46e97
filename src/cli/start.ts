/** `kiln start`, `stop`, `status`: the endpoint, registry and console on one port, in the foreground or detached. */
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { sleep, systemClock } from "../core/clock.ts";
import { KilnError, usageError } from "../core/errors.ts";
import { isAlive, markOf } from "../core/process-mark.ts";
import { sendSignal } from "../core/process-table.ts";
import { type CommandContext, commandContext } from "./command-context.ts";
import { controlLines, controlState } from "./control-state.ts";
import {
  DEFAULT_HOST,
  DEFAULT_PORT,
  type EndpointFile,
  findEndpoint,
  removeEndpoint,
  writeEndpoint,
} from "./endpoint-file.ts";
import type { CliIo } from "./io.ts";
import { byteSize, quotaOptions } from "./registry/registry-quota.ts";
import { ownRootKey } from "./root-key.ts";
import { addCommonOptions, option, type Settings, settingsOf } from "./settings.ts";
import { aborted, withSignals } from "./signals.ts";

interface StartValues {
  readonly host?: string;
  readonly port?: number;
  readonly memory?: boolean;
  readonly detach?: boolean;
  readonly strict?: boolean;
  readonly control?: boolean;
  readonly eventTarget?: string;
  readonly concurrentBuilds?: number;
  readonly registryQuota?: number;
  readonly repositoryQuota?: number;
}

const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

export function startCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("start")
    .description("start the AWS endpoint and the registry on one port")
    .addOption(option("--port <port>", `port, 0 for any free one (default: ${DEFAULT_PORT})`).argParser(port))
    .addOption(option("--host <address>", `address to listen on (default: ${DEFAULT_HOST})`))
    .addOption(option("--memory", "keep nothing on disk"))
    .addOption(option("--detach", "go to the background"))
    .addOption(option("--strict", "run builds as AWS does, without Kiln's extensions"))
    .addOption(option("--control", "answer the control API for tests, to this machine only"))
    .addOption(
      option(
        "--concurrent-builds <n>",
        "quota of concurrent builds, five times as many may wait (default: one a processor, at least two; quota 60)",
      ).argParser(concurrentBuilds),
    )
    .addOption(option("--registry-quota <size>", "what all images may take, like 20GB").argParser(byteSize))
    .addOption(option("--repository-quota <size>", "what one repository may take").argParser(byteSize))
    .addOption(
      option("--event-target <url>", "post each event of a build here (signed with KILN_EVENT_TARGET_SECRET)"),
    );
  addCommonOptions(command);
  command.addHelpText("after", '\nExample:\n  kiln start --detach && eval "$(kiln env)"');
  return command.action(async (values: StartValues) => {
    const context = commandContext(io, settingsOf(values, io));
    refuseSecond(context.settings);
    exit(values.detach ? await startDetached(context, values) : await startHere(context, values));
  });
}

export function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65_535) return value;
  throw usageError(`\`${text}\` is not a port: expected a number from 0 to 65535`);
}

function concurrentBuilds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 10_000) return value;
  throw usageError(`\`${text}\` is not a number of builds: expected a whole number from 1 to 10000`);
}

function refuseSecond({ stateDir }: Settings): void {
  const running = findEndpoint(stateDir);
  if (!running) return;
  throw new KilnError({
    code: "KILN_E_ALREADY_RUNNING",
    message: `Kiln already runs on this state folder: ${running.url} (process ${running.pid})`,
    fix: ['use it: eval "$(kiln env)"', "or stop it: kiln stop"],
    exitCode: 4,
  });
}

async function startHere(context: CommandContext, values: StartValues): Promise<number> {
  const { settings } = context;
  return withSignals(async ({ first, signal }) => {
    const { startKiln } = await import("../app.ts");
    // Never a flag: those are in every process list.
    const secret = context.io.env["KILN_EVENT_TARGET_SECRET"];
    const rootKey = ownRootKey(context.io.env);
    const kiln = await startKiln({
      ...(values.memory ? { memory: true } : { stateDir: settings.stateDir }),
      host: values.host ?? DEFAULT_HOST,
      port: values.port ?? DEFAULT_PORT,
      ...(settings.region === undefined ? {} : { region: settings.region }),
      ...(settings.accountId === undefined ? {} : { accountId: settings.accountId }),
      notice: (line) => context.note(line),
      ...(values.strict ? { strict: true } : {}),
      ...(values.control ? { control: true } : {}),
      ...(values.eventTarget === undefined ? {} : { eventTarget: values.eventTarget }),
      ...(secret ? { eventTargetSecret: secret } : {}),
      ...(rootKey ? { rootKey } : {}),
      ...(values.concurrentBuilds === undefined ? {} : { concurrentBuilds: values.concurrentBuilds }),
      ...quotaOptions(values),
    });
    try {
      const file = {
        pid: process.pid,
        url: kiln.url,
        region: kiln.scope.region,
        accountId: kiln.scope.accountId,
        startedMs: systemClock.nowMs(),
      };
      if (!values.memory) writeEndpoint(settings.stateDir, file);
      if (settings.output === "json") context.printJson(file);
      else {
        context.print(`Kiln is ready at ${kiln.url} (account ${file.accountId}, region ${file.region})`);
        context.note(values.memory ? "state    in memory, gone at the end" : `state    ${settings.stateDir}`);
        context.note(`use it   eval "$(kiln env)"${values.memory ? ` with AWS_ENDPOINT_URL=${kiln.url}` : ""}`);
        if (values.control) context.note(`control  ${kiln.url}/_kiln/control, for programs of this machine`);
        context.note("stop it  Ctrl-C");
      }
      await aborted(first);
    } finally {
      if (!values.memory && findEndpoint(settings.stateDir)?.pid === process.pid) removeEndpoint(settings.stateDir);
      await kiln.close();
    }
    // `kiln stop` and service managers send SIGTERM: that is a normal end. Ctrl-C is an interruption.
    return signal() === "SIGINT" ? 130 : 0;
  });
}

async function startDetached(context: CommandContext, values: StartValues): Promise<number> {
  const { settings } = context;
  if (values.memory) {
    throw usageError(
      "--memory and --detach do not go together",
      ["leave one of them away, or choose a temporary folder with --state-dir"],
      "`kiln stop` and `kiln env` find a detached Kiln by its state folder",
    );
  }
  mkdirSync(settings.stateDir, { recursive: true });
  const logFile = join(settings.stateDir, "endpoint.log");
  const log = openSync(logFile, "w", 0o600);
  const child = spawn(process.execPath, [process.argv[1] ?? "", ...startArguments(settings, values)], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: context.io.cwd,
    // That one goes nowhere: it is the background.
    env: { ...process.env, KILN_DETACH: "0" },
  });
  closeSync(log);
  let exitCode: number | null = null;
  child.on("exit", (code) => (exitCode = code ?? 1));
  const deadline = systemClock.nowMs() + START_TIMEOUT_MS;
  while (systemClock.nowMs() < deadline && exitCode === null) {
    const running = findEndpoint(settings.stateDir);
    if (running && running.pid === child.pid) return report(context, running, child);
    await sleepReferenced(30);
  }
  throw startFailure(exitCode, readFileSync(logFile, "utf8"), logFile);
}

/** What the background process said (its errors are JSON), or that it said nothing in time. */
function startFailure(exitCode: number | null, log: string, logFile: string): KilnError {
  const said = /^\{"error":.*\}$/m.exec(log)?.[0];
  if (said !== undefined) {
    const { error } = JSON.parse(said) as {
      error: { code: `KILN_E_${string}`; message: string; why?: string; fix: string[] };
    };
    return new KilnError({ ...error, exitCode: exitCode === 2 ? 2 : 4 });
  }
  return new KilnError({
    code: "KILN_E_START",
    message: exitCode === null ? `Kiln did not become ready in ${START_TIMEOUT_MS / 1000} s` : "Kiln did not start",
    why: log.trim().split("\n").at(-1) || "it said nothing",
    fix: [`see ${logFile}`],
    exitCode: 4,
  });
}

/** A timer that keeps the process alive; the clock's own ones do not. */
async function sleepReferenced(ms: number): Promise<void> {
  const keepAlive = setInterval(() => {}, ms);
  try {
    await sleep(systemClock, ms);
  } finally {
    clearInterval(keepAlive);
  }
}

function report(context: CommandContext, running: EndpointFile, child: ReturnType<typeof spawn>): number {
  child.unref();
  if (context.settings.output === "json") context.printJson(running);
  else {
    context.print(`Kiln is ready at ${running.url} (process ${running.pid})`);
    context.note('use it   eval "$(kiln env)"');
    context.note("stop it  kiln stop");
  }
  return 0;
}

const startArguments = (settings: Settings, values: StartValues): string[] => [
  "start",
  "--output",
  "json",
  "--state-dir",
  settings.stateDir,
  ...(values.port === undefined ? [] : ["--port", String(values.port)]),
  ...(values.host === undefined ? [] : ["--host", values.host]),
  ...(settings.region === undefined ? [] : ["--region", settings.region]),
  ...(settings.accountId === undefined ? [] : ["--account", settings.accountId]),
  ...(values.strict ? ["--strict"] : []),
  ...(values.control ? ["--control"] : []),
  ...(values.eventTarget === undefined ? [] : ["--event-target", values.eventTarget]),
  ...(values.concurrentBuilds === undefined ? [] : ["--concurrent-builds", String(values.concurrentBuilds)]),
  ...(values.registryQuota === undefined ? [] : ["--registry-quota", String(values.registryQuota)]),
  ...(values.repositoryQuota === undefined ? [] : ["--repository-quota", String(values.repositoryQuota)]),
];

export function stopCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("stop").description("stop the endpoint of this state folder");
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln stop");
  return command.action(async (values: object) => {
    const context = commandContext(io, settingsOf(values, io));
    const running = findEndpoint(context.settings.stateDir);
    const mark = running && markOf(running.pid);
    if (!running || !mark) {
      if (context.settings.output === "json") context.printJson({ stopped: false });
      else context.note("no endpoint is running on this state folder");
      return exit(0);
    }
    sendSignal(running.pid, "SIGTERM");
    const deadline = systemClock.nowMs() + STOP_TIMEOUT_MS;
    while (isAlive(mark) && systemClock.nowMs() < deadline) await sleepReferenced(20);
    if (isAlive(mark)) {
      throw new KilnError({
        code: "KILN_E_STOP",
        message: `process ${running.pid} did not stop in ${STOP_TIMEOUT_MS / 1000} s`,
        fix: [`kill -9 ${running.pid}: nothing acknowledged is lost`],
        exitCode: 4,
      });
    }
    if (context.settings.output === "json") context.printJson({ stopped: true, pid: running.pid });
    else context.print(`stopped (process ${running.pid})`);
    exit(0);
  });
}

export function statusCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("status").description(
    "whether the endpoint runs, where, on which state folder, and what tests have set",
  );
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln status -o json");
  return command.action(async (values: object) => {
    const context = commandContext(io, settingsOf(values, io));
    const { stateDir } = context.settings;
    const running = findEndpoint(stateDir);
    const control = running && (await controlState(running.url));
    if (context.settings.output === "json")
      context.printJson({ running: running !== undefined, stateDir, ...running, ...(control && { control }) });
    else if (running) {
      context.print(
        `running at ${running.url} (process ${running.pid}, since ${new Date(running.startedMs).toISOString()})`,
      );
      context.print(`state folder ${stateDir}`);
      if (control) for (const line of controlLines(control)) context.print(line);
    } else {
      context.print("not running");
      context.print(`state folder ${stateDir}`);
      context.note("start it with `kiln start`, or `kiln start --detach`");
    }
    exit(0);
  });
}
