/** `kiln doctor`: this machine as Kiln sees it: what is there, what is not and why it matters. `--report` is redacted. */
import { execFile } from "node:child_process";
import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, userInfo } from "node:os";
import { dirname } from "node:path";
import { Command } from "commander";
import { createEngines } from "../app.ts";
import { kilnVersion } from "../core/kiln-version.ts";
import { type EngineCandidate, lookForEngines } from "../engine-api/index.ts";
import type { Engine } from "../engines/index.ts";
import { type CommandContext, commandContext } from "./command-context.ts";
import { DEFAULT_HOST, DEFAULT_PORT, findEndpoint } from "./endpoint-file.ts";
import { findOnPath } from "./find-on-path.ts";
import type { CliIo } from "./io.ts";
import { addCommonOptions, option, settingsOf } from "./settings.ts";
import { table } from "./table.ts";

export interface Finding {
  readonly topic: string;
  /** `no` stops something from working; `note` only says so. */
  readonly status: "ok" | "note" | "no";
  readonly text: string;
}

export function doctorCommand(io: CliIo, exit: (code: number) => void): Command {
  const command = new Command("doctor")
    .description(
      "this machine: Node, engines, docker, ports, state folder; exit code 4 when something needed is missing",
    )
    .addOption(option("--report", "without names of users and folders, to paste into a report"));
  addCommonOptions(command);
  command.addHelpText("after", "\nExample:\n  kiln doctor --report");
  return command.action(async (values: { report?: boolean }) => {
    exit(await printDoctor(commandContext(io, settingsOf(values, io)), values.report === true));
  });
}

async function printDoctor(context: CommandContext, isReport: boolean): Promise<number> {
  const found = (await examine(context)).map((finding) =>
    isReport ? { ...finding, text: redact(finding.text, context) } : finding,
  );
  if (context.settings.output === "json") context.printJson({ findings: found });
  else context.print(table(found.map(({ topic, status, text }) => [status === "ok" ? "ok  " : status, topic, text])));
  return found.some((finding) => finding.status === "no") ? 4 : 0;
}

/** Home folder, user name, current and state folder become placeholders. */
export function redact(text: string, { io, settings }: Pick<CommandContext, "io" | "settings">): string {
  const names: [string, string][] = [
    [settings.stateDir, "STATE-DIR"],
    [io.cwd, "CWD"],
    [homedir(), "HOME"],
    [userName(), "USER"],
  ];
  return names.reduce(
    (result, [name, placeholder]) => (name.length > 2 ? result.replaceAll(name, placeholder) : result),
    text,
  );
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "";
  }
}

async function examine(context: CommandContext): Promise<Finding[]> {
  const { env } = context.io;
  const versions = await Promise.all(
    (["git", "python3", "aws", "docker", "podman"] as const).map(async (name) => {
      const path = findOnPath(name, env["PATH"]);
      return [name, path, path === undefined ? undefined : await versionOf(path)] as const;
    }),
  );
  return [
    {
      topic: "kiln",
      status: "ok",
      text: `${kilnVersion()} on ${process.platform} ${process.arch}, as ${process.getuid?.() === 0 ? "root" : userName()}`,
    },
    node(),
    ...versions.map(([name, path, version]) => tool(name, path, version)),
    ...pythons(env["PATH"]),
    ...(await enginePlaces(env)),
    ...(await engines(createEngines({ stateDir: context.settings.stateDir }))),
    await embeddedBuilder(),
    await portFinding(context),
    ...state(context),
  ];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isOk = major > 20 || (major === 20 && minor >= 19);
  return {
    topic: "node",
    status: isOk ? "ok" : "no",
    text: `${process.version}${isOk ? "" : ": Kiln needs 20.19 or newer"}`,
  };
}

const MISSING: Readonly<Record<string, string>> = {
  git: "not found: sources are taken with what git ignores; clones, `--source` and `kiln webhook trigger` need it",
  python3: "not found: buildspecs with `runtime-versions: python` will not run here",
  aws: "not found: `kiln aws` needs it; all other commands do not",
  docker: "not found: builds get Kiln's own small docker",
  podman: "not found: not needed",
};

const tool = (name: string, path: string | undefined, version: string | undefined): Finding =>
  path === undefined
    ? { topic: name, status: "note", text: MISSING[name] ?? "not found" }
    : {
        topic: name,
        status: (name === "aws" && isOldCli(version)) || version?.startsWith("no answer") ? "note" : "ok",
        text: `${version ?? "version unknown"} (${path})${name === "aws" && isOldCli(version) ? ": does not read AWS_ENDPOINT_URL, use `kiln aws`" : ""}`,
      };

/** AWS: the CLI reads AWS_ENDPOINT_URL from 1.29 and 2.13 on; older ones call the real AWS. */
export function isOldCli(version: string | undefined): boolean {
  const [, major = 0, minor = 0] = (/^aws-cli\/(\d+)\.(\d+)\./.exec(version ?? "") ?? []).map(Number);
  return (major === 1 && minor < 29) || (major === 2 && minor < 13);
}

