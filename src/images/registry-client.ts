/**
 * A client of the OCI distribution API with docker's authentication flows and docker's error texts.
 * Used by the embedded builder, the engine proxy and `kiln images`. One client = one registry and one set of credentials.
 * Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md,
 * https://distribution.github.io/distribution/spec/auth/token/ (Bearer); error texts as the docker CLI prints them, observed.
 * Gaps: no refresh tokens (`offline_token` is asked for as docker does, the answer's is not kept).
 */
import { createHash } from "node:crypto";
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

export interface RegistryCredentials {
  readonly username: string;
  readonly password: string;
}

export interface RegistryClientOptions {
  /** e.g. `http://127.0.0.1:4566` */
  readonly url: string;
  readonly credentials?: RegistryCredentials | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FetchedManifest {
  readonly bytes: Buffer;
  readonly mediaType: string;
  readonly digest: string;
}

export interface RegistryProblem {
  /** `UNAUTHORIZED`, `DENIED`, `MANIFEST_UNKNOWN`, …; empty when the body was not the registry's. */
  readonly code: string;
  readonly message: string;
}

/** An answer of 400 and above, or no way to authenticate. The message is what docker prints. */
export class RegistryRequestError extends Error {
  override readonly name = "RegistryRequestError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const MANIFEST_TYPES = {
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerList: "application/vnd.docker.distribution.manifest.list.v2+json",
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
} as const;

const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;

interface Sent {
  readonly method: string;
  readonly path: string;
  /** Actions for the token's scope. */
  readonly scope: string | undefined;
  readonly headers?: Record<string, string>;
  /** Called again when the request has to be repeated with credentials. */
  readonly body?: () => Readable | Buffer;
}

export class RegistryClient {
  readonly #url: URL;
  readonly #credentials: RegistryCredentials | undefined;
  readonly #signal: AbortSignal | undefined;
  readonly #agent: HttpAgent;
  /** Authorization header by scope. */
  readonly #authorization = new Map<string, string>();

  constructor(options: RegistryClientOptions) {
    this.#url = new URL(options.url);
    this.#credentials = options.credentials;
    this.#signal = options.signal;
    this.#agent =
      this.#url.protocol === "https:"
        ? new HttpsAgent({ keepAlive: true, maxSockets: 8 })
        : new HttpAgent({ keepAlive: true, maxSockets: 8 });
  }

  close(): void {
    this.#agent.destroy();
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

  /** The blob's bytes; the caller verifies the digest. */
  async blob(repository: string, digest: string): Promise<Readable> {
    const response = await this.#send({
      method: "GET",
      path: `/v2/${repository}/blobs/${digest}`,
      scope: `repository:${repository}:pull`,
    });
    await requireSuccess(response);
    return response;
  }

