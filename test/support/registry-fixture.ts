/** For tests of registry/ and services/ecr: a registry on a random port over a store in memory, and a small client. */
import { createHash } from "node:crypto";
import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { NamedPolicy } from "../../src/authorize/decision.ts";
import { evaluate } from "../../src/authorize/index.ts";
import type { AwsScope } from "../../src/core/arn.ts";
import type { Principal } from "../../src/core/aws.ts";
import { TestClock } from "../../src/core/clock.ts";
import { awsError } from "../../src/core/errors.ts";
import { systemIds } from "../../src/core/ids.ts";
import { Secret } from "../../src/core/secret.ts";
import { type Authorize, createRegistry, type Registry, type RegistryQuota } from "../../src/registry/index.ts";
import { openStore } from "../../src/store/index.ts";
import type { Store } from "../../src/store/store.ts";

export const SCOPE: AwsScope = { partition: "aws", region: "us-east-1", accountId: "000000000000" };
export const ECR_HOST = "000000000000.dkr.ecr.us-east-1.amazonaws.com";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";

const ROOT: Principal = {
  type: "Root",
  arn: "arn:aws:iam::000000000000:root",
  accountId: "000000000000",
  userId: "000000000000",
};
export const DEPLOYER: Principal = {
  type: "User",
  arn: "arn:aws:iam::000000000000:user/deployer",
  accountId: "000000000000",
  userId: "AIDADEPLOYER",
  userName: "deployer",
};

/** Access keys of the fixture: id to secret and principal. */
const KEYS: Readonly<
  Record<string, { readonly secret: string; readonly principal: Principal; readonly token?: string }>
> = {
  test: { secret: "test", principal: ROOT },
  AKIADEPLOYER: { secret: "deploys", principal: DEPLOYER },
  ASIATEMPORARY: { secret: "short", principal: DEPLOYER, token: "session" },
};

const accessDenied = awsError({
  code: "AccessDeniedException",
  status: 400,
  fault: "client",
  source: "test",
  message: (text: string) => text,
});

export interface RegistryFixture {
  readonly registry: Registry;
  readonly store: Store;
  readonly clock: TestClock;
  readonly url: string;
  /** Decisions asked of the policy engine, as `action resource`. */
  readonly asked: string[];
  readonly authorize: Authorize;
  /** ARNs of users and roles that were deleted. */
  readonly gone: Set<string>;
  /** Policies of the user `deployer`. */
  policies: readonly NamedPolicy[];
  send(method: string, path: string, options?: SendOptions): Promise<Reply>;
  /** Makes an ECR repository in the fixture's account and region. */
  createEcrRepository(name: string, settings?: Partial<NonNullable<Parameters<typeof ecrRecord>[0]>>): Promise<void>;
  close(): Promise<void>;
}

export interface SendOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
  /** `user:password`, by default root's key; `null` for no credentials, `Bearer …` for a token. */
  readonly auth?: string | null;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests read whatever the answer has
  readonly json: any;
}