function pythons(path: string | undefined): Finding[] {
  const found = ["3.9", "3.10", "3.11", "3.12", "3.13", "3.14"].filter(
    (version) => findOnPath(`python${version}`, path) !== undefined,
  );
  return found.length === 0 ? [] : [{ topic: "pythons", status: "ok", text: found.join(", ") }];
}

const VERSION_MS = 10_000;

/** The first line of what `--version` prints, why there is none, or undefined. A program that hangs is not waited for. */
export const versionOf = (path: string, timeoutMs = VERSION_MS): Promise<string | undefined> =>
  new Promise((resolve) => {
    execFile(path, ["--version"], { timeout: timeoutMs, killSignal: "SIGKILL" }, (error, stdout, stderr) => {
      const line = `${stdout}${stderr}`.trim().split("\n", 1)[0];
      if (error?.killed) resolve(`no answer to --version within ${timeoutMs / 1000} s`);
      else resolve(error || line === "" ? undefined : line);
    });
  });

/** Every place where a container engine is looked for, in order: what answers there, or why nothing does. */
export async function enginePlaces(env: CliIo["env"]): Promise<Finding[]> {
  const places = await lookForEngines(env, AbortSignal.timeout(ENGINE_MS));
  const named = ({ source, address }: EngineCandidate): string =>
    source === "usual socket" ? address : `${address} (${source})`;
  const absent = places.flatMap((place) => (place.found.ok ? [] : [`${named(place)}: ${place.found.error}`]));
  const found = places.flatMap(({ found, source }): Finding[] =>
    found.ok ? [{ topic: "docker engine", status: "ok", text: `${found.value.description} (${source})` }] : [],
  );
  const without = found.length === 0 ? "docker in builds is Kiln's embedded builder; " : "";
  const looked: Finding = { topic: "docker engine", status: "note", text: `${without}none at ${absent.join(", ")}` };
  return absent.length === 0 ? found : [...found, looked];
}

const ENGINE_MS = 10_000;

/** Where builds can run, in the order in which `auto` takes the first that works, each tried. */
export function engines(all: readonly Engine[]): Promise<Finding[]> {
  return Promise.all(
    all.map(async (engine): Promise<Finding> => {
      const problem = await engine.problem?.(AbortSignal.timeout(ENGINE_MS)).catch((error: Error) => error.message);
      const text = engine.describe?.().replace(`${engine.name}: `, "") ?? "works";
      const topic = `engine ${engine.name}`;
      return problem === undefined ? { topic, status: "ok", text } : { topic, status: "note", text: problem };
    }),
  );
}

async function embeddedBuilder(): Promise<Finding> {
  const topic = "embedded builder";
  if (process.platform !== "linux") {
    return { topic, status: "note", text: "RUN in Dockerfiles needs Linux, or a container engine" };
  }
  const works = await unshareWorks();
  const overlay = existsSync("/proc/filesystems") && (await overlayKnown());
  return {
    topic,
    status: works ? "ok" : "note",
    text: works
      ? `namespaces work${overlay ? ", overlay is there" : ", overlay is not: layers are copied"}`
      : "`unshare` does not work here: Dockerfiles with RUN need a container engine",
  };
}

const unshareWorks = (): Promise<boolean> =>
  new Promise((resolve) => {
    const args = process.getuid?.() === 0 ? ["-m", "true"] : ["-Urm", "true"];
    execFile("unshare", args, { timeout: VERSION_MS }, (error) => resolve(error === null));
  });

const overlayKnown = (): Promise<boolean> =>
  new Promise((resolve) => {
    execFile("grep", ["-qw", "overlay", "/proc/filesystems"], { timeout: VERSION_MS }, (error) =>
      resolve(error === null),
    );
  });

async function portFinding(context: CommandContext): Promise<Finding> {
  const running = findEndpoint(context.settings.stateDir);
  if (running) return { topic: "endpoint", status: "ok", text: `running at ${running.url} (process ${running.pid})` };
  const free = await isFree(DEFAULT_PORT);
  return free
    ? { topic: "endpoint", status: "ok", text: `not running; port ${DEFAULT_PORT} is free` }
    : {
        topic: "endpoint",
        status: "note",
        text: `not running; port ${DEFAULT_PORT} is taken by another program: \`kiln start --port 0\``,
      };
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, DEFAULT_HOST, () => server.close(() => resolve(true)));
  });

function state({ settings }: CommandContext): Finding[] {
  const { stateDir } = settings;
  const existing = firstExisting(stateDir);
  try {
    accessSync(existing, constants.W_OK | constants.X_OK);
    const { bavail, bsize } = statfsSync(existing);
    const freeMib = Math.floor((bavail * bsize) / 2 ** 20);
    const isLow = freeMib < 1024;
    return [
      { topic: "state folder", status: "ok", text: `${stateDir}${existsSync(stateDir) ? "" : " (not made yet)"}` },
      {
        topic: "disk",
        status: isLow ? "note" : "ok",
        text: `${freeMib} MiB free${isLow ? ": little for images" : ""}`,
      },
    ];
  } catch {
    return [
      { topic: "state folder", status: "no", text: `${stateDir} cannot be written: choose another with --state-dir` },
    ];
  }
}

function firstExisting(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
