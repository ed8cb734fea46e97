/** `docker exec`: create, start (taken over or not), inspect, resize. */
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import {
  type ApiCall,
  ApiError,
  type ApiRoute,
  readJson,
  sendJson,
  sendNothing,
  type UpgradeCall,
  type UpgradeRoute,
} from "../api.ts";
import { commandBelow } from "./container-processes.ts";
import { type Exec, notRunning } from "./execs.ts";
import { setTerminalSize } from "./lifecycle-routes.ts";
import { OutputHub } from "./output-hub.ts";
import { requestedContainer } from "./requested-container.ts";
import { bodyOf, startRaw, streamType, upgradeHead } from "./stream-routes.ts";

interface ExecBody {
  AttachStdin?: boolean;
  AttachStdout?: boolean;
  AttachStderr?: boolean;
  Tty?: boolean;
  Cmd?: string[] | null;
  Env?: string[] | null;
  Privileged?: boolean;
  User?: string;
  WorkingDir?: string;
}

interface StartBody {
  Detach?: boolean;
  Tty?: boolean;
}

async function create(call: ApiCall): Promise<void> {
  const container = requestedContainer(call);
  const body = await readJson<ExecBody>(call.incoming);
  if (body.Privileged) throw new ApiError(403, "privileged containers are refused in a build");
  if ((body.Cmd ?? []).length === 0) throw new ApiError(400, "No exec command specified");
  if (!container.isRunning) throw notRunning(container);
  const exec = call.context.containers.execs.create(container, {
    argv: body.Cmd ?? [],
    env: body.Env ?? [],
    user: body.User ?? "",
    workingDirectory: body.WorkingDir ?? "",
    tty: body.Tty === true,
    stdin: body.AttachStdin === true,
    stdout: body.AttachStdout === true,
    stderr: body.AttachStderr === true,
  });
  call.context.events.add("container", `exec_create: ${(body.Cmd ?? []).join(" ")}`, container.id, {
    name: container.name,
    image: container.spec.imageName,
    execID: exec.id,
  });
  sendJson(call.response, 201, { Id: exec.id });
}

function requested({ context, path: [id = ""] }: Pick<ApiCall, "context" | "path">): Exec {
  const exec = context.containers.execs.find(id);
  if (!exec) throw new ApiError(404, `No such exec instance: ${id}`);
  return exec;
}

async function start(call: ApiCall): Promise<void> {
  const exec = requested(call);
  const body = await readJson<StartBody>(call.incoming);
  if (body.Detach) {
    const { sources } = await call.context.containers.execs.start(exec);
    for (const source of sources) source.resume();
    sendNothing(call.response, 200);
    return;
  }
  await connect(call, exec, undefined, call.response, () => startRaw(call, streamType(call, exec.spec.tty)));
}

async function startUpgrade(call: UpgradeCall): Promise<void> {
  const exec = requested(call);
  const body = await readJson<StartBody>(await bodyOf(call));
  const { socket } = call;
  if (body.Detach) {
    const { sources } = await call.context.containers.execs.start(exec);
    for (const source of sources) source.resume();
    socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  await connect(call, exec, socket, socket, () => socket.write(upgradeHead(streamType(call, exec.spec.tty))));
}

async function connect(
  call: Pick<ApiCall, "context">,
  exec: Exec,
  input: Readable | undefined,
  output: Writable,
  answer: () => void,
): Promise<void> {
  const { spec } = exec;
  const hub = new OutputHub(spec.tty);
  if (!exec.container.isRunning) throw notRunning(exec.container);
  if (exec.isRunning || exec.exitCode !== undefined)
    throw new ApiError(409, `Error: Exec command ${exec.id} is already running`);
  answer();
  const isGone = once(output, "close").catch(() => undefined);
  hub.add(output, { stdout: spec.stdout || !spec.stderr, stderr: spec.stderr });
  try {
    const { child, sources, ended } = await call.context.containers.execs.start(exec);
    hub.from(sources);
    for (const [index, source] of sources.entries())
      source.on("data", (chunk: Buffer) => hub.write(index === 0 ? 1 : 2, chunk));
    if (input && child.stdin) input.pipe(child.stdin);
    else input?.resume();
    // A client that goes away leaves the command running, as docker does: its output is read all the same.
    await ended;
  } catch (error) {
    // The answer has begun: docker puts the runtime's text among the output.
    hub.write(1, Buffer.from(`${(error as Error).message}\r\n`));
    input?.resume();
  }
  hub.end();
  await isGone;
}

async function inspect(call: ApiCall): Promise<void> {
  const exec = requested(call);
  const { spec, container } = exec;
  const [entrypoint = "", ...args] = spec.argv;
  sendJson(call.response, 200, {
    ID: exec.id,
    Running: exec.isRunning,
    ExitCode: exec.exitCode ?? null,
    ProcessConfig: { tty: spec.tty, entrypoint, arguments: args, privileged: false, user: spec.user },
    OpenStdin: spec.stdin,
    OpenStderr: spec.stderr,
    OpenStdout: spec.stdout,
    CanRemove: exec.exitCode !== undefined,
    ContainerID: container.id,
    DetachKeys: "",
    Pid: processOf(exec) ?? 0,
  });
}

function processOf(exec: Exec): number | undefined {
  return exec.isRunning && exec.child?.pid !== undefined ? commandBelow(exec.child.pid, exec.spec.tty) : undefined;
}

async function resize(call: ApiCall): Promise<void> {
  const exec = requested(call);
  const pid = processOf(exec);
  if (exec.spec.tty && pid !== undefined) await setTerminalSize(pid, call.query);
  sendNothing(call.response, 200);
}

export const execRoutes: readonly ApiRoute[] = [
  { method: "POST", pattern: /^\/containers\/([^/]+)\/exec$/, handle: create },
  { method: "POST", pattern: /^\/exec\/([^/]+)\/start$/, handle: start },
  { method: "POST", pattern: /^\/exec\/([^/]+)\/resize$/, handle: resize },
  { method: "GET", pattern: /^\/exec\/([^/]+)\/json$/, handle: inspect },
];

export const execUpgradeRoutes: readonly UpgradeRoute[] = [
  { pattern: /^\/exec\/([^/]+)\/start$/, handle: startUpgrade },
];
