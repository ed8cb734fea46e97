/**
 * How much of everything the account has, and how much it may have.
 * Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html
 */
import { identityCollections, isAwsManaged } from "../../../identity/index.ts";
import { operation } from "../../service.ts";
import { MAX_KEYS_PER_USER } from "../entities/access-keys.ts";
import { GROUP, listEntities, ROLE, USER } from "../entities/entities.ts";
import { listAccess } from "../entities/entity-access.ts";
import { MAX_GROUPS_PER_USER } from "../entities/groups.ts";
import { MAX_MANAGED_BYTES, MAX_TRUST_BYTES } from "../policies/documents.ts";
import { MAX_POLICIES } from "../policies/policies.ts";
import { usesOf } from "../policies/policy-uses.ts";
import { MAX_VERSIONS } from "../policies/policy-versions.ts";
import type * as Shapes from "../shapes.gen.ts";

const QUOTAS = {
  AccessKeysPerUserQuota: MAX_KEYS_PER_USER,
  AssumeRolePolicySizeQuota: MAX_TRUST_BYTES,
  AttachedPoliciesPerGroupQuota: GROUP.attachQuota.limit,
  AttachedPoliciesPerRoleQuota: ROLE.attachQuota.limit,
  AttachedPoliciesPerUserQuota: USER.attachQuota.limit,
  GroupPolicySizeQuota: GROUP.maxInlineBytes,
  GroupsPerUserQuota: MAX_GROUPS_PER_USER,
  GroupsQuota: GROUP.perAccountQuota.limit,
  InstanceProfilesQuota: 1_000,
  PoliciesQuota: MAX_POLICIES,
  PolicySizeQuota: MAX_MANAGED_BYTES,
  PolicyVersionsInUseQuota: 10_000,
  RolePolicySizeQuota: ROLE.maxInlineBytes,
  RolesQuota: ROLE.perAccountQuota.limit,
  ServerCertificatesQuota: 20,
  SigningCertificatesPerUserQuota: 2,
  UserPolicySizeQuota: USER.maxInlineBytes,
  UsersQuota: USER.perAccountQuota.limit,
  VersionsPerPolicyQuota: MAX_VERSIONS,
};

/** What cannot be made here. */
const ABSENT = {
  AccountMFAEnabled: 0,
  AccountPasswordPresent: 0,
  AccountSigningCertificatesPresent: 0,
  InstanceProfiles: 0,
  MFADevices: 0,
  MFADevicesInUse: 0,
  Providers: 0,
  ServerCertificates: 0,
};

export const getAccountSummary = operation<object, Shapes.GetAccountSummaryResponse>({
  name: "GetAccountSummary",
  support: "supported",
  source: "https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountSummary.html",
  authorize: () => listAccess("GetAccountSummary", "*"),
  errors: [],
  run(_input, context) {
    const own = identityCollections(context.store).policies.list([context.scope.accountId]);
    const ofAws = [...usesOf(context).keys()].filter(isAwsManaged);
    return {
      SummaryMap: {
        ...QUOTAS,
        ...ABSENT,
        // The root user of every account has a key here (identity/).
        AccountAccessKeysPresent: 1,
        GlobalEndpointTokenVersion: 1,
        Groups: listEntities(GROUP, context).length,
        Policies: own.length,
        PolicyVersionsInUse: own.reduce((sum, { value }) => sum + value.versions.length, ofAws.length),
        Roles: listEntities(ROLE, context).length,
        Users: listEntities(USER, context).length,
      },
    };
  },
});
