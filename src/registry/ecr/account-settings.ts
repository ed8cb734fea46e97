/**
 * The settings an account has for its registry, their values and AWS's defaults.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutAccountSetting.html
 */
import type { AwsScope } from "../../core/arn.ts";
import { type EcrRecords, registryOf } from "./records.ts";

/** Allowed values of each setting, the default first. */
export const ACCOUNT_SETTINGS = {
  BASIC_SCAN_TYPE_VERSION: ["AWS_NATIVE", "CLAIR"],
  REGISTRY_POLICY_SCOPE: ["V2", "V1"],
  BLOB_MOUNTING: ["DISABLED", "ENABLED"],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>;

export type AccountSetting = keyof typeof ACCOUNT_SETTINGS;

export const isAccountSetting = (name: string): name is AccountSetting => Object.hasOwn(ACCOUNT_SETTINGS, name);

/** The value in force. */
export const accountSetting = (records: EcrRecords, scope: AwsScope, name: AccountSetting): string =>
  registryOf(records, scope).settings?.[name] ?? ACCOUNT_SETTINGS[name][0];
