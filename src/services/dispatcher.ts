/**
 * The one way into an operation, for HTTP requests, for services calling each other and for builds:
 * (injected fault →) find → validate → authorize → run → record. Sits between endpoint/ (or an AwsCaller) and the services' tables.
 * Order of checks: unknown operation, then validation, then permission, then behaviour, as the JSON services do
 * (https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html names the codes; the order is recorded).
 */
import type { AuthorizationRequest, Decision, DecisionRecord, RequestContext } from "../authorize/decision.ts";
import { evaluate } from "../authorize/index.ts";
import type { AwsScope } from "../core/arn.ts";
import type { AwsCaller, Principal, ServiceName } from "../core/aws.ts";
import type { Clock } from "../core/clock.ts";
import { AwsError, KilnError } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import { debug } from "../core/log.ts";
import { createLastUses, type Identity } from "../identity/index.ts";
import type { Store } from "../store/store.ts";
import {
  type Call,
  callRecord,
  decisionRecord,
  isDecided,
  isFromOutside,
  isKept,
  isSession,
  NO_CHAIN,
} from "./call.ts";
import { CallContext, type CallerFor } from "./call-context.ts";
import { denialIn, internalFailure, stateUnavailable } from "./common-errors.ts";
import { globalContext, resourceAccount } from "./context-keys.ts";
import { loadModel } from "./model.ts";
import { createFindOperation, type Target } from "./operation-tables.ts";
import type { DecisionFilter } from "./request-filter.ts";
import { createRequestLog } from "./request-log.ts";
import type { OperationContext, ServiceDefinition } from "./service.ts";
import { validateInput } from "./validate.ts";

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
  readonly callerFor: CallerFor;
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
    return callRecord(progress.call, progress.requestId, progress.decisions, { atMs: clock.nowMs(), errorCode });
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

const NO_FAULTS: FaultSlot = { inject: undefined };
const NOTHING_ASKED: Verdict = { decisions: [], denied: undefined };

interface Verdict {
  readonly decisions: readonly Decision[];
  readonly denied: Decision | undefined;
}

const isDenial = (progress: Progress): boolean => progress.decisions.some((decision) => decision.effect !== "allowed");

/** What an operation threw, as an answer of AWS. Bugs become `InternalFailure`; their stack is for `KILN_DEBUG`. */
function awsErrorFrom(thrown: unknown, call: Call): AwsError {
  if (thrown instanceof AwsError) return thrown;
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  debug("endpoint", () => `${call.service}:${call.operation} failed: ${stack}`);
  if (thrown instanceof KilnError) return Object.assign(stateUnavailable(thrown.message), { cause: thrown });
  return Object.assign(internalFailure(), { cause: thrown });
}
