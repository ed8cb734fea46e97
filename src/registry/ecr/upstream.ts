/**
 * A registry behind a pull-through cache rule, read over the distribution API with Basic or Bearer credentials.
 * Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull,
 * https://distribution.github.io/distribution/spec/auth/token/.
 * Gap: no proxy variables of the environment.
 */
import { bytesWithin } from "../../core/bounded-body.ts";
import type { Clock } from "../../core/clock.ts";
import { isLoopbackHost } from "../../core/loopback.ts";

/** Why an upstream did not give what was asked for; the names are those of ECR's failure codes. */
export type UpstreamFailure = "UpstreamAccessDenied" | "UpstreamTooManyRequests" | "UpstreamUnavailable";

export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly failure: UpstreamFailure;

  constructor(failure: UpstreamFailure, message: string) {
    super(message);
    this.failure = failure;
  }
}

export interface UpstreamManifest {
  readonly content: Buffer;
  readonly mediaType: string;
}

/** What a pull needs of another registry. Both give undefined for what is not there; failures are {@link UpstreamError}s. */
export interface Upstream {
  manifest(repository: string, reference: string): Promise<UpstreamManifest | undefined>;
  blob(repository: string, digest: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Rejects unless the registry answers, and takes the credentials for a pull from this repository. */
  ping(repository: string): Promise<void>;
}

export interface UpstreamCredentials {
  readonly username: string;
  readonly password: string;
}

const MANIFEST_TYPES = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

const ANSWER_TIMEOUT_MS = 30_000;
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;

/** `url` with or without a scheme; a loopback address without one is reached over plain HTTP. */
export function upstreamBaseUrl(url: string): URL {
  if (/^https?:\/\//.test(url)) return new URL(url);
  const plain = new URL(`http://${url}`);
  return isLoopbackHost(plain.hostname) ? plain : new URL(`https://${url}`);
}

export function remoteUpstream(clock: Clock, url: string, credentials: UpstreamCredentials | undefined): Upstream {
  const base = upstreamBaseUrl(url);
  const authorizations = new Map<string, string>();

  const unavailable = (what: string): UpstreamError =>
    new UpstreamError("UpstreamUnavailable", `upstream registry ${base.host} ${what}`);

  /**
   * `fetch` follows the redirect of a blob to its storage, without the credentials. Only the wait for an answer is
   * limited here: a layer may take hours, and `fetch` gives up when no byte comes for minutes.
   */
  const get = async (path: string, authorization: string | undefined): Promise<Response> => {
    const patience = new AbortController();
    const timer = clock.after(ANSWER_TIMEOUT_MS, () => patience.abort(new Error("timeout")));
    try {
      return await fetch(new URL(path, base), {
        headers: { accept: MANIFEST_TYPES, ...(authorization !== undefined && { authorization }) },
        signal: patience.signal,
      });
    } catch (error) {
      throw unavailable(`did not answer: ${reason(error)}`);
    } finally {
      timer.cancel();
    }
  };

  /** The whole body; an upstream cannot fill the memory with it. */
  const bodyOf = async (response: Response, what: string): Promise<Buffer> => {
    const body = await bytesWithin(piecesOf(response), MAX_MANIFEST_BYTES).catch((error: unknown) => {
      throw unavailable(`broke off: ${reason(error)}`);
    });
    if (!body) throw unavailable(`gave more than 4 MiB as ${what}`);
    return body;
  };

  const ask = async (repository: string, path: string): Promise<Response | undefined> => {
    let response = await get(path, authorizations.get(repository));
    if (response.status === 401) {
      await response.body?.cancel();
      const authorization = await authorizationFor(response.headers.get("www-authenticate") ?? "", repository);
      authorizations.set(repository, authorization);
      response = await get(path, authorization);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    if (response.status === 404) return undefined;
    const text = `upstream registry ${base.host} answered ${response.status} for ${path}`;
    if (response.status === 401 || response.status === 403) throw new UpstreamError("UpstreamAccessDenied", text);
    throw new UpstreamError(response.status === 429 ? "UpstreamTooManyRequests" : "UpstreamUnavailable", text);
  };

  const authorizationFor = async (challenge: string, repository: string): Promise<string> => {
    const basic =
      credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;
    const [, scheme = "", rest = ""] = /^\s*(\w+)\s+(.*)$/s.exec(challenge) ?? [];
    if (scheme.toLowerCase() === "bearer") return bearer(parametersOf(rest), repository, basic);
    if (basic !== undefined && scheme.toLowerCase() === "basic") return basic;
    throw new UpstreamError("UpstreamAccessDenied", `upstream registry ${base.host} wants credentials`);
  };

  const bearer = async (
    { realm = "", service }: Readonly<Record<string, string>>,
    repository: string,
    basic: string | undefined,
  ): Promise<string> => {
    if (!/^https?:/i.test(realm) || !URL.canParse(realm)) throw unavailable("wants a login at no address");
    const url = new URL(realm);
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", `repository:${repository}:pull`);
    const response = await get(url.href, basic);
    if (!response.ok) {
      await response.body?.cancel();
      throw new UpstreamError("UpstreamAccessDenied", `${url.host} answered ${response.status} to the login`);
    }
    return `Bearer ${tokenIn(await bodyOf(response, "a token"))}`;
  };

  return {
    async ping(repository) {
      const response = await ask(repository, "/v2/");
      await response?.body?.cancel();
    },

    async manifest(repository, reference) {
      const response = await ask(repository, `/v2/${repository}/manifests/${reference}`);
      if (!response) return undefined;
      const content = await bodyOf(response, "a manifest");
      return { content, mediaType: (response.headers.get("content-type") ?? "").split(";", 1)[0] ?? "" };
    },

    async blob(repository, digest) {
      const response = await ask(repository, `/v2/${repository}/blobs/${digest}`);
      return response && piecesOf(response);
    },
  };
}

const piecesOf = (response: Response): AsyncIterable<Uint8Array> =>
  (response.body ?? []) as unknown as AsyncIterable<Uint8Array>;

/** Empty when there is none: the request with it is refused like one without. */
function tokenIn(body: Buffer): string {
  try {
    const { token, access_token: accessToken } = JSON.parse(body.toString("utf8")) as Record<string, unknown>;
    const found = [token, accessToken].find((one) => typeof one === "string" && /^[\x21-\x7e]+$/.test(one));
    return String(found ?? "");
  } catch {
    return "";
  }
}

const parametersOf = (text: string): Readonly<Record<string, string>> =>
  Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]));

const reason = (error: unknown): string => {
  const { cause } = error as { readonly cause?: { readonly code?: string; readonly message?: string } };
  return cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
};
