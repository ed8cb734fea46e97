/**
 * A golden case of a build: what stands in its `case.yml` (documented in test/golden/README.md), and the account it asks
 * for: parameters, secrets, keys, buckets, the service role.
 */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";
import { parse } from "yaml";
import type { AwsScope } from "../../src/core/arn.ts";
import type { AwsCaller } from "../../src/core/aws.ts";
import { systemIds } from "../../src/core/ids.ts";
import { rootPrincipal } from "../../src/identity/index.ts";
import { SCOPE, type TestAccount } from "./codebuild-account.ts";

export interface GoldenCase {
  /** The rule the case shows, in one sentence. */
  readonly rule: string;
  /** What the machine must have; elsewhere the case is skipped. */
  readonly needs?: readonly Need[];
  /** AWS's grammar only. */
  readonly strict?: boolean;
  /** `host` takes images that are not CodeBuild's, too. */
  readonly engine?: "host";
  readonly keys?: readonly string[];
  readonly parameters?: Readonly<Record<string, string | ParameterSettings>>;
  readonly secrets?: Readonly<Record<string, string | SecretSettings>>;
  readonly buckets?: Readonly<Record<string, Readonly<Record<string, string | { readonly file: string }>>>>;
  /** Buckets of another region. */
  readonly elsewhere?: readonly string[];
  /** The source is a repository with one commit on `main`. */
  readonly git?: boolean;
  /** Instead of {@link USUAL_ACTIONS}: actions on everything, or whole statements. */
  readonly role?: readonly (string | object)[];
  /** Members of CreateProject that differ from the usual ones; `environment` is merged with the usual one. */
  readonly project?: Readonly<Record<string, unknown>>;
  /** Members of StartBuild. */
  readonly build?: Readonly<Record<string, unknown>>;
  /** What to do when a command prints this line. */
  readonly when?: { readonly prints: string; readonly do: "stop" | "time out" };
  /** Where the log is kept, when not in CloudWatch Logs. */
  readonly log?: "in S3" | "nowhere";
  /** What build.json holds: members of the build, `notices`, `objects` (of the buckets). */
  readonly show?: readonly string[];
}

type Need = "root" | "dash";

interface ParameterSettings {
  readonly type?: string;
  /** Several make versions 1, 2 … */
  readonly value: string | readonly string[];
  readonly key?: string;
  /** Label → version. */
  readonly labels?: Readonly<Record<string, number>>;
}

interface SecretSettings {
  readonly value?: string;
  /** Base64. */
  readonly binary?: string;
  /** Version id → text, the last one being AWSCURRENT. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly key?: string;
}

/** What most service roles may do. */
const USUAL_ACTIONS: readonly string[] = [
  "logs:CreateLogGroup",
  "logs:CreateLogStream",
  "logs:PutLogEvents",
  "ssm:GetParameters",
  "secretsmanager:GetSecretValue",
  "kms:Decrypt",
  "kms:GenerateDataKey",
  "s3:*",
  "codebuild:CreateReportGroup",
  "codebuild:CreateReport",
  "codebuild:UpdateReport",
  "codebuild:BatchPutTestCases",
  "codebuild:BatchPutCodeCoverages",
];

const OTHER: AwsScope = { ...SCOPE, region: "eu-west-1" };

export const readCase = (folder: string): GoldenCase =>
  parse(readFileSync(join(folder, "case.yml"), "utf8")) as GoldenCase;

/** Why the case cannot run on this machine. */
export function missingNeed({ needs = [] }: GoldenCase): string | undefined {
  if (needs.includes("root") && process.getuid?.() !== 0) return "needs to run as root";
  if (needs.includes("dash") && basename(realpathSync("/bin/sh")) !== "dash") return "needs dash as /bin/sh";
  return undefined;
}

/** Makes what the case asks for; the answer fills in `{{arn of NAME}}` and tells secrets' ARNs. */
export async function makeAccount(
  { root, callerIn }: TestAccount,
  folder: string,
  asked: GoldenCase,
): Promise<{ readonly secretArns: ReadonlyMap<string, string> }> {
  for (const alias of asked.keys ?? []) await makeKey(root, alias);
  for (const [name, given] of Object.entries(asked.parameters ?? {})) {
    await makeParameter(root, name, typeof given === "string" ? { value: given } : given);
  }
  const secretArns = new Map<string, string>();
  for (const [name, given] of Object.entries(asked.secrets ?? {})) {
    secretArns.set(name, await makeSecret(root, name, typeof given === "string" ? { value: given } : given));
  }
  for (const [bucket, objects] of Object.entries(asked.buckets ?? {})) {
    await root.call("s3", "CreateBucket", { Bucket: bucket });
    for (const [key, content] of Object.entries(objects)) {
      const body = typeof content === "string" ? Buffer.from(content) : readFileSync(join(folder, content.file));
      await root.call("s3", "PutObject", { Bucket: bucket, Key: key, Body: body });
    }
  }
  for (const bucket of asked.elsewhere ?? []) {
    const CreateBucketConfiguration = { LocationConstraint: OTHER.region };
    await callerIn(rootPrincipal(OTHER), OTHER).call("s3", "CreateBucket", {
      Bucket: bucket,
      CreateBucketConfiguration,
    });
  }
  const statements = (asked.role ?? [USUAL_ACTIONS]).map((entry) =>
    typeof entry === "string" || Array.isArray(entry) ? { Effect: "Allow", Action: entry, Resource: "*" } : entry,
  );
  if (statements.length > 0) {
    await root.call("iam", "PutRolePolicy", {
      RoleName: "CodeBuildServiceRole",
      PolicyName: "case",
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement: statements }),
    });
  }
  return { secretArns };
}

async function makeKey(root: AwsCaller, alias: string): Promise<void> {
  const { KeyMetadata } = await root.call<{ KeyMetadata: { KeyId: string } }>("kms", "CreateKey", {});
  await root.call("kms", "CreateAlias", { AliasName: alias, TargetKeyId: KeyMetadata.KeyId });
}

async function makeParameter(root: AwsCaller, name: string, given: ParameterSettings): Promise<void> {
  const values = typeof given.value === "string" ? [given.value] : given.value;
  for (const [index, value] of values.entries()) {
    await root.call("ssm", "PutParameter", {
      Name: name,
      Type: given.type ?? "String",
      Value: value,
      Overwrite: index > 0,
      ...(given.key === undefined ? {} : { KeyId: given.key }),
    });
  }
  for (const [label, version] of Object.entries(given.labels ?? {})) {
    await root.call("ssm", "LabelParameterVersion", { Name: name, ParameterVersion: version, Labels: [label] });
  }
}

async function makeSecret(root: AwsCaller, name: string, given: SecretSettings): Promise<string> {
  const { value, binary, key, versions = {} } = given;
  const [first, ...later] = Object.entries(versions);
  const { ARN } = await root.call<{ ARN: string }>("secretsmanager", "CreateSecret", {
    Name: name,
    ClientRequestToken: first?.[0] ?? systemIds.uuid(),
    ...(first ? { SecretString: first[1] } : {}),
    ...(value === undefined ? {} : { SecretString: value }),
    ...(binary === undefined ? {} : { SecretBinary: Buffer.from(binary, "base64") }),
    ...(key === undefined ? {} : { KmsKeyId: key }),
  });
  for (const [id, text] of later) {
    await root.call("secretsmanager", "PutSecretValue", { SecretId: name, ClientRequestToken: id, SecretString: text });
  }
  return ARN;
}

/** The file of a case, or undefined. */
export const caseFile = (folder: string, name: string): string | undefined =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : undefined;
