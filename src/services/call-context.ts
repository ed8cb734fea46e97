/** What an operation gets (`OperationContext` in service.ts), of one call. Made by the dispatcher, for every call. */
import type { AwsScope } from "../core/arn.ts";
import type { AwsCaller, Principal } from "../core/aws.ts";
import type { Clock } from "../core/clock.ts";
import type { Ids } from "../core/ids.ts";
import { servicePrincipal } from "../identity/index.ts";
import type { Store } from "../store/store.ts";
import type { Call } from "./call.ts";
import type { OperationContext } from "./service.ts";

/** Calls as `principal`; with `via`, as a service on the principal's behalf. */
export type CallerFor = (principal: Principal, scope: AwsScope, via?: readonly string[]) => AwsCaller;

/** The caller of other services is made only when one is called. */
export class CallContext implements OperationContext {
  readonly scope: AwsScope;
  readonly principal: Principal;
  readonly requestId: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly #call: Call;
  readonly #callerFor: CallerFor;
  readonly refusalOf: OperationContext["refusalOf"];
  readonly mayDo: OperationContext["mayDo"];

  constructor(
    { store, clock, ids }: Pick<OperationContext, "store" | "clock" | "ids">,
    call: Call,
    requestId: string,
    callerFor: CallerFor,
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
