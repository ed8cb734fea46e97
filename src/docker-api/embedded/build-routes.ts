/** `POST /build`: unpacks the context, builds, names the result; the answer is docker's stream of JSON lines. */
import {
  familiarReference,
  formatReference,
  type ImageReference,
  InvalidReference,
  parseReference,
  withDefaultTag,
} from "../../images/reference.ts";
import { removeTree } from "../../images/remove-tree.ts";
import { loginFor } from "../registry-credentials.ts";
import { type ApiCall, ApiError, type ApiRoute, jsonLines, sendJson } from "./api.ts";
import { BuildError, type ExtraHost } from "./build/build-request.ts";
import { buildImage } from "./build/builder.ts";
import { classicProgress } from "./build/classic-progress.ts";
import { makeContextFolder, resolveImage, unpackContext } from "./build-sources.ts";
import { buildWithBuildKit } from "./buildkit/buildkit-routes.ts";
import { readUlimits, type UlimitBody } from "./ulimits.ts";

async function build(call: ApiCall): Promise<void> {
  const { context, query, incoming, response, signal } = call;
  if (query.get("version") === "2") return buildWithBuildKit(call);
  if ((query.get("remote") ?? "") !== "")
    throw new ApiError(400, `kiln's embedded builder does not fetch contexts: ${query.get("remote")}`);
  const tags = query
    .getAll("t")
    .filter((tag) => tag !== "")
    .map(namedTag);
  const buildArgs = mapParameter(query, "buildargs");
  const labels = mapParameter(query, "labels");
  const findLogin = async (host: string) => loginFor(incoming.headers["x-registry-config"], host);
  const holder = await context.store.temporary();
  try {
    const contextDir = await makeContextFolder(holder, "context");
    await unpackContext(incoming, contextDir);
    // Opened by the first line: what is wrong with the Dockerfile itself is an answer of its own, as docker's daemon gives it.
    let lines: ReturnType<typeof jsonLines> | undefined;
    const send = (message: Record<string, unknown>): void => {
      lines ??= jsonLines(response);
      lines(message);
    };
    const isQuiet = query.get("q") === "1";
    try {
      const image = await buildImage({
        style: "classic",
        context: { dir: contextDir },
        dockerfile: { dir: contextDir, name: query.get("dockerfile") || "Dockerfile" },
        namedContexts: {},
        cacheFrom: listParameter<string>(query, "cachefrom"),
        platform: query.get("platform") || undefined,
        extraHosts: query.getAll("extrahosts").flatMap(readExtraHost),
        shmSizeBytes: bytesOf(query.get("shmsize")),
        ulimits: readUlimits(listParameter<UlimitBody>(query, "ulimits")),
        exportNames: tags.map((tag) => formatReference(withDefaultTag(tag))),
        secret: async () => undefined,
        buildArgs,
        labels,
        target: query.get("target") ?? "",
        noCache: query.get("nocache") === "1" || query.get("nocache") === "true",
        network: query.get("networkmode") === "none" ? "none" : "host",
        store: context.store,
        isolation: context.isolation,
        clock: context.clock,
        signal,
        resolveImage: (name) => resolveImage(context, name, "classic", findLogin),
        reporter: classicProgress((text) => {
          if (!isQuiet) send({ stream: text });
        }),
      });
      context.names.add(image);
      send({ aux: { ID: image.id } });
      if (isQuiet) send({ stream: `${image.id}\n` });
      for (const tag of tags) {
        context.names.tag(tag, image);
        if (!isQuiet) send({ stream: `Successfully tagged ${familiarReference(withDefaultTag(tag))}\n` });
      }
    } catch (error) {
      if (error instanceof BuildError && !lines) throw new ApiError(400, error.message);
      const code = error instanceof BuildError ? error.exitCode : 1;
      const message = signal.aborted ? "context canceled" : (error as Error).message;
      send({ errorDetail: { code, message }, error: message });
      if (!(error instanceof BuildError) && !signal.aborted) throw error;
    }
    response.end();
  } finally {
    await removeTree(holder);
  }
}

export function namedTag(text: string): ImageReference {
  try {
    return parseReference(text);
  } catch (error) {
    if (error instanceof InvalidReference) throw new ApiError(400, error.message);
    throw error;
  }
}

/** `name:address`, where the address may hold colons. */
function readExtraHost(text: string): ExtraHost[] {
  const at = text.indexOf(":");
  return at <= 0 ? [] : [{ name: text.slice(0, at), address: text.slice(at + 1).replace(/^\[(.*)\]$/, "$1") }];
}

function bytesOf(text: string | null): number | undefined {
  if (text !== null && !/^\d*$/.test(text)) throw new ApiError(400, `invalid shmsize: ${text}`);
  return Number(text) || undefined;
}

function listParameter<T>(query: URLSearchParams, name: string): T[] {
  try {
    const parsed: unknown = JSON.parse(query.get(name) || "[]");
    return Array.isArray(parsed) ? (parsed as T[]) : [];
  } catch {
    throw new ApiError(400, `invalid JSON in parameter ${name}`);
  }
}

function mapParameter(query: URLSearchParams, name: string): Record<string, string> {
  const text = query.get(name);
  if (text === null || text === "") return {};
  try {
    const parsed = JSON.parse(text) as Record<string, string | null>;
    return Object.fromEntries(
      Object.entries(parsed ?? {}).flatMap(([key, value]) => (value === null ? [] : [[key, String(value)]])),
    );
  } catch {
    throw new ApiError(400, `invalid JSON in parameter ${name}`);
  }
}

export const buildRoutes: readonly ApiRoute[] = [
  { method: "POST", pattern: /^\/build$/, handle: build },
  {
    method: "POST",
    pattern: /^\/build\/prune$/,
    handle: ({ response }) => sendJson(response, 200, { CachesDeleted: null, SpaceReclaimed: 0 }),
  },
];
