/**
 * Repository names: which registry a name stands for and how it is kept.
 * `app` is a local repository; `docker.io/me/app` and `<account>.dkr.ecr.<region>.amazonaws.com/app` are repositories of
 * hosts that Kiln stands in for. Pure text, read first by every request.
 * Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pulling-manifests (name grammar),
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html (ECR host names).
 */
import { type AwsScope, partitionOf } from "../core/arn.ts";

/** One repository. `host` and `name` are its key in the store. */
export interface RepositoryAddress {
  /** `docker.io`, an ECR host, another registry's host, or {@link LOCAL_HOST}. */
  readonly host: string;
  /** Without the host, e.g. `library/python`. */
  readonly name: string;
  /** As in `/v2/<fullName>/…`: the host first, unless the repository is local. */
  readonly fullName: string;
  /** Account and region of an ECR repository. */
  readonly ecr?: AwsScope;
}

/** Host part of the key of repositories without a host. Never a real host: those have a dot or a colon. */
export const LOCAL_HOST = "local";
export const DOCKER_HUB_HOST = "docker.io";
export const ECR_PUBLIC_HOST = "public.ecr.aws";

const DOCKER_HUB_ALIASES = new Set(["index.docker.io", "registry-1.docker.io", "registry.docker.io", "hub.docker.com"]);
/** A name or address with a port or without, as container clients take it in an image name. */
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*|\[[0-9a-f:]+\])(?::\d{1,5})?$/;
const MAX_HOST_LENGTH = 260;
const NAME = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;
const MAX_NAME_LENGTH = 255;
const ECR_HOST =
  /^(\d{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(amazonaws\.com|amazonaws\.com\.cn|on\.aws|on\.amazonwebservices\.com\.cn)$/;

/** How the HTTP request that carries a name was addressed. */
export interface RequestOrigin {
  /** Set when the Host header named a registry Kiln stands in for: names in the path are then relative to it. */
  readonly standInHost?: string | undefined;
  /** `host:port` values under which Kiln itself is reached; a name that starts with one is local. */
  readonly ownAuthorities?: readonly string[];
}

/** The repository a name in a URL path or token scope means, or undefined when it is no legal name. */
export function parseRepositoryAddress(text: string, origin: RequestOrigin = {}): RepositoryAddress | undefined {
  if (origin.standInHost !== undefined) return addressOf(origin.standInHost, text);
  const slash = text.indexOf("/");
  const first = slash < 0 ? "" : text.slice(0, slash);
  if (!/[.:]/.test(first) && first !== "localhost") return addressOf(LOCAL_HOST, text);
  const rest = text.slice(slash + 1);
  return addressOf(origin.ownAuthorities?.includes(first) ? LOCAL_HOST : first, rest);
}

/** The address of `name` on `host`; undefined when either is illegal. */
export function addressOf(host: string, name: string): RepositoryAddress | undefined {
  if (name.length > MAX_NAME_LENGTH || !NAME.test(name)) return undefined;
  const canonical = canonicalHost(host);
  if (canonical.length > MAX_HOST_LENGTH || !HOST.test(canonical)) return undefined;
  // Docker Hub: `python` is `library/python` (official images live under `library`).
  const fullPath = canonical === DOCKER_HUB_HOST && !name.includes("/") ? `library/${name}` : name;
  const ecr = parseEcrHost(canonical);
  return {
    host: canonical,
    name: fullPath,
    fullName: canonical === LOCAL_HOST ? fullPath : `${canonical}/${fullPath}`,
    ...(ecr && { ecr }),
  };
}

/**
 * One spelling per registry: no scheme, path, upper case or final dot; of the registries Kiln knows by name, aliases and
 * variants are joined and a port that says nothing goes.
 */
export function canonicalHost(host: string): string {
  const bare = host
    .toLowerCase()
    .replace(/^https?:\/\//, "")
    .replace(/\/.*$/, "")
    .replace(/\.(?=:\d+$|$)/, "");
  const name = bare.replace(/:(?:443|80)$/, "");
  if (name === DOCKER_HUB_HOST || DOCKER_HUB_ALIASES.has(name)) return DOCKER_HUB_HOST;
  if (name === ECR_PUBLIC_HOST) return name;
  const ecr = parseEcrHost(name);
  return ecr ? ecrHost(ecr) : bare;
}

/** Account and region of an ECR host name. */
export function parseEcrHost(host: string): AwsScope | undefined {
  const match = ECR_HOST.exec(host);
  if (!match) return undefined;
  const [, accountId = "", region = ""] = match;
  return { partition: partitionOf(region), accountId, region };
}

/** `<account>.dkr.ecr.<region>.amazonaws.com` */
export const ecrHost = (scope: AwsScope): string =>
  `${scope.accountId}.dkr.ecr.${scope.region}.amazonaws.com${scope.partition === "aws-cn" ? ".cn" : ""}`;

/** The address of an ECR repository of an account and region; undefined when the name is illegal. */
export const ecrAddress = (scope: AwsScope, repositoryName: string): RepositoryAddress | undefined =>
  addressOf(ecrHost(scope), repositoryName);

/**
 * The registry a Host header stands for, or undefined when it is Kiln's own: an address, a name without a dot, a name
 * that only resolves on this machine or its containers, or the host of `ownAuthorities`.
 */
export function standInHostOf(hostHeader: string | undefined, ownAuthorities: readonly string[]): string | undefined {
  if (hostHeader === undefined || ownAuthorities.includes(hostHeader)) return undefined;
  const name = hostHeader.toLowerCase().replace(/:\d+$/, "");
  const isAddress = /^[\d.]+$/.test(name) || name.startsWith("[");
  const isOfThisMachine = /(^|\.)(localhost|internal|local|lan|home\.arpa)$/.test(name);
  const isOwn = ownAuthorities.some((own) => own.replace(/:\d+$/, "") === name);
  if (isAddress || isOfThisMachine || isOwn || !name.includes(".")) return undefined;
  return canonicalHost(name);
}

/** A repository with a tag or digest, as `registry.manifest()` takes it: names as in the URL path, nothing implied. */
export interface ImageReference {
  readonly address: RepositoryAddress;
  /** Tag or digest; a digest wins over a tag. `latest` when neither is given. */
  readonly reference: string;
}

/** Reads `name[:tag][@digest]`. */
export function parseImageReference(text: string, origin: RequestOrigin = {}): ImageReference | undefined {
  const [nameAndTag = "", digest] = text.split("@", 2);
  const match = /^(.*?)(?::([^:/]+))?$/.exec(nameAndTag);
  const address = parseRepositoryAddress(match?.[1] ?? "", origin);
  return address && { address, reference: digest ?? match?.[2] ?? "latest" };
}
