/** Containers of the embedded builder over HTTP: enough for `docker run`, `ps`, `logs`, `kill`, `rm`. */
import { realpath } from "node:fs/promises";
import { relative } from "node:path";
import type { RunConfig } from "../../images/image.ts";
import { type ApiCall, ApiError, type ApiRoute, type BuilderContext, readJson, sendJson } from "./api.ts";
import type { Container } from "./containers.ts";
import { requireImage } from "./image-routes.ts";

interface CreateBody extends RunConfig {
  Image?: string;
  Tty?: boolean;
  OpenStdin?: boolean;
  HostConfig?: {
    AutoRemove?: boolean;
    Privileged?: boolean;
    NetworkMode?: string;
    Binds?: string[] | null;
    Mounts?: unknown[] | null;
    Devices?: unknown[] | null;
  };
}

async function create({ context, incoming, query, response }: ApiCall): Promise<void> {
  const body = await readJson<CreateBody>(incoming);
  const image = requireImage(context, body.Image ?? "");
  const host = body.HostConfig ?? {};
  if (host.Privileged) throw new ApiError(403, "privileged containers are refused in a build");
  if (body.Tty) throw new ApiError(501, "kiln's embedded builder does not do terminals (-t)");
  if ((host.Mounts ?? []).length > 0 || (host.Devices ?? []).length > 0)
    throw new ApiError(501, "kiln's embedded builder does not do --mount and --device; use -v");
  const name = query.get("name") ?? "";
  if (name !== "" && context.containers.find(name))
    throw new ApiError(409, `Conflict. The container name "/${name}" is already in use`);
  const inherited = image.config.config;
  const entrypoint = body.Entrypoint ?? inherited.Entrypoint ?? null;
  const command = (body.Cmd ?? []).length > 0 ? body.Cmd : body.Entrypoint ? [] : inherited.Cmd;
  const env = new Map(
    [...(inherited.Env ?? []), ...(body.Env ?? [])].map((entry) => [entry.split("=")[0] ?? "", entry]),
  );
  const container = context.containers.create({
    name,
    image,
    imageName: body.Image ?? "",
    config: {
      ...inherited,
      Env: [...env.values()],
      Entrypoint: entrypoint,
      Cmd: command ?? [],
      User: body.User || inherited.User || "",
      WorkingDir: body.WorkingDir || inherited.WorkingDir || "/",
      Labels: { ...inherited.Labels, ...body.Labels },
    },
    opensStdin: body.OpenStdin === true,
    removesItself: host.AutoRemove === true,
    network: host.NetworkMode === "none" ? "none" : "host",
    binds: await Promise.all((host.Binds ?? []).map((bind) => readBind(context, bind))),
  });
  sendJson(response, 201, { Id: container.id, Warnings: [] });
}

/** `source:target[:ro]`, the source inside the build's own folder. */
async function readBind(
  context: BuilderContext,
  bind: string,
): Promise<{ source: string; target: string; isReadOnly: boolean }> {
  const [source = "", target = "", options = ""] = bind.split(":");
  if (!source.startsWith("/") || !target.startsWith("/"))
    throw new ApiError(501, `kiln's embedded builder does not do named volumes: ${bind}`);
  if (target.split("/").includes("..")) throw new ApiError(400, `invalid mount path: ${target}`);
  const real = await realpath(source).catch(() => {
    throw new ApiError(400, `invalid mount config: bind source path does not exist: ${source}`);
  });
  const inside = relative(await realpath(context.request.workDir), real);
  if (inside.startsWith("..")) throw new ApiError(403, `bind mounts outside the build's folder are refused: ${source}`);
  return { source: real, target, isReadOnly: options.split(",").includes("ro") };
}

function requireContainer({ context, path: [name = ""] }: ApiCall): Container {
  const container = context.containers.find(name);
  if (!container) throw new ApiError(404, `No such container: ${name}`);
  return container;
}

async function start(call: ApiCall): Promise<void> {
  const container = requireContainer(call);
  if (container.hasStarted) {
    call.response.writeHead(304).end();
    return;
  }
  await call.context.containers.start(container);
  call.response.writeHead(204).end();
}

