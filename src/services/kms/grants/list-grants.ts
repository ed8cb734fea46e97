/** ListGrants and ListRetirableGrants. */
import { arnIn, globalArnIn, parseArn } from "../../../core/arn.ts";
import { operation } from "../../service.ts";
import { invalidMarker, lookupErrors, unsupported, validationFailure } from "../errors.ts";
import { findKeyById, requireKey } from "../find-key.ts";
import { keyAccess } from "../key-access.ts";
import { pageOf } from "../pages.ts";
import type {
  GrantListEntry,
  ListGrantsRequest,
  ListGrantsResponse,
  ListRetirableGrantsRequest,
} from "../shapes.gen.ts";
import { requireGrantId } from "./end-grants.ts";
import { foreignPrincipal, invalidGrantId } from "./errors.ts";
import { directGrant, soughtGrantKey } from "./grant-access.ts";
import { allGrants, type GrantRecord, grantsOfKey } from "./grant-records.ts";

const SIZES = { usual: 50, most: 100 };

export const listGrants = operation<ListGrantsRequest, ListGrantsResponse>({
  name: "ListGrants",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ListGrants.html",
  authorize: async (input, context) => [
    keyAccess(context, "kms:ListGrants", await soughtGrantKey(context, input.KeyId), directGrant),
  ],
  errors: [...lookupErrors, invalidGrantId, invalidMarker, unsupported],
  async run(input, context) {
    // AWS: this filter is for services.
    if (input.GranteeServicePrincipal !== undefined) throw unsupported("the filter `GranteeServicePrincipal`");
    const { key } = await requireKey(context, input.KeyId);
    const { GrantId, GranteePrincipal } = input;
    if (GrantId !== undefined) requireGrantId(GrantId);
    const grants = grantsOfKey(context.store, key).filter(
      (grant) =>
        (GrantId === undefined || grant.id === GrantId) &&
        (GranteePrincipal === undefined || grant.granteePrincipal === GranteePrincipal),
    );
    return pageOfGrants(grants, input);
  },
});

export const listRetirableGrants = operation<ListRetirableGrantsRequest, ListGrantsResponse>({
  name: "ListRetirableGrants",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ListRetirableGrants.html",
  authorize: () => [{ action: "kms:ListRetirableGrants", resource: "*" }],
  errors: [validationFailure, foreignPrincipal, invalidMarker, unsupported],
  run(input, context) {
    const { RetiringPrincipal } = input;
    if (input.RetiringServicePrincipal !== undefined) throw unsupported("the filter `RetiringServicePrincipal`");
    if (RetiringPrincipal === undefined) {
      throw validationFailure(
        "1 validation error detected: Value null at 'retiringPrincipal' failed to satisfy constraint: Member must not be null",
      );
    }
    const { accountId, region } = context.scope;
    if (parseArn(RetiringPrincipal)?.accountId !== accountId) throw foreignPrincipal(RetiringPrincipal);
    // AWS: the grants may be on keys of other accounts; of other regions they are not listed.
    const grants = allGrants(context.store).filter(
      (grant) =>
        grant.region === region &&
        grant.retiringPrincipal === RetiringPrincipal &&
        findKeyById(context, grant, grant.keyId) !== undefined,
    );
    grants.sort((a, b) => (a.id < b.id ? -1 : 1));
    return pageOfGrants(grants, input);
  },
});

function pageOfGrants(
  grants: readonly GrantRecord[],
  request: Pick<ListGrantsRequest, "Limit" | "Marker">,
): ListGrantsResponse {
  const page = pageOf(grants, (grant) => grant.id, request, SIZES);
  return { ...page.tokens, Grants: page.items.map(entryOf) };
}

function entryOf(grant: GrantRecord): GrantListEntry {
  const { constraint, retiringPrincipal } = grant;
  return {
    KeyId: arnIn(grant, "kms", `key/${grant.keyId}`),
    GrantId: grant.id,
    // AWS: an empty text for a grant without a name.
    Name: grant.name,
    CreationDate: grant.createdAtMs,
    GranteePrincipal: grant.granteePrincipal,
    ...(retiringPrincipal !== undefined && { RetiringPrincipal: retiringPrincipal }),
    IssuingAccount: globalArnIn({ ...grant, accountId: grant.issuingAccountId }, "iam", "root"),
    Operations: grant.operations as NonNullable<GrantListEntry["Operations"]>,
    ...(constraint && { Constraints: { [constraint.type]: constraint.pairs } }),
  };
}
