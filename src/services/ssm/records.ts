/**
 * What Parameter Store keeps. One record per parameter holds its latest version, so that a read is one lookup; every
 * version, the latest included, is also a record of its own for history, labels and selectors.
 */
import type { AwsScope } from "../../core/arn.ts";
import type { Collection, Key, Store } from "../../store/store.ts";

export type ParameterType = "String" | "StringList" | "SecureString";
export type ParameterTier = "Standard" | "Advanced";

export interface ParameterPolicy {
  /** The policy's JSON, as given. */
  readonly text: string;
  readonly type: "Expiration" | "ExpirationNotification" | "NoChangeNotification";
}

export interface ParameterVersion {
  /** 1, 2, 3 … */
  readonly version: number;
  readonly type: ParameterType;
  /** Plain text; for SecureString the ciphertext in base64. */
  readonly value: string;
  /** As given at PutParameter; SecureString only. */
  readonly keyId?: string;
  /** ARN of the key that encrypted the value: an alias may point elsewhere by now. SecureString only. */
  readonly keyArn?: string;
  readonly tier: ParameterTier;
  readonly dataType: string;
  readonly description?: string;
  readonly allowedPattern?: string;
  readonly policies?: readonly ParameterPolicy[];
  readonly lastModifiedMs: number;
  /** ARN of the caller. */
  readonly lastModifiedUser: string;
}

/** Shares a parameter with other accounts. */
export interface ParameterResourcePolicy {
  readonly id: string;
  /** Changes with the text; a caller shows it to change what it has seen. */
  readonly hash: string;
  /** The policy's JSON, as given. */
  readonly text: string;
}

export interface ParameterRecord {
  /** In the form it was created with: `/x` and `x` are one parameter. */
  readonly name: string;
  readonly latest: ParameterVersion;
  readonly oldestVersion: number;
  /** From an Expiration policy: from then on the parameter does not exist. */
  readonly expiresAtMs?: number;
  /** Label → version. */
  readonly labels: Readonly<Record<string, number>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly resourcePolicy?: ParameterResourcePolicy;
}

/** Keyed by account, region, and the segments of the name. */
export const parametersIn = (store: Store): Collection<ParameterRecord> => store.collection("ssm/parameters");
/** Keyed by account, region, name without its leading slash, version in ten digits. */
export const versionsIn = (store: Store): Collection<ParameterVersion> => store.collection("ssm/versions");

export const withoutLeadingSlash = (name: string): string => (name.startsWith("/") ? name.slice(1) : name);

/** The last one: a call asks for its parameter when it is decided and again when it runs. */
let last: { readonly scope: AwsScope; readonly name: string; readonly key: Key } | undefined;

export function parameterKey(scope: AwsScope, name: string): Key {
  if (last?.scope === scope && last.name === name) return last.key;
  const key = [scope.accountId, scope.region, ...withoutLeadingSlash(name).split("/")];
  last = { scope, name, key };
  return key;
}

export const versionsKey = (scope: AwsScope, name: string): Key => [
  scope.accountId,
  scope.region,
  withoutLeadingSlash(name),
];

export const versionKey = (scope: AwsScope, name: string, version: number): Key => [
  ...versionsKey(scope, name),
  String(version).padStart(10, "0"),
];
