/**
 * Services behind the real dispatcher, called by principals with exactly the policies of the call, with a record of what
 * operations asked permission for. The stage of the tests of this folder, which go through every operation of a service:
 * entities are real (IAM and STS may be among the services), the caller's policies are those of each single call. Tests of
 * one behaviour use test/support/services-fixture.ts or identity-fixture.ts.
 */
import type { AuthorizationRequest, NamedPolicy } from "../../src/authorize/decision.ts";
import type { AwsScope } from "../../src/core/arn.ts";
import type { Principal, ServiceName } from "../../src/core/aws.ts";
import { TestClock } from "../../src/core/clock.ts";
import { AwsError } from "../../src/core/errors.ts";
import { type Ids, systemIds } from "../../src/core/ids.ts";
import { createIdentity, roleSession, rootPrincipal } from "../../src/identity/index.ts";
import { createDispatcher, type Dispatcher } from "../../src/services/dispatcher.ts";
import type { AnyOperation, OperationContext, ServiceDefinition } from "../../src/services/service.ts";
import { openStore, type Store } from "../../src/store/index.ts";

export const ACCOUNT = "111122223333";
export const SCOPE: AwsScope = { partition: "aws", region: "us-east-1", accountId: ACCOUNT };

/** What services are made of. The dispatcher exists only after they do. */
export interface Outside {
  readonly store: Store;
  readonly clock: TestClock;
  readonly ids: Ids;
  readonly dispatcher: () => Dispatcher;
}

interface Recorded {
  readonly service: ServiceName;
  readonly operation: string;
  readonly requests: readonly AuthorizationRequest[];
}

/** The services of a stage. */
export type MakeServices = (outside: Outside) => readonly ServiceDefinition[];

export interface Stage {
  readonly recorded: Recorded[];
  call(
    as: "role" | "user" | "root",
    statements: readonly object[],
    service: ServiceName,
    operation: string,
    input: object,
  ): Promise<object>;
  /** The same as somebody else, in that principal's account. */
  callAs(
    principal: Principal,
    statements: readonly object[],
    service: ServiceName,
    operation: string,
    input: object,
  ): Promise<object>;
  /** Names of the operations of a service that was called. */
  operationsOf(service: ServiceName): readonly string[];
  close(): Promise<void>;
}

export async function openStage({ services }: { readonly services: MakeServices }): Promise<Stage> {
  const clock = new TestClock();
  const ids = systemIds;
  const store = await openStore({ ids });
  const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
  const own = createIdentity({ store, clock, ids, scope: SCOPE, rootKey });
  const policies = new WeakMap<Principal, readonly NamedPolicy[]>();
  const identity = {
    policiesOf: (principal: Principal) => {
      const identityPolicies = policies.get(principal);
      return identityPolicies ? { identity: identityPolicies } : own.policiesOf(principal);
    },
    tagsOf: (principal: Principal) => own.tagsOf(principal),
  };
  const recorded: Recorded[] = [];
  const operations = new Map<ServiceName, readonly string[]>();
  const outside: Outside = { store, clock, ids, dispatcher: () => dispatcher };
  const dispatcher: Dispatcher = createDispatcher({
    services: services(outside).map((service) => recording(service, recorded, operations)),
    identity,
    store,
    clock,
    ids,
  });
  const callAs: Stage["callAs"] = (principal, statements, service, operation, input) => {
    if (principal.type !== "Root") {
      const document = { Version: "2012-10-17", Statement: statements };
      policies.set(principal, [{ name: "what the call asked for", document }]);
    }
    const scope = { ...SCOPE, accountId: principal.accountId };
    return dispatcher.callerFor(principal, scope).call<object>(service, operation, input);
  };
  return {
    recorded,
    call: (as, statements, ...what) => callAs(principalOf(as, clock), statements, ...what),
    callAs,
    operationsOf: (service) => operations.get(service) ?? [],
    async close() {
      await dispatcher.flush();
      await store.close();
    },
  };
}

/** A principal of its own for each call, so that policies are compiled anew. */
function principalOf(as: "role" | "user" | "root", clock: TestClock): Principal {
  if (as === "root") return { ...rootPrincipal(SCOPE) };
  if (as === "user") {
    const arn = `arn:aws:iam::${ACCOUNT}:user/caller`;
    return { type: "User", arn, accountId: ACCOUNT, userId: "AIDAAAAAAAAAAAAAAAAAA", userName: "caller" };
  }
  const role = { arn: `arn:aws:iam::${ACCOUNT}:role/caller`, name: "caller", id: "AROAAAAAAAAAAAAAAAAAA" };
  return roleSession(role, "session", clock.nowMs());
}

/** The service with every request of its operations kept in `recorded`. */
function recording(
  service: ServiceDefinition,
  recorded: Recorded[],
  operations: Map<ServiceName, readonly string[]>,
): ServiceDefinition {
  const keep = (operation: string, requests: readonly AuthorizationRequest[]) => {
    recorded.push({ service: service.name, operation, requests });
    return requests;
  };
  const withRecord = (definition: AnyOperation): AnyOperation => ({
    ...definition,
    async authorize(input, context) {
      return keep(definition.name, await definition.authorize(input, context));
    },
    run: (input, context) =>
      definition.run(
        input,
        watched(context, (requests) => keep(definition.name, requests)),
      ) as object,
  });
  return {
    ...service,
    async operations() {
      const all = await service.operations();
      operations.set(
        service.name,
        all.map((definition) => definition.name),
      );
      return all.map(withRecord);
    },
  };
}

/** The context with what a batch asks for item by item made known. */
function watched(
  context: OperationContext,
  keep: (requests: readonly AuthorizationRequest[]) => void,
): OperationContext {
  const { scope, principal, requestId, store, clock, ids } = context;
  return {
    ...{ scope, principal, requestId, store, clock, ids },
    get aws() {
      return context.aws;
    },
    refusalOf(requests) {
      keep(requests);
      return context.refusalOf(requests);
    },
    mayDo: (requests) => context.mayDo(requests),
    asService: (...who) => context.asService(...who),
  };
}

/** Code of the error that a call ends in. */
export async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "no error";
  } catch (error) {
    if (error instanceof AwsError) return error.code;
    throw error;
  }
}

/** Parts of answers by name: texts and bytes. */
export type Kept = Record<string, unknown>;

export function keepFrom(answer: object, keep: Readonly<Record<string, string>> = {}, kept: Kept): void {
  for (const [name, path] of Object.entries(keep)) kept[name] = valueAt(answer, path);
}

/** `value` with `{name}` in every text replaced; a text that is nothing else becomes what was kept, bytes included. */
export function filled<T>(value: T, kept: Readonly<Kept>): T {
  if (typeof value === "string") {
    const whole = /^\{(\w+)\}$/.exec(value)?.[1];
    if (whole !== undefined && whole in kept) return kept[whole] as T;
    return value.replace(/\{(\w+)\}/g, (text, name) => (name in kept ? String(kept[name]) : text)) as T;
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, kept)) as T;
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, kept)])) as T;
}

function valueAt(answer: unknown, path: string): unknown {
  let value: unknown = answer;
  for (const name of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[name];
  if (value === undefined) throw new Error(`the answer has no ${path}: ${JSON.stringify(answer)}`);
  return value;
}
