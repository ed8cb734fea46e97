/**
 * The options of a BuildKit build as a client sends them: the attributes of the `dockerfile.v0` frontend. Each is taken,
 * known to change nothing here, or refused by its name; none is silently left out.
 * Source: https://docs.docker.com/reference/dockerfile/ and the flags of
 * https://docs.docker.com/reference/cli/docker/buildx/build/
 */
import type { BuildRequest, ExtraHost, Ulimit } from "../build/build-request.ts";
import { isUlimitName } from "../ulimits.ts";
import { CODE, GrpcError } from "./grpc-frames.ts";
import type { CacheOption } from "./messages.ts";

export interface BuildOptions
  extends Pick<
    BuildRequest,
    | "buildArgs"
    | "labels"
    | "target"
    | "noCache"
    | "platform"
    | "network"
    | "extraHosts"
    | "shmSizeBytes"
    | "ulimits"
    | "cacheFrom"
  > {
  readonly dockerfileName: string;
  /** The client's folder with the Dockerfile; undefined: it is in the context. */
  readonly dockerfileFolder: string | undefined;
  readonly context: ContextOrigin;
  readonly namedContexts: Readonly<
    Record<string, ContextOrigin | { readonly kind: "image"; readonly reference: string }>
  >;
}

/** A folder of the client's, or an archive that it uploads. */
export type ContextOrigin =
  | { readonly kind: "folder"; readonly name: string }
  | { readonly kind: "upload"; readonly path: string };

/** Attributes that change nothing in what this builder makes. */
const WITHOUT_EFFECT =
  /^(cmdline|source|frontend\.caps|image-resolve-mode|cache-ns|vcs:.*|local-sessionid:.*|multi-platform)$/;
const UPLOAD_ADDRESS = /^https?:\/\/buildkit-session\/(.+)$/;

/** Clients print the code of a failure before its text, but for this one. */
export const refused = (what: string): GrpcError =>
  new GrpcError(CODE.unknown, `kiln's embedded builder does not do ${what}; start Docker for it`);

export function readBuildOptions(
  attributes: Readonly<Record<string, string>>,
  cacheImports: readonly CacheOption[],
): BuildOptions {
  const buildArgs: Record<string, string> = Object.create(null);
  const labels: Record<string, string> = Object.create(null);
  const namedContexts: Record<string, BuildOptions["namedContexts"][string]> = Object.create(null);
  for (const [name, value] of Object.entries(attributes)) {
    const [prefix = "", key] = splitOnce(name, ":");
    if (prefix === "build-arg" && key !== undefined) buildArgs[key] = value;
    else if (prefix === "label" && key !== undefined) labels[key] = value;
    else if (prefix === "context" && key !== undefined) namedContexts[key] = namedContext(key, value);
    else if (prefix === "attest") refuseAttestation(key ?? "", value);
    else if (!Object.hasOwn(TAKEN, name) && !WITHOUT_EFFECT.test(name)) throw refused(`the build option \`${name}\``);
  }
  const one = (name: string): string | undefined => attributes[name] || undefined;
  if (one("requestid") !== undefined) throw refused(`\`${one("requestid")}\` (docker build --call, --check)`);
  if (one("cgroup-parent") !== undefined) throw refused("--cgroup-parent");
  if (buildArgs["BUILDKIT_SYNTAX"] !== undefined) throw refused("another frontend (BUILDKIT_SYNTAX)");
  const context = contextOrigin(one("context"), one("contextkey") ?? "context");
  if (one("contextsubdir") !== undefined) throw refused("a folder inside the context as context");
  return {
    buildArgs,
    labels,
    namedContexts,
    context,
    dockerfileName: one("filename") ?? "Dockerfile",
    dockerfileFolder: one("dockerfilekey") ?? (context.kind === "folder" ? "dockerfile" : undefined),
    target: one("target") ?? "",
    noCache: noCacheOf(attributes["no-cache"]),
    platform: onePlatform(one("platform")),
    network: networkOf(one("force-network-mode")),
    extraHosts: commaList(one("add-hosts")).map(hostOf),
    shmSizeBytes: one("shm-size") === undefined ? undefined : bytesOf("shm-size", one("shm-size") ?? ""),
    ulimits: commaList(one("ulimit")).map(ulimitOf),
    cacheFrom: [...commaList(one("cache-from")), ...importsOf(cacheImports, one("cache-imports"))],
  };
}

