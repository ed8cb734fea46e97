/**
 * Versions of managed policies: at most five, one of them in force.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
 */
import { wholeSecond } from "../../../core/clock.ts";
import type { PolicyRecord, PolicyVersionRecord } from "../../../identity/index.ts";
import { operation } from "../../service.ts";
import {
  defaultVersion,
  invalidArn,
  invalidMarker,
  malformedPolicyDocument,
  noSuchPolicy,
  noSuchPolicyVersion,
  notAuthorized,
  quotaExceeded,
  tooManyVersions,
} from "../errors.ts";
import { pageOf } from "../pages.ts";
import type * as Shapes from "../shapes.gen.ts";
import { encodeDocument, requireManagedDocument } from "./documents.ts";
import { changePolicy, policyAccess } from "./policies.ts";
import { requirePolicy } from "./policy-arns.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
/** Versions of a policy at one time. */
export const MAX_VERSIONS = 5;

export const createPolicyVersion = operation<Shapes.CreatePolicyVersionRequest, Shapes.CreatePolicyVersionResponse>({
  name: "CreatePolicyVersion",
  support: "supported",
  source: `${DOCS}/API_CreatePolicyVersion.html`,
  authorize: (input, context) => policyAccess("CreatePolicyVersion", input.PolicyArn, context),
  errors: [noSuchPolicy, invalidArn, malformedPolicyDocument, quotaExceeded, tooManyVersions, notAuthorized],
  async run(input, context) {
    const createdMs = wholeSecond(context.clock.nowMs());
    const changed = await changePolicy("CreatePolicyVersion", input.PolicyArn, context, (policy) => {
      requireManagedDocument(input.PolicyDocument);
      if (policy.versions.length >= MAX_VERSIONS) throw tooManyVersions();
      const lastVersion = policy.lastVersion + 1;
      const version = { versionId: `v${lastVersion}`, document: input.PolicyDocument, createdMs };
      return {
        ...policy,
        lastVersion,
        updatedMs: createdMs,
        versions: [version, ...policy.versions],
        defaultVersionId: input.SetAsDefault ? version.versionId : policy.defaultVersionId,
      };
    });
    const policy = changed as PolicyRecord;
    const { Document: _, ...answer } = versionShape(policy, policy.versions[0] as PolicyVersionRecord);
    return { PolicyVersion: answer };
  },
});

export const getPolicyVersion = operation<Shapes.GetPolicyVersionRequest, Shapes.GetPolicyVersionResponse>({
  name: "GetPolicyVersion",
  support: "partial",
  gaps: ["AWS's managed policies have their default version only"],
  source: `${DOCS}/API_GetPolicyVersion.html`,
  authorize: (input, context) => policyAccess("GetPolicyVersion", input.PolicyArn, context),
  errors: [noSuchPolicy, invalidArn, noSuchPolicyVersion],
  run(input, context) {
    const policy = requirePolicy(input.PolicyArn, context);
    return { PolicyVersion: versionShape(policy, requireVersion(policy, input.VersionId)) };
  },
});

export const listPolicyVersions = operation<Shapes.ListPolicyVersionsRequest, Shapes.ListPolicyVersionsResponse>({
  name: "ListPolicyVersions",
  support: "partial",
  gaps: ["AWS's managed policies have their default version only"],
  source: `${DOCS}/API_ListPolicyVersions.html`,
  authorize: (input, context) => policyAccess("ListPolicyVersions", input.PolicyArn, context),
  errors: [noSuchPolicy, invalidArn, invalidMarker],
  run(input, context) {
    const policy = requirePolicy(input.PolicyArn, context);
    // Newest first.
    const page = pageOf(policy.versions, input, ({ versionId }) => [-Number(versionId.slice(1))]);
    const versions = page.items.map((version) => {
      const { Document: _, ...answer } = versionShape(policy, version);
      return answer;
    });
    return { Versions: versions, ...page.members };
  },
});

export const setDefaultPolicyVersion = operation<Shapes.SetDefaultPolicyVersionRequest, object>({
  name: "SetDefaultPolicyVersion",
  support: "supported",
  source: `${DOCS}/API_SetDefaultPolicyVersion.html`,
  authorize: (input, context) => policyAccess("SetDefaultPolicyVersion", input.PolicyArn, context),
  errors: [noSuchPolicy, invalidArn, noSuchPolicyVersion, notAuthorized],
  async run(input, context) {
    const updatedMs = wholeSecond(context.clock.nowMs());
    await changePolicy("SetDefaultPolicyVersion", input.PolicyArn, context, (policy) => {
      const { versionId } = requireVersion(policy, input.VersionId);
      return { ...policy, updatedMs, defaultVersionId: versionId };
    });
    return {};
  },
});

export const deletePolicyVersion = operation<Shapes.DeletePolicyVersionRequest, object>({
  name: "DeletePolicyVersion",
  support: "supported",
  source: `${DOCS}/API_DeletePolicyVersion.html`,
  authorize: (input, context) => policyAccess("DeletePolicyVersion", input.PolicyArn, context),
  errors: [noSuchPolicy, invalidArn, noSuchPolicyVersion, defaultVersion, notAuthorized],
  async run(input, context) {
    await changePolicy("DeletePolicyVersion", input.PolicyArn, context, (policy) => {
      const { versionId } = requireVersion(policy, input.VersionId);
      if (versionId === policy.defaultVersionId) throw defaultVersion();
      return { ...policy, versions: policy.versions.filter((version) => version.versionId !== versionId) };
    });
    return {};
  },
});

function requireVersion(policy: PolicyRecord, versionId: string): PolicyVersionRecord {
  const version = policy.versions.find((one) => one.versionId === versionId);
  if (!version) throw noSuchPolicyVersion(policy.arn, versionId);
  return version;
}

/** A version with its document. */
export const versionShape = (policy: PolicyRecord, version: PolicyVersionRecord) => ({
  Document: encodeDocument(version.document),
  VersionId: version.versionId,
  IsDefaultVersion: version.versionId === policy.defaultVersionId,
  CreateDate: version.createdMs,
});
