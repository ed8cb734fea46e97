/**
 * Repositories that ECR makes by itself: on a push, for a pull through the cache, for a replica. The registry's template
 * with the longest prefix says what such a repository starts with.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-creation-templates.html
 */
import type { AwsScope } from "../../core/arn.ts";
import type { EcrSettings } from "../records.ts";
import { type EcrRecords, registryKey, type TemplateRecord, type TemplateUse } from "./records.ts";

/** AWS: without a template the settings are those of CreateRepository without options. */
export const DEFAULT_ECR_SETTINGS: EcrSettings = {
  tagMutability: "MUTABLE",
  exclusionFilters: [],
  scanOnPush: false,
  encryption: { type: "AES256" },
  tags: {},
};

/** Matches every repository that no longer prefix matches. */
export const ROOT_PREFIX = "ROOT";

// AWS: a prefix ends with a slash, written or not.
export const hasPrefix = (name: string, prefix: string): boolean =>
  prefix === ROOT_PREFIX || name.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);

/** Of what the registry has by prefix, the entry with the longest one that the name starts with. */
export function longestMatch<T>(
  entries: readonly { readonly prefix: string; readonly value: T }[],
  name: string,
): { readonly prefix: string; readonly value: T } | undefined {
  const lengthOf = (prefix: string): number => (prefix === ROOT_PREFIX ? 0 : prefix.length);
  return entries
    .filter(({ prefix }) => hasPrefix(name, prefix))
    .sort((a, b) => lengthOf(b.prefix) - lengthOf(a.prefix))[0];
}

/** The template for a repository that is made for `use`. */
export function templateFor(
  records: EcrRecords,
  scope: AwsScope,
  name: string,
  use: TemplateUse,
): TemplateRecord | undefined {
  const entries = records.templates
    .list(registryKey(scope))
    .filter(({ value }) => value.appliedFor.includes(use))
    .map(({ key, value }) => ({ prefix: key.at(-1) ?? "", value }));
  return longestMatch(entries, name)?.value;
}
