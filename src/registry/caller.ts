/**
 * Who sends a registry request: reads the Authorization header. Three credentials are known: an IAM access key and its
 * secret (Basic), user `AWS` with a token of ecr:GetAuthorizationToken (Basic), and a Bearer token of token-route.ts.
 * Credentials are never logged; secrets are compared in constant time.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { Principal } from "../core/aws.ts";
import type { Clock } from "../core/clock.ts";
import type { Secret } from "../core/secret.ts";
import { RegistryError } from "./errors.ts";
import type { BearerClaims, Tokens } from "./tokens.ts";

/** The part of identity/ that the registry needs. */
export interface AccessKeys {
  findAccessKey(accessKeyId: string):
    | {
        readonly secret: Secret;
        readonly sessionToken?: string;
        readonly expiresAtMs?: number;
        readonly status: "Active" | "Inactive";
        readonly principal: Principal;
      }
    | undefined;
  /** True when the user or role was deleted: what was issued to it is worth nothing, whatever names it still. */
  isGone(principal: Principal): boolean;
}

export type Caller =
  | { readonly kind: "anonymous" }
  /** An IAM principal that showed its access key; a Bearer token got with one counts the same. */
  | { readonly kind: "accessKey"; readonly principal: Principal }
  /** An IAM principal with an ECR token: good for ECR repositories only, of the token's region. */
  | { readonly kind: "ecrToken"; readonly principal: Principal; readonly region: string }
  /** A Bearer token with the access it grants. */
  | { readonly kind: "bearer"; readonly claims: BearerClaims };

export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

/** User and password of a Basic Authorization header, or undefined when it is none. */
export function parseBasic(header: string | undefined): BasicCredentials | undefined {
  const match = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(header ?? "");
  if (!match) return undefined;
  const text = Buffer.from(match[1] ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

export interface CallerDeps {
  readonly accessKeys: AccessKeys;
  readonly tokens: Tokens;
  readonly clock: Clock;
}

/** The name that goes with an ECR token. */
const ECR_TOKEN_USER = "AWS";

/** The principal of an access key id and secret; undefined when they do not fit, or the key is inactive or temporary. */
function principalOfKey({ user, password }: BasicCredentials, deps: CallerDeps): Principal | undefined {
  const key = deps.accessKeys.findAccessKey(user);
  // Basic cannot carry a session token, so temporary keys come in through ecr:GetAuthorizationToken only.
  if (key?.status !== "Active" || key.sessionToken !== undefined) return undefined;
  if (key.expiresAtMs !== undefined && key.expiresAtMs <= deps.clock.nowMs()) return undefined;
  return isSameText(key.secret.reveal(), password) ? key.principal : undefined;
}

/** The caller a Basic header names: by ECR token or access key. Undefined when the credentials are neither. */
export function callerOfBasic(credentials: BasicCredentials, deps: CallerDeps): Caller | undefined {
  if (credentials.user === ECR_TOKEN_USER) return callerOfEcrToken(credentials.password, deps);
  const principal = principalOfKey(credentials, deps);
  return principal && { kind: "accessKey", principal };
}

function callerOfEcrToken(password: string, { tokens, accessKeys }: CallerDeps): Caller {
  const reading = tokens.readEcrToken(password);
  if (reading.state === "expired") throw new RegistryError("denied", { message: ECR_TOKEN_EXPIRED });
  if (reading.state === "valid" && !accessKeys.isGone(reading.claims.principal)) {
    return { kind: "ecrToken", ...reading.claims };
  }
  // AWS: a password that is no token at all is 400, which `docker login` prints as `400 Bad Request`.
  throw new RegistryError("denied", { status: 400, message: "Your Authorization Token is invalid." });
}

const ECR_TOKEN_EXPIRED = "Your authorization token has expired. Reauthenticate and try again.";

/**
 * The caller of a request. `"badCredentials"` when a Basic header fits nobody, `"badToken"` when a Bearer token is
 * unknown or expired; throws the ECR texts for expired and ill-formed ECR tokens.
 */
export function identifyCaller(
  authorization: string | undefined,
  deps: CallerDeps,
): Caller | "badCredentials" | "badToken" {
  if (authorization === undefined) return { kind: "anonymous" };
  const bearer = /^bearer +(\S+) *$/i.exec(authorization);
  if (bearer) {
    const reading = deps.tokens.readBearer(bearer[1] ?? "");
    if (reading.state !== "valid") return "badToken";
    return callerOfClaims(reading.claims, deps);
  }
  const basic = parseBasic(authorization);
  return (basic && callerOfBasic(basic, deps)) ?? "badCredentials";
}

function callerOfClaims(claims: BearerClaims, { accessKeys }: CallerDeps): Caller | "badToken" {
  const { subject } = claims;
  if (subject.kind !== "accessKey" && subject.kind !== "ecrToken") return { kind: "bearer", claims };
  return accessKeys.isGone(subject.principal) ? "badToken" : subject;
}

const isSameText = (a: string, b: string): boolean => timingSafeEqual(sha256(a), sha256(b));
const sha256 = (text: string): Buffer => createHash("sha256").update(text).digest();
