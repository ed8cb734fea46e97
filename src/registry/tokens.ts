/**
 * Tokens the registry hands out: the 12-hour password of ecr:GetAuthorizationToken, and the short Bearer tokens of the
 * token route. Both are their claims sealed under the store's master key: opaque to clients, impossible to forge, valid
 * across restarts, and nothing to keep or clean up.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_GetAuthorizationToken.html
 */
import type { Principal } from "../core/aws.ts";
import { type Clock, HOUR_MS } from "../core/clock.ts";
import type { Store } from "../store/store.ts";

export type RegistryAction = "pull" | "push" | "delete";

/** What a Bearer token allows in one repository, by its full name. */
export interface AccessGrant {
  readonly repository: string;
  readonly actions: readonly RegistryAction[];
}

export type BearerSubject =
  | { readonly kind: "anonymous" }
  | { readonly kind: "account"; readonly host: string; readonly user: string }
  | { readonly kind: "accessKey"; readonly principal: Principal }
  | { readonly kind: "ecrToken"; readonly principal: Principal; readonly region: string };

export interface BearerClaims {
  readonly subject: BearerSubject;
  readonly access: readonly AccessGrant[];
}

export interface EcrTokenClaims {
  readonly principal: Principal;
  readonly region: string;
}

export type TokenReading<T> =
  | { readonly state: "valid"; readonly claims: T }
  | { readonly state: "expired" }
  | { readonly state: "malformed" };

export interface Tokens {
  issueEcrToken(claims: EcrTokenClaims): { readonly password: string; readonly expiresAtMs: number };
  readEcrToken(password: string): TokenReading<EcrTokenClaims>;
  issueBearer(claims: BearerClaims): { readonly token: string; readonly issuedAtMs: number };
  readBearer(token: string): TokenReading<BearerClaims>;
}

const ECR_TOKEN_MS = 12 * HOUR_MS;
/** Docker Hub's tokens live as long; clients fetch a new one when theirs runs out. */
export const BEARER_SECONDS = 300;
const ECR_CONTEXT = "registry/ecr-token";
const BEARER_CONTEXT = "registry/bearer-token";

interface Sealed<T> {
  readonly claims: T;
  readonly expiresAtMs: number;
}

export function createTokens({ store, clock }: { readonly store: Store; readonly clock: Clock }): Tokens {
  const issue = <T>(claims: T, lifetimeMs: number, context: string): { token: string; expiresAtMs: number } => {
    const expiresAtMs = clock.nowMs() + lifetimeMs;
    const sealed: Sealed<T> = { claims, expiresAtMs };
    return { token: store.seal(Buffer.from(JSON.stringify(sealed)), context), expiresAtMs };
  };

  const read = <T>(token: string, context: string): TokenReading<T> => {
    let opened: Sealed<T>;
    try {
      opened = JSON.parse(store.unseal(token, context).toString("utf8")) as Sealed<T>;
    } catch {
      return { state: "malformed" };
    }
    return opened.expiresAtMs <= clock.nowMs() ? { state: "expired" } : { state: "valid", claims: opened.claims };
  };

  return {
    issueEcrToken(claims) {
      const { token, expiresAtMs } = issue(claims, ECR_TOKEN_MS, ECR_CONTEXT);
      return { password: token, expiresAtMs };
    },
    readEcrToken: (password) => read(password, ECR_CONTEXT),
    issueBearer(claims) {
      const { token } = issue(claims, BEARER_SECONDS * 1000, BEARER_CONTEXT);
      return { token: Buffer.from(token, "base64").toString("base64url"), issuedAtMs: clock.nowMs() };
    },
    readBearer: (token) => read(Buffer.from(token, "base64url").toString("base64"), BEARER_CONTEXT),
  };
}
