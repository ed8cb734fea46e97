/** GetPublicKey: the public half of a pair, for use outside of KMS. */
import { operation } from "../../service.ts";
import { requireKey } from "../find-key.ts";
import { isPair, kindMembers } from "../key-specs.ts";
import { publicKeyBytes } from "../material/key-material.ts";
import { keyArn } from "../records.ts";
import type { GetPublicKeyRequest, GetPublicKeyResponse } from "../shapes.gen.ts";
import { requireMaterial, requireNotPendingDeletion } from "../usable-key.ts";
import { noPublicKey } from "./errors.ts";
import { keyUseErrors, mayUseKey } from "./key-use.ts";

export const getPublicKey = operation<GetPublicKeyRequest, GetPublicKeyResponse>({
  name: "GetPublicKey",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GetPublicKey.html",
  authorize: mayUseKey("kms:GetPublicKey"),
  errors: [...keyUseErrors, noPublicKey],
  async run(input, context) {
    const { key } = await requireKey(context, input.KeyId);
    // AWS: also of a disabled key, whatever the table of key states says.
    requireNotPendingDeletion(key);
    requireMaterial(key);
    if (!isPair(key)) throw noPublicKey();
    return { KeyId: keyArn(key), PublicKey: publicKeyBytes(key), ...kindMembers(key) };
  },
});
