/** Roles for builds of wire tests, made over the wire by an unmodified SDK client. */
import { IAM } from "@aws-sdk/client-iam";
import { allow, CODEBUILD_TRUST, documentText } from "./policy-documents.ts";
import { ACCOUNT, clientSettings } from "./start-endpoint.ts";

/** Makes a role that CodeBuild may assume and that may do `actions` on everything; answers its ARN. */
export async function makeBuildRole(
  url: string,
  actions: readonly string[],
  roleName = "CodeBuildServiceRole",
): Promise<string> {
  const iam = new IAM(clientSettings(url));
  try {
    await iam.createRole({
      RoleName: roleName,
      AssumeRolePolicyDocument: CODEBUILD_TRUST,
    });
    await iam.putRolePolicy({
      RoleName: roleName,
      PolicyName: "build",
      PolicyDocument: documentText(allow(actions)),
    });
  } finally {
    iam.destroy();
  }
  return `arn:aws:iam::${ACCOUNT}:role/${roleName}`;
}