  async pushBlob(repository: string, digest: string, sizeBytes: number, body: () => Readable | Buffer): Promise<void> {
    const scope = `repository:${repository}:pull,push`;
    const started = await this.#send({
      method: "POST",
      path: `/v2/${repository}/blobs/uploads/`,
      scope,
      headers: { "content-length": "0" },
    });
    await requireSuccess(started);
    started.resume();
    const location = new URL(started.headers.location ?? "", this.#url);
    location.searchParams.set("digest", digest);
    const headers = { "content-length": String(sizeBytes), "content-type": "application/octet-stream" };
    const done = await this.#send({ method: "PUT", path: location.pathname + location.search, scope, headers, body });
    await requireSuccess(done);
    done.resume();
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
    // Below a stand-in host any repository answers with that host's challenge before it looks whether it exists.
    const path = host === undefined ? "/v2/" : `/v2/${host}/kiln/login/tags/list`;
    const probe = { method: "GET", path, scope: undefined };
    // The scope says whose account it is: Kiln's token service answers for all the hosts it stands in for.
    const scope = host === undefined ? undefined : `repository:${host}/kiln/login:pull`;
    const refused = new RegistryRequestError(
      401,
      "UNAUTHORIZED",
      `login attempt to ${shown} failed with status: 401 Unauthorized`,
    );
    const first = await this.#request(probe, undefined);
    first.resume();
    const challenge = parseChallenge(first.headers["www-authenticate"]);
    if (first.statusCode !== 401) return;
    if (!challenge) throw refused;
    try {
      const authorization = await this.#authorize(challenge, scope);
      // Where a password was sent, a token is given only when it is right.
      if (challenge.scheme === "bearer") return;
      const second = await this.#request(probe, authorization);
      second.resume();
      if (second.statusCode === 401) throw refused;
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
    // The token service of a stand-in is Kiln's own, whatever host the realm names.
    const realm = new URL(challenge.parameters["realm"] ?? "/token", this.#url);
    const query = realm.searchParams;
    if (challenge.parameters["service"] !== undefined) query.set("service", challenge.parameters["service"]);
    // Our own scope: the challenge of a HEAD asks for less than the push needs.
    if (scope !== undefined) query.set("scope", scope);
    if (this.#credentials) {
      query.set("account", this.#credentials.username);
      query.set("client_id", "docker");
      query.set("offline_token", "true");
    }
    const path = realm.pathname + realm.search;
    const response = await this.#request({ method: "GET", path, scope }, this.#credentials && basic(this.#credentials));
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

  async #request(sent: Sent, authorization: string | undefined): Promise<IncomingMessage> {
    const options: RequestOptions = {
      method: sent.method,
      host: this.#url.hostname,
      port: this.#url.port,
      path: sent.path,
      agent: this.#agent,
      headers: {
        ...sent.headers,
        "user-agent": "docker/28 kiln",
        ...(authorization !== undefined && { authorization }),
      },
      ...(this.#signal && { signal: this.#signal }),
    };
    const make = this.#url.protocol === "https:" ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = make(options, resolve);
      request.on("error", reject);
      const body = sent.body?.();
      if (body instanceof Readable) pipeline(body, request).catch(reject);
      else request.end(body);
    });
  }
}

interface Challenge {
  readonly scheme: "basic" | "bearer";
  readonly parameters: Readonly<Record<string, string>>;
}

/** Reads a `WWW-Authenticate` header with one challenge. */
export function parseChallenge(header: string | undefined): Challenge | undefined {
  const match = /^\s*(basic|bearer)\s+(.*)$/is.exec(header ?? "");
  if (!match) return undefined;
  const parameters: Record<string, string> = {};
  for (const [, key = "", quoted, plain] of (match[2] ?? "").matchAll(
    /([a-z_]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi,
  )) {
    parameters[key.toLowerCase()] = quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "";
  }
  return { scheme: match[1]?.toLowerCase() === "basic" ? "basic" : "bearer", parameters };
}

const basic = (credentials: RegistryCredentials): string =>
  `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;

async function requireSuccess(response: IncomingMessage): Promise<void> {
  if ((response.statusCode ?? 500) < 400) return;
  throw errorFrom(response, await readAll(response, MAX_MANIFEST_BYTES));
}

/** The error a docker client makes of an answer: OAuth errors of the header first, then the body's. */
function errorFrom(response: IncomingMessage, bytes: Buffer): RegistryRequestError {
  const status = response.statusCode ?? 500;
  if (status >= 500) {
    return new RegistryRequestError(
      status,
      "",
      `received unexpected HTTP status: ${status} ${response.statusMessage ?? ""}`.trim(),
    );
  }
  const oauth = parseChallenge(response.headers["www-authenticate"])?.parameters ?? {};
  if (oauth["error"] === "insufficient_scope") {
    return new RegistryRequestError(
      status,
      "DENIED",
      `denied: ${oauth["error_description"] ?? "requested access to the resource is denied"}`,
    );
  }
  if (oauth["error"] === "invalid_token") {
    return new RegistryRequestError(
      status,
      "UNAUTHORIZED",
      `unauthorized: ${oauth["error_description"] ?? "authentication required"}`,
    );
  }
  const problem = problemsOf(bytes)[0];
  if (problem) {
    const code = problem.code.toLowerCase().replaceAll("_", " ");
    return new RegistryRequestError(
      status,
      problem.code,
      problem.message === "" ? code : `${code}: ${problem.message}`,
    );
  }
  if (status === 401) return new RegistryRequestError(status, "UNAUTHORIZED", "unauthorized: authentication required");
  return new RegistryRequestError(
    status,
    "",
    `error parsing HTTP ${status} response body: ${bytes.toString("utf8", 0, 200)}`,
  );
}

function problemsOf(bytes: Buffer): RegistryProblem[] {
  try {
    const parsed = JSON.parse(bytes.toString("utf8")) as { errors?: { code?: unknown; message?: unknown }[] };
    if (!Array.isArray(parsed.errors)) return [];
    return parsed.errors.map((error) => ({ code: String(error.code ?? ""), message: String(error.message ?? "") }));
  } catch {
    return [];
  }
}

/** The text of a token service's refusal: Docker Hub's `details`, or the registry's error list. */
function tokenProblem(bytes: Buffer): string | undefined {
  const listed = problemsOf(bytes)[0]?.message;
  if (listed !== undefined && listed !== "") return listed;
  try {
    const details = (JSON.parse(bytes.toString("utf8")) as { details?: unknown }).details;
    return typeof details === "string" ? details : undefined;
  } catch {
    return undefined;
  }
}

async function readAll(stream: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`answer of the registry is larger than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
