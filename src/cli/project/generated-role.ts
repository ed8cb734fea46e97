/** Roles that Kiln makes for a default project: trusted by CodeBuild, with one inline policy that is replaced each time. */
import type { AwsCaller } from "../../core/aws.ts";
import { unlessCode } from "../params/parameters.ts";

/** Lets CodeBuild assume a role. */
export const CODEBUILD_TRUST_POLICY = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: "sts:AssumeRole" }],
};

export interface GeneratedRole {
  readonly arn: string;
  readonly name: string;
  readonly policy: unknown;
}

/** Creates or updates the role. */
export async function putGeneratedRole(
  aws: AwsCaller,
  { name, description, policy }: Omit<GeneratedRole, "arn"> & { readonly description: string },
): Promise<GeneratedRole> {
  // Another run may be making the same role at this moment: that it exists already is fine.
  await unlessCode(
    ["EntityAlreadyExists"],
    aws.call("iam", "CreateRole", {
      RoleName: name,
      AssumeRolePolicyDocument: JSON.stringify(CODEBUILD_TRUST_POLICY),
      Description: description,
    }),
  );
  const { Role } = await aws.call<{ Role?: { Arn?: string } }>("iam", "GetRole", { RoleName: name });
  await aws.call("iam", "PutRolePolicy", {
    RoleName: name,
    PolicyName: "kiln-generated",
    PolicyDocument: JSON.stringify(policy),
  });
  return { arn: Role?.Arn ?? "", name, policy };
}
