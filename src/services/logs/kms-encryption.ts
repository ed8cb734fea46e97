/**
 * Log groups with a KMS key: AssociateKmsKey, DisassociateKmsKey, and the data keys that events are encrypted with. Logs
 * calls KMS as itself (`logs.<region>.amazonaws.com`) with the encryption context `aws:logs:arn`: the key's policy must
 * allow that. What was written under a key stays under it when the group gets another one or none.
 * Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
 */
import { arnIn, parseArn } from "../../core/arn.ts";
import type { AwsCaller } from "../../core/aws.ts";
import { DAY_MS } from "../../core/clock.ts";
import { AwsError } from "../../core/errors.ts";
import { notOffered } from "../common-errors.ts";
import { type OperationContext, operation } from "../service.ts";
import { groupArn, groupHere, onGroup, soughtGroup } from "./access.ts";
import { groupNotFound, invalidParameter, kmsKeyRefused, validationFailed } from "./errors.ts";
import {
  changeGroup,
  type DataKeyRecord,
  groupKey,
  type LogGroupRecord,
  type LogRecords,
  logRecords,
  MAX_AHEAD_MS,
  requireGroup,
} from "./records.ts";
import type { AssociateKmsKeyRequest, DisassociateKmsKeyRequest } from "./shapes.gen.ts";

const API = "https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference";
/** A data key serves for a day of writing. */
const DATA_KEY_MS = DAY_MS;

type Target = Pick<AssociateKmsKeyRequest, "logGroupName" | "resourceIdentifier">;

export const associateKmsKey = operation<AssociateKmsKeyRequest, object>({
  name: "AssociateKmsKey",
  support: "partial",
  gaps: ["query results (`resourceIdentifier` of a `query-result`) are refused by name: Insights is not offered"],
  source: `${API}/API_AssociateKmsKey.html`,
  authorize: (input, context) => onGroup("AssociateKmsKey", soughtGroup(targetOf(input), context), context),
  errors: [groupNotFound, invalidParameter, validationFailed, kmsKeyRefused, notOffered],
  async run(input, context) {
    const groupName = groupHere(targetOf(input), context);
    requireGroup(logRecords(context.store), context.scope, groupName);
    await requireUsableKey(input.kmsKeyId, groupName, context);
    await changeGroup(context, groupName, (group) => ({ ...group, kmsKeyArn: input.kmsKeyId }));
    return {};
  },
});

export const disassociateKmsKey = operation<DisassociateKmsKeyRequest, object>({
  name: "DisassociateKmsKey",
  support: "partial",
  gaps: ["query results (`resourceIdentifier` of a `query-result`) are refused by name: Insights is not offered"],
  source: `${API}/API_DisassociateKmsKey.html`,
  authorize: (input, context) => onGroup("DisassociateKmsKey", soughtGroup(targetOf(input), context), context),
  errors: [groupNotFound, invalidParameter, validationFailed, notOffered],
  async run(input, context) {
    const groupName = groupHere(targetOf(input), context);
    await changeGroup(context, groupName, ({ kmsKeyArn: _none, ...group }) => group);
    return {};
  },
});

/** The group by the name or the ARN of either form. */
function targetOf({ logGroupName, resourceIdentifier }: Target): Parameters<typeof soughtGroup>[0] {
  if (resourceIdentifier === undefined) return { logGroupName };
  if (parseArn(resourceIdentifier)?.resource.startsWith("query-result:")) {
    throw notOffered("logs:AssociateKmsKey of query results", "keys of log groups");
  }
  return { logGroupName, logGroupIdentifier: resourceIdentifier };
}

const KEY_ARN = /^key\/[\w-]+$/;

/** Makes a data key and forgets it: Logs must be allowed to use the key before a group gets it. */
export async function requireUsableKey(kmsKeyId: string, groupName: string, context: OperationContext): Promise<void> {
  const arn = parseArn(kmsKeyId);
  // AWS: this text also where the key is named by its id or an alias.
  const notFound = () => invalidParameter(`The specified KMS Key Id could not be found. '${groupName}'`);
  if (arn?.service !== "kms" || !KEY_ARN.test(arn.resource)) throw notFound();
  try {
    await generate(kmsKeyId, groupName, context);
  } catch (error) {
    if (UNUSABLE.has((error as AwsError).code)) throw notFound();
    throw refusalFrom(error, groupName, context);
  }
}

/** Keys that are there but cannot be used. */
const UNUSABLE = new Set(["DisabledException", "KMSInvalidStateException", "InvalidKeyUsageException"]);

/** AWS: one sentence for a key that is gone and for one whose policy does not allow it. */
function refusalFrom(error: unknown, groupName: string, { scope }: OperationContext): unknown {
  const isRefusal = error instanceof AwsError && error.fault === "client";
  return isRefusal ? kmsKeyRefused(groupArn(scope, groupName)) : error;
}

