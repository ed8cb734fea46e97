/** `docker run`, `create`, `start`, `exec`, `attach`: what a container does, with its streams and its exit code. */
import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { DaemonError } from "./api-client.ts";
import type { CliCommand } from "./cli-command.ts";
import { CONTAINER_FLAGS, containerBody } from "./container-flags.ts";
import { demultiplex } from "./demultiplex.ts";
import { flagOf, isSet, listOf, type ParsedFlags, parseFlags, UsageError } from "./flags.ts";
import { pullImage } from "./image-commands.ts";

export async function run(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [...CONTAINER_FLAGS, { name: "detach", short: "d", kind: "bool" }], false);
  requireTerminal(command, parsed);
  const isDetached = isSet(parsed, "detach");
  if (isDetached && listOf(parsed, "attach").length > 0) throw new Error("Conflicting options: -a and -d");
  let id = "";
  try {
    id = await createContainer(command, parsed, "run");
    if (isDetached) {
      await command.api.json("POST", `/containers/${id}/start`);
      command.stdout.write(`${id}\n`);
      return 0;
    }
    const streams = { stdin: isSet(parsed, "interactive"), isRaw: isSet(parsed, "tty") };
    return await startAttached(command, id, { ...streams, condition: isSet(parsed, "rm") ? "removed" : "next-exit" });
  } catch (error) {
    if (!(error instanceof DaemonError)) throw error;
    const code = startExitCode(error.message);
    // What could not be started is removed by the daemon when it was to remove itself.
    command.stderr.write(
      `docker: Error response from daemon: ${error.message}\n\nRun 'docker run --help' for more information\n`,
    );
    return code;
  }
}

export async function create(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, CONTAINER_FLAGS, false);
  command.stdout.write(`${await createContainer(command, parsed, "create")}\n`);
  return 0;
}

/** Docker's rule for the exit code of a container that could not be started. */
function startExitCode(message: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file/.test(message)) return 127;
  return /permission denied|is a directory/.test(message) ? 126 : 125;
}

function requireTerminal(command: CliCommand, parsed: ParsedFlags): void {
  if (isSet(parsed, "tty") && isSet(parsed, "interactive") && !command.stdin.isTTY)
    throw new Error("the input device is not a TTY");
}

async function createContainer(command: CliCommand, parsed: ParsedFlags, name: string): Promise<string> {
  const [image, ...args] = parsed.rest;
  if (image === undefined) throw new UsageError(`docker: 'docker ${name}' requires at least 1 argument`);
  const body = await containerBody(command, parsed, image, args);
  const query = new URLSearchParams();
  if (flagOf(parsed, "name") !== undefined) query.set("name", flagOf(parsed, "name") ?? "");
  if (flagOf(parsed, "platform") !== undefined) query.set("platform", flagOf(parsed, "platform") ?? "");
  const post = (): Promise<{ Id: string; Warnings?: string[] | null }> =>
    command.api.json("POST", `/containers/create?${query}`, body);
  const pulls = flagOf(parsed, "pull") ?? "missing";
  const pull = (): Promise<number> => pullImage({ ...command, stdout: command.stderr }, image, isSet(parsed, "quiet"));
  if (pulls === "always") await pull();
  const { Id: id, Warnings: warnings } = await post().catch(async (error: unknown) => {
    const isMissing = error instanceof DaemonError && error.status === 404 && error.message.startsWith("No such image");
    if (!isMissing || pulls === "never") throw error;
    const shown = /[:@]/.test(image.slice(image.lastIndexOf("/") + 1)) ? image : `${image}:latest`;
    if (!isSet(parsed, "quiet")) command.stderr.write(`Unable to find image '${shown}' locally\n`);
    await pull();
    return post();
  });
  for (const warning of warnings ?? []) command.stderr.write(`WARNING: ${warning}\n`);
  const file = flagOf(parsed, "cidfile");
  if (file !== undefined) await writeFile(resolve(command.workingDirectory, file), id, { flag: "wx" });
  return id;
}

interface Attached {
  readonly stdin: boolean;
  readonly isRaw: boolean;
  readonly condition: "next-exit" | "removed";
}

/** Attached before it starts, so that nothing of its output is lost. Returns the container's exit code. */
async function startAttached(command: CliCommand, id: string, options: Attached): Promise<number> {
  const { api, stdin } = command;
  const path = `/containers/${id}`;
  const socket = await api.hijack(`${path}/attach?stream=1&stdout=1&stderr=1&stdin=${options.stdin ? 1 : 0}`);
  const output = demultiplex(socket, command, options.isRaw);
  output.catch(() => undefined);
  const waiting = await api.send("POST", `${path}/wait?condition=${options.condition}`, {
    headers: { "content-length": "0" },
  });
  const stopForwarding = forwardSignals(command, id);
  try {
    await api.json("POST", `${path}/start`);
    if (options.stdin) stdin.pipe(socket);
    await output;
    let text = "";
    for await (const chunk of waiting) text += String(chunk);
    return text.trim() === "" ? 125 : (JSON.parse(text) as { StatusCode: number }).StatusCode;
  } finally {
    stopForwarding();
    waiting.destroy();
    if (options.stdin) stdin.unpipe(socket);
    socket.destroy();
  }
}

