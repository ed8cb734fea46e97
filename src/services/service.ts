/**
 * How a service is described: a table of operations, each with its facts (source, permissions, errors) and behaviour in
 * one place. Read by the dispatcher (validate → authorize → run), by coverage tables and by docs.
 */
import type { AuthorizationRequest } from "../authorize/decision.ts";
import type { AwsScope } from "../core/arn.ts";
import type { AwsCaller, Principal, ServiceName } from "../core/aws.ts";
import type { Clock } from "../core/clock.ts";
import type { AwsError, AwsErrorType } from "../core/errors.ts";
import type { Ids } from "../core/ids.ts";
import type { Store } from "../store/store.ts";

/** What an operation may use. One per call. */
export interface OperationContext {
  readonly scope: AwsScope;
  readonly principal: Principal;
  readonly requestId: string;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  /** Calls other services as the same principal, through this service (`aws:CalledVia`, `kms:ViaService`). */
  readonly aws: AwsCaller;
  /** Calls as the service itself, e.g. `logs.eu-west-1.amazonaws.com`, for the resource `sourceArn` (`aws:SourceArn`). */
  asService(serviceName: string, sourceArn: string): AwsCaller;
  /**
   * Decides what depends on the items of a batch, where AWS refuses item by item: the denial of the first request that is
   * not allowed, undefined when all are. Recorded like what `authorize` asks for.
   */
  refusalOf(requests: readonly AuthorizationRequest[]): AwsError | undefined;
  /** Whether the caller would be allowed all of this, without a record: for AWS's checks that nobody locks himself out. */
  mayDo(requests: readonly AuthorizationRequest[]): boolean;
}

export interface OperationFacts<I> {
  /** AWS's name, e.g. `GetParameters`. */
  readonly name: string;
  readonly support: "supported" | "partial";
  /** What a `partial` operation leaves out, one line each. */
  readonly gaps?: readonly string[];
  /** Documentation URL. */
  readonly source: string;
  /** What must be allowed before `run`; empty only where AWS needs no permission. */
  readonly authorize: (
    input: I,
    context: OperationContext,
  ) => readonly AuthorizationRequest[] | Promise<readonly AuthorizationRequest[]>;
  /** Every error `run` and `authorize` may throw, besides the common ones. */
  // biome-ignore lint/suspicious/noExplicitAny: an error constructor's arguments are its own business
  readonly errors: readonly AwsErrorType<any>[];
}

export interface OperationDefinition<I = never, O = object> extends OperationFacts<I> {
  readonly run: (input: I, context: OperationContext) => Promise<O> | O;
}

/** Declares an operation. Input is already validated against the model table (types, required, ranges, enums). */
export function operation<I, O extends object>(definition: OperationDefinition<I, O>): OperationDefinition<I, O> {
  return definition;
}

/** An operation of any input. */
// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export type AnyOperation = OperationDefinition<any, object>;

/** A service's operations, in the order of its documents. */
export type Operations = readonly AnyOperation[];

export type Protocol = "awsJson1_1" | "awsQuery" | "restXml";

export interface ServiceDefinition {
  /** AWS's endpoint prefix; also the folder, the model table and the SigV4 service name. */
  readonly name: ServiceName;
  /** For people, e.g. "Systems Manager Parameter Store". */
  readonly title: string;
  readonly protocol: Protocol;
  /** awsJson: text before the dot of `X-Amz-Target`, e.g. `AmazonSSM`. */
  readonly targetPrefix?: string;
  /**
   * The service's code, imported when the service is first called: a start loads none. Everything else here is facts.
   * Condition keys that a service adds are added by the operation's `authorize`.
   */
  readonly operations: () => Promise<Operations>;
}
