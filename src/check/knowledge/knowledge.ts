/**
 * What the checker may know besides the buildspec and the files: the project, what the account's stores hold, the roles
 * and the policies. Everything is optional, and a rule stays silent about what nobody knows. No value of a secret is in it.
 * Gathered by cli/knowledge/check-knowledge.ts from Kiln's state folder and from files; the language server is given the same.
 */
import type { NamedPolicy, ResourcePolicy } from "../../authorize/decision.ts";
import type { BatchRestrictions } from "../../build/batch/index.ts";
import type { EnvironmentVariable, RoleSettings } from "../../build/plan/index.ts";
import type { PolicyDocument } from "../../core/aws.ts";

/** A parameter that exists. `value` only for types that are not secret. */
export interface KnownParameter {
  readonly name: string;
  readonly type: "String" | "StringList" | "SecureString";
  readonly value?: string | undefined;
  /** `Standard`, `Advanced`, `Intelligent-Tiering`. */
  readonly tier?: string | undefined;
  /** The newest; the versions before it exist as far as `versions` says, or all of them. */
  readonly version?: number | undefined;
  /** Versions that can still be read; Parameter Store keeps the last hundred. */
  readonly versions?: readonly number[] | undefined;
  /** Labels of any version; undefined when nobody read them. */
  readonly labels?: readonly string[] | undefined;
  /** Id, ARN or alias of the key of a SecureString; absent: `alias/aws/ssm`. */
  readonly keyId?: string | undefined;
  readonly description?: string | undefined;
  readonly lastModifiedMs?: number | undefined;
}

export interface ParameterSource {
  list(): readonly KnownParameter[];
}

/** A secret of Secrets Manager, without its value. */
export interface KnownSecret {
  readonly name: string;
  /** With the six characters that AWS adds to the name. */
  readonly arn: string;
  /** Absent: `alias/aws/secretsmanager`. */
  readonly keyId?: string | undefined;
  /** It waits for its deletion, and cannot be read. */
  readonly isDeleted?: boolean | undefined;
  readonly versions?: readonly { readonly id: string; readonly stages: readonly string[] }[] | undefined;
  /** Names of the JSON members of AWSCURRENT; null when the value is no JSON object; undefined when nobody looked. */
  readonly jsonKeys?: readonly string[] | null | undefined;
}

/** A KMS key of the account. */
export interface KnownKey {
  readonly arn: string;
  readonly keyId: string;
  /** `alias/NAME` of each. */
  readonly aliases: readonly string[];
  /** `Enabled`, `Disabled`, `PendingDeletion`, … */
  readonly state: string;
  /** `AWS` or `CUSTOMER`. */
  readonly manager: string;
  readonly policy?: PolicyDocument | undefined;
}

/** A role with everything that decides what its sessions may do. */
export interface KnownRole {
  readonly name: string;
  /** Absent for policies that were given as files. */
  readonly arn?: string | undefined;
  readonly policies: readonly NamedPolicy[];
  readonly boundary?: NamedPolicy | undefined;
  /** Undefined when nobody knows it. */
  readonly trust?: PolicyDocument | undefined;
}

/** The account and region of the project; a part that is not known is left open in every ARN. */
export interface KnownScope {
  readonly partition?: string | undefined;
  readonly region?: string | undefined;
  readonly accountId?: string | undefined;
}

/** A variable of the project; without `value` when it is only known once the stack exists. */
export type KnownVariable = Omit<EnvironmentVariable, "value"> & { readonly value?: string | undefined };

interface KnownSource {
  readonly type?: string | undefined;
  readonly location?: string | undefined;
  /** A path, the text itself, or the ARN of an object. */
  readonly buildspec?: string | undefined;
  readonly gitCloneDepth?: number | undefined;
  readonly gitSubmodulesConfig?: { readonly fetchSubmodules?: boolean | undefined } | undefined;
  readonly sourceIdentifier?: string | undefined;
  readonly reportBuildStatus?: boolean | undefined;
  readonly auth?: { readonly type: string; readonly resource?: string | undefined } | undefined;
}

