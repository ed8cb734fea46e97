/**
 * The one way into an operation, for HTTP requests, for services calling each other and for builds:
 * (injected fault →) find → validate → authorize → run → record. Sits between endpoint/ (or an AwsCaller) and the services' tables.
 * Order of checks: unknown operation, then validation, then permission, then behaviour, as the JSON services do
 * (https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html names the codes; the order is recorded).
 */
import type { AuthorizationRequest, Decision, DecisionRecord, RequestContext } from "../authorize/decision.ts";
import { recordedDecision } from "../authorize/decision-record.ts";
import { evaluate } from "../authorize/index.ts";
import type { AwsScope } from "../core/arn.ts";
import type { AwsCaller, Principal, ServiceName } from "../core/aws.ts";
import type { Clock } from "../core/clock.ts";
import { AwsError, KilnError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import { createLastUses, type Identity, servicePrincipal } from "../identity/index.ts";
import type { Store } from "../store/store.ts";
import { denialIn, internalFailure, stateUnavailable } from "./common-errors.ts";
import { globalContext, resourceAccount } from "./context-keys.ts";
import { loadModel } from "./model.ts";
import { createFindOperation, type Target } from "./operation-tables.ts";
import type { DecisionFilter } from "./request-filter.ts";
import { createRequestLog } from "./request-log.ts";
import type { OperationContext, ServiceDefinition } from "./service.ts";
import { validateInput } from "./validate.ts";

/** One call of an operation. `input` has the wire shape with epoch milliseconds and `Uint8Array`s. */
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

/** Where the control API hooks in its faults; empty unless somebody asked for one. */
export interface FaultSlot {
  /**
   * Asked before anything else is done for a call that did not come from Kiln itself. What it throws is the call's
   * answer; it sets `injectedFault` of a call that it only delays.
   */
  inject: ((call: Call) => void | Promise<void>) | undefined;
}

export interface Dispatcher {
  readonly services: ReadonlyMap<ServiceName, ServiceDefinition>;
  /** Rejects with an `AwsError` that has its `requestId` set, and with nothing else. */
  invoke(call: Call): Promise<object>;
  /** Calls as `principal`; with `via`, as a service on the principal's behalf. */
  callerFor(principal: Principal, scope: AwsScope, via?: readonly string[]): AwsCaller;
  /** Decides for what is not an operation (the registry's routes): throws the service's access-denied error. */
  authorize(
    principal: Principal,
    scope: AwsScope,
    requests: readonly AuthorizationRequest[],
    about: {
      readonly service: string;
      readonly operation: string;
      readonly requestId: string;
      /** As in {@link Call}. */
      readonly context?: RequestContext;
    },
  ): void;
  /** Decides without doing and without a record: what a call of the principal would be told. */
  evaluate(principal: Principal, scope: AwsScope, request: AuthorizationRequest, service: string): Decision;
  /** Calls that policies decided, oldest first: denied ones, and all of everybody but root. */
  decisions(filter: DecisionFilter): DecisionRecord[];
  /** Writes what the request log still holds; call before the store closes. */
  flush(): Promise<void>;
  /** Drops what the request log still holds: the state is another one now. */
  forget(): Promise<void>;
}

export interface DispatcherDependencies {
  readonly services: readonly ServiceDefinition[];
  readonly identity: Pick<Identity, "policiesOf" | "tagsOf">;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Told of each call of a temporary session that succeeded, not of those that a service makes for it. Must not throw. */
  onAnswer?(call: Call, output: object): void;
  /** A call was refused because Kiln itself cannot work: its disk is full, its folder gone. */
  onTrouble?(trouble: KilnError): void;
  readonly faults?: FaultSlot;
}

/** What an operation gets. The caller of other services is made only when one is called. */
class CallContext implements OperationContext {
  readonly scope: AwsScope;
  readonly principal: Principal;
  readonly requestId: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly #call: Call;
  readonly #callerFor: Dispatcher["callerFor"];
  readonly refusalOf: OperationContext["refusalOf"];
  readonly mayDo: OperationContext["mayDo"];

  constructor(
    { store, clock, ids }: DispatcherDependencies,
    call: Call,
    requestId: string,
    callerFor: Dispatcher["callerFor"],
    decisions: Pick<OperationContext, "refusalOf" | "mayDo">,
  ) {
    this.scope = call.scope;
    this.principal = call.principal;
    this.requestId = requestId;
    this.store = store;
    this.clock = clock;
    this.ids = ids;
    this.#call = call;
    this.#callerFor = callerFor;
    this.refusalOf = decisions.refusalOf;
    this.mayDo = decisions.mayDo;
  }

  get aws(): AwsCaller {
    const { principal, scope, service, via = [] } = this.#call;
    return this.#callerFor(principal, scope, [...via, `${service}.amazonaws.com`]);
  }

  asService(serviceName: string, sourceArn: string): AwsCaller {
    const { scope } = this.#call;
    return this.#callerFor(servicePrincipal(serviceName, sourceArn, scope), scope);
  }
}

/** A call on its way, with what it was allowed. */
interface Progress {
  readonly call: Call;
  readonly requestId: string;
  decisions: readonly Decision[];
}

export function createDispatcher(dependencies: DispatcherDependencies): Dispatcher {
  const { identity, store, clock, ids, faults = NO_FAULTS } = dependencies;
  const services = new Map(dependencies.services.map((service) => [service.name, service]));
  const find = createFindOperation(services);
  const log = createRequestLog({ store, clock });
  const lastUses = createLastUses({ store, clock });

  /** Every request must be allowed; `denied` is the first that is not. */
  function decide(call: Omit<Call, "input">, requests: readonly AuthorizationRequest[]): Verdict {
    if (requests.length === 0) return NOTHING_ASKED;
    const { principal, scope, service, via = NO_CHAIN } = call;
    const nowMs = clock.nowMs();
    const principalTags = identity.tagsOf(principal);
    const global = globalContext({ principal, principalTags, scope, service, via, nowMs, request: call.context });
    const policies = identity.policiesOf(principal);
    const decisions: Decision[] = [];
    for (const request of requests) {
      const account = resourceAccount(request, scope);
      const context = account === undefined ? global : { ...global, "aws:ResourceAccount": account };
      const decision = evaluate({ principal, policies, request, context });
      decisions.push(decision);
      if (decision.effect !== "allowed") return { decisions, denied: decision };
    }
    return { decisions, denied: undefined };
  }

  /** Gives a promise only where the operation does, and for a service's first call: most reads answer at once. */
  function run(call: Call, progress: Progress): object | Promise<object> {
    const target = find(call.service, call.operation);
    return target instanceof Promise ? target.then((found) => runFound(progress, found)) : runFound(progress, target);
  }

  function runFound(progress: Progress, target: Target): object | Promise<object> {
    const { call } = progress;
    const { service, operation, input } = call;
    target.shape ??= loadModel(service).operation(operation)?.input ?? null;
    if (target.shape) validateInput(service, operation, target.shape, input);
    const context = new CallContext(dependencies, call, progress.requestId, callerFor, {
      refusalOf: (asked) => refusalOf(progress, asked),
      mayDo: (asked) => decide(call, asked).denied === undefined,
    });
    const requests = target.definition.authorize(input as never, context);
    if (requests instanceof Promise) return requests.then((known) => runAllowed(progress, target, context, known));
    return runAllowed(progress, target, context, requests);
  }

  function runAllowed(
    progress: Progress,
    { definition }: Target,
    context: OperationContext,
    requests: readonly AuthorizationRequest[],
  ): object | Promise<object> {
    const { call } = progress;
    const verdict = decide(call, requests);
    progress.decisions = verdict.decisions;
    if (verdict.denied) throw denialIn(call.service, verdict.denied);
    return definition.run(call.input as never, context);
  }

  /** A batch goes on after a denial, so it is put on record here: the call itself may succeed. */
  function refusalOf(progress: Progress, requests: readonly AuthorizationRequest[]): AwsError | undefined {
    const { call, requestId } = progress;
    const { decisions, denied } = decide(call, requests);
    if (!denied) {
      progress.decisions = [...progress.decisions, ...decisions];
      return undefined;
    }
    const error = denialIn(call.service, denied);
    log.recordSoon(recordOf({ call, requestId, decisions }, error.code));
    return error;
  }

  async function invoke(call: Call): Promise<object> {
    const progress: Progress = { call, requestId: call.requestId ?? ids.uuid(), decisions: [] };
    noteUse(call);
    try {
      // AWS: a service that throttles does so before it looks at what is asked.
      if (faults.inject !== undefined && isFromOutside(call)) await faults.inject(call);
      const running = run(call, progress);
      const output = running instanceof Promise ? await running : running;
      if (isKept(call)) log.recordSoon(recordOf(progress, undefined));
      if (isSession(call.principal) && !call.via?.length) dependencies.onAnswer?.(call, output);
      return output;
    } catch (thrown) {
      if (thrown instanceof KilnError) dependencies.onTrouble?.(thrown);
      const error = awsErrorFrom(thrown, call);
      error.requestId ??= progress.requestId;
      if (call.injectedFault !== undefined) error.injectedFault = call.injectedFault;
      if (isDenial(progress)) await log.recordNow(recordOf(progress, error.code));
      else if (isKept(call)) log.recordSoon(recordOf(progress, error.code));
      throw error;
    }
  }

  /** A call that a service makes for the principal is no use of its own. */
  function noteUse({ principal, accessKeyId, service, scope, via = NO_CHAIN, isLenient }: Call): void {
    if (via.length > 0 || isLenient === true) return;
    // AWS: IAM is in us-east-1, wherever it is called from.
    lastUses.note({ principal, accessKeyId, service, region: service === "iam" ? "us-east-1" : scope.region });
  }

  function recordOf(progress: Progress, errorCode: string | undefined): DecisionRecord {
    const { call, requestId, decisions } = progress;
    const about = { service: call.service, operation: call.operation, requestId };
    const calledVia = call.via?.at(-1);
    const record = decisionRecord(call.principal, about, decisions, { atMs: clock.nowMs(), errorCode, calledVia });
    return call.isLenient === true || call.injectedFault !== undefined ? { ...record, ...controlledBy(call) } : record;
  }

  function callerFor(principal: Principal, scope: AwsScope, via: readonly string[] = []): AwsCaller {
    return {
      call: <O>(service: ServiceName, operation: string, input: object) =>
        invoke({ service, operation, input, principal, scope, via }) as Promise<O>,
    };
  }

  return {
    services,
    invoke,
    callerFor,
    authorize(principal, scope, requests, about) {
      const service = about.service as ServiceName;
      lastUses.note({ principal, service, region: scope.region });
      const { operation, context } = about;
      const verdict = decide({ service, operation, principal, scope, ...(context && { context }) }, requests);
      const { denied } = verdict;
      if (!denied && !isDecided(principal)) return;
      const error = denied && denialIn(about.service, denied);
      const facts = { atMs: clock.nowMs(), errorCode: error?.code };
      log.recordSoon(decisionRecord(principal, about, verdict.decisions, facts));
      if (!error) return;
      error.requestId = about.requestId;
      void log.flush();
      throw error;
    },
    evaluate(principal, scope, request, service) {
      const { decisions } = decide({ service: service as ServiceName, operation: "", principal, scope }, [request]);
      return decisions[0] as Decision;
    },
    decisions: (filter) => log.find(filter),
    flush: async () => {
      await lastUses.flush();
      await log.flush();
    },
    forget: async () => {
      await lastUses.forget();
      await log.forget();
    },
  };
}

const NO_CHAIN: readonly string[] = [];
const NO_FAULTS: FaultSlot = { inject: undefined };
const NOTHING_ASKED: Verdict = { decisions: [], denied: undefined };

interface Verdict {
  readonly decisions: readonly Decision[];
  readonly denied: Decision | undefined;
}

/** Policies say what it may do; root may do everything. */
const isDecided = ({ type }: Principal): boolean => type !== "Root";

/** Root's calls are on record only where the control API had a hand in them. */
const isKept = ({ principal, isLenient, injectedFault }: Call): boolean =>
  isDecided(principal) || isLenient === true || injectedFault !== undefined;

const controlledBy = ({ isLenient, accessKeyId, injectedFault }: Call): Partial<DecisionRecord> => ({
  ...(isLenient === true && accessKeyId !== undefined && { lenientKey: accessKeyId }),
  ...(injectedFault !== undefined && { injectedFault }),
});

/** Calls over HTTP and those of role sessions; not what services, and Kiln as root, call by themselves. */
const isFromOutside = ({ principal: { type }, accessKeyId, via = NO_CHAIN }: Call): boolean =>
  via.length === 0 && type !== "AWSService" && (type !== "Root" || accessKeyId !== undefined);

const isSession = ({ type }: Principal): boolean => type === "AssumedRole" || type === "FederatedUser";

const isDenial = (progress: Progress): boolean => progress.decisions.some((decision) => decision.effect !== "allowed");

function decisionRecord(
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

/** What an operation threw, as an answer of AWS. Bugs become `InternalFailure`; their stack is for `KILN_DEBUG`. */
function awsErrorFrom(thrown: unknown, call: Call): AwsError {
  if (thrown instanceof AwsError) return thrown;
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  debug("endpoint", () => `${call.service}:${call.operation} failed: ${stack}`);
  if (thrown instanceof KilnError) return Object.assign(stateUnavailable(thrown.message), { cause: thrown });
  return Object.assign(internalFailure(), { cause: thrown });
}
