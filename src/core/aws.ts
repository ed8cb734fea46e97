/** Who calls, and the one way to call an AWS operation from inside Kiln. */

/** A policy document as parsed JSON, before validation. */
export type PolicyDocument = Readonly<Record<string, unknown>>;

export interface RootPrincipal {
  readonly type: "Root";
  /** `arn:aws:iam::<account>:root` */
  readonly arn: string;
  readonly accountId: string;
  /** The account id. */
  readonly userId: string;
  /** True when the key is a temporary one from GetSessionToken. */
  readonly hasSessionToken?: boolean;
  /** Set for temporary keys. */
  readonly tokenIssuedAtMs?: number;
}

export interface UserPrincipal {
  readonly type: "User";
  readonly arn: string;
  readonly accountId: string;
  /** `AIDA…` */
  readonly userId: string;
  readonly userName: string;
  /** True when the key is a temporary one from GetSessionToken. */
  readonly hasSessionToken?: boolean;
  /** Set for temporary keys. */
  readonly tokenIssuedAtMs?: number;
}

/** A role session. */
export interface AssumedRolePrincipal {
  readonly type: "AssumedRole";
  /** `arn:aws:sts::<account>:assumed-role/<RoleName>/<session>` (role path dropped). */
  readonly arn: string;
  readonly accountId: string;
  /** `AROA…:<session>` */
  readonly userId: string;
  readonly roleArn: string;
  readonly roleName: string;
  readonly sessionName: string;
  /** Session policies given at AssumeRole; the session is limited to what they allow. */
  readonly sessionPolicies: readonly PolicyDocument[];
  /** ARNs of the managed ones, which stand last in `sessionPolicies`. */
  readonly sessionPolicyArns?: readonly string[];
  readonly sessionTags: Readonly<Record<string, string>>;
  /** Session tags that pass on to the next role of a chain. */
  readonly transitiveTagKeys?: readonly string[];
  /** `aws:SourceIdentity`; passes on through a chain unchanged. */
  readonly sourceIdentity?: string;
  /** Condition keys that the service which opened the session gave it, e.g. `codebuild:buildArn`. */
  readonly serviceKeys?: Readonly<Record<string, string>>;
  readonly tokenIssuedAtMs: number;
}

/** A session of GetFederationToken: what its IAM user (or root) may do, within the session policies. */
export interface FederatedUserPrincipal {
  readonly type: "FederatedUser";
  /** `arn:aws:sts::<account>:federated-user/<name>` */
  readonly arn: string;
  readonly accountId: string;
  /** `<account>:<name>` */
  readonly userId: string;
  readonly name: string;
  /** The user that asked for the session, or the account's root. */
  readonly issuer: Pick<UserPrincipal, "type" | "arn" | "userId" | "userName"> | Pick<RootPrincipal, "type" | "arn">;
  /** The session may do nothing that these do not allow; without any, only what resource policies give to its ARN. */
  readonly sessionPolicies: readonly PolicyDocument[];
  /** ARNs of the managed ones, which stand last in `sessionPolicies`. */
  readonly sessionPolicyArns?: readonly string[];
  readonly sessionTags: Readonly<Record<string, string>>;
  readonly tokenIssuedAtMs: number;
}

/** An AWS service calling on its own account, e.g. CodeBuild assuming the service role. */
export interface ServicePrincipal {
  readonly type: "AWSService";
  /** e.g. `codebuild.amazonaws.com` */
  readonly serviceName: string;
  readonly arn: string;
  readonly accountId: string;
  readonly userId: string;
  /** ARN of the resource the service acts for (`aws:SourceArn`). */
  readonly sourceArn: string;
  /** Condition keys of the sessions that it opens. */
  readonly sessionKeys?: Readonly<Record<string, string>>;
}

export type Principal =
  | RootPrincipal
  | UserPrincipal
  | AssumedRolePrincipal
  | FederatedUserPrincipal
  | ServicePrincipal;

export type ServiceName = "ssm" | "kms" | "secretsmanager" | "iam" | "sts" | "codebuild" | "logs" | "ecr" | "s3";

/**
 * Calls an AWS operation as one principal in one account and region. Every call is validated and authorised like one
 * that came over HTTP. Throws `AwsError` with `requestId` set. Input and output are the wire shapes with AWS's member
 * names; timestamps are epoch milliseconds, blobs are `Uint8Array`.
 */
export interface AwsCaller {
  call<O = Record<string, unknown>>(service: ServiceName, operation: string, input: object): Promise<O>;
}
