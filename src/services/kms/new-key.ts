/** Makes a key record: fresh AES-256 material, sealed. Used by CreateKey and for AWS managed keys. */
import { createHash } from "node:crypto";
import type { AwsScope } from "../../core/arn.ts";
import type { PolicyDocument } from "../../core/aws.ts";
import type { OperationContext } from "../service.ts";
import { type KeyMaterial, type KeyRecord, materialContext } from "./records.ts";

export interface NewKey {
  readonly description: string;
  readonly manager: "AWS" | "CUSTOMER";
  readonly policy: PolicyDocument;
  readonly tags: Readonly<Record<string, string>>;
  readonly aliasNames: readonly string[];
}

export function newKey(context: OperationContext, scope: AwsScope, facts: NewKey): KeyRecord {
  const { partition, region, accountId } = scope;
  const id = context.ids.uuid();
  return {
    ...facts,
    id,
    partition,
    region,
    accountId,
    createdAtMs: context.clock.nowMs(),
    state: "Enabled",
    material: [newMaterial(context, { id })],
  };
}

export function newMaterial(context: OperationContext, key: Pick<KeyRecord, "id">): KeyMaterial {
  const bytes = context.ids.bytes(32);
  // An id that says nothing about the material: a hash of it with the key's id, twice.
  const id = createHash("sha256").update(createHash("sha256").update(key.id).update(bytes).digest()).digest("hex");
  return { id, sealed: context.store.seal(bytes, materialContext(key, id)) };
}