interface DataKey {
  readonly id: string;
  readonly key: Uint8Array;
}

const writing = new WeakMap<LogRecords, Map<string, Promise<DataKey>>>();

/** The data key to encrypt new events of a group with; callers that ask at once get the same one, in their order. */
export function dataKeyForWriting(
  group: LogGroupRecord,
  kmsKeyArn: string,
  context: OperationContext,
): Promise<DataKey> {
  const records = logRecords(context.store);
  const running = writing.get(records) ?? new Map<string, Promise<DataKey>>();
  writing.set(records, running);
  const name = groupKey(context.scope, group.groupName).join(" ");
  let key = running.get(name);
  if (!key) {
    key = findOrMakeKey(records, group.groupName, kmsKeyArn, context).finally(() => running.delete(name));
    running.set(name, key);
  }
  return key;
}

async function findOrMakeKey(
  records: LogRecords,
  groupName: string,
  kmsKeyArn: string,
  context: OperationContext,
): Promise<DataKey> {
  const nowMs = context.clock.nowMs();
  const prefix = groupKey(context.scope, groupName);
  const newest = records.dataKeys.list(prefix, { reverse: true, limit: 1 })[0];
  if (newest && newest.value.kmsKeyArn === kmsKeyArn && nowMs - newest.value.createdMs < DATA_KEY_MS) {
    const id = newest.key.at(-1) as string;
    await openDataKey(records, id, newest.value, groupName, context);
    return { id, key: records.openKeys.require(id) };
  }
  try {
    const made = await generate(kmsKeyArn, groupName, context);
    const id = `${String(nowMs).padStart(14, "0")}-${context.ids.alphanumeric(8)}`;
    const wrapped = Buffer.from(made.CiphertextBlob).toString("base64");
    await context.store.write(() => {
      requireGroup(records, context.scope, groupName);
      records.dataKeys.put([...prefix, id], { wrapped, kmsKeyArn, createdMs: nowMs });
    });
    records.openKeys.add(id, made.Plaintext, nowMs);
    return { id, key: made.Plaintext };
  } catch (error) {
    throw refusalFrom(error, groupName, context);
  }
}

/** Decrypts what the group's events may be encrypted with; nothing to do for most groups. */
export async function openDataKeys(groupName: string, context: OperationContext): Promise<void> {
  const records = logRecords(context.store);
  for (const { key, value } of records.dataKeys.list(groupKey(context.scope, groupName))) {
    await openDataKey(records, key.at(-1) as string, value, groupName, context);
  }
}

/** True when `openDataKeys` has something to do. */
export const hasDataKeys = (groupName: string, { store, scope }: OperationContext): boolean =>
  logRecords(store).dataKeys.count(groupKey(scope, groupName)) > 0;

async function openDataKey(
  records: LogRecords,
  id: string,
  { wrapped, kmsKeyArn }: DataKeyRecord,
  groupName: string,
  context: OperationContext,
): Promise<void> {
  if (records.openKeys.has(id, context.clock.nowMs())) return;
  try {
    const input = {
      CiphertextBlob: Buffer.from(wrapped, "base64"),
      KeyId: kmsKeyArn,
      EncryptionContext: encryptionContext(groupName, context),
    };
    const { Plaintext } = await asLogs(groupName, context).call<{ Plaintext: Uint8Array }>("kms", "Decrypt", input);
    records.openKeys.add(id, Plaintext, context.clock.nowMs());
  } catch (error) {
    throw refusalFrom(error, groupName, context);
  }
}

/** Inside a write: forgets data keys under which no event is left that the group still shows. */
export function deleteOldDataKeys(
  records: LogRecords,
  prefix: readonly string[],
  retentionMs: number,
  nowMs: number,
): void {
  for (const { key, value } of records.dataKeys.list(prefix)) {
    if (value.createdMs + DATA_KEY_MS + MAX_AHEAD_MS + retentionMs < nowMs) records.dataKeys.delete(key);
  }
}

interface NewDataKey {
  readonly Plaintext: Uint8Array;
  readonly CiphertextBlob: Uint8Array;
}

const generate = (kmsKeyArn: string, groupName: string, context: OperationContext): Promise<NewDataKey> =>
  asLogs(groupName, context).call<NewDataKey>("kms", "GenerateDataKey", {
    KeyId: kmsKeyArn,
    KeySpec: "AES_256",
    EncryptionContext: encryptionContext(groupName, context),
  });

const encryptionContext = (groupName: string, { scope }: OperationContext): Record<string, string> => ({
  "aws:logs:arn": groupArn(scope, groupName),
});

const asLogs = (groupName: string, context: OperationContext): AwsCaller =>
  context.asService(
    `logs.${context.scope.region}.amazonaws.com`,
    arnIn(context.scope, "logs", `log-group:${groupName}`),
  );
