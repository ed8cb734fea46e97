/**
 * A client of the OCI distribution API with docker's authentication flows and docker's error texts.
 * Used by the embedded builder, the engine proxy and `kiln images`. One client = one registry and one set of credentials.
 * Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md,
 * https://distribution.github.io/distribution/spec/auth/token/ (Bearer); error texts as the docker CLI prints them, observed.
 * Registries of the network and Kiln's own differ where `isNetwork` is asked.
 * Gaps: no refresh tokens (`offline_token` is asked for as docker does, the answer's is not kept).
 */
import { createHash } from "node:crypto";
import { type IncomingMessage, STATUS_CODES } from "node:http";
import { Readable } from "node:stream";
import { bytesWithin } from "../core/bounded-body.ts";
import type { Clock } from "../core/clock.ts";
import type { ProxyEnvironment } from "./proxy-agent.ts";
import { type Challenge, parseChallenge } from "./registry-challenge.ts";
import { isBrokenConnection, RegistryConnection, type RegistryTls } from "./registry-connection.ts";
import { errorFrom, networkFailure, RegistryRequestError, tokenProblem } from "./registry-error.ts";

export { RegistryRequestError } from "./registry-error.ts";

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

export interface RegistryClientOptions {
  /** e.g. `http://127.0.0.1:4566` */
  readonly url: string;
  readonly credentials?: RegistryCredentials | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A registry of the network: its token service is where its challenge says, and blobs go up in one `PATCH`. */
  readonly isNetwork?: boolean;
  readonly tls?: RegistryTls;
  /** Variables that name a proxy; absent: none is used. */
  readonly proxies?: ProxyEnvironment;
  readonly clock?: Clock;
}

export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: string;
}

export const MANIFEST_TYPES = {
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
} as const;

const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

const RESUME_PAUSE_MS = 300;
/** Times that a blob's transfer is taken up again where it broke. */
const MAX_RESUMES = 4;

interface Sent {
  readonly method: string;
  /** Path, or a whole address that the registry gave. */
  readonly path: string | URL;
  /** Actions for the token's scope. */
  readonly scope: string | undefined;
  readonly headers?: Record<string, string>;
  /** Called again when the request has to be repeated with credentials. */
  readonly body?: () => Readable | Buffer;
  /** How often it may be sent; once for what is not the same when repeated. */
  readonly tries?: number;
}

export class RegistryClient {
  readonly #url: URL;
  readonly #credentials: RegistryCredentials | undefined;
  readonly #isNetwork: boolean;
  readonly #connection: RegistryConnection;
  /** Authorization header by scope. */
  readonly #authorization = new Map<string, string>();