/** Attributes read above. */
const TAKEN: Readonly<Record<string, true>> = Object.fromEntries(
  (
    "requestid cgroup-parent context contextkey contextsubdir filename dockerfilekey target no-cache platform " +
    "force-network-mode add-hosts shm-size ulimit cache-from cache-imports"
  )
    .split(" ")
    .map((name) => [name, true] as const),
);

function contextOrigin(address: string | undefined, folder: string): ContextOrigin {
  if (address === undefined) return { kind: "folder", name: folder };
  if (address.startsWith("local:")) return { kind: "folder", name: address.slice("local:".length) };
  const upload = UPLOAD_ADDRESS.exec(address)?.[1];
  if (upload !== undefined) return { kind: "upload", path: upload };
  throw refused(`fetching a build context: \`${withoutUser(address)}\``);
}

function namedContext(name: string, address: string): BuildOptions["namedContexts"][string] {
  if (address.startsWith("docker-image://"))
    return { kind: "image", reference: address.slice("docker-image://".length) };
  if (address.startsWith("local:")) return contextOrigin(address, name);
  throw refused(`--build-context \`${name}=${withoutUser(address)}\` (a folder or docker-image:// only)`);
}

function refuseAttestation(kind: string, value: string): void {
  if (!/(^|,)disabled=true(,|$)/.test(value) && value !== "false")
    throw refused(`attestations (--attest type=${kind})`);
}

/** Sources of cache: images are looked up; other kinds are refused. */
function importsOf(given: readonly CacheOption[], json: string | undefined): string[] {
  const more = json === undefined ? [] : parsedImports(json);
  return [...given, ...more].map(({ type, attrs }) => {
    if (type !== "registry" && type !== "inline") throw refused(`--cache-from type=${type} (type=registry only)`);
    return attrs["ref"] ?? "";
  });
}

function parsedImports(json: string): CacheOption[] {
  try {
    const entries = JSON.parse(json) as { Type?: unknown; Attrs?: Record<string, string> }[];
    return entries.map(({ Type, Attrs }) => ({ type: String(Type), attrs: Attrs ?? {} }));
  } catch {
    throw new GrpcError(CODE.invalidArgument, "the build option `cache-imports` is no list of cache sources");
  }
}

/** Cache inside the image itself is what every image here has; nothing else is written. */
export function checkCacheExports(given: readonly CacheOption[]): void {
  for (const { type } of given) if (type !== "inline") throw refused(`--cache-to type=${type} (type=inline only)`);
}

/** An empty value means all; else it names stages. */
const noCacheOf = (value: string | undefined): boolean | readonly string[] =>
  value === undefined ? false : value === "" ? true : commaList(value);

function onePlatform(value: string | undefined): string | undefined {
  const platforms = commaList(value);
  if (platforms.length > 1) throw refused(`several platforms in one build (${platforms.join(", ")})`);
  return platforms[0];
}

function networkOf(value: string | undefined): "host" | "none" {
  if (value === undefined || value === "default" || value === "host" || value === "sandbox" || value === "unset")
    return "host";
  if (value === "none") return "none";
  throw refused(`--network ${value} (default, host and none only)`);
}

/** `name=address`, as clients write `name:address`. */
export function hostOf(text: string): ExtraHost {
  const at = text.indexOf("=") >= 0 ? text.indexOf("=") : text.indexOf(":");
  const [name, address] = [text.slice(0, at), text.slice(at + 1).replace(/^\[(.*)\]$/, "$1")];
  if (at <= 0 || address === "") throw new GrpcError(CODE.invalidArgument, `invalid host ${text}`);
  return { name, address };
}

function ulimitOf(text: string): Ulimit {
  const [, name = "", soft = "", hard = soft] = /^([a-z]+)=(-?\d+)(?::(-?\d+))?$/.exec(text) ?? [];
  if (!isUlimitName(name)) throw new GrpcError(CODE.invalidArgument, `invalid ulimit argument: ${text}`);
  return { name, soft: Number(soft), hard: Number(hard) };
}

function bytesOf(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new GrpcError(CODE.invalidArgument, `failed to parse ${name}: ${text}`);
  return Number(text);
}

const commaList = (text: string | undefined): string[] => (text ?? "").split(",").filter((part) => part !== "");

const withoutUser = (address: string): string => address.replace(/\/\/[^/@]*@/, "//");

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
