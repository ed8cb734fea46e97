/** A role of Kiln's with the documents of its policies, as commands need it. Read through the API, as root. */
import type { NamedPolicy } from "../../authorize/decision.ts";
import type { KnownRole } from "../../check/index.ts";
import type { AwsCaller, PolicyDocument } from "../../core/aws.ts";
import { unlessCode } from "../params/parameters.ts";

/** The role's inline and attached policies. */
export async function rolePolicies(aws: AwsCaller, RoleName: string): Promise<NamedPolicy[]> {
  const inline = await aws.call<{ PolicyNames?: string[] }>("iam", "ListRolePolicies", { RoleName });
  const attached = await aws.call<{ AttachedPolicies?: { PolicyArn?: string }[] }>("iam", "ListAttachedRolePolicies", {
    RoleName,
  });
  const policies: NamedPolicy[] = [];
  for (const PolicyName of inline.PolicyNames ?? []) {
    const found = await aws.call<{ PolicyDocument?: string }>("iam", "GetRolePolicy", { RoleName, PolicyName });
    policies.push({ name: `inline policy ${PolicyName}`, document: parseDocument(found.PolicyDocument) });
  }
  for (const { PolicyArn = "" } of attached.AttachedPolicies ?? []) policies.push(await managedPolicy(aws, PolicyArn));
  return policies;
}

/** Everything that decides what a session of the role may do; undefined when there is no such role. */
export async function findRole(aws: AwsCaller, nameOrArn: string): Promise<KnownRole | undefined> {
  const RoleName = nameOrArn.split("/").at(-1) ?? nameOrArn;
  const found = await unlessCode(
    ["NoSuchEntity", "ValidationError"],
    aws.call<{
      Role: {
        Arn: string;
        AssumeRolePolicyDocument: string;
        PermissionsBoundary?: { PermissionsBoundaryArn?: string };
      };
    }>("iam", "GetRole", { RoleName }),
  );
  if (!found) return undefined;
  const { Arn, AssumeRolePolicyDocument, PermissionsBoundary } = found.Role;
  const boundary = PermissionsBoundary?.PermissionsBoundaryArn;
  return {
    name: RoleName,
    arn: Arn,
    policies: await rolePolicies(aws, RoleName),
    ...(boundary !== undefined && { boundary: await managedPolicy(aws, boundary) }),
    trust: parseDocument(AssumeRolePolicyDocument),
  };
}

async function managedPolicy(aws: AwsCaller, PolicyArn: string): Promise<NamedPolicy> {
  const { Policy } = await aws.call<{ Policy?: { DefaultVersionId?: string } }>("iam", "GetPolicy", { PolicyArn });
  const { PolicyVersion } = await aws.call<{ PolicyVersion?: { Document?: string } }>("iam", "GetPolicyVersion", {
    PolicyArn,
    VersionId: Policy?.DefaultVersionId ?? "v1",
  });
  return { name: PolicyArn, arn: PolicyArn, document: parseDocument(PolicyVersion?.Document) };
}

/** AWS: IAM answers documents URL-encoded (RFC 3986). */
const parseDocument = (document = "{}"): PolicyDocument =>
  JSON.parse(document.startsWith("%") ? decodeURIComponent(document) : document) as PolicyDocument;