/** What is known of the CodeBuild project, with CreateProject's members; those of `environment` first. All may be unknown. */
export interface CheckProject {
  readonly name?: string | undefined;
  /** Environment type, e.g. `LINUX_CONTAINER`. */
  readonly type?: string | undefined;
  readonly image?: string | undefined;
  readonly computeType?: string | undefined;
  readonly privilegedMode?: boolean | undefined;
  readonly imagePullCredentialsType?: string | undefined;
  readonly registryCredential?:
    | { readonly credential?: string | undefined; readonly credentialProvider?: string | undefined }
    | undefined;
  readonly fleet?: { readonly fleetArn?: string | undefined } | undefined;
  readonly environmentVariables?: readonly KnownVariable[] | undefined;
  readonly source?: KnownSource | undefined;
  readonly secondarySources?: readonly KnownSource[] | undefined;
  readonly sourceVersion?: string | undefined;
  readonly artifacts?: { readonly type?: string | undefined } | undefined;
  readonly secondaryArtifacts?: readonly { readonly artifactIdentifier?: string | undefined }[] | undefined;
  readonly cache?: { readonly type?: string | undefined; readonly modes?: readonly string[] | undefined } | undefined;
  readonly timeoutInMinutes?: number | undefined;
  readonly queuedTimeoutInMinutes?: number | undefined;
  readonly concurrentBuildLimit?: number | undefined;
  readonly autoRetryLimit?: number | undefined;
  /** Name or ARN. */
  readonly serviceRole?: string | undefined;
  readonly encryptionKey?: string | undefined;
  readonly vpcConfig?:
    | {
        readonly vpcId?: string | undefined;
        readonly subnets?: readonly string[] | undefined;
        readonly securityGroupIds?: readonly string[] | undefined;
      }
    | undefined;
  readonly logsConfig?:
    | {
        readonly cloudWatchLogs?: { readonly status?: string | undefined } | undefined;
        readonly s3Logs?: { readonly status?: string | undefined } | undefined;
      }
    | undefined;
  readonly webhook?:
    | {
        readonly filterGroups?:
          | readonly (readonly { readonly type?: string | undefined; readonly pattern?: string | undefined }[])[]
          | undefined;
        readonly buildType?: string | undefined;
      }
    | undefined;
  /** `undefined`: not known; `null`: the project takes no batches. */
  readonly buildBatchConfig?:
    | {
        readonly serviceRole?: string | undefined;
        readonly timeoutInMins?: number | undefined;
        readonly combineArtifacts?: boolean | undefined;
      }
    | null
    | undefined;
  /** `buildBatchConfig.restrictions` */
  readonly batchRestrictions?: BatchRestrictions | undefined;
  /** What else decides about the service role: buckets, log group, sources. */
  readonly roleSettings?: RoleSettings | undefined;
}

/** All of it. `check()` takes these members beside the workspace. */
export interface Knowledge {
  readonly project?: CheckProject | undefined;
  /** Which parameters exist; without it rules about parameters stay silent. */
  readonly parameters?: ParameterSource | undefined;
  readonly secrets?: readonly KnownSecret[] | undefined;
  readonly keys?: readonly KnownKey[] | undefined;
  /** Policies of ECR repositories, buckets and secrets, by the ARN of the resource. */
  readonly resourcePolicies?: ReadonlyMap<string, ResourcePolicy> | undefined;
  /** The service role. */
  readonly role?: KnownRole | undefined;
  /** `buildBatchConfig.serviceRole` */
  readonly batchRole?: KnownRole | undefined;
  /** Names of roles that the project has and the account has not. */
  readonly missingRoles?: readonly string[] | undefined;
  readonly scope?: KnownScope | undefined;
  /** How parameters are to be named (`--parameter-names`): a pattern with `*` and `**`, or `/regular expression/`. */
  readonly parameterNames?: string | undefined;
}
