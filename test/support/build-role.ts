/** Roles for builds of wire tests, made over the wire by an unmodified SDK client. */
import { IAM } from "@aws-sdk/client-iam";
import { ACCOUNT, clientSettings } from "./start-endpoint.ts";

/** Makes a role that CodeBuild may assume and that may do `actions` on everything; answers its ARN. */
export async function makeBuildRole(
  url: string,
  actions: readonly string[],
  roleName = "CodeBuildServiceRole",
): Promise<string> {
  const iam = new IAM(clientSettings(url));
  const statement = (more: object): string =>
    JSON.stringify({ Version: "2012-10-17", Statement: [{ Effect: "Allow", ...more }] });
  try {
    await iam.createRole({
      RoleName: roleName,
      AssumeRolePolicyDocument: statement({
        Principal: { Service: "codebuild.amazonaws.com" },
        Action: "sts:AssumeRole",
      }),
    });
    await iam.putRolePolicy({
      RoleName: roleName,
      PolicyName: "build",
      PolicyDocument: statement({ Action: actions, Resource: "*" }),
    });
  } finally {
    iam.destroy();
  }
  return `arn:aws:iam::${ACCOUNT}:role/${roleName}`;
}
