/**
 * May this caller do this to this repository? ECR repositories: the policy engine decides each request. Others: a Bearer
 * token with scope, except that Docker Hub's official images and local repositories may be pulled by anybody, and the
 * account's root may do everything with its access key. Refusals carry the challenge that makes clients log in.
 * Sources: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html;
 * https://distribution.github.io/distribution/spec/auth/token/
 */
import type { AuthorizationRequest, RequestContext } from "../authorize/decision.ts";
import type { AwsScope } from "../core/arn.ts";
import type { Principal } from "../core/aws.ts";
import type { AccountSummary } from "./accounts.ts";
import type { Caller } from "./caller.ts";
import { ecrAuthorizationRequest } from "./ecr/authorization.ts";
import { RegistryError } from "./errors.ts";
import type { RegistryRecords } from "./records.ts";
import { DOCKER_HUB_HOST, ECR_PUBLIC_HOST, ecrHost, LOCAL_HOST, type RepositoryAddress } from "./repository-address.ts";
import type { RegistryAction } from "./tokens.ts";

/** The dispatcher's decision for what is not an operation. */
export type Authorize = (
  principal: Principal,
  scope: AwsScope,
  requests: readonly AuthorizationRequest[],
  about: {
    readonly service: string;
    readonly operation: string;
    readonly requestId: string;
    readonly context?: RequestContext;
  },
) => void;

/** What a request needs. */
export interface NeededAccess {
  readonly address: RepositoryAddress;
  readonly action: RegistryAction;
  /** ECR's actions of the request, without `ecr:`. */
  readonly ecrActions: readonly string[];
}

/** How the request came in, for challenges and records. */
export interface RequestPlace {
  readonly requestId: string;
  /** URL of the token route, as this client can reach it. */
  readonly tokenUrl: string;
  /** The `service` of the Bearer challenge: the stand-in host, or `kiln`. */
  readonly service: string;
  /** The repository's name as the client writes it. */
  readonly nameInUrl: string;
  /** Condition keys of the HTTP request. */
  readonly context: RequestContext;
}

export interface AccessDeps {
  /** Kiln's own account. */
  readonly accountId: string;
  readonly authorize: Authorize;
  readonly records: RegistryRecords;
}

export type IdentifiedCaller = Caller | "badCredentials" | "badToken";

/** Throws UNAUTHORIZED with a challenge, or DENIED, unless the caller may. */
export function requireAccess(
  caller: IdentifiedCaller,
  needed: NeededAccess,
  place: RequestPlace,
  deps: AccessDeps,
): void {
  const { address } = needed;
  if (address.ecr) {
    const asked = { ecr: address.ecr, name: address.name, ecrActions: needed.ecrActions, detail: detailOf(needed) };
    requireEcrAccess(caller, asked, place, deps);
    return;
  }
  if (caller === "badCredentials") throw wrongPassword(bearerChallenge(place, needed.action));
  if (caller === "badToken") throw unauthorized(bearerChallenge(place, needed.action, "invalid_token"), needed);
  if (isRootKey(caller, deps.accountId)) return;
  if (needed.action === "pull" && isPublic(address)) return;
  switch (caller.kind) {
    case "anonymous":
      throw unauthorized(bearerChallenge(place, needed.action), needed);
    case "bearer":
      if (isGranted(caller.claims.access, needed)) return;
      throw insufficientScope(bearerChallenge(place, needed.action, "insufficient_scope"), needed);
    default:
      throw new RegistryError("denied");
  }
}

interface NeededEcrAccess extends Pick<NeededAccess, "ecrActions"> {
  /** Account and region of the registry. */
  readonly ecr: AwsScope;
  /** The repository, or `*`. */
  readonly name: string;
  /** Of the error that makes a client log in. */
  readonly detail?: unknown;
}

/** Throws UNAUTHORIZED with ECR's challenge, or the policy engine's refusal. */
export function requireEcrAccess(
  caller: IdentifiedCaller,
  { ecr, name, ecrActions, detail }: NeededEcrAccess,
  place: RequestPlace,
  deps: AccessDeps,
): void {
  if (!isEcrCaller(caller, ecr)) throw ecrUnauthorized(ecr, detail);
  const requests = ecrActions.map((action) => ecrAuthorizationRequest(deps.records, ecr, action, name));
  deps.authorize(caller.principal, ecr, requests, {
    service: "ecr",
    operation: ecrActions[0] ?? "",
    requestId: place.requestId,
    context: place.context,
  });
}

