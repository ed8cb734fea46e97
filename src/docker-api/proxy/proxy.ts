/**
 * A Docker API socket in front of the machine's engine, one build's. Bytes pass unchanged but for what a build needs:
 * pushes and logins go to Kiln's registry, FROM names that only Kiln has are given to the engine first (kiln-images.ts),
 * what is made carries the build's label and is removed at the end, other people's containers and images are left alone,
 * and what would reach the machine itself is refused (container-policy.ts).
 * One request a connection (`Connection: close`), so that a request's head is always where it is looked for; hijacked
 * connections (attach, exec, BuildKit's session) are joined byte for byte, each side half-closable.
 * Gaps: with BuildKit, a FROM that nobody has is asked for by the client with the build's own login, and a push out of
 * the build itself goes past this proxy: cli/guard.ts refuses it.
 */
import { chmod } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { debug } from "../../core/log.ts";
import { formatEngineAddress } from "../../engine-api/engine-address.ts";
import { EngineClient } from "../../engine-api/engine-client.ts";
import type { Engine } from "../../engine-api/find-engine.ts";
import type { DockerSocketRequest } from "../docker-api.ts";
import { placeVolume } from "./bind-sources.ts";
import { imagesBelow, imagesOfContext, MadeByBuild, spoolContext } from "./build.ts";
import { BuildKitEntries } from "./buildkit-entries.ts";
import { bindScope, changedMount, mayCreate, RESTARTS } from "./container-mounts.ts";
import type { CreateContainerBody, CreateVolumeBody } from "./container-policy.ts";
import { enginePath } from "./engine-path.ts";
import { readExactJson } from "./exact-members.ts";
import { bodyChunks, headerOf, type RequestHead, readBody, readHead } from "./http-head.ts";
import { joinEngine } from "./joined-connections.ts";
import { Journal } from "./journal.ts";
import { KilnImages } from "./kiln-images.ts";
import { pingPodman, podmanTarget } from "./podman.ts";
import { refusedCall } from "./refusals.ts";
import { removeLeft } from "./remove-left.ts";
import {
  answer,
  cleanUp,
  goneSignal,
  isOwnContainer,
  isOwnImage,
  isOwnNamed,
  LABEL,
  noteTag,
  ownFilters,
  type ProxySession,
  relay,
  relayQuietly,
} from "./session.ts";
import { distribution, login, NO_CREDENTIALS, pullFromKiln, pushToKiln } from "./transfers.ts";

export async function startProxy(options: {
  readonly request: DockerSocketRequest;
  readonly engine: Engine;
  readonly socketPath: string;
}): Promise<{ close(): Promise<void> }> {
  const client = new EngineClient(options.engine.address);
  const { imageStoreDir, buildId } = options.request;
  const engineKey = formatEngineAddress(options.engine.address);
  await removeLeft(imageStoreDir, options.engine, client);
  const journal = await Journal.open(imageStoreDir, { engineKey, buildId });
  const images = new KilnImages(options.request, client, journal);
  const session: ProxySession = { ...options, client, images, journal, made: new MadeByBuild(), tags: new Set() };
  const sockets = new Set<Socket>();
  const running = new Set<Promise<void>>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const work = serve(socket, session)
      .catch((error: unknown) => {
        debug("docker", () => `proxy: ${(error as Error).stack}`);
        answer(socket, 500, { message: (error as Error).message });
      })
      .finally(() => running.delete(work));
    running.add(work);
  });
  await new Promise<void>((resolve, reject) => {
    server.on("error", reject);
    server.listen(options.socketPath, resolve);
  });
  await chmod(options.socketPath, 0o600);
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await Promise.allSettled(running);
      await closed;
      await cleanUp(client, { ...session.made, buildId, names: session.tags });
      await images.close();
      await journal.close();
    },
  };
}

interface Call {
  readonly client: Socket;
  readonly head: RequestHead;
  readonly url: URL;
  /** Without `/v1.43`. */
  readonly path: string;
  readonly session: ProxySession;
}

async function serve(client: Socket, session: ProxySession): Promise<void> {
  const head = await readHead(client);
  if (!head) {
    client.destroy();
    return;
  }
  const path = enginePath(head.target);
  if (path === undefined) return answer(client, 400, { message: `kiln takes no such path: ${head.target}` });
  const url = new URL(head.target, "http://docker");
  debug("docker", () => `proxy ${head.method} ${path}`);
  const call = { client, head, url, path, session };
  const refused = refusedCall(head.method, path);
  if (refused !== undefined) return answer(client, 403, { message: refused });
  const other = await foreign(call);
  if (other) return answer(client, other.status, { message: other.message });
  if (await handled(call)) return;
  forward(call, head.target);
}

