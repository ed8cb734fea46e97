/**
 * The OCI registry of Kiln: one handler for every path under `/v2/`. Each request goes route → repository → caller →
 * access → handler → answer, and every error leaves as the JSON that clients print.
 * Names whose first part is a host (`docker.io/me/app`, `<account>.dkr.ecr.<region>.amazonaws.com/app`) are repositories
 * of the registry Kiln stands in for; a request whose Host header names such a registry is the same without the prefix.
 * Sources: https://github.com/opencontainers/distribution-spec/blob/main/spec.md (1.1),
 * https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html.
 * What ECR does beyond the specification is in ecr/data-plane.ts.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import type { AwsScope } from "../core/arn.ts";
import type { AwsCaller, Principal } from "../core/aws.ts";
import { clientContext } from "../core/client-context.ts";
import type { Clock } from "../core/clock.ts";
import { AwsError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import type { Store } from "../store/store.ts";
import {
  type Authorize,
  bearerChallenge,
  ecrHostChallenge,
  type IdentifiedCaller,
  isEcrCaller,
  isRootKey,
  type NeededAccess,
  type RequestPlace,
  requireAccess,
  requireEcrAccess,
  wrongPassword,
} from "./access.ts";
import { createAccounting } from "./accounting.ts";
import { type Accounts, createAccounts } from "./accounts.ts";
import { createBlobRoutes } from "./blob-routes.ts";
import { type AccessKeys, identifyCaller } from "./caller.ts";
import { createCatalog, type ImageSummary, type RepositorySummary, type StoredManifest } from "./catalog.ts";
import { createEcrDataPlane, type EcrDataPlane } from "./ecr/data-plane.ts";
import { errorBody, RegistryError } from "./errors.ts";
import { type Answer, type Exchange, jsonAnswer } from "./exchange.ts";
import { createGarbageCollector, type GarbageCollector } from "./gc.ts";
import { createHoldings, type RegistryQuota } from "./holdings.ts";
import { contentOf, createImages, type Images } from "./images.ts";
import { MAX_MANIFEST_BYTES } from "./manifest-content.ts";
import { deleteManifest, listTags, nextPage, pageSize, putManifest, readManifest } from "./manifest-routes.ts";
import { type RegistryRecords, registryRecords } from "./records.ts";
import { listReferrers } from "./referrers-route.ts";
import {
  ecrHost,
  type ImageReference,
  parseEcrHost,
  parseImageReference,
  parseRepositoryAddress,
  type RepositoryAddress,
  type RequestOrigin,
  standInHostOf,
} from "./repository-address.ts";
import { parseRoute, type RepositoryRoute, TOKEN_PATH } from "./route.ts";
import { registryErrorFrom, send } from "./send-answer.ts";
import { answerToken, KILN_SERVICE } from "./token-route.ts";
import { createTokens, type RegistryAction } from "./tokens.ts";
import { createUploadRoutes } from "./upload-routes.ts";

export interface RegistryDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** The account whose root may do everything with its access key. */
  readonly scope: AwsScope;
  readonly identity: AccessKeys;
  /** The dispatcher's `authorize`: decides each request for an ECR repository. */
  readonly authorize: Authorize;
  /** Calls AWS operations as a role that ECR acts with, e.g. to read a pull-through cache rule's secret. */
  readonly callerFor?: (principal: Principal, scope: AwsScope) => AwsCaller;
  /** Limits on what is kept; none by default. */
  readonly quota?: RegistryQuota;
  /** Where Kiln listens, e.g. `http://127.0.0.1:4566`; asked per request, so it may become known late. */
  endpointUrl(): string;
}

export interface Registry {
  /** Answers every path under `/v2/`, the Bearer token route included. Never rejects because of a client. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
  /** Path of the Bearer token route. */
  readonly tokenPath: string;
  readonly accounts: Accounts;
  repositories(): RepositorySummary[];
  /** Images of a repository, newest first. */
  imagesOf(repositoryName: string): ImageSummary[];
  readonly maxManifestBytes: number;
  /** What a name with a tag or digest means here; undefined when it is no legal name. */
  reference(text: string): ImageReference | undefined;
  /** One manifest by `name[:tag][@digest]`, the name as in the registry (nothing implied: `docker.io/library/python`). */
  manifest(reference: string): Promise<StoredManifest | undefined>;
  /** The password of user `AWS`, for ecr:GetAuthorizationToken. */
  issueEcrToken(principal: Principal, scope: AwsScope): { readonly password: string; readonly expiresAtMs: number };
  /** Images without HTTP, for services/ecr. */
  readonly images: Images;
  /** What ECR does beside them, for services/ecr. */
  readonly ecr: EcrDataPlane;
  /** Frees bytes that nothing holds any more; runs by itself now and then while images are pushed. */
  readonly garbage: GarbageCollector;
  readonly records: RegistryRecords;
}

