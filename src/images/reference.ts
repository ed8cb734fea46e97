/**
 * Names of images, by docker's rules: `[host[:port]/]path[:tag][@digest]`, no host means docker.io, one word means library/.
 * Source: https://pkg.go.dev/github.com/distribution/reference (grammar in its opener).
 */

export interface ImageReference {
  /** `docker.io`, `127.0.0.1:4566`, `000000000000.dkr.ecr.us-east-1.amazonaws.com`. */
  readonly host: string;
  /** `library/python`, `user/app`. */
  readonly repository: string;
  readonly tag: string | undefined;
  /** `sha256:…` */
  readonly digest: string | undefined;
}

/** What docker prints after `Error parsing reference` and the like. */
export class InvalidReference extends Error {
  override readonly name = "InvalidReference";
}

const COMPONENT = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const HOST =
  "(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?";
const REPOSITORY = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const HOST_ONLY = new RegExp(`^${HOST}$`);
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/;

/** Throws {@link InvalidReference} with docker's text. */
export function parseReference(text: string): ImageReference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw new InvalidReference(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  const name = hasTag ? named.slice(0, colon) : named;
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost = first !== "" && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  const givenHost = isHost ? first : "docker.io";
  const host = givenHost === "index.docker.io" ? "docker.io" : givenHost;
  const rest = isHost ? name.slice(slash + 1) : name;
  const repository = host === "docker.io" && rest !== "" && !rest.includes("/") ? `library/${rest}` : rest;
  if (repository !== repository.toLowerCase()) {
    throw new InvalidReference(`invalid reference format: repository name (${repository}) must be lowercase`);
  }
  const isValid =
    HOST_ONLY.test(host) &&
    REPOSITORY.test(repository) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!isValid) throw new InvalidReference("invalid reference format");
  if (`${host}/${repository}`.length > 255)
    throw new InvalidReference("repository name must not be more than 255 characters");
  return { host, repository, tag, digest };
}

/** With `latest` when neither tag nor digest is given. */
export function withDefaultTag(reference: ImageReference): ImageReference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: "latest" } : reference;
}

/** The whole name, e.g. `docker.io/library/python:3.11-slim`. */
export function formatReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${reference.host}/${reference.repository}${tag}${digest}`;
}

/** The name without its tag and digest, as people write it: `python`, `user/app`, `host/x`. */
export function familiarName(reference: ImageReference): string {
  if (reference.host !== "docker.io") return `${reference.host}/${reference.repository}`;
  return reference.repository.replace(/^library\//, "");
}

/** As people write it, e.g. `python:3.11-slim`. */
export function familiarReference(reference: ImageReference): string {
  const tag = reference.tag === undefined ? "" : `:${reference.tag}`;
  const digest = reference.digest === undefined ? "" : `@${reference.digest}`;
  return `${familiarName(reference)}${tag}${digest}`;
}

/**
 * Where Kiln's registry keeps a name: its own host's names as they are, other hosts' below the host's name.
 * `registryUrl` is Kiln's endpoint; any loopback name with its port is Kiln itself.
 */
export function standInRepository(reference: ImageReference, registryUrl: string): string {
  const own = new URL(registryUrl);
  const port = own.port || (own.protocol === "https:" ? "443" : "80");
  const isOwn =
    reference.host === own.host || [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`].includes(reference.host);
  return isOwn ? reference.repository : `${reference.host}/${reference.repository}`;
}
