/**
 * Services on a memory store behind the real dispatcher, without HTTP: for tests of what operations answer. Principals get
 * exactly the policies the test gives them; root may do everything that policies of resources allow. Ids are counted, so
 * that answers can be told to the letter; roles and users exist only as callers.
 * Where IAM entities, tags, boundaries, trust or other accounts matter: identity-fixture.ts. For what operations ask
 * permission for: test/authorization/stage.ts.
 */
import type { NamedPolicy } from "../../src/authorize/decision.ts";
import type { AwsCaller, PolicyDocument, Principal } from "../../src/core/aws.ts";
import { TestClock } from "../../src/core/clock.ts";
import { AwsError } from "../../src/core/errors.ts";
import { TestIds } from "../../src/core/ids.ts";
import { roleSession, rootPrincipal } from "../../src/identity/index.ts";
import { createDispatcher } from "../../src/services/dispatcher.ts";
import type { ServiceDefinition } from "../../src/services/service.ts";
import { openStore, type Store } from "../../src/store/index.ts";

const ACCOUNT = "000000000000";
const scope = { partition: "aws", region: "us-east-1", accountId: ACCOUNT };

export interface ServicesFixture {
  readonly store: Store;
  readonly clock: TestClock;
  /** The account's root. */
  readonly root: AwsCaller;
  /** The account's root in another Region. */
  rootIn(region: string): AwsCaller;
  /** A session of a role with one inline policy; no policy when left out. */
  role(name: string, statements?: readonly object[]): AwsCaller;
  close(): Promise<void>;
}

export async function openServices(services: readonly ServiceDefinition[]): Promise<ServicesFixture> {
  const clock = new TestClock();
  const ids = new TestIds();
  const store = await openStore({ ids });
  const policies = new Map<string, readonly NamedPolicy[]>();
  const identity = {
    policiesOf: (principal: Principal) => ({ identity: policies.get(principal.arn) ?? [] }),
    tagsOf: () => ({}),
  };
  const dispatcher = createDispatcher({ services, identity, store, clock, ids });
  return {
    store,
    clock,
    root: dispatcher.callerFor(rootPrincipal(scope), scope),
    rootIn: (region) => dispatcher.callerFor(rootPrincipal(scope), { ...scope, region }),
    role(name, statements) {
      const role = { arn: `arn:aws:iam::${ACCOUNT}:role/${name}`, name, id: "AROAAAAAAAAAAAAAAAAAA" };
      const principal = roleSession(role, "session", clock.nowMs());
      const document: PolicyDocument = { Version: "2012-10-17", Statement: statements ?? [] };
      if (statements) policies.set(principal.arn, [{ name: `inline policy test of role ${name}`, document }]);
      return dispatcher.callerFor(principal, scope);
    },
    async close() {
      await dispatcher.flush();
      await store.close();
    },
  };
}

/** The error of a call that must fail, as `Code: message`. */
export async function failureOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
  } catch (error) {
    if (error instanceof AwsError) return error.message === "" ? error.code : `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("the call succeeded");
}