  constructor(options: RegistryClientOptions) {
    this.#url = new URL(options.url);
    this.#credentials = options.credentials;
    this.#isNetwork = options.isNetwork ?? false;
    this.#connection = new RegistryConnection({
      url: this.#url,
      signal: options.signal,
      tls: options.tls,
      proxies: options.proxies,
      ...(options.clock && { clock: options.clock }),
    });
  }

  close(): void {
    this.#connection.close();
  }

  /** Tags of a repository; none when the registry does not have it. */
  async tags(repository: string): Promise<readonly string[]> {
    const response = await this.#send({
      method: "GET",
      path: `/v2/${repository}/tags/list`,
      scope: `repository:${repository}:pull`,
    });
    if (response.statusCode === 404) {
      response.resume();
      return [];
    }
    await requireSuccess(response);
    const { tags } = JSON.parse((await readAll(response, MAX_MANIFEST_BYTES)).toString("utf8")) as {
      tags?: string[] | null;
    };
    return tags ?? [];
  }

  /** Whether anything answers at all; throws what the connection says. */
  async ping(): Promise<void> {
    const response = await this.#connection.send({ method: "GET", url: new URL("/v2/", this.#url) }, undefined, 1);
    response.resume();
  }

  /** Undefined when the registry does not have it. */
  async manifest(repository: string, reference: string): Promise<FetchedManifest | undefined> {
    const response = await this.#send({
      method: "GET",
      path: `/v2/${repository}/manifests/${reference}`,
      scope: `repository:${repository}:pull`,
      headers: { accept: Object.values(MANIFEST_TYPES).join(", ") },
    });
    if (response.statusCode === 404) {
      response.resume();
      return undefined;
    }
    await requireSuccess(response);
    const bytes = await readAll(response, MAX_MANIFEST_BYTES);
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    if (reference.startsWith("sha256:") && reference !== digest)
      throw new Error(`manifest verification failed for digest ${reference}`);
    return { bytes, digest, mediaType: response.headers["content-type"]?.split(";")[0] ?? "" };
  }

  async hasBlob(repository: string, digest: string): Promise<boolean> {
    const response = await this.#send({
      method: "HEAD",
      path: `/v2/${repository}/blobs/${digest}`,
      scope: `repository:${repository}:pull,push`,
    });
    response.resume();
    // A denial shows on the upload, whose answer has a body to explain it.
    return response.statusCode === 200;
  }

  /** The blob's bytes; the caller verifies the digest. A connection that breaks is taken up again where it broke. */
  async blob(repository: string, digest: string): Promise<Readable> {
    const get = async (from: number): Promise<IncomingMessage> => {
      const response = await this.#send({
        method: "GET",
        path: `/v2/${repository}/blobs/${digest}`,
        scope: `repository:${repository}:pull`,
        ...(from > 0 && { headers: { range: `bytes=${from}-` } }),
      });
      await requireSuccess(response);
      return response;
    };
    const first = await get(0);
    const pause = (): Promise<void> => this.#connection.pause(RESUME_PAUSE_MS);
    async function* whole(): AsyncGenerator<Buffer> {
      let received = 0;
      let response = first;
      for (let resumes = 0; ; resumes++) {
        try {
          // A registry that knows no ranges begins anew.
          let known = response.statusCode === 206 ? 0 : received;
          for await (const chunk of response) {
            const bytes = chunk as Buffer;
            const fresh = bytes.subarray(Math.min(known, bytes.length));
            known -= bytes.length - fresh.length;
            received += fresh.length;
            if (fresh.length > 0) yield fresh;
          }
          return;
        } catch (error) {
          if (resumes === MAX_RESUMES || !isBrokenConnection(error)) throw error;
          await pause();
          response = await get(received);
        }
      }
    }
    return Readable.from(whole(), { objectMode: false });
  }

  /**
   * Uploads a blob, or mounts it from another repository of the same registry where that is allowed; whether it was mounted.
   * An upload that breaks begins again: what the registry has of it by then is not known.
   */
  async pushBlob(
    repository: string,
    digest: string,
    sizeBytes: number,
    body: () => Readable | Buffer,
    mountFrom?: string,
  ): Promise<boolean> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#pushOnce(repository, digest, sizeBytes, body, mountFrom);
      } catch (error) {
        if (attempt === MAX_RESUMES || !isBrokenConnection(error)) throw error;
        await this.#connection.pause(RESUME_PAUSE_MS);
        if (await this.hasBlob(repository, digest)) return false;
      }
    }
  }

  async #pushOnce(
    repository: string,
    digest: string,
    sizeBytes: number,
    body: () => Readable | Buffer,
    mountFrom: string | undefined,
  ): Promise<boolean> {
    // The token of a mount must allow to read where the blob is.
    const scope = `repository:${repository}:pull,push${mountFrom === undefined ? "" : ` repository:${mountFrom}:pull`}`;
    const mount = mountFrom === undefined ? "" : `?mount=${digest}&from=${encodeURIComponent(mountFrom)}`;
    const started = await this.#send({
      method: "POST",
      path: `/v2/${repository}/blobs/uploads/${mount}`,
      scope,
      headers: { "content-length": "0" },
    });
    await requireSuccess(started);
    started.resume();
    if (started.statusCode === 201) return true;
    let location = new URL(started.headers.location ?? "", this.#url);
    const content = { "content-length": String(sizeBytes), "content-type": "application/octet-stream" };
    // As docker does it; not every registry takes the bytes with the last request.
    if (this.#isNetwork) {
      const patched = await this.#send({ method: "PATCH", path: location, scope, headers: content, body, tries: 1 });
      await requireSuccess(patched);
      patched.resume();
      location = new URL(patched.headers.location ?? "", location);
    }
    location.searchParams.set("digest", digest);
    const last = this.#isNetwork ? { headers: { "content-length": "0" } } : { headers: content, body };
    const done = await this.#send({ method: "PUT", path: location, scope, tries: 1, ...last });
    await requireSuccess(done);
    done.resume();
    return false;
  }

  /** Returns the manifest's digest. */
  async pushManifest(repository: string, reference: string, mediaType: string, bytes: Buffer): Promise<string> {
    const response = await this.#send({
      method: "PUT",
      path: `/v2/${repository}/manifests/${reference}`,
      scope: `repository:${repository}:pull,push`,
      headers: { "content-type": mediaType, "content-length": String(bytes.length) },
      body: () => bytes,
    });
    await requireSuccess(response);
    response.resume();
    return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  }

  /**
   * Checks the credentials as `docker login` does. `host` is the registry that Kiln stands in for (undefined: the
   * registry itself). Throws {@link RegistryRequestError} with docker's text.
   */
  async login(host: string | undefined): Promise<void> {
    const shown = `https://${host === "docker.io" ? "registry-1.docker.io" : (host ?? this.#url.host)}/v2/`;
    // Below a stand-in host any repository answers with that host's challenge before it looks whether it exists; to a
    // question about a push, since some let anybody pull.
    const path = host === undefined ? "/v2/" : `/v2/${host}/kiln/login/blobs/uploads/login`;
    const probe = { method: "GET", path, scope: undefined };
    // The scope says whose account it is: Kiln's token service answers for all the hosts it stands in for.
    const scope = host === undefined ? undefined : `repository:${host}/kiln/login:pull`;
    const refused = (status: number): RegistryRequestError =>
      new RegistryRequestError(
        401,
        "UNAUTHORIZED",
        `login attempt to ${shown} failed with status: ${status} ${STATUS_CODES[status]}`,
      );
    const first = await this.#request(probe, undefined);
    first.resume();
    const challenge = parseChallenge(first.headers["www-authenticate"]);
    if (first.statusCode !== 401) return;
    if (!challenge) throw refused(401);
    try {
      const authorization = await this.#authorize(challenge, scope);
      // Where a password was sent, a token is given only when it is right.
      if (challenge.scheme === "bearer") return;
      // At its ping ECR looks at the token alone; a question about a repository would count as a call of the role.
      const second = await this.#request(
        host === undefined ? probe : { ...probe, path: "/v2/", headers: { host } },
        authorization,
      );
      const answer = (await readAll(second, MAX_MANIFEST_BYTES)).toString("utf8");
      // AWS: 400 is for a password that is no token, 403 for one that has expired.
      const { statusCode = 500 } = second;
      if ([400, 401].includes(statusCode) || /authorization token has expired/i.test(answer)) throw refused(statusCode);
    } catch (error) {
      if (!(error instanceof RegistryRequestError) || error.code !== "TOKEN") throw error;
      throw new RegistryRequestError(401, "UNAUTHORIZED", `Get "${shown}": ${error.message}`);
    }
  }

  async #send(sent: Sent): Promise<IncomingMessage> {
    const key = sent.scope ?? "";
    const first = await this.#request(sent, this.#authorization.get(key));
    if (first.statusCode !== 401) return first;
    const challenge = parseChallenge(first.headers["www-authenticate"]);
    if (!challenge || (this.#authorization.has(key) && challenge.parameters["error"] === "insufficient_scope"))
      return first;
    first.resume();
    const authorization = await this.#authorize(challenge, sent.scope);
    this.#authorization.set(key, authorization);
    return this.#request(sent, authorization);
  }

  async #authorize(challenge: Challenge, scope: string | undefined): Promise<string> {
    if (challenge.scheme === "basic") {
      if (!this.#credentials) throw new RegistryRequestError(401, "NO_CREDENTIALS", "no basic auth credentials");
      return basic(this.#credentials);
    }
    const realm = new URL(challenge.parameters["realm"] ?? "/token", this.#url);
    // The token service of a stand-in is Kiln's own, whatever host the realm names.
    if (!this.#isNetwork) realm.host = this.#url.host;
    if (!this.#isNetwork) realm.protocol = this.#url.protocol;
    const query = realm.searchParams;
    if (challenge.parameters["service"] !== undefined) query.set("service", challenge.parameters["service"]);
    // Our own scope: the challenge of a HEAD asks for less than the push needs.
    for (const one of scope?.split(" ") ?? []) query.append("scope", one);
    if (this.#credentials) {
      query.set("account", this.#credentials.username);
      query.set("client_id", "docker");
      query.set("offline_token", "true");
    }
    const response = await this.#token(realm);
    const bytes = await readAll(response, MAX_MANIFEST_BYTES);
    if ((response.statusCode ?? 500) >= 400) {
      if (response.statusCode === 401) {
        throw new RegistryRequestError(
          401,
          "TOKEN",
          `unauthorized: ${tokenProblem(bytes) ?? "incorrect username or password"}`,
        );
      }
      throw errorFrom(response, bytes);
    }
    const answer = JSON.parse(bytes.toString("utf8")) as { token?: string; access_token?: string };
    return `Bearer ${answer.token ?? answer.access_token ?? ""}`;
  }

  /** The token service may be another host: it gets the credentials because the registry names it, over TLS. */
  #token(realm: URL): Promise<IncomingMessage> {
    const authorization = this.#credentials && basic(this.#credentials);
    if (realm.origin === this.#url.origin)
      return this.#request({ method: "GET", path: realm, scope: undefined }, authorization);
    if (realm.protocol !== "https:" && this.#url.protocol === "https:")
      throw new Error(`the registry at ${this.#url.host} wants credentials sent to ${realm.host} without TLS: refused`);
    return this.#connection.send(
      { method: "GET", url: realm, headers: authorization === undefined ? {} : { authorization } },
      undefined,
    );
  }

  #request(sent: Sent, authorization: string | undefined): Promise<IncomingMessage> {
    const { method, path, headers, body, tries } = sent;
    const url = new URL(path, this.#url);
    const going = this.#connection.send({ method, url, headers, body }, authorization, tries);
    return this.#isNetwork ? going.catch((error: unknown) => Promise.reject(networkFailure(url, error))) : going;
  }
}

const basic = (credentials: RegistryCredentials): string =>
  `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;

async function requireSuccess(response: IncomingMessage): Promise<void> {
  if ((response.statusCode ?? 500) < 400) return;
  throw errorFrom(response, await readAll(response, MAX_MANIFEST_BYTES));
}

async function readAll(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const bytes = await bytesWithin(stream, maxBytes);
  if (!bytes) throw new Error(`answer of the registry is larger than ${maxBytes} bytes`);
  return bytes;
}
