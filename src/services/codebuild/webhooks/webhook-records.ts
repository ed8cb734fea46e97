/** What is kept of webhooks: settings with the sealed secret, where a payload URL's token leads, and past deliveries. */
import type { AwsScope } from "../../../core/arn.ts";
import type { Clock } from "../../../core/clock.ts";
import type { Ids } from "../../../core/ids.ts";
import type { Collection, Key, Store } from "../../../store/store.ts";
import { projectKey } from "../records.ts";
import type { PullRequestBuildPolicy, ScopeConfiguration, Webhook, WebhookFilter } from "../shapes.gen.ts";
import type { FilterDecision } from "./evaluate-filters.ts";

export interface WebhookRecord {
  /** Of the payload URL; who knows it may try to deliver. */
  readonly token: string;
  readonly sealedSecret: string;
  readonly lastModifiedSecretMs: number;
  readonly branchFilter?: string | undefined;
  readonly filterGroups: readonly (readonly WebhookFilter[])[];
  readonly buildType?: "BUILD" | "BUILD_BATCH" | undefined;
  readonly manualCreation: boolean;
  readonly scopeConfiguration?: ScopeConfiguration | undefined;
  readonly pullRequestBuildPolicy?: PullRequestBuildPolicy | undefined;
}

/** One delivery and what came of it, for `kiln webhook ls`. */
export interface DeliveryRecord {
  readonly id: string;
  readonly atMs: number;
  readonly projectName: string;
  /** As the provider calls it, e.g. `pull_request`. */
  readonly eventType: string;
  readonly outcomes: readonly DeliveryOutcome[];
}

export interface DeliveryOutcome {
  /** `refused`: wrong signature or body. `failed`: the filters passed, the build could not be made. */
  readonly decision: "started" | "ignored" | "refused" | "failed" | "ping";
  /** CodeBuild's name of the event. */
  readonly event?: string | undefined;
  readonly trigger?: string | undefined;
  readonly sourceVersion?: string | undefined;
  readonly buildId?: string | undefined;
  readonly buildBatchId?: string | undefined;
  readonly why: string;
  readonly filters?: FilterDecision | undefined;
}

/** AWS's tokens are longer; this one has 380 bits. */
const TOKEN_LENGTH = 64;
const SECRET_LENGTH = 40;
const KEPT_DELIVERIES = 50;

interface WebhookRecords {
  readonly webhooks: Collection<WebhookRecord>;
  /** Token → key of the project. */
  readonly tokens: Collection<Key>;
  readonly deliveries: Collection<DeliveryRecord>;
}

export const webhookRecords = (store: Store): WebhookRecords => ({
  webhooks: store.collection("codebuild.webhooks"),
  tokens: store.collection("codebuild.webhook-tokens"),
  deliveries: store.collection("codebuild.webhook-deliveries"),
});

export const newToken = (ids: Ids): string => ids.alphanumeric(TOKEN_LENGTH);

/** A new secret, sealed for the record. */
export function newSecret(ids: Ids, store: Store, token: string): { readonly secret: string; readonly sealed: string } {
  const secret = ids.alphanumeric(SECRET_LENGTH);
  return { secret, sealed: store.seal(Buffer.from(secret), sealContext(token)) };
}

/** For the comparison of a signature, and to sign what `kiln webhook trigger` makes; shown nowhere. */
export const secretOf = (store: Store, { sealedSecret, token }: WebhookRecord): string =>
  store.unseal(sealedSecret, sealContext(token)).toString("utf8");

const sealContext = (token: string): string => `codebuild webhook ${token}`;

/** The webhook as AWS shows it; the secret only where it was just made. */
export function webhookShape(record: WebhookRecord, endpointUrl: string, secret?: string): Webhook {
  const { branchFilter, filterGroups, buildType, scopeConfiguration, pullRequestBuildPolicy } = record;
  return {
    payloadUrl: `${endpointUrl}/_kiln/webhooks?t=${record.token}&v=1`,
    ...(secret === undefined ? {} : { secret }),
    ...(branchFilter === undefined ? {} : { branchFilter }),
    ...(filterGroups.length === 0 ? {} : { filterGroups }),
    ...(buildType === undefined ? {} : { buildType }),
    manualCreation: record.manualCreation,
    lastModifiedSecret: record.lastModifiedSecretMs,
    ...(scopeConfiguration ? { scopeConfiguration } : {}),
    ...(pullRequestBuildPolicy ? { pullRequestBuildPolicy } : {}),
    status: "ACTIVE",
    statusMessage: "kiln registers nothing at the provider: send its events to payloadUrl",
  };
}

/** The webhook of a project, or undefined. */
export const findWebhook = (store: Store, scope: AwsScope, projectName: string): WebhookRecord | undefined =>
  webhookRecords(store).webhooks.get(projectKey(scope, projectName));

/** Deletes the webhook with its token and deliveries. Inside `store.write`. */
export function removeWebhook(store: Store, scope: AwsScope, projectName: string): void {
  const { webhooks, tokens, deliveries } = webhookRecords(store);
  const key = projectKey(scope, projectName);
  const record = webhooks.get(key);
  if (!record) return;
  webhooks.delete(key);
  tokens.delete([record.token]);
  for (const { key: delivery } of deliveries.list(key)) deliveries.delete(delivery);
}

/** Keeps a delivery and forgets the oldest beyond a number. */
export async function keepDelivery(
  { store, clock, ids }: { readonly store: Store; readonly clock: Clock; readonly ids: Ids },
  scope: AwsScope,
  delivery: Omit<DeliveryRecord, "id" | "atMs">,
): Promise<DeliveryRecord> {
  const { deliveries } = webhookRecords(store);
  const record: DeliveryRecord = { ...delivery, id: ids.uuid(), atMs: clock.nowMs() };
  const key = projectKey(scope, delivery.projectName);
  const old = deliveries.list(key, { reverse: true }).slice(KEPT_DELIVERIES - 1);
  await store.write(() => {
    deliveries.put([...key, String(record.atMs).padStart(15, "0"), record.id], record);
    for (const { key: oldest } of old) deliveries.delete(oldest);
  });
  return record;
}

/** Newest first. */
export const deliveriesOf = (store: Store, scope: AwsScope, projectName: string): DeliveryRecord[] =>
  webhookRecords(store)
    .deliveries.list(projectKey(scope, projectName), { reverse: true })
    .map(({ value }) => value);
