/**
 * IAM and STS, and `more`, on a memory store behind the real dispatcher and the real identity, without HTTP: callers are
 * users and roles made by IAM's operations, in any account. For tests of IAM and STS, and of who may do what by which
 * entity. Where a caller only needs some statements services-fixture.ts is shorter; for what operations ask permission for
 * there is test/authorization/stage.ts.
 */
import type { AwsCaller, Principal } from "../../src/core/aws.ts";
import { TestClock } from "../../src/core/clock.ts";
import { systemIds } from "../../src/core/ids.ts";
import { createIdentity, type Identity } from "../../src/identity/index.ts";
import { createDispatcher, type Dispatcher } from "../../src/services/dispatcher.ts";
import { iam } from "../../src/services/iam/index.ts";
import type { ServiceDefinition } from "../../src/services/service.ts";
import { sts } from "../../src/services/sts/index.ts";
import { openStore, type Store } from "../../src/store/index.ts";
import { documentText } from "./policy-documents.ts";

export const accountId = "111122223333";
export const scope = { partition: "aws", region: "us-east-1", accountId };

// biome-ignore lint/suspicious/noExplicitAny: tests read members of answers of many shapes
export type Answer = Record<string, any>;

export interface IdentityFixture {
  readonly store: Store;
  readonly clock: TestClock;
  readonly identity: Identity;
  readonly dispatcher: Dispatcher;
  /** An IAM operation as root. */
  iam(operation: string, input?: object): Promise<Answer>;
  /** A caller with the principal of an access key. */
  as(accessKeyId: string): AwsCaller;
  callerFor(principal: Principal): AwsCaller;
  /** A user with a key and one inline policy. */
  user(name: string, statements?: readonly object[]): Promise<AwsCaller>;
  close(): Promise<void>;
}

export async function openIdentity(...more: readonly ServiceDefinition[]): Promise<IdentityFixture> {
  const clock = new TestClock();
  const store = await openStore({ ids: systemIds });
  const rootKey = { accessKeyId: "test", secretAccessKey: "test" };
  const identity = createIdentity({ store, clock, ids: systemIds, scope, rootKey });
  const dispatcher = createDispatcher({ services: [iam, sts, ...more], identity, store, clock, ids: systemIds });
  const callerFor = (principal: Principal) =>
    dispatcher.callerFor(principal, { ...scope, accountId: principal.accountId });
  const as = (accessKeyId: string) => {
    const key = identity.findAccessKey(accessKeyId);
    if (!key) throw new Error(`no access key ${accessKeyId}`);
    return callerFor(key.principal);
  };
  const fixture: IdentityFixture = {
    store,
    clock,
    identity,
    dispatcher,
    iam: (operation, input = {}) => as("test").call<Answer>("iam", operation, input),
    as,
    callerFor,
    async user(name, statements) {
      await fixture.iam("CreateUser", { UserName: name });
      if (statements) {
        const PolicyDocument = documentText(...statements);
        await fixture.iam("PutUserPolicy", { UserName: name, PolicyName: "test", PolicyDocument });
      }
      const { AccessKey } = await fixture.iam("CreateAccessKey", { UserName: name });
      return as(AccessKey.AccessKeyId);
    },
    async close() {
      await dispatcher.flush();
      await store.close();
    },
  };
  return fixture;
}