export async function startRegistry({
  quota,
  ...options
}: {
  readonly stateDir?: string;
  readonly quota?: RegistryQuota;
} = {}): Promise<RegistryFixture> {
  const store = await openStore({ ids: systemIds, ...options });
  const clock = new TestClock();
  const asked: string[] = [];
  const gone = new Set<string>();
  let url = "http://127.0.0.1:1";
  const authorize: Authorize = (principal, _scope, requests, { context = {} }) => {
    for (const request of requests) {
      asked.push(`${request.action} ${request.resource}`);
      const identity = principal.type === "User" ? fixture.policies : [];
      const decision = evaluate({ principal, policies: { identity }, request, context });
      if (decision.effect !== "allowed") throw accessDenied(decision.message);
    }
  };
  const registry = createRegistry({
    store,
    clock,
    ids: systemIds,
    scope: SCOPE,
    identity: {
      findAccessKey(id) {
        const key = Object.hasOwn(KEYS, id) ? KEYS[id] : undefined;
        if (!key) return undefined;
        const { principal, token } = key;
        return {
          secret: new Secret(key.secret),
          status: "Active",
          principal,
          ...(token !== undefined && { sessionToken: token }),
        };
      },
      isGone: (principal) => gone.has(principal.arn),
    },
    authorize,
    endpointUrl: () => url,
    ...(quota && { quota }),
  });
  const server = createServer((request, response) => void registry.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const fixture: RegistryFixture = {
    registry,
    store,
    clock,
    url,
    asked,
    authorize,
    gone,
    policies: [],
    send: (method, path, sendOptions) => send(url, method, path, sendOptions),
    async createEcrRepository(name, settings) {
      await store.write(() => registry.records.repositories.put([ECR_HOST, name], ecrRecord(settings)));
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await store.close();
    },
  };
  return fixture;
}

const ecrRecord = (settings: object = {}) => ({
  createdAtMs: 0,
  ecr: {
    tagMutability: "MUTABLE" as const,
    exclusionFilters: [],
    scanOnPush: false,
    encryption: { type: "AES256" as const },
    tags: {},
    ...settings,
  },
});

/** One request on a connection of its own. */
function send(url: string, method: string, path: string, options: SendOptions = {}): Promise<Reply> {
  const { auth = "test:test", body } = options;
  const authorization = auth === null ? undefined : auth.startsWith("Bearer ") ? auth : basic(auth);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      new URL(path, url),
      { method, agent: false, headers: { ...(authorization && { authorization }), ...options.headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("error", reject);
        response.on("end", () => {
          const content = Buffer.concat(chunks);
          const text = content.toString("utf8");
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: content,
            text,
            get json() {
              return JSON.parse(text);
            },
          });
        });
      },
    );
    request.on("error", reject);
    if (body === undefined) request.end();
    else if (typeof body === "string" || body instanceof Uint8Array) request.end(body);
    else void writeAll(request, body);
  });
}

async function writeAll(request: ReturnType<typeof httpRequest>, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of chunks) request.write(chunk);
  request.end();
}

export const basic = (userAndPassword: string): string => `Basic ${Buffer.from(userAndPassword).toString("base64")}`;

export const sha256 = (content: string | Uint8Array): string =>
  `sha256:${createHash("sha256").update(content).digest("hex")}`;
export const sha512 = (content: string | Uint8Array): string =>
  `sha512:${createHash("sha512").update(content).digest("hex")}`;

/** Pushes a blob in one request and returns its digest. */
export async function pushBlob(
  fixture: RegistryFixture,
  name: string,
  content: string | Uint8Array,
  digest = sha256(content),
): Promise<string> {
  const reply = await fixture.send("POST", `/v2/${name}/blobs/uploads/?digest=${digest}`, { body: content });
  if (reply.status !== 201) throw new Error(`blob push answered ${reply.status} ${reply.text}`);
  return digest;
}

export interface PushedImage {
  readonly digest: string;
  readonly manifest: string;
  readonly reply: Reply;
}

/** Pushes a small image (config and one layer) under a reference; `fields` are added to its manifest. */
export async function pushImage(
  fixture: RegistryFixture,
  name: string,
  reference: string,
  fields: Record<string, unknown> = {},
): Promise<PushedImage> {
  const config = "{}";
  const layer = `layer of ${name}`;
  await pushBlob(fixture, name, config);
  await pushBlob(fixture, name, layer);
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", digest: sha256(config), size: config.length },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: sha256(layer), size: layer.length }],
    ...fields,
  });
  const digest = sha256(manifest);
  const target = reference === "@" ? digest : reference;
  const reply = await fixture.send("PUT", `/v2/${name}/manifests/${target}`, {
    body: manifest,
    headers: { "content-type": String(fields["mediaType"] ?? OCI_MANIFEST) },
  });
  return { digest, manifest, reply };
}
