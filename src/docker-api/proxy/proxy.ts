/**
 * A Docker API socket in front of the machine's engine, one build's. Bytes pass unchanged but for what a build needs:
 * pushes go to Kiln's registry, logins are checked there, what is made carries the build's label and is removed at the
 * end, and what would reach the machine itself is refused (container-policy.ts).
 * One request a connection (`Connection: close`), so that a request's head is always where it is looked for; hijacked
 * connections (attach, exec, BuildKit's session) are joined byte for byte, each side half-closable.
 * Gaps: FROM is resolved by the engine itself; only `docker pull` looks into Kiln's registry first.
 */
import { chmod } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { debug } from "../../core/log.ts";
import {
  familiarName,
  formatReference,
  type ImageReference,
  parseReference,
  standInRepository,
  withDefaultTag,
} from "../../images/reference.ts";
import { RegistryClient, RegistryRequestError } from "../../images/registry-client.ts";
import type { DockerSocketRequest } from "../docker-api.ts";
import { type AuthBody, checkLogin, registryHost } from "../registry-login.ts";
import { type CreateContainerBody, refusal } from "./container-policy.ts";
import { EngineClient } from "./engine-client.ts";
import type { Engine } from "./find-engine.ts";
import { headBytes, headerOf, isUpgrade, type RequestHead, readBody, readHead } from "./http-head.ts";

const LABEL = "dev.kiln.build";

interface Deps {
  readonly request: DockerSocketRequest;
  readonly engine: Engine;
  readonly client: EngineClient;
}

export async function startProxy(options: {
  readonly request: DockerSocketRequest;
  readonly engine: Engine;
  readonly socketPath: string;
}): Promise<{ close(): Promise<void> }> {
  const deps: Deps = { ...options, client: new EngineClient(options.engine.socketPath) };
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    sockets.add(client);
    client.on("close", () => sockets.delete(client));
    client.on("error", () => client.destroy());
    serve(client, deps).catch((error: unknown) => {
      debug("docker", () => `proxy: ${(error as Error).stack}`);
      answer(client, 500, { message: (error as Error).message });
    });
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
      await closed;
      await cleanUp(deps);
    },
  };
}

async function serve(client: Socket, deps: Deps): Promise<void> {
  const head = await readHead(client);
  if (!head) {
    client.destroy();
    return;
  }
  const url = new URL(head.target, "http://docker");
  const path = url.pathname.replace(/^\/v\d+\.\d+(?=\/)/, "");
  debug("docker", () => `proxy ${head.method} ${path}`);
  if (head.method === "POST") {
    const push = /^\/images\/(.+)\/push$/.exec(path);
    if (push && !deps.request.pushForReal)
      return pushToKiln(client, head, decodeURIComponent(push[1] ?? ""), url.searchParams.get("tag"), deps);
    if (path === "/auth" && !deps.request.pushForReal) return login(client, head, deps);
    if (path === "/containers/create")
      return create(client, head, deps, async (body) => refusal(body, deps.request.workDir));
    if (path === "/networks/create" || path === "/volumes/create")
      return create(client, head, deps, async () => undefined);
    if (path === "/build") return forward(client, head, deps, labelled(url, deps.request.buildId));
    if (path === "/images/create" && (await pullFromKiln(client, head, url.searchParams, deps))) return;
  }
  forward(client, head, deps, head.target);
}

/** Joins the two connections. */
function forward(client: Socket, head: RequestHead, deps: Deps, target: string, body?: Buffer): void {
  const engine = connect({ path: deps.engine.socketPath, allowHalfOpen: true });
  engine.on("error", (error) => {
    debug("docker", () => `engine: ${error.message}`);
    client.destroy();
  });
  client.on("close", () => engine.destroy());
  const replaced = {
    ...(!isUpgrade(head) && { connection: "close" }),
    ...(body && { "content-length": String(body.length), "transfer-encoding": undefined }),
  };
  // One write: the engine may answer and close before a second one.
  engine.write(Buffer.concat([headBytes(head, replaced, target), body ?? head.rest]));
  engine.pipe(client);
  client.pipe(engine);
}

/** Adds the build's label, after the policy agreed. */
async function create(
  client: Socket,
  head: RequestHead,
  deps: Deps,
  check: (body: CreateContainerBody) => Promise<string | undefined>,
): Promise<void> {
  const body = JSON.parse((await readBody(head, client)).toString("utf8") || "{}") as CreateContainerBody;
  const reason = await check(body);
  if (reason !== undefined) return answer(client, 403, { message: reason });
  const labelledBody = { ...body, Labels: { ...body.Labels, [LABEL]: deps.request.buildId } };
  forward(client, head, deps, head.target, Buffer.from(JSON.stringify(labelledBody)));
}

function labelled(url: URL, buildId: string): string {
  const labels = JSON.parse(url.searchParams.get("labels") || "{}") as Record<string, string> | null;
  url.searchParams.set("labels", JSON.stringify({ ...labels, [LABEL]: buildId }));
  return url.pathname + url.search;
}

async function login(client: Socket, head: RequestHead, deps: Deps): Promise<void> {
  const body = JSON.parse((await readBody(head, client)).toString("utf8")) as AuthBody;
  const host = registryHost(body.serveraddress);
  if (host === undefined) return answer(client, 400, { message: `invalid registry address: ${body.serveraddress}` });
  try {
    await checkLogin(deps.request.registryUrl, body, host, deps.request.signal);
    answer(client, 200, { IdentityToken: "", Status: "Login Succeeded" });
  } catch (error) {
    if (!(error instanceof RegistryRequestError)) throw error;
    answer(client, error.status === 401 ? 401 : 500, { message: error.message });
  }
}

