/** For tests of services/ecr: the operations over a registry in memory, called as root and as the user `deployer`. */
import { systemIds } from "../../src/core/ids.ts";
import { rootPrincipal } from "../../src/identity/index.ts";
import { ecrService } from "../../src/services/ecr/index.ts";
import { createDispatcher } from "../../src/services/index.ts";
import { DEPLOYER, type RegistryFixture, SCOPE, startRegistry } from "./registry-fixture.ts";

export interface EcrFixture {
  readonly at: RegistryFixture;
  // biome-ignore lint/suspicious/noExplicitAny: each operation answers its own shape
  call(operation: string, input?: object): Promise<any>;
  // biome-ignore lint/suspicious/noExplicitAny: each operation answers its own shape
  callAsDeployer(operation: string, input?: object): Promise<any>;
  /** Code and message that the call as root ends in. */
  failure(operation: string, input: object): Promise<string>;
  /** What the deployer may do. */
  permit(...statements: object[]): void;
}

export async function startEcr(): Promise<EcrFixture> {
  const at = await startRegistry();
  const { registry, store, clock } = at;
  const identity = { policiesOf: () => ({ identity: at.policies }), tagsOf: () => ({}) };
  const services = [ecrService({ registry })];
  const dispatcher = createDispatcher({ services, identity, store, clock, ids: systemIds });
  const as =
    (principal: typeof DEPLOYER) =>
    (operation: string, input: object = {}) =>
      dispatcher.invoke({ service: "ecr", operation, input, principal, scope: SCOPE });
  const call = as(rootPrincipal(SCOPE));
  return {
    at,
    call,
    callAsDeployer: as(DEPLOYER),
    failure: (operation, input) =>
      call(operation, input).then(
        () => Promise.reject(new Error(`${operation} succeeded`)),
        ({ code, message }) => `${code}: ${message}`,
      ),
    permit(...Statement) {
      at.policies = [{ name: "inline policy p of user deployer", document: { Version: "2012-10-17", Statement } }];
    },
  };
}