/** The answer about a container, image, network or volume that the build did not make; undefined for its own. */
async function foreign({ head, path, session }: Call): Promise<{ status: number; message: string } | undefined> {
  const container = /^\/containers\/([^/]+)(?:\/|$)/.exec(path)?.[1];
  const isOne = container !== undefined && !["json", "create", "prune"].includes(container);
  // As on AWS, where the engine is the build's own: it knows no other container.
  if (isOne && !(await isOwnContainer(session, decodeURIComponent(container))))
    return { status: 404, message: `No such container: ${decodeURIComponent(container)}` };
  if (head.method !== "DELETE") return undefined;
  const [, kind, id = ""] = /^\/(images|networks|volumes)\/(.+)$/.exec(path) ?? [];
  const name = decodeURIComponent(id);
  const isOwn =
    kind === "images"
      ? await isOwnImage(session, name)
      : (kind !== "networks" && kind !== "volumes") || (await isOwnNamed(session, kind, name));
  return isOwn
    ? undefined
    : { status: 403, message: `${kind?.slice(0, -1)} ${name} was not made by this build; kiln leaves it` };
}

/** True when the call has been answered or passed on here. */
async function handled(call: Call): Promise<boolean> {
  const { client, head, url, path, session } = call;
  const { request } = session;
  if (session.engine.kind === "podman") {
    if (path === "/_ping") {
      await pingPodman(client, head, session);
      return true;
    }
    const target = podmanTarget(path, url);
    if (target !== undefined) {
      forward(call, target);
      return true;
    }
  }
  if (path === "/containers/json" && head.method === "GET") {
    forward(call, targetWith(call, { filters: ownFilters(url.searchParams.get("filters"), request.buildId) }));
    return true;
  }
  const asked = head.method === "GET" ? /^\/distribution\/(.+)\/json$/.exec(path)?.[1] : undefined;
  if (asked !== undefined && !request.pushForReal) {
    await distribution(client, head, decodeURIComponent(asked), session);
    return true;
  }
  if (head.method !== "POST") return false;
  const push = /^\/images\/(.+)\/push$/.exec(path)?.[1];
  const scope = bindScope(session);
  const tagged = /^\/images\/(.+)\/tag$/.exec(path)?.[1];
  const own = { filters: ownFilters(url.searchParams.get("filters"), request.buildId) };
  if (push !== undefined && !request.pushForReal)
    await pushToKiln(client, head, decodeURIComponent(push), url.searchParams.get("tag"), session);
  else if (path === "/auth" && !request.pushForReal) await login(client, head, session);
  else if (path === "/containers/create")
    await create<CreateContainerBody>(call, (body) => mayCreate(body, scope, session));
  else if (/^\/containers\/[^/]+\/(?:start|restart)$/.test(path)) await start(call, scope);
  else if (/^\/containers\/[^/]+\/update$/.test(path)) await update(call);
  else if (path === "/networks/create") await create<CreateVolumeBody>(call, async () => undefined);
  else if (path === "/volumes/create")
    await create<CreateVolumeBody>(call, (body) => placeVolume(body.DriverOpts, scope));
  else if (/^\/containers\/[^/]+\/exec$/.test(path)) await createExec(call);
  else if (path === "/build/prune") answer(client, 200, { CachesDeleted: null, SpaceReclaimed: 0 });
  else if (/^\/(containers|images|networks|volumes)\/prune$/.test(path)) forward(call, targetWith(call, own));
  else if (path === "/build") await build(call);
  else if (path === "/session" || path === "/grpc") {
    await session.images.ensure(await imagesBelow(request.workDir));
    const fromEngine = forward(call, head.target);
    if (path === "/grpc") {
      const names = new BuildKitEntries(["name"], (name) => noteTag(session, name));
      client.on("data", (chunk: Buffer) => names.push(chunk));
      // Images that nobody names, told when a build is over: `docker compose build` of a service without `image`.
      const ids = new BuildKitEntries(["containerimage.digest", "containerimage.config.digest"], (id) => {
        const short = /^sha256:([0-9a-f]{12})/.exec(id)?.[1];
        if (short === undefined) return;
        session.made.images.add(short);
        session.journal.addImage(short);
      });
      fromEngine.on("data", (chunk: Buffer) => ids.push(chunk));
    }
  } else if (path === "/commit") {
    url.searchParams.append("changes", `LABEL ${LABEL}=${request.buildId}`);
    forward(call, url.pathname + url.search);
  } else if (path === "/images/load") await load(call);
  else if (tagged !== undefined) {
    const name = `${url.searchParams.get("repo") ?? ""}:${url.searchParams.get("tag") || "latest"}`;
    noteTag(session, name);
    forward(call, head.target);
  } else if (path === "/images/create") {
    if (!(await pullFromKiln(client, head, url.searchParams, session)))
      forward(call, head.target, request.pushForReal ? {} : { "x-registry-auth": NO_CREDENTIALS });
  } else return false;
  return true;
}

function targetWith({ url }: Call, parameters: Readonly<Record<string, string>>): string {
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return url.pathname + url.search;
}

