/** DescribeKey and ListKeys. */
import { operation } from "../../service.ts";
import { invalidMarker, lookupByAnyNameErrors } from "../errors.ts";
import { requireKey, soughtKey } from "../find-key.ts";
import { invalidGrantToken } from "../grants/errors.ts";
import { requireGrantTokens } from "../grants/grant-token.ts";
import { keyAccess } from "../key-access.ts";
import { isGone, keyNow } from "../key-now.ts";
import { pageOf } from "../pages.ts";
import { keyArn, keysIn } from "../records.ts";
import type { DescribeKeyRequest, DescribeKeyResponse, ListKeysRequest, ListKeysResponse } from "../shapes.gen.ts";
import { keyMetadata } from "./key-metadata.ts";

// AWS: DescribeKey of an `alias/aws/…` name makes the AWS managed key when there is none yet.
export const describeKey = operation<DescribeKeyRequest, DescribeKeyResponse>({
  name: "DescribeKey",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html",
  authorize: async (input, context) => {
    requireGrantTokens(context, input.GrantTokens);
    return [keyAccess(context, "kms:DescribeKey", await soughtKey(context, input.KeyId))];
  },
  errors: [...lookupByAnyNameErrors, invalidGrantToken],
  async run(input, context) {
    return { KeyMetadata: keyMetadata((await requireKey(context, input.KeyId)).key) };
  },
});

export const listKeys = operation<ListKeysRequest, ListKeysResponse>({
  name: "ListKeys",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_ListKeys.html",
  authorize: () => [{ action: "kms:ListKeys", resource: "*" }],
  errors: [invalidMarker],
  run(input, context) {
    const { accountId, region } = context.scope;
    const nowMs = context.clock.nowMs();
    const keys = keysIn(context.store)
      .list([accountId, region])
      .map((entry) => entry.value)
      .filter((key) => !isGone(keyNow(context.store, key, nowMs), nowMs));
    const page = pageOf(keys, (key) => key.id, input, { usual: 100, most: 1000 });
    return { ...page.tokens, Keys: page.items.map((key) => ({ KeyId: key.id, KeyArn: keyArn(key) })) };
  },
});
