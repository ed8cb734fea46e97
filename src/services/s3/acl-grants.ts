/**
 * Grants of a bucket's ACL from what CreateBucket and PutBucketAcl say: a canned ACL, grant headers or a document.
 * Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html
 * Grants are kept and shown; decisions do not ask them (docs/differences.md).
 */
import { aclsNotSupported, invalidArgument, malformedXml } from "./errors.ts";
import { canonicalId } from "./owner.ts";
import type { BucketRecord, GrantRecord } from "./records.ts";
import type { AccessControlPolicy } from "./shapes.gen.ts";

export interface AclInput {
  readonly ACL?: string | undefined;
  readonly AccessControlPolicy?: AccessControlPolicy | undefined;
  readonly GrantFullControl?: string | undefined;
  readonly GrantRead?: string | undefined;
  readonly GrantReadACP?: string | undefined;
  readonly GrantWrite?: string | undefined;
  readonly GrantWriteACP?: string | undefined;
}

const ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";
const group = (URI: string): Readonly<Record<string, string>> => ({ Type: "Group", URI });

const CANNED: Readonly<Record<string, readonly GrantRecord[]>> = {
  private: [],
  "public-read": [{ grantee: group(ALL_USERS), permission: "READ" }],
  "public-read-write": [
    { grantee: group(ALL_USERS), permission: "READ" },
    { grantee: group(ALL_USERS), permission: "WRITE" },
  ],
  "authenticated-read": [{ grantee: group(AUTHENTICATED_USERS), permission: "READ" }],
};

const HEADERS = [
  ["GrantFullControl", "FULL_CONTROL"],
  ["GrantRead", "READ"],
  ["GrantReadACP", "READ_ACP"],
  ["GrantWrite", "WRITE"],
  ["GrantWriteACP", "WRITE_ACP"],
] as const;

/** The grants besides the owner's own. Throws where the bucket has no ACLs and the input wants to change something. */
export function grantsFrom(bucket: BucketRecord, input: AclInput): readonly GrantRecord[] {
  const grants = requestedGrants(bucket, input);
  if (bucket.objectOwnership !== undefined || input.ACL === "private") return grants;
  if (grants.length > 0 || (input.ACL !== undefined && input.ACL !== "private")) throw aclsNotSupported();
  return grants;
}

function requestedGrants(bucket: BucketRecord, input: AclInput): readonly GrantRecord[] {
  if (input.ACL !== undefined) return CANNED[input.ACL] ?? [];
  if (input.AccessControlPolicy) return fromDocument(bucket, input.AccessControlPolicy);
  return HEADERS.flatMap(([member, permission]) =>
    granteesOf(input[member]).map((grantee) => ({ grantee, permission })),
  ).filter((grant) => !isOwners(bucket, grant));
}

function fromDocument(bucket: BucketRecord, { Grants = [] }: AccessControlPolicy): readonly GrantRecord[] {
  return Grants.map(({ Grantee, Permission }) => {
    if (!Grantee || !Permission) throw malformedXml();
    const entries = Object.entries(Grantee).filter((entry): entry is [string, string] => typeof entry[1] === "string");
    return { grantee: Object.fromEntries(entries), permission: Permission };
  }).filter((grant) => !isOwners(bucket, grant));
}

const isOwners = (bucket: BucketRecord, { grantee, permission }: GrantRecord): boolean =>
  grantee["ID"] === canonicalId(bucket.accountId) && permission === "FULL_CONTROL";

const GRANTEE = /^\s*(id|uri|emailAddress)\s*=\s*"?([^"]*?)"?\s*$/i;

/** `id="…", uri="…"` */
function granteesOf(header: string | undefined): Readonly<Record<string, string>>[] {
  if (header === undefined) return [];
  return header.split(",").map((text) => {
    const [, kind = "", value = ""] = GRANTEE.exec(text) ?? [];
    if (kind === "") throw invalidArgument("Argument format not recognized");
    if (kind.toLowerCase() === "uri") return group(value);
    if (kind.toLowerCase() === "id") return { Type: "CanonicalUser", ID: value };
    return { Type: "AmazonCustomerByEmail", EmailAddress: value };
  });
}
