/**
 * Managed policies by ARN: the account's own from the store, AWS's from data/managed-policies.json.
 * Gaps: AWS has more than a thousand managed policies, the table holds those that builds and their people use, each in
 * its default version only. Their policy ids are not published; the ones here are derived from the ARN.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseArn } from "../core/arn.ts";
import type { PolicyDocument } from "../core/aws.ts";
import type { Store } from "../store/store.ts";
import { entityKey, identityCollections, type PolicyRecord } from "./records.ts";

interface AwsPolicyRow {
  readonly name: string;
  readonly arn: string;
  readonly defaultVersionId: string;
  readonly createDate: string;
  readonly updateDate: string;
  readonly document: PolicyDocument;
}

let awsPolicies: ReadonlyMap<string, PolicyRecord> | undefined;

/** AWS's managed policies by ARN, in name order. */
export function awsManagedPolicies(): ReadonlyMap<string, PolicyRecord> {
  awsPolicies ??= readAwsPolicies();
  return awsPolicies;
}

/** A managed policy, the account's or AWS's. */
export function findManagedPolicy(store: Store, arn: string): PolicyRecord | undefined {
  const parsed = parseArn(arn);
  if (parsed?.service !== "iam" || !parsed.resource.startsWith("policy/")) return undefined;
  if (parsed.accountId === "aws") return awsManagedPolicies().get(arn);
  const name = parsed.resource.slice(parsed.resource.lastIndexOf("/") + 1);
  const record = identityCollections(store).policies.get(entityKey(parsed.accountId, name));
  return record?.arn === arn ? record : undefined;
}

/** Text of the version that is in force. */
export function defaultDocumentText(policy: PolicyRecord): string {
  const version = policy.versions.find((one) => one.versionId === policy.defaultVersionId);
  return (version ?? policy.versions[0])?.document ?? "{}";
}

export const isAwsManaged = (arn: string): boolean => parseArn(arn)?.accountId === "aws";

function readAwsPolicies(): ReadonlyMap<string, PolicyRecord> {
  const text = readFileSync(new URL("../../data/managed-policies.json", import.meta.url), "utf8");
  const rows = (JSON.parse(text) as { readonly policies: readonly AwsPolicyRow[] }).policies;
  return new Map(rows.map((row) => [row.arn, recordOf(row)]));
}

function recordOf(row: AwsPolicyRow): PolicyRecord {
  const resource = parseArn(row.arn)?.resource ?? "";
  const createdMs = epochMs(row.createDate);
  const updatedMs = epochMs(row.updateDate);
  return {
    name: row.name,
    id: derivedPolicyId(row.arn),
    path: resource.slice("policy".length, resource.length - row.name.length),
    arn: row.arn,
    createdMs,
    updatedMs,
    defaultVersionId: row.defaultVersionId,
    versions: [
      { versionId: row.defaultVersionId, document: JSON.stringify(row.document, null, 4), createdMs: updatedMs },
    ],
    lastVersion: Number(row.defaultVersionId.slice(1)),
    tags: [],
  };
}

/** `2015-05-29` as epoch milliseconds. */
function epochMs(day: string): number {
  const [year = 1970, month = 1, date = 1] = day.split("-").map(Number);
  return Date.UTC(year, month - 1, date);
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** `ANPA…`, always the same for the same ARN. */
function derivedPolicyId(arn: string): string {
  const bytes = createHash("sha256").update(arn).digest().subarray(0, 17);
  return `ANPA${Array.from(bytes, (byte) => BASE32[byte % BASE32.length]).join("")}`;
}
