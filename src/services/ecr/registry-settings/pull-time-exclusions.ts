/** Register-, Deregister- and ListPullTimeUpdateExclusions: principals whose pulls do not count as the last one. */
import { registryKey } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import { exclusionAlreadyExists, exclusionNotFound, invalidParameter, limitExceeded, reference } from "../errors.ts";
import { onRegistry } from "../find-registry.ts";
import type { EcrDeps } from "../find-repository.ts";
import { pageOf } from "../pages.ts";
import type {
  DeregisterPullTimeUpdateExclusionRequest,
  DeregisterPullTimeUpdateExclusionResponse,
  ListPullTimeUpdateExclusionsRequest,
  ListPullTimeUpdateExclusionsResponse,
  RegisterPullTimeUpdateExclusionRequest,
  RegisterPullTimeUpdateExclusionResponse,
} from "../shapes.gen.ts";

const MAX_EXCLUSIONS = 100;

export const registerPullTimeUpdateExclusion = ({ registry }: EcrDeps) =>
  operation<RegisterPullTimeUpdateExclusionRequest, RegisterPullTimeUpdateExclusionResponse>({
    name: "RegisterPullTimeUpdateExclusion",
    support: "supported",
    source: reference("RegisterPullTimeUpdateExclusion"),
    authorize: onRegistry("RegisterPullTimeUpdateExclusion"),
    errors: [invalidParameter, exclusionAlreadyExists, limitExceeded],
    async run({ principalArn }, { scope, store, clock }) {
      const { pullTimeExclusions } = registry.records.ecr;
      const createdAtMs = clock.nowMs();
      await store.write(() => {
        if (pullTimeExclusions.has(registryKey(scope, principalArn))) throw exclusionAlreadyExists(principalArn);
        if (pullTimeExclusions.count(registryKey(scope)) >= MAX_EXCLUSIONS) {
          throw limitExceeded(`A registry has at most ${MAX_EXCLUSIONS} pull time update exclusions`);
        }
        pullTimeExclusions.put(registryKey(scope, principalArn), { createdAtMs });
      });
      return { principalArn, createdAt: createdAtMs };
    },
  });

export const deregisterPullTimeUpdateExclusion = ({ registry }: EcrDeps) =>
  operation<DeregisterPullTimeUpdateExclusionRequest, DeregisterPullTimeUpdateExclusionResponse>({
    name: "DeregisterPullTimeUpdateExclusion",
    support: "supported",
    source: reference("DeregisterPullTimeUpdateExclusion"),
    authorize: onRegistry("DeregisterPullTimeUpdateExclusion"),
    errors: [invalidParameter, exclusionNotFound],
    async run({ principalArn }, { scope, store }) {
      const { pullTimeExclusions } = registry.records.ecr;
      await store.write(() => {
        if (!pullTimeExclusions.has(registryKey(scope, principalArn))) throw exclusionNotFound(principalArn);
        pullTimeExclusions.delete(registryKey(scope, principalArn));
      });
      return { principalArn };
    },
  });

export const listPullTimeUpdateExclusions = ({ registry }: EcrDeps) =>
  operation<ListPullTimeUpdateExclusionsRequest, ListPullTimeUpdateExclusionsResponse>({
    name: "ListPullTimeUpdateExclusions",
    support: "supported",
    source: reference("ListPullTimeUpdateExclusions"),
    authorize: onRegistry("ListPullTimeUpdateExclusions"),
    errors: [invalidParameter],
    run(input, { scope }) {
      const entries = registry.records.ecr.pullTimeExclusions.list(registryKey(scope));
      const page = pageOf(
        entries.map(({ key }) => key.at(-1) ?? ""),
        input,
        (arn) => arn,
      );
      return {
        pullTimeUpdateExclusions: page.items,
        ...(page.nextToken !== undefined && { nextToken: page.nextToken }),
      };
    },
  });
