/**
 * The Bearer token route that challenges point to: checks user and password (an account of the registry, an IAM access
 * key, or an ECR token) and answers a token with as much of the asked scope as that caller may have.
 * Nobody logged in gets a token too, for public pulls; what it lacks is refused where it is used, as Docker Hub does.
 * Sources: https://distribution.github.io/distribution/spec/auth/token/ and …/auth/oauth/ (GET and POST form).
 * Gap: no refresh tokens (`offline_token` is ignored); clients then keep the password, as they do with Docker Hub.
 */
import type { IncomingMessage } from "node:http";
import { isoSeconds } from "../core/clock.ts";
import { accountActions, isPublic, type RequestPlace } from "./access.ts";
import type { Accounts } from "./accounts.ts";
import { type BasicCredentials, type CallerDeps, callerOfBasic, parseBasic } from "./caller.ts";
import { RegistryError } from "./errors.ts";
import { type Answer, jsonAnswer, readBody } from "./exchange.ts";
import {
  LOCAL_HOST,
  parseEcrHost,
  parseRepositoryAddress,
  type RepositoryAddress,
  type RequestOrigin,
} from "./repository-address.ts";
import { type AccessGrant, BEARER_SECONDS, type BearerClaims, type RegistryAction, type Tokens } from "./tokens.ts";

export interface TokenRouteDeps extends CallerDeps {
  readonly accounts: Accounts;
  readonly tokens: Tokens;
  readonly ownAuthorities: () => readonly string[];
}

/** `service` of challenges whose names carry their host in the path. */
export const KILN_SERVICE = "kiln";

const MAX_FORM_BYTES = 64 * 1024;

interface AskedScope {
  readonly address: RepositoryAddress;
  readonly actions: readonly RegistryAction[];
}

interface TokenRequest {
  readonly credentials: BasicCredentials | undefined;
  readonly service: string;
  readonly scopes: readonly string[];
}

export async function answerToken(
  request: IncomingMessage,
  query: URLSearchParams,
  place: RequestPlace,
  deps: TokenRouteDeps,
): Promise<Answer> {
  const asked = request.method === "POST" ? await readForm(request) : readQuery(request, query);
  const isStandIn = asked.service !== KILN_SERVICE && asked.service.includes(".");
  const origin: RequestOrigin = {
    standInHost: isStandIn ? asked.service : undefined,
    ownAuthorities: deps.ownAuthorities(),
  };
  const scopes = asked.scopes.flatMap((scope) => parseScope(scope, origin));
  const hosts = new Set(scopes.map(({ address }) => address.host));
  if (hosts.size === 0) hosts.add(origin.standInHost ?? LOCAL_HOST);
  const claims = await claimsFor(asked.credentials, scopes, [...hosts], deps);
  if (!claims) throw refused(place);
  const { token, issuedAtMs } = deps.tokens.issueBearer(claims);
  return jsonAnswer(
    { token, access_token: token, expires_in: BEARER_SECONDS, issued_at: isoSeconds(issuedAtMs) },
    NO_STORE,
  );
}

const NO_STORE = { "cache-control": "no-store" };

/** What the credentials are worth; undefined when they are wrong. */
async function claimsFor(
  credentials: BasicCredentials | undefined,
  scopes: readonly AskedScope[],
  hosts: readonly string[],
  deps: TokenRouteDeps,
): Promise<BearerClaims | undefined> {
  if (!credentials) {
    return {
      subject: { kind: "anonymous" },
      access: grants(scopes, ({ address }) => (isPublic(address) ? ["pull"] : [])),
    };
  }
  const caller = callerOfBasic(credentials, deps);
  // An IAM principal is judged again where the token is used, by the policies of that moment.
  if (caller?.kind === "accessKey" || caller?.kind === "ecrToken") return { subject: caller, access: [] };
  const { user, password } = credentials;
  const granted: AccessGrant[] = [];
  let subject: BearerClaims["subject"] | undefined;
  for (const host of hosts) {
    // Who may log in to ECR is IAM's business: no first login declares an account there.
    if (parseEcrHost(host)) continue;
    // A mistyped secret of an IAM key must not become the first account of Kiln's own repositories.
    if (host === LOCAL_HOST && deps.accessKeys.findAccessKey(user)) continue;
    if ((await deps.accounts.login(host, user, password)) === "refused") continue;
    const account = deps.accounts.find(host, user);
    if (!account) continue;
    subject ??= { kind: "account", host, user: account.user };
    granted.push(
      ...grants(
        scopes.filter(({ address }) => address.host === host),
        ({ address }) => accountActions(account, address),
      ),
    );
  }
  if (!subject) return undefined;
  const elsewhere = scopes.filter(({ address }) => !granted.some((grant) => grant.repository === address.fullName));
  return { subject, access: [...granted, ...grants(elsewhere, ({ address }) => (isPublic(address) ? ["pull"] : []))] };
}

const grants = (scopes: readonly AskedScope[], may: (scope: AskedScope) => readonly RegistryAction[]): AccessGrant[] =>
  scopes.map((scope) => {
    const allowed = may(scope);
    return { repository: scope.address.fullName, actions: scope.actions.filter((action) => allowed.includes(action)) };
  });

/** `repository:<name>:pull,push`; other resource types and actions ask for nothing that exists. */
function parseScope(text: string, origin: RequestOrigin): AskedScope[] {
  const match = /^repository(?:\([^)]*\))?:(.+):([^:]*)$/.exec(text);
  const address = match && parseRepositoryAddress(match[1] ?? "", origin);
  if (!address) return [];
  const names = (match?.[2] ?? "").split(",");
  return [{ address, actions: ACTIONS.filter((action) => names.includes(action) || names.includes("*")) }];
}

const ACTIONS: readonly RegistryAction[] = ["pull", "push", "delete"];

const readQuery = (request: IncomingMessage, query: URLSearchParams): TokenRequest => ({
  credentials: requiredBasic(request.headers.authorization),
  service: query.get("service") ?? KILN_SERVICE,
  scopes: query.getAll("scope").flatMap((scope) => scope.split(" ").filter(Boolean)),
});

/** A header that is there must be readable: silently being nobody would hide a broken client configuration. */
function requiredBasic(header: string | undefined): BasicCredentials | undefined {
  if (header === undefined) return undefined;
  return parseBasic(header) ?? { user: "", password: "" };
}

async function readForm(request: IncomingMessage): Promise<TokenRequest> {
  const body = await readBody(request, MAX_FORM_BYTES);
  if (!body) throw new RegistryError("requestInvalid", { message: "the token request is too large" });
  const form = new URLSearchParams(body.toString("utf8"));
  if (form.get("grant_type") !== "password") {
    throw new RegistryError("requestInvalid", {
      message: "only grant_type=password is offered, there are no refresh tokens",
    });
  }
  return {
    credentials: { user: form.get("username") ?? "", password: form.get("password") ?? "" },
    service: form.get("service") ?? KILN_SERVICE,
    scopes: (form.get("scope") ?? "").split(" ").filter(Boolean),
  };
}

/** Docker Hub's shape (`details`), from which clients print `unauthorized: incorrect username or password`. */
const refused = (place: RequestPlace): RegistryError =>
  new RegistryError("unauthorized", {
    message: "incorrect username or password",
    headers: { "www-authenticate": `Basic realm="${place.tokenUrl}"` },
    extra: { details: "incorrect username or password" },
  });