/** True for an IAM principal whose credentials count at this ECR registry. */
export function isEcrCaller(
  caller: IdentifiedCaller,
  ecr: AwsScope,
): caller is Extract<Caller, { readonly principal: Principal }> {
  if (typeof caller === "string" || !("principal" in caller)) return false;
  // AWS: a token is good in the region it was issued in.
  return caller.kind === "accessKey" || caller.region === ecr.region;
}

/** True for the account's root with its access key: Kiln's own tools put images in with it. */
export const isRootKey = (caller: IdentifiedCaller, accountId: string): boolean =>
  typeof caller === "object" &&
  caller.kind === "accessKey" &&
  caller.principal.type === "Root" &&
  caller.principal.accountId === accountId;

/** Repositories anybody may pull from without logging in. */
export const isPublic = ({ host, name }: RepositoryAddress): boolean =>
  host === LOCAL_HOST || host === ECR_PUBLIC_HOST || (host === DOCKER_HUB_HOST && name.startsWith("library/"));

/** What an account of the repository's host may do there: pull everything, push to its own namespaces. */
export function accountActions(account: AccountSummary, address: RepositoryAddress): readonly RegistryAction[] {
  if (account.host !== address.host) return isPublic(address) ? ["pull"] : [];
  const [namespace = "", ...rest] = address.name.split("/");
  // A local repository without a slash belongs to no one in particular.
  const isShared = address.host === LOCAL_HOST && rest.length === 0;
  const isOwn = isShared || namespace === account.user || account.namespaces.includes(namespace);
  return isOwn && !isOfficial(address) ? ["pull", "push", "delete"] : ["pull"];
}

const isOfficial = ({ host, name }: RepositoryAddress): boolean =>
  host === DOCKER_HUB_HOST && name.startsWith("library/");

const isGranted = (
  access: readonly { readonly repository: string; readonly actions: readonly RegistryAction[] }[],
  { address, action }: NeededAccess,
): boolean => access.some((grant) => grant.repository === address.fullName && grant.actions.includes(action));

const ecrUnauthorized = (ecr: AwsScope, detail: unknown): RegistryError =>
  new RegistryError("unauthorized", { detail, headers: { "www-authenticate": ecrHostChallenge(ecrHost(ecr)) } });

/** `Basic realm="https://<host>/",service="ecr.amazonaws.com"`, as ECR sends it. */
export const ecrHostChallenge = (host: string): string => `Basic realm="https://${host}/",service="ecr.amazonaws.com"`;

/** Bearer challenge; with no action the one of `GET /v2/`. */
export function bearerChallenge(place: RequestPlace, action?: RegistryAction, error?: string): string {
  const scope = action && `repository:${place.nameInUrl}:${action === "push" ? "pull,push" : action}`;
  const parts = [
    `realm="${place.tokenUrl}"`,
    `service="${place.service}"`,
    ...(scope ? [`scope="${scope}"`] : []),
    ...(error ? [`error="${error}"`] : []),
  ];
  return `Bearer ${parts.join(",")}`;
}

const detailOf = ({ address, action }: NeededAccess): unknown => [
  { Type: "repository", Class: "", Name: address.fullName, Action: action },
];

const unauthorized = (challenge: string, needed: NeededAccess): RegistryError =>
  new RegistryError("unauthorized", { detail: detailOf(needed), headers: { "www-authenticate": challenge } });

/** 401 as Docker Hub does: clients print `denied: requested access to the resource is denied`. */
const insufficientScope = (challenge: string, needed: NeededAccess): RegistryError =>
  new RegistryError("denied", { status: 401, detail: detailOf(needed), headers: { "www-authenticate": challenge } });

export const wrongPassword = (challenge: string): RegistryError =>
  new RegistryError("unauthorized", {
    message: "incorrect username or password",
    headers: { "www-authenticate": challenge },
  });