/** The name under which the engine reaches Kiln's registry: it talks plain HTTP to loopback addresses. */
const nameInKiln = (reference: ImageReference, registryUrl: string): string =>
  `${new URL(registryUrl).host}/${standInRepository(reference, registryUrl)}`;

/** Tags for Kiln's registry, pushes that name, translates the answer back, removes the tag. */
async function pushToKiln(
  client: Socket,
  head: RequestHead,
  name: string,
  tag: string | null,
  deps: Deps,
): Promise<void> {
  const { registryUrl, onPushed } = deps.request;
  const reference = withDefaultTag(parseReference(tag ? `${name}:${tag}` : name));
  const wanted = reference.tag ?? "latest";
  const own = nameInKiln(reference, registryUrl);
  const shown = `${reference.host}/${reference.repository}`;
  const tagged = await deps.client.text(
    "POST",
    `/images/${familiarName(reference)}:${wanted}/tag?repo=${encodeURIComponent(own)}&tag=${wanted}`,
  );
  startStream(client);
  if (tagged.status >= 400) {
    const message = `An image does not exist locally with the tag: ${familiarName(reference)}`;
    client.end(`${JSON.stringify({ errorDetail: { message }, error: message })}\r\n`);
    return;
  }
  try {
    const auth = headerOf(head, "x-registry-auth") ?? "";
    const response = await deps.client.send("POST", `/images/${own}/push?tag=${wanted}`, {
      "x-registry-auth": auth || "e30=",
    });
    let rest = "";
    for await (const chunk of response) {
      rest += String(chunk);
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) relay(line);
    }
    relay(rest);
    function relay(line: string): void {
      if (line.trim() === "") return;
      client.write(`${line.replaceAll(own, shown).trimEnd()}\r\n`);
      const { aux } = JSON.parse(line) as { aux?: { Digest?: string } };
      if (aux?.Digest !== undefined) onPushed(formatReference({ ...reference, tag: wanted }), aux.Digest);
    }
  } finally {
    client.end();
    if (own !== shown) await deps.client.text("DELETE", `/images/${own}:${wanted}?noprune=1`);
  }
}

/** True when Kiln's registry had the image: then the engine has pulled it from there and it has its name. */
async function pullFromKiln(client: Socket, head: RequestHead, query: URLSearchParams, deps: Deps): Promise<boolean> {
  const { registryUrl, rootKey, signal, mappedImage } = deps.request;
  const name = query.get("fromImage") ?? "";
  if (name === "") return false;
  const tag = query.get("tag") ?? "";
  const asked = withDefaultTag(parseReference(tag === "" ? name : `${name}${tag.includes(":") ? "@" : ":"}${tag}`));
  const mapped = mappedImage?.(formatReference(asked));
  const credentials = { username: rootKey.accessKeyId, password: rootKey.secretAccessKey };
  const registry = new RegistryClient({ url: registryUrl, credentials, signal });
  try {
    for (const reference of [asked, ...(mapped === undefined ? [] : [withDefaultTag(parseReference(mapped))])]) {
      const wanted = reference.digest ?? reference.tag ?? "latest";
      if (!(await registry.manifest(standInRepository(reference, registryUrl), wanted))) continue;
      const own = nameInKiln(reference, registryUrl);
      const auth = Buffer.from(JSON.stringify(credentials))
        .toString("base64")
        .replaceAll("+", "-")
        .replaceAll("/", "_");
      const pulled = await deps.client.text(
        "POST",
        `/images/create?fromImage=${encodeURIComponent(own)}&tag=${wanted}`,
        { "x-registry-auth": auth },
      );
      const source = reference.digest === undefined ? `${own}:${wanted}` : `${own}@${wanted}`;
      if (pulled.status < 400 && asked.tag !== undefined) {
        await deps.client.text(
          "POST",
          `/images/${source}/tag?repo=${encodeURIComponent(familiarName(asked))}&tag=${asked.tag}`,
        );
      }
      await readBody(head, client);
      startStream(client);
      client.end(pulled.text.replaceAll(own, familiarName(asked)));
      return true;
    }
    return false;
  } finally {
    registry.close();
  }
}

function startStream(client: Socket): void {
  client.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n");
}

function answer(client: Socket, status: number, value: unknown): void {
  if (client.destroyed) return;
  const body = JSON.stringify(value);
  client.end(
    `HTTP/1.1 ${status} Kiln\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

/** Removes containers, images, networks and volumes with the build's label. What fails is left and logged. */
async function cleanUp({ client, request }: Deps): Promise<void> {
  const filters = encodeURIComponent(JSON.stringify({ label: [`${LABEL}=${request.buildId}`] }));
  const steps = [
    { list: `/containers/json?all=1&filters=${filters}`, remove: (id: string) => `/containers/${id}?force=1&v=1` },
    { list: `/images/json?filters=${filters}`, remove: (id: string) => `/images/${id}?force=1` },
    { list: `/networks?filters=${filters}`, remove: (id: string) => `/networks/${id}` },
    { list: `/volumes?filters=${filters}`, remove: (id: string) => `/volumes/${id}?force=1` },
  ];
  for (const step of steps) {
    try {
      const { text } = await client.text("GET", step.list);
      const found = JSON.parse(text) as { Id?: string }[] | { Volumes?: { Name: string }[] | null };
      const ids = Array.isArray(found)
        ? found.map((entry) => entry.Id ?? "")
        : (found.Volumes ?? []).map((entry) => entry.Name);
      for (const id of ids) await client.text("DELETE", step.remove(id));
    } catch (error) {
      debug("docker", () => `clean-up: ${(error as Error).message}`);
    }
  }
}