/** Joins the two connections; returns the engine's. */
function forward(
  { client, head, session }: Call,
  target: string,
  headers: Readonly<Record<string, string>> = {},
  body?: Buffer,
): Duplex {
  return joinEngine(client, session.engine.address, { head, target, headers, body });
}

/** Adds the build's label, after the policy agreed. */
async function create<Body extends { Labels?: Record<string, string> | null }>(
  call: Call,
  check: (body: Body) => Promise<string | undefined>,
): Promise<void> {
  const { client, head, session } = call;
  const body = readExactJson<Body>(await readBody(head, client));
  const reason = await check(body);
  if (reason !== undefined) return answer(client, 403, { message: reason });
  const labelledBody = { ...body, Labels: { ...body.Labels, [LABEL]: session.request.buildId } };
  forward(call, head.target, {}, Buffer.from(JSON.stringify(labelledBody)));
}

/** The engine looks at what a container mounts now. */
async function start(call: Call, scope: ReturnType<typeof bindScope>): Promise<void> {
  const id = decodeURIComponent(call.path.split("/")[2] ?? "");
  const source = await changedMount(id, scope, call.session);
  // Without a body: engines that know API versions before 1.24 would take another HostConfig from it.
  if (source === undefined) forward(call, call.head.target, {}, Buffer.alloc(0));
  else
    answer(call.client, 403, {
      message: `bind mounts outside the build's folder are refused: ${source} is elsewhere now`,
    });
}

/** A container that the engine starts by itself is not asked about: see `mayCreate`. */
async function update(call: Call): Promise<void> {
  const body = readExactJson<CreateContainerBody["HostConfig"] & {}>(await readBody(call.head, call.client));
  if (RESTARTS.has(body.RestartPolicy?.Name ?? "")) {
    return answer(call.client, 403, {
      message: "docker update --restart is refused in a build: give --restart to run",
    });
  }
  forward(call, call.head.target, {}, Buffer.from(JSON.stringify(body)));
}

async function createExec(call: Call): Promise<void> {
  const body = readExactJson<{ Privileged?: boolean }>(await readBody(call.head, call.client));
  if (body.Privileged) return answer(call.client, 403, { message: "docker exec --privileged is refused in a build" });
  forward(call, call.head.target, {}, Buffer.from(JSON.stringify(body)));
}

async function build(call: Call): Promise<void> {
  const { client, head, url, session } = call;
  const { request, images, made } = session;
  const query = url.searchParams;
  const isRead = (query.get("remote") ?? "") === "" && query.get("version") !== "2";
  // Docker's classic builder makes a step of a label, and its output names what it makes: there no label is needed.
  if (!isRead || session.engine.kind === "podman") {
    const labels = JSON.parse(query.get("labels") || "{}") as Record<string, string> | null;
    query.set("labels", JSON.stringify({ ...labels, [LABEL]: request.buildId }));
  }
  for (const name of query.getAll("t")) if (name !== "") noteTag(session, name);
  const headers = request.pushForReal ? {} : { "x-registry-config": NO_CREDENTIALS };
  if (!isRead) {
    if (query.get("version") === "2") await images.ensure(await imagesBelow(request.workDir));
    forward(call, url.pathname + url.search, headers);
    return;
  }
  // A failed RUN's container has no label: the engine is told to remove it itself.
  query.set("forcerm", "1");
  const context = await spoolContext(bodyChunks(head, client), join(request.workDir, "docker"));
  try {
    const signal = AbortSignal.any([goneSignal(client), request.signal]);
    const given = await images.ensure(await imagesOfContext(context, query));
    // `--pull` would look for another image under the name elsewhere.
    if (given.length > 0) query.delete("pull");
    // The steps' images are in the output only.
    const isQuiet = query.get("q") === "1" || query.get("q") === "true";
    query.delete("q");
    const type = headerOf(head, "content-type");
    const config = headerOf(head, "x-registry-config");
    const response = await session.client.send("POST", url.pathname + url.search, {
      headers: {
        "content-length": context.sizeBytes,
        ...(type !== undefined && { "content-type": type }),
        ...(config !== undefined && { "x-registry-config": config }),
        ...headers,
      },
      body: context.read(),
      signal,
    });
    const note = (line: string): void => {
      const id = made.line(line);
      if (id !== undefined) session.journal.addImage(id);
    };
    await (isQuiet ? relayQuietly(client, response, note) : relay(client, response, note));
  } finally {
    await context.remove();
  }
}

/** `docker load`: the names it brings are the build's. */
async function load(call: Call): Promise<void> {
  const { client, head, url, session } = call;
  const response = await session.client.send("POST", url.pathname + url.search, {
    headers: { "content-type": "application/x-tar" },
    body: bodyChunks(head, client),
    signal: session.request.signal,
  });
  await relay(client, response, (line) => {
    const name = /Loaded image: ([^\s"\\]+)/.exec(line)?.[1];
    if (name !== undefined) noteTag(session, name);
  });
}