async function wait(call: ApiCall): Promise<void> {
  const container = requireContainer(call);
  // Headers first: `docker run` starts the container only once it has them.
  call.response.writeHead(200, { "content-type": "application/json" });
  call.response.flushHeaders();
  const isOver = container.hasStarted && !container.isRunning;
  const exitCode = isOver && call.query.get("condition") !== "next-exit" ? container.exitCode : await container.ended;
  call.response.end(`${JSON.stringify({ StatusCode: exitCode })}\n`);
}

async function logs(call: ApiCall): Promise<void> {
  const container = requireContainer(call);
  call.response.writeHead(200, { "content-type": "application/vnd.docker.multiplexed-stream" });
  for (const frame of container.output) call.response.write(frame);
  const follows = call.query.get("follow") === "1" || call.query.get("follow") === "true";
  if (follows && container.isRunning) {
    container.attached.add(call.response as never);
    await container.ended;
  }
  call.response.end();
}

async function kill(call: ApiCall): Promise<void> {
  const container = requireContainer(call);
  await call.context.containers.kill(container, call.query.get("signal") ?? "KILL");
  call.response.writeHead(204).end();
}

async function remove(call: ApiCall): Promise<void> {
  const container = requireContainer(call);
  if (container.isRunning) {
    if (call.query.get("force") !== "1" && call.query.get("force") !== "true") {
      throw new ApiError(
        409,
        `cannot remove container "/${container.name}": container is running: stop the container before removing or force remove`,
      );
    }
    await call.context.containers.kill(container, "KILL");
  }
  call.context.containers.remove(container);
  call.response.writeHead(204).end();
}

const stateOf = (container: Container): string =>
  container.isRunning ? "running" : container.hasStarted ? "exited" : "created";

function inspect(call: ApiCall): void {
  const container = requireContainer(call);
  sendJson(call.response, 200, {
    Id: container.id,
    Name: `/${container.name}`,
    Created: new Date(container.createdMs).toISOString(),
    Image: container.image.id,
    State: { Status: stateOf(container), Running: container.isRunning, ExitCode: container.exitCode, OOMKilled: false },
    Config: { ...container.config, Image: container.imageName, Tty: false },
    HostConfig: { AutoRemove: container.removesItself, NetworkMode: container.network },
    Mounts: [],
  });
}

function list({ context, query, response }: ApiCall): void {
  const all = query.get("all") === "1" || query.get("all") === "true";
  const shown = context.containers.list().filter((container) => all || container.isRunning);
  sendJson(
    response,
    200,
    shown.map((container) => ({
      Id: container.id,
      Names: [`/${container.name}`],
      Image: container.imageName,
      ImageID: container.image.id,
      Command: [...(container.config.Entrypoint ?? []), ...(container.config.Cmd ?? [])].join(" "),
      Created: Math.floor(container.createdMs / 1000),
      State: stateOf(container),
      Status: container.isRunning ? "Up" : `Exited (${container.exitCode})`,
      Ports: [],
      Labels: container.config.Labels ?? {},
    })),
  );
}

export const containerRoutes: readonly ApiRoute[] = [
  { method: "POST", pattern: /^\/containers\/create$/, handle: create },
  { method: "GET", pattern: /^\/containers\/json$/, handle: list },
  {
    method: "POST",
    pattern: /^\/containers\/prune$/,
    handle: ({ response }) => sendJson(response, 200, { ContainersDeleted: null, SpaceReclaimed: 0 }),
  },
  { method: "GET", pattern: /^\/containers\/([^/]+)\/json$/, handle: inspect },
  { method: "GET", pattern: /^\/containers\/([^/]+)\/logs$/, handle: logs },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/start$/, handle: start },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/wait$/, handle: wait },
  { method: "POST", pattern: /^\/containers\/([^/]+)\/(?:kill|stop)$/, handle: kill },
  { method: "DELETE", pattern: /^\/containers\/([^/]+)$/, handle: remove },
];
