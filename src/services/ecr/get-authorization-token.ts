/** GetAuthorizationToken: user `AWS` and a password for the registry, good for 12 hours. */

import { ecrHost } from "../../registry/index.ts";
import { operation } from "../service.ts";
import { reference } from "./errors.ts";
import { type EcrDeps, registryScope } from "./find-repository.ts";
import type { GetAuthorizationTokenRequest, GetAuthorizationTokenResponse } from "./shapes.gen.ts";

export const getAuthorizationToken = ({ registry }: EcrDeps) =>
  operation<GetAuthorizationTokenRequest, GetAuthorizationTokenResponse>({
    name: "GetAuthorizationToken",
    support: "supported",
    source: reference("GetAuthorizationToken"),
    authorize: () => [{ action: "ecr:GetAuthorizationToken", resource: "*" }],
    errors: [],
    run(input, context) {
      const registryIds = input.registryIds?.length ? input.registryIds : [context.scope.accountId];
      return {
        authorizationData: registryIds.map((registryId) => {
          const scope = registryScope({ registryId }, context);
          const { password, expiresAtMs } = registry.issueEcrToken(context.principal, scope);
          return {
            authorizationToken: Buffer.from(`AWS:${password}`).toString("base64"),
            expiresAt: expiresAtMs,
            proxyEndpoint: `https://${ecrHost(scope)}`,
          };
        }),
      };
    },
  });
