/** GenerateMac and VerifyMac: HMAC (RFC 2104) under HMAC keys. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { type OperationContext, operation } from "../../service.ts";
import { requireKey } from "../find-key.ts";
import { currentMaterial, openMaterial } from "../material/key-material.ts";
import { type KeyRecord, keyArn } from "../records.ts";
import type { GenerateMacRequest, GenerateMacResponse, VerifyMacRequest, VerifyMacResponse } from "../shapes.gen.ts";
import { refuseSpecialModes, requireUsableFor } from "../usable-key.ts";
import { invalidMac } from "./errors.ts";
import { keyUseErrors, mayUseKey } from "./key-use.ts";

type MacInput = Pick<GenerateMacRequest, "KeyId" | "Message" | "MacAlgorithm">;

const conditions = ({ MacAlgorithm }: MacInput) => ({ "kms:MacAlgorithm": MacAlgorithm });

export const generateMac = operation<GenerateMacRequest, GenerateMacResponse>({
  name: "GenerateMac",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html",
  authorize: mayUseKey("kms:GenerateMac", conditions),
  errors: keyUseErrors,
  async run(input, context) {
    const { key, mac } = await macOf(context, "GenerateMac", input);
    refuseSpecialModes(input);
    return { Mac: mac, MacAlgorithm: input.MacAlgorithm, KeyId: keyArn(key) };
  },
});

export const verifyMac = operation<VerifyMacRequest, VerifyMacResponse>({
  name: "VerifyMac",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html",
  authorize: mayUseKey("kms:VerifyMac", conditions),
  errors: [...keyUseErrors, invalidMac],
  async run(input, context) {
    const { key, mac } = await macOf(context, "VerifyMac", input);
    // AWS: a wrong code is an error, so that `MacValid` is never false.
    if (mac.length !== input.Mac.length || !timingSafeEqual(mac, input.Mac)) throw invalidMac();
    refuseSpecialModes(input);
    return { KeyId: keyArn(key), MacValid: true, MacAlgorithm: input.MacAlgorithm };
  },
});

async function macOf(
  context: OperationContext,
  operationName: string,
  { KeyId, MacAlgorithm, Message }: MacInput,
): Promise<{ readonly key: KeyRecord; readonly mac: Buffer }> {
  const { key } = await requireKey(context, KeyId);
  requireUsableFor(key, operationName, "GENERATE_VERIFY_MAC", MacAlgorithm);
  const secret = openMaterial(context, key, currentMaterial(key));
  return {
    key,
    mac: createHmac(`sha${MacAlgorithm.slice(-3)}`, secret)
      .update(Message)
      .digest(),
  };
}
