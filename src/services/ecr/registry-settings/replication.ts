/** DescribeRegistry and PutReplicationConfiguration. What is pushed afterwards goes to the destinations. */
import type { ReplicationRuleRecord } from "../../../registry/index.ts";
import { operation } from "../../service.ts";
import { invalidParameter, reference, validationException } from "../errors.ts";
import { changeRegistry, ensureLinkedRole, findRegistry, onRegistry } from "../find-registry.ts";
import type { EcrDeps } from "../find-repository.ts";
import type {
  DescribeRegistryRequest,
  DescribeRegistryResponse,
  PutReplicationConfigurationRequest,
  PutReplicationConfigurationResponse,
  ReplicationConfiguration,
  ReplicationRule,
} from "../shapes.gen.ts";

const MAX_DESTINATIONS = 25;

export const describeRegistry = (deps: EcrDeps) =>
  operation<DescribeRegistryRequest, DescribeRegistryResponse>({
    name: "DescribeRegistry",
    support: "supported",
    source: reference("DescribeRegistry"),
    authorize: onRegistry("DescribeRegistry"),
    errors: [invalidParameter],
    run: (_input, context) => ({
      registryId: context.scope.accountId,
      replicationConfiguration: configurationOf(findRegistry(deps, context).replication ?? []),
    }),
  });

export const putReplicationConfiguration = (deps: EcrDeps) =>
  operation<PutReplicationConfigurationRequest, PutReplicationConfigurationResponse>({
    name: "PutReplicationConfiguration",
    support: "supported",
    source: reference("PutReplicationConfiguration"),
    authorize: onRegistry("PutReplicationConfiguration"),
    errors: [invalidParameter, validationException],
    async run({ replicationConfiguration: { rules } }, context) {
      const { accountId, region } = context.scope;
      const destinations = rules.flatMap((rule) => rule.destinations);
      if (new Set(destinations.map((one) => `${one.registryId} ${one.region}`)).size > MAX_DESTINATIONS) {
        throw validationException(`Invalid request: at most ${MAX_DESTINATIONS} unique destinations are allowed`);
      }
      if (destinations.some((one) => one.registryId === accountId && one.region === region)) {
        throw invalidParameter(
          "ReplicationConfiguration",
          "Replication destination cannot be the same as the source registry",
        );
      }
      if (rules.length > 0) await ensureLinkedRole(context, context.scope, "replication");
      await changeRegistry(deps, context, (record) => ({ ...record, replication: rules.map(recordOf) }));
      return { replicationConfiguration: { rules } };
    },
  });

const recordOf = ({ destinations, repositoryFilters = [] }: ReplicationRule): ReplicationRuleRecord => ({
  destinations,
  prefixes: repositoryFilters.map(({ filter }) => filter),
});

const configurationOf = (rules: readonly ReplicationRuleRecord[]): ReplicationConfiguration => ({
  rules: rules.map(({ destinations, prefixes }) => ({
    destinations,
    ...(prefixes.length > 0 && {
      repositoryFilters: prefixes.map((filter) => ({ filter, filterType: "PREFIX_MATCH" as const })),
    }),
  })),
});