/** Makes the registry over a store. One per process; requests may run side by side. */
export function createRegistry(deps: RegistryDeps): Registry {
  const { store, clock, ids, endpointUrl } = deps;
  const records = registryRecords(store);
  const tokens = createTokens({ store, clock });
  const holdings = createHoldings({ store, records, clock, quota: deps.quota ?? {} });
  const accounted = createAccounting({ store, records, contentOf: (digest) => contentOf(store, digest) });
  const images = createImages({ store, records, clock, ids, holdings, accounted });
  const garbage = createGarbageCollector({ store, records, clock, holdings, accounted });
  const ownAuthorities = (): readonly string[] => authoritiesOf(endpointUrl());
  const accounts = createAccounts({ store, records, clock, ids, ownAuthorities });
  const callerDeps = { accessKeys: deps.identity, tokens, clock };
  const accessDeps = { authorize: deps.authorize, records, accountId: deps.scope.accountId };
  const catalog = createCatalog({ records, images });
  const { authorize, callerFor } = deps;
  const ecr = createEcrDataPlane({ store, records, images, clock, ids, authorize, callerFor, endpointUrl });
  const blobRoutes = createBlobRoutes({ store, records, holdings });
  const callers = new WeakMap<IncomingMessage, { caller: IdentifiedCaller; place: RequestPlace }>();
  const uploadRoutes = createUploadRoutes({
    store,
    records,
    clock,
    ids,
    holdings,
    onBegin: () => garbage.collectSometimes(),
    mayPull: ({ request }, source) => {
      const known = callers.get(request);
      return (
        known !== undefined &&
        isAllowed({ address: source, action: "pull", ecrActions: ["GetDownloadUrlForLayer"] }, known)
      );
    },
  });

  const isAllowed = (needed: NeededAccess, known: { caller: IdentifiedCaller; place: RequestPlace }): boolean => {
    try {
      requireAccess(known.caller, needed, known.place, accessDeps);
      return true;
    } catch (error) {
      if (error instanceof RegistryError || error instanceof AwsError) return false;
      throw error;
    }
  };

  async function answer(request: IncomingMessage, requestId: string): Promise<Answer> {
    // Not through URL, which would resolve `..` in names before anybody has looked at them.
    const [pathname = "/", search = ""] = splitOnce(request.url ?? "/", "?");
    const query = new URLSearchParams(search);
    const layer = ecr.layerLinks.answer(pathname, request.headers.range);
    if (layer) {
      requireMethod(request, ["GET", "HEAD"]);
      return layer;
    }
    const route = parseRoute(pathname);
    if (!route) throw new RegistryError("routeUnknown", { detail: { path: pathname } });
    const standInHost = standInHostOf(request.headers.host, ownAuthorities());
    const origin: RequestOrigin = { standInHost, ownAuthorities: [...ownAuthorities(), request.headers.host ?? ""] };
    const place: RequestPlace = {
      requestId,
      tokenUrl: `${standInHost === undefined ? ownUrl(request) : endpointUrl()}${TOKEN_PATH}`,
      service: standInHost ?? KILN_SERVICE,
      nameInUrl: "name" in route ? route.name : "",
      context: clientContext(request),
    };
    if (route.kind === "token") {
      requireMethod(request, ["GET", "POST"]);
      return answerToken(request, query, place, { ...callerDeps, accounts, ownAuthorities });
    }
    const caller = identifyCaller(request.headers.authorization, callerDeps);
    switch (route.kind) {
      case "ping":
        requireMethod(request, ["GET", "HEAD"]);
        return ping(caller, place, standInHost);
      case "catalog":
        requireMethod(request, ["GET"]);
        return listRepositories(caller, place, query, standInHost);
      default:
        return answerRepository(request, { route, caller, place, origin, query });
    }
  }

  /** Says 401 to strangers although much is public: clients only log in where this route challenges them. */
  function ping(caller: IdentifiedCaller, place: RequestPlace, standInHost: string | undefined): Answer {
    const scope = standInHost === undefined ? undefined : parseEcrHost(standInHost);
    const challenge = scope ? ecrHostChallenge(ecrHost(scope)) : bearerChallenge(place);
    if (caller === "badCredentials") throw wrongPassword(challenge);
    const isKnown = caller !== "badToken" && (scope ? isEcrCaller(caller, scope) : caller.kind !== "anonymous");
    if (!isKnown) throw new RegistryError("unauthorized", { headers: { "www-authenticate": challenge } });
    return jsonAnswer({});
  }

  /** All repositories, for the account's root; at an ECR host those of its registry, for whoever may list them. */
  function listRepositories(
    caller: IdentifiedCaller,
    place: RequestPlace,
    query: URLSearchParams,
    standInHost: string | undefined,
  ): Answer {
    const scope = standInHost === undefined ? undefined : parseEcrHost(standInHost);
    let all: readonly string[];
    if (scope) {
      requireEcrAccess(caller, { ecr: scope, name: "*", ecrActions: ["DescribeRepositories"] }, place, accessDeps);
      all = records.repositories.list([ecrHost(scope)]).map(({ key }) => key[1] ?? "");
    } else {
      if (!isRootKey(caller, deps.scope.accountId)) {
        const challenge = `${bearerChallenge(place)},scope="registry:catalog:*"`;
        throw new RegistryError("unauthorized", { headers: { "www-authenticate": challenge } });
      }
      all = catalog.names();
    }
    const limit = pageSize(query);
    const after = query.get("last") ?? "";
    const names = all.filter((name) => name > after);
    const page = names.slice(0, limit);
    return jsonAnswer(
      { repositories: page },
      names.length > page.length ? nextPage("/v2/_catalog", { n: limit, last: page.at(-1) }) : {},
    );
  }

  async function answerRepository(
    request: IncomingMessage,
    given: {
      readonly route: RepositoryRoute;
      readonly caller: IdentifiedCaller;
      readonly place: RequestPlace;
      readonly origin: RequestOrigin;
      readonly query: URLSearchParams;
    },
  ): Promise<Answer> {
    const { route, caller, place, origin, query } = given;
    const address = parseRepositoryAddress(route.name, origin);
    if (!address) throw new RegistryError("nameInvalid", { detail: { name: route.name } });
    const handler = handlerOf(route, request, query);
    requireAccess(caller, { address, action: handler.action, ecrActions: handler.ecrActions }, place, accessDeps);
    // AWS: images are deleted with ecr:BatchDeleteImage, not over HTTP.
    if (address.ecr && handler.action === "delete") throw new RegistryError("unsupported");
    callers.set(request, { caller, place });
    if (address.ecr) await prepareEcr(address, address.ecr, handler, given);
    const puller = typeof caller === "object" && "principal" in caller ? caller.principal : undefined;
    return handler.run({ request, query, address, nameInUrl: route.name, origin, images, ecr, puller });
  }

  /** A push may make its repository, a pull may bring its image. */
  async function prepareEcr(
    address: RepositoryAddress,
    scope: AwsScope,
    { action }: Handler,
    {
      route,
      caller,
      place,
    }: { readonly route: RepositoryRoute; readonly caller: IdentifiedCaller; readonly place: RequestPlace },
  ): Promise<void> {
    const ask = (ecrActions: readonly string[]): void =>
      requireEcrAccess(caller, { ecr: scope, name: address.name, ecrActions }, place, accessDeps);
    // What goes on with an upload began it in a repository.
    if (action === "push" && route.kind !== "upload") await ecr.beforePush(address, ask);
    else if (route.kind === "manifest") await ecr.beforePull(address, route.reference, ask);
  }

  /** What a method does to a route, which access it needs, and which ECR action that is (iam: registry HTTP mapping). */
  function handlerOf(route: RepositoryRoute, request: IncomingMessage, query: URLSearchParams): Handler {
    const { method = "GET" } = request;
    const handlers = handlersOf(route, hasBody(request), query);
    const handler = handlers[method === "HEAD" && !handlers["HEAD"] ? "GET" : method];
    if (handler) return handler;
    const allowed = Object.keys(handlers).join(", ");
    throw new RegistryError("unsupported", { headers: { allow: allowed }, detail: { method, allowed } });
  }

  function handlersOf(
    route: RepositoryRoute,
    isFilled: boolean,
    query: URLSearchParams,
  ): Readonly<Record<string, Handler>> {
    switch (route.kind) {
      case "blob":
        return {
          HEAD: pull("BatchCheckLayerAvailability", (at) => blobRoutes.find(at, route.digest)),
          GET: pull("GetDownloadUrlForLayer", (at) => blobRoutes.read(at, route.digest)),
          DELETE: remove((at) => blobRoutes.remove(at, route.digest)),
        };
      case "uploads":
        return {
          POST: push(query.has("digest") ? WHOLE_UPLOAD : "InitiateLayerUpload", (at) => uploadRoutes.start(at)),
        };
      case "upload":
        return {
          GET: push("UploadLayerPart", (at) => uploadRoutes.status(at, route.uploadId)),
          PATCH: push("UploadLayerPart", (at) => uploadRoutes.append(at, route.uploadId)),
          PUT: push(isFilled ? LAST_PART : "CompleteLayerUpload", (at) => uploadRoutes.finish(at, route.uploadId)),
          DELETE: push("UploadLayerPart", (at) => uploadRoutes.cancel(at, route.uploadId)),
        };
      case "manifest":
        return {
          GET: pull("BatchGetImage", (at) => readManifest(at, route.reference)),
          PUT: push("PutImage", (at) => putManifest(at, route.reference)),
          DELETE: remove((at) => deleteManifest(at, route.reference)),
        };
      case "tags":
        return { GET: pull("ListImages", (at) => listTags(at)) };
      case "referrers":
        return { GET: pull("BatchGetImage", (at) => listReferrers(at, route.digest)) };
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const requestId = ids.uuid();
    let given: Answer;
    try {
      given = await answer(request, requestId);
      debug("registry", () => `${request.method} ${request.url?.split("?", 1)[0]} ${given.status}`);
    } catch (thrown) {
      if (request.errored || response.destroyed) return void response.destroy();
      const error = registryErrorFrom(thrown);
      debug("registry", () => `${request.method} ${request.url?.split("?", 1)[0]} ${error.status} ${error.message}`);
      if (error.status >= 500)
        debug("registry", () => (thrown instanceof Error ? (thrown.stack ?? "") : String(thrown)));
      const body = errorBody(error);
      const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
      given = { status: error.status, headers: { ...headers, ...error.headers }, body };
    }
    await send(request, response, given, requestId);
  }

  return {
    tokenPath: TOKEN_PATH,
    handle,
    accounts,
    images,
    ecr,
    garbage,
    records,
    repositories: () => catalog.repositories(),
    imagesOf: (name) => catalog.imagesOf(name, { ownAuthorities: ownAuthorities() }),
    maxManifestBytes: MAX_MANIFEST_BYTES,
    reference: (text) => parseImageReference(text, { ownAuthorities: ownAuthorities() }),
    manifest: (reference) => catalog.manifest(reference, { ownAuthorities: ownAuthorities() }),
    issueEcrToken: (principal, scope) => tokens.issueEcrToken({ principal, region: scope.region }),
  };
}

interface Handler {
  readonly action: RegistryAction;
  readonly ecrActions: readonly string[];
  readonly run: (exchange: Exchange) => Answer | Promise<Answer>;
}

type Run = Handler["run"];
const pull = (ecrAction: string, run: Run): Handler => ({ action: "pull", ecrActions: [ecrAction], run });
const push = (ecrActions: string | readonly string[], run: Run): Handler => ({
  action: "push",
  ecrActions: [ecrActions].flat(),
  run,
});
const remove = (run: Run): Handler => ({ action: "delete", ecrActions: ["BatchDeleteImage"], run });

/** A blob in one request starts, fills and completes an upload. */
const WHOLE_UPLOAD = ["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload"];
/** The request that completes an upload may bring its last part, or all of it. */
const LAST_PART = ["UploadLayerPart", "CompleteLayerUpload"];
const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;

function requireMethod(request: IncomingMessage, methods: readonly string[]): void {
  if (methods.includes(request.method ?? "")) return;
  throw new RegistryError("unsupported", { headers: { allow: methods.join(", ") } });
}

const splitOnce = (text: string, mark: string): readonly string[] => {
  const at = text.indexOf(mark);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
};

/** `host:port` under which Kiln is reached, with the spellings of loopback. */
function authoritiesOf(endpointUrl: string): readonly string[] {
  const { host, port } = new URL(endpointUrl);
  return [...new Set([host, `127.0.0.1:${port}`, `localhost:${port}`])];
}

/** Kiln's address as this client wrote it, so that the token route is in its reach (e.g. from inside a container). */
function ownUrl(request: IncomingMessage): string {
  const isEncrypted = (request.socket as Partial<TLSSocket>).encrypted === true;
  return `${isEncrypted ? "https" : "http"}://${request.headers.host ?? "127.0.0.1"}`;
}
