/** One call of an operation: what it says, whose it is, and what is put on record of it. Used by the dispatcher. */
import type { Decision, DecisionRecord, RequestContext } from "../authorize/decision.ts";
import { recordedDecision } from "../authorize/decision-record.ts";
import type { AwsScope } from "../core/arn.ts";
import type { Principal, ServiceName } from "../core/aws.ts";

/** `input` has the wire shape with epoch milliseconds and `Uint8Array`s. */
export interface Call {
  readonly service: ServiceName;
  readonly operation: string;
  readonly input: object;
  readonly principal: Principal;
  /** The key that signed the request, where it came over HTTP. */
  readonly accessKeyId?: string;
  /** Nobody looked at the signature: the key acts as root whoever's it is. */
  readonly isLenient?: boolean;
  readonly scope: AwsScope;
  /** Made up when absent. */
  readonly requestId?: string;
  /** Condition keys of the HTTP request: `aws:SourceIp`, `aws:UserAgent`, `aws:SecureTransport`. */
  readonly context?: RequestContext;
  /** Services the call goes through, first to last, e.g. `["ssm.amazonaws.com"]`. */
  readonly via?: readonly string[];
  /** Set while the call runs, where a fault was injected: which, e.g. `delay fault-1`. */
  injectedFault?: string;
}

/** `via` of a call that comes from no service. */
export const NO_CHAIN: readonly string[] = [];

/** Policies say what it may do; root may do everything. */
export const isDecided = ({ type }: Principal): boolean => type !== "Root";

/** Root's calls are on record only where the control API had a hand in them. */
export const isKept = ({ principal, isLenient, injectedFault }: Call): boolean =>
  isDecided(principal) || isLenient === true || injectedFault !== undefined;

/** The control API's part in it. */
const controlledBy = ({ isLenient, accessKeyId, injectedFault }: Call): Partial<DecisionRecord> => ({
  ...(isLenient === true && accessKeyId !== undefined && { lenientKey: accessKeyId }),
  ...(injectedFault !== undefined && { injectedFault }),
});

/** Calls over HTTP and those of role sessions; not what services, and Kiln as root, call by themselves. */
export const isFromOutside = ({ principal: { type }, accessKeyId, via = NO_CHAIN }: Call): boolean =>
  via.length === 0 && type !== "AWSService" && (type !== "Root" || accessKeyId !== undefined);

export const isSession = ({ type }: Principal): boolean => type === "AssumedRole" || type === "FederatedUser";

export function callRecord(
  call: Call,
  requestId: string,
  decisions: readonly Decision[],
  facts: { readonly atMs: number; readonly errorCode: string | undefined },
): DecisionRecord {
  const { service, operation, principal, via, isLenient, injectedFault } = call;
  const about = { service, operation, requestId };
  const record = decisionRecord(principal, about, decisions, { ...facts, calledVia: via?.at(-1) });
  return isLenient === true || injectedFault !== undefined ? { ...record, ...controlledBy(call) } : record;
}

/** The same for what is decided and is no call of an operation. */
export function decisionRecord(
  principal: Principal,
  about: { readonly service: string; readonly operation: string; readonly requestId: string },
  decisions: readonly Decision[],
  facts: { readonly atMs: number; readonly errorCode: string | undefined; readonly calledVia?: string | undefined },
): DecisionRecord {
  return {
    requestId: about.requestId,
    atMs: facts.atMs,
    service: about.service,
    operation: about.operation,
    principalArn: principal.arn,
    decisions: decisions.map(recordedDecision),
    ...(facts.calledVia !== undefined && { calledVia: facts.calledVia }),
    ...(facts.errorCode !== undefined && { errorCode: facts.errorCode }),
  };
}
