/**
 * What ECR keeps beside repositories and images: settings of a registry (an account in a region), creation templates,
 * pull-through cache rules, uploads through the JSON API, what was replicated. Read by the data plane here and written by
 * the operations of services/ecr.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_Types.html
 */
import type { AwsScope } from "../../core/arn.ts";
import type { Collection, Key, Store } from "../../store/store.ts";
import type { EcrSettings } from "../records.ts";

export type TemplateUse = "REPLICATION" | "PULL_THROUGH_CACHE" | "CREATE_ON_PUSH";

export interface ReplicationRuleRecord {
  readonly destinations: readonly { readonly region: string; readonly registryId: string }[];
  /** Prefixes of repository names; none means all repositories. */
  readonly prefixes: readonly string[];
}

export interface ScanningRuleRecord {
  readonly scanFrequency: "SCAN_ON_PUSH" | "CONTINUOUS_SCAN" | "MANUAL";
  readonly filters: readonly string[];
}

/** Settings of one registry. */
export interface EcrRegistryRecord {
  readonly policyText?: string;
  /** By name, e.g. `BLOB_MOUNTING`; what was never set has AWS's default (account-settings.ts). */
  readonly settings?: Readonly<Record<string, string>>;
  readonly replication?: readonly ReplicationRuleRecord[];
  readonly scanning?: { readonly scanType: "BASIC" | "ENHANCED"; readonly rules: readonly ScanningRuleRecord[] };
}

export interface TemplateRecord {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly description?: string;
  readonly appliedFor: readonly TemplateUse[];
  readonly customRoleArn?: string;
  /** What a repository made by this template starts with. */
  readonly settings: EcrSettings;
}

export interface CacheRuleRecord {
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  /** As given, e.g. `registry-1.docker.io`. */
  readonly upstreamRegistryUrl: string;
  readonly upstreamRegistry?: string;
  readonly credentialArn?: string;
  readonly customRoleArn?: string;
  readonly upstreamRepositoryPrefix?: string;
}

/** An upload through InitiateLayerUpload; the bytes are in the blob store under the same id. */
export interface LayerUploadRecord {
  readonly host: string;
  readonly name: string;
  readonly startedAtMs: number;
  readonly parts: number;
  /** True when a part was smaller than ECR takes; only the last one may be. */
  readonly hasSmallPart: boolean;
}

export interface PreviewRecord {
  readonly text: string;
  readonly startedAtMs: number;
}

export interface EcrRecords {
  /** [account, region] */
  readonly registries: Collection<EcrRegistryRecord>;
  /** [account, region, prefix] */
  readonly templates: Collection<TemplateRecord>;
  /** [account, region, prefix] */
  readonly cacheRules: Collection<CacheRuleRecord>;
  /** [account, region, principal ARN]: whose pulls leave the time of the last pull alone. */
  readonly pullTimeExclusions: Collection<{ readonly createdAtMs: number }>;
  /** [upload id] */
  readonly layerUploads: Collection<LayerUploadRecord>;
  /** [host, name] */
  readonly previews: Collection<PreviewRecord>;
  /** [host, name, tag]: when the upstream registry was last asked for the tag. */
  readonly upstreamChecks: Collection<{ readonly checkedAtMs: number }>;
  /** [host, name, digest, account, region] */
  readonly replicas: Collection<{ readonly status: "COMPLETE" | "FAILED"; readonly failureCode?: string }>;
}

export const ecrRecords = (store: Store): EcrRecords => ({
  registries: store.collection("ecr.registries"),
  templates: store.collection("ecr.templates"),
  cacheRules: store.collection("ecr.cache-rules"),
  pullTimeExclusions: store.collection("ecr.pull-time-exclusions"),
  layerUploads: store.collection("ecr.layer-uploads"),
  previews: store.collection("ecr.lifecycle-previews"),
  upstreamChecks: store.collection("ecr.upstream-checks"),
  replicas: store.collection("ecr.replicas"),
});

/** Key of a registry, or of something in it. */
export const registryKey = ({ accountId, region }: AwsScope, ...rest: string[]): Key => [accountId, region, ...rest];

/** Inside a write: forgets what is kept of a repository that is deleted. */
export function forgetRepository(records: EcrRecords, [host = "", name = ""]: Key): void {
  records.previews.delete([host, name]);
  for (const collection of [records.upstreamChecks, records.replicas]) {
    for (const { key } of collection.list([host, name])) collection.delete(key);
  }
}

/** The settings of a registry; empty when nothing was ever set. */
export const registryOf = (records: EcrRecords, scope: AwsScope): EcrRegistryRecord =>
  records.registries.get(registryKey(scope)) ?? NOTHING_SET;

const NOTHING_SET: EcrRegistryRecord = {};