/** What ends this client is the container's to decide, as with docker's `--sig-proxy`. */
function forwardSignals(command: CliCommand, id: string): () => void {
  const forward = (signal: NodeJS.Signals): void =>
    void command.api.json("POST", `/containers/${id}/kill?signal=${signal}`).catch(() => undefined);
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, forward);
  return () => {
    for (const signal of signals) process.off(signal, forward);
  };
}

export async function start(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "attach", short: "a", kind: "bool" },
    { name: "interactive", short: "i", kind: "bool" },
  ]);
  if (parsed.rest.length === 0) throw new UsageError("docker: 'docker start' requires at least 1 argument");
  if (isSet(parsed, "attach") || isSet(parsed, "interactive")) {
    const [name = "", ...others] = parsed.rest;
    if (others.length > 0) throw new Error("you cannot start and attach multiple containers at once");
    const found = await command.api.json<{ Id: string; Config: { Tty?: boolean } }>(
      "GET",
      `/containers/${encodeURIComponent(name)}/json`,
    );
    const isRaw = found.Config.Tty === true;
    return startAttached(command, found.Id, { stdin: isSet(parsed, "interactive"), isRaw, condition: "next-exit" });
  }
  const failed: string[] = [];
  for (const name of parsed.rest) {
    try {
      await command.api.json("POST", `/containers/${encodeURIComponent(name)}/start`);
      command.stdout.write(`${name}\n`);
    } catch (error) {
      if (!(error instanceof DaemonError)) throw error;
      command.stderr.write(`Error response from daemon: ${error.message}\n`);
      failed.push(name);
    }
  }
  if (failed.length > 0) command.stderr.write(`Error: failed to start containers: ${failed.join(", ")}\n`);
  return failed.length > 0 ? 1 : 0;
}

export async function exec(command: CliCommand): Promise<number> {
  const parsed = parseFlags(
    command.args,
    [
      { name: "interactive", short: "i", kind: "bool" },
      { name: "tty", short: "t", kind: "bool" },
      { name: "detach", short: "d", kind: "bool" },
      { name: "privileged", kind: "bool" },
      { name: "env", short: "e", kind: "list" },
      { name: "env-file", kind: "list" },
      { name: "user", short: "u", kind: "string" },
      { name: "workdir", short: "w", kind: "string" },
    ],
    false,
  );
  const [name, ...argv] = parsed.rest;
  if (name === undefined || argv.length === 0)
    throw new UsageError("docker: 'docker exec' requires at least 2 arguments");
  requireTerminal(command, parsed);
  const isDetached = isSet(parsed, "detach");
  const isInteractive = isSet(parsed, "interactive");
  const tty = isSet(parsed, "tty");
  const { Env } = await containerBody(command, parsed, "", []);
  const { Id: id } = await command.api.json<{ Id: string }>("POST", `/containers/${encodeURIComponent(name)}/exec`, {
    ...{ Cmd: argv, Env, Tty: tty, AttachStdin: isInteractive && !isDetached, AttachStdout: !isDetached },
    ...{ AttachStderr: !isDetached, User: flagOf(parsed, "user") ?? "", WorkingDir: flagOf(parsed, "workdir") ?? "" },
    Privileged: isSet(parsed, "privileged"),
  });
  if (isDetached) {
    await command.api.json("POST", `/exec/${id}/start`, { Detach: true, Tty: tty });
    return 0;
  }
  const socket = await command.api.hijack(`/exec/${id}/start`, { Detach: false, Tty: tty });
  if (isInteractive) command.stdin.pipe(socket);
  await demultiplex(socket, command, tty);
  if (isInteractive) command.stdin.unpipe(socket);
  socket.destroy();
  return (await command.api.json<{ ExitCode: number | null }>("GET", `/exec/${id}/json`)).ExitCode ?? 0;
}

export async function attach(command: CliCommand): Promise<number> {
  const parsed = parseFlags(command.args, [
    { name: "no-stdin", kind: "bool" },
    { name: "sig-proxy", kind: "bool" },
    { name: "detach-keys", kind: "string" },
  ]);
  const [name] = parsed.rest;
  if (name === undefined || parsed.rest.length > 1) throw new UsageError("docker: 'docker attach' requires 1 argument");
  const path = `/containers/${encodeURIComponent(name)}`;
  const found = await command.api.json<{ State: { Running: boolean }; Config: { Tty?: boolean; OpenStdin?: boolean } }>(
    "GET",
    `${path}/json`,
  );
  if (!found.State.Running) throw new Error("cannot attach to a stopped container, start it first");
  const stdin = found.Config.OpenStdin === true && !isSet(parsed, "no-stdin");
  const waiting = await command.api.send("POST", `${path}/wait`, { headers: { "content-length": "0" } });
  const socket = await command.api.hijack(`${path}/attach?stream=1&stdout=1&stderr=1&stdin=${stdin ? 1 : 0}`);
  if (stdin) command.stdin.pipe(socket);
  await demultiplex(socket, command, found.Config.Tty === true);
  if (stdin) command.stdin.unpipe(socket);
  socket.destroy();
  let text = "";
  for await (const chunk of waiting) text += String(chunk);
  return text.trim() === "" ? 1 : (JSON.parse(text) as { StatusCode: number }).StatusCode;
}
