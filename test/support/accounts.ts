/** Several accounts in one Kiln: roots of all of them, users with keys, roles, and temporary credentials for a CLI. */

import type { Kiln } from "../../src/app.ts";
import { formatArn, parseArn } from "../../src/core/arn.ts";
import type { AwsCaller, ServiceName } from "../../src/core/aws.ts";
import { documentText } from "./policy-documents.ts";

// biome-ignore lint/suspicious/noExplicitAny: tests read members of answers of many shapes
export type Answer = Record<string, any>;

/** Variables of the environment that hold credentials. */
export type CredentialsInEnv = Record<string, string>;

/** The root of any account signs with the account's id and the root key's secret. */
export const rootOf = (accountId: string): CredentialsInEnv => ({
  AWS_ACCESS_KEY_ID: accountId,
  AWS_SECRET_ACCESS_KEY: "test",
});

/** What `sts assume-role` and its kin print, as variables. */
export const inEnv = ({ Credentials }: Answer): CredentialsInEnv => ({
  AWS_ACCESS_KEY_ID: Credentials.AccessKeyId,
  AWS_SECRET_ACCESS_KEY: Credentials.SecretAccessKey,
  AWS_SESSION_TOKEN: Credentials.SessionToken,
});

/** Sets an account up without a client: calls as its root, within the process. */
export class Account {
  readonly id: string;
  readonly #root: AwsCaller;

  constructor(kiln: Kiln, id: string, region = "us-east-1") {
    const key = kiln.identity.findAccessKey(id);
    if (!key) throw new Error(`no root of ${id}`);
    this.id = id;
    this.#root = kiln.dispatcher.callerFor(key.principal, { partition: "aws", region, accountId: id });
  }

  call(service: ServiceName, operation: string, input: object = {}): Promise<Answer> {
    return this.#root.call<Answer>(service, operation, input);
  }

  arn(service: "iam" | "sts", resource: string): string {
    return formatArn({ partition: "aws", service, region: "", accountId: this.id, resource });
  }

  regionalArn(service: string, resource: string, region = "us-east-1"): string {
    return formatArn({ partition: "aws", service, region, accountId: this.id, resource });
  }

  /** A user with one inline policy, and its keys. */
  async user(name: string, ...policy: readonly object[]): Promise<CredentialsInEnv> {
    await this.call("iam", "CreateUser", { UserName: name });
    if (policy.length > 0) {
      const PolicyDocument = documentText(...policy);
      await this.call("iam", "PutUserPolicy", { UserName: name, PolicyName: "inline", PolicyDocument });
    }
    const { AccessKey } = await this.call("iam", "CreateAccessKey", { UserName: name });
    return { AWS_ACCESS_KEY_ID: AccessKey.AccessKeyId, AWS_SECRET_ACCESS_KEY: AccessKey.SecretAccessKey };
  }

  /** A role with one inline policy; answers its ARN. */
  async role(RoleName: string, trust: object, policy: readonly object[] = [], more: object = {}): Promise<string> {
    const AssumeRolePolicyDocument = documentText(trust);
    const { Role } = await this.call("iam", "CreateRole", { RoleName, AssumeRolePolicyDocument, ...more });
    if (policy.length > 0) {
      const PolicyDocument = documentText(...policy);
      await this.call("iam", "PutRolePolicy", { RoleName, PolicyName: "inline", PolicyDocument });
    }
    return Role.Arn;
  }

  /** A customer's key with these statements; answers its ARN. */
  async key(...policy: readonly object[]): Promise<string> {
    const Policy = documentText(...policy.map((statement) => ({ Resource: "*", ...statement })));
    // Tests make keys for others, which whoever makes them could not change any more.
    const input = { Policy, BypassPolicyLockoutSafetyCheck: true };
    const { KeyMetadata } = await this.call("kms", "CreateKey", input);
    return KeyMetadata.Arn;
  }
}

/** ARN of a session of a role. */
export function sessionArn(roleArn: string, session: string): string {
  const { accountId = "", resource = "" } = parseArn(roleArn) ?? {};
  return `arn:aws:sts::${accountId}:assumed-role/${resource.slice(resource.lastIndexOf("/") + 1)}/${session}`;
}
