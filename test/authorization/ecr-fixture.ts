/** ECR over a registry without a listener, for the tests of what its operations ask permission for. */
import { createRegistry } from "../../src/registry/index.ts";
import { ecrService } from "../../src/services/ecr/index.ts";
import { type Outside, SCOPE } from "./stage.ts";

export function ecrOf({ store, clock, ids, dispatcher }: Outside) {
  const registry = createRegistry({
    ...{ store, clock, ids, scope: SCOPE },
    identity: { findAccessKey: () => undefined, isGone: () => false },
    authorize: (...question) => dispatcher().authorize(...question),
    endpointUrl: () => "http://127.0.0.1:1",
  });
  return ecrService({ registry });
}
