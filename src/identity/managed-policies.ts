/**
 * Managed policies by ARN: the account's own from the store, AWS's from data/: those that builds and their people use from
 * a small table, all others from the archive (managed-policy-archive.ts), which is opened when one is asked for.
 * Gaps: each of AWS's in its default version only. Their policy ids are not published; the ones here are derived from the
 * ARN.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArn } from "../core/arn.ts";
import type { PolicyDocument } from "../core/aws.ts";
import { BASE32 } from "../core/ids.ts";
import type { Store } from "../store/store.ts";
import { type ArchivedPolicy, archivedDocument, archivedPolicies } from "./managed-policy-archive.ts";
import { entityKey, identityCollections, type PolicyRecord } from "./records.ts";

/** A managed policy without its documents. */
export type PolicySummary = Omit<PolicyRecord, "versions">;

interface AwsPolicyRow {
  readonly name: string;
  readonly arn: string;
  readonly defaultVersionId: string;
  /** `2015-02-06T18:39:46Z` */
  readonly createDate: string;
  readonly updateDate: string;
  readonly document: PolicyDocument;
}

/** The small table, and of the archive the policies asked for last, by ARN. */
let commonPolicies: ReadonlyMap<string, PolicyRecord> | undefined;
const openedPolicies = new Map<string, PolicyRecord>();
/** Documents are 2 kB on average, 150 kB at most. */
const MAX_OPENED = 200;
let summaries: readonly PolicySummary[] | undefined;

/** All of AWS's managed policies in name order, the ones of service-linked roles (path `/aws-service-role/`) too. */
export function awsManagedPolicies(): readonly PolicySummary[] {
  summaries ??= [...archivedPolicies().values()].map(summaryOf);
  return summaries;
}

/** A managed policy, the account's or AWS's. */
export function findManagedPolicy(store: Store, arn: string): PolicyRecord | undefined {
  const parsed = parseArn(arn);
  if (parsed?.service !== "iam" || !parsed.resource.startsWith("policy/")) return undefined;
  if (parsed.accountId === "aws") return findAwsPolicy(arn);
  const name = parsed.resource.slice(parsed.resource.lastIndexOf("/") + 1);
  const record = identityCollections(store).policies.get(entityKey(parsed.accountId, name));
  return record?.arn === arn ? record : undefined;
}

function findAwsPolicy(arn: string): PolicyRecord | undefined {
  commonPolicies ??= readCommonPolicies();
  return commonPolicies.get(arn) ?? openedPolicies.get(arn) ?? openPolicy(arn);
}

/** From the archive. */
function openPolicy(arn: string): PolicyRecord | undefined {
  const policy = archivedPolicies().get(arn);
  if (!policy?.place) return undefined;
  const record = recordOf(summaryOf(policy), JSON.parse(archivedDocument(policy.place)));
  if (openedPolicies.size >= MAX_OPENED) openedPolicies.delete(openedPolicies.keys().next().value as string);
  openedPolicies.set(arn, record);
  return record;
}

/** Text of the version that is in force. */
export function defaultDocumentText(policy: PolicyRecord): string {
  const version = policy.versions.find((one) => one.versionId === policy.defaultVersionId);
  return (version ?? policy.versions[0])?.document ?? "{}";
}

/** True for the ARN of one of AWS's own managed policies. */
export const isAwsManaged = (arn: string): boolean => parseArn(arn)?.accountId === "aws";

function readCommonPolicies(): ReadonlyMap<string, PolicyRecord> {
  const text = readFileSync(new URL("../../data/managed-policies.json", import.meta.url), "utf8");
  const rows = (JSON.parse(text) as { readonly policies: readonly AwsPolicyRow[] }).policies;
  return new Map(
    rows.map((row) => {
      const path = row.arn.slice("arn:aws:iam::aws:policy".length, row.arn.length - row.name.length);
      const times = { createdMs: Date.parse(row.createDate), updatedMs: Date.parse(row.updateDate) };
      return [row.arn, recordOf(summaryOf({ ...row, path, ...times }), row.document)];
    }),
  );
}

function summaryOf(policy: Omit<ArchivedPolicy, "place">): PolicySummary {
  return {
    name: policy.name,
    id: derivedPolicyId(policy.arn),
    path: policy.path,
    arn: policy.arn,
    createdMs: policy.createdMs,
    updatedMs: policy.updatedMs,
    defaultVersionId: policy.defaultVersionId,
    lastVersion: Number(policy.defaultVersionId.slice(1)),
    tags: [],
  };
}

const recordOf = (summary: PolicySummary, document: PolicyDocument): PolicyRecord => ({
  ...summary,
  versions: [
    {
      versionId: summary.defaultVersionId,
      document: JSON.stringify(document, null, 4),
      createdMs: summary.updatedMs,
    },
  ],
});

/** `ANPA…`, always the same for the same ARN. */
function derivedPolicyId(arn: string): string {
  const bytes = createHash("sha256").update(arn).digest().subarray(0, 17);
  return `ANPA${Array.from(bytes, (byte) => BASE32[byte % BASE32.length]).join("")}`;
}
