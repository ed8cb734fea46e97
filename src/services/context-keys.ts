/**
 * The global condition keys of a call: who calls, when, for which region, through which service. Filled here for every
 * call, whether it came over HTTP or from inside; service-specific keys come from the operation's `authorize`.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
 * Keys of the principal itself come from authorize/ (`principalContext`).
 */
import { type AuthorizationRequest, principalContext, type RequestContext } from "../authorize/index.ts";
import { type AwsScope, isArnOfAccount, parseArn } from "../core/arn.ts";
import type { Principal } from "../core/aws.ts";
import type { ClientContext } from "../core/client-context.ts";
import { isoSeconds } from "../core/clock.ts";

/** What the keys of one call are made of. */
export interface CallFacts {
  readonly principal: Principal;
  /** Tags of the user or role, without the session's. */
  readonly principalTags: Readonly<Record<string, string>>;
  readonly scope: AwsScope;
  readonly service: string;
  readonly nowMs: number;
  /** Keys of the HTTP request; empty for calls from inside. */
  readonly request: RequestContext | undefined;
  /** Services the call went through, first to last, e.g. `["ssm.amazonaws.com"]`. */
  readonly via: readonly string[];
}

/** Calls from inside the process: no network in between. */
const IN_PROCESS: ClientContext = {
  "aws:SourceIp": "127.0.0.1",
  "aws:SecureTransport": "true",
  "aws:UserAgent": "kiln",
};

/** What S3 knows of a request that came signed: those that builds make from inside count as such. */
const IN_PROCESS_S3: RequestContext = {
  "s3:authType": "REST-HEADER",
  "s3:signatureversion": "AWS4-HMAC-SHA256",
  "s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD",
  "s3:TlsVersion": "1.3",
};

/** Root has no tags, so its keys never change. */
const ofRoot = new WeakMap<Principal, RequestContext>();
const lastTime = { second: -1, iso: "" };
/** Calls of one client in one second share their keys. */
let lastCall: { readonly facts: CallFacts; readonly second: number; readonly context: RequestContext } | undefined;

/** The global condition keys of a call, without the ones that depend on the resource. */
export function globalContext(facts: CallFacts): RequestContext {
  const second = Math.floor(facts.nowMs / 1000);
  if (lastCall && lastCall.second === second && isSameCall(lastCall.facts, facts)) return lastCall.context;
  const context = makeContext(facts, second);
  lastCall = { facts, second, context };
  return context;
}

/** True when no key can differ; equal parts in different objects count as different. */
const isSameCall = (a: CallFacts, b: CallFacts): boolean =>
  a.principal === b.principal &&
  a.principalTags === b.principalTags &&
  a.scope === b.scope &&
  a.service === b.service &&
  a.via.length === 0 &&
  b.via.length === 0 &&
  (a.request === b.request ||
    // Requests of S3 have keys of their signature, each its own.
    (a.service !== "s3" &&
      a.request !== undefined &&
      b.request !== undefined &&
      a.request["aws:SourceIp"] === b.request["aws:SourceIp"] &&
      a.request["aws:UserAgent"] === b.request["aws:UserAgent"] &&
      a.request["aws:SecureTransport"] === b.request["aws:SecureTransport"]));

function makeContext(facts: CallFacts, second: number): RequestContext {
  let principalKeys = ofRoot.get(facts.principal);
  if (!principalKeys) {
    principalKeys = principalContext(facts.principal, facts.principalTags);
    if (facts.principal.type === "Root") ofRoot.set(facts.principal, principalKeys);
  }
  if (second !== lastTime.second) Object.assign(lastTime, { second, iso: isoSeconds(facts.nowMs) });
  return {
    ...principalKeys,
    ...(facts.via.length === 0 ? (facts.request ?? IN_PROCESS) : keysOfChain(facts)),
    ...(facts.service === "s3" && (facts.via.length > 0 || !facts.request) && IN_PROCESS_S3),
    "aws:CurrentTime": lastTime.iso,
    "aws:EpochTime": String(second),
    // AWS: IAM is one service for all regions and always says us-east-1.
    "aws:RequestedRegion": facts.service === "iam" ? "us-east-1" : facts.scope.region,
    "aws:ViaAWSService": facts.via.length === 0 ? "false" : "true",
    "aws:ResourceAccount": facts.scope.accountId,
  };
}

/** Account of the resource, where it differs from the caller's: by its ARN, or else by who it is known to belong to. */
export function resourceAccount(
  { resource, resourceAccountId, resourcePolicy }: AuthorizationRequest,
  scope: AwsScope,
): string | undefined {
  const known = resourceAccountId ?? resourcePolicy?.accountId;
  if (known !== undefined) return known === "" || known === scope.accountId ? undefined : known;
  if (!resource.startsWith("arn:") || isArnOfAccount(resource, scope.accountId)) return undefined;
  return parseArn(resource)?.accountId || undefined;
}

/** Keys of a call that a service makes for the principal; the principal's own address is not in them. */
function keysOfChain({ via, scope, service }: CallFacts): RequestContext {
  const last = via.at(-1) as string;
  return {
    "aws:SecureTransport": "true",
    "aws:UserAgent": last,
    "aws:CalledVia": via,
    "aws:CalledViaFirst": via[0] as string,
    "aws:CalledViaLast": last,
    ...(service === "kms" && { "kms:ViaService": `${last.slice(0, last.indexOf("."))}.${scope.region}.amazonaws.com` }),
  };
}
