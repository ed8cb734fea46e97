/** GenerateDataKey, GenerateDataKeyWithoutPlaintext, GenerateRandom. */
import { type OperationContext, operation } from "../../service.ts";
import { unsupported, validationFailure } from "../errors.ts";
import { requireKey } from "../find-key.ts";
import { encryptionConditions } from "../key-access.ts";
import { keyArn } from "../records.ts";
import type {
  GenerateDataKeyRequest,
  GenerateDataKeyResponse,
  GenerateDataKeyWithoutPlaintextRequest,
  GenerateDataKeyWithoutPlaintextResponse,
  GenerateRandomRequest,
  GenerateRandomResponse,
} from "../shapes.gen.ts";
import { refuseSpecialModes, requireDataKeyMaker } from "../usable-key.ts";
import { encryptUnder } from "./ciphertext.ts";
import { keyUseErrors, mayUseKey } from "./key-use.ts";

export const generateDataKey = operation<GenerateDataKeyRequest, GenerateDataKeyResponse>({
  name: "GenerateDataKey",
  support: "partial",
  gaps: ["`Recipient` (Nitro enclaves) is refused"],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKey.html",
  authorize: mayUseKey("kms:GenerateDataKey", (input) => encryptionConditions(input.EncryptionContext)),
  errors: keyUseErrors,
  async run(input, context) {
    const { plaintext, ...answer } = await makeDataKey(context, "GenerateDataKey", input);
    return { ...answer, Plaintext: plaintext };
  },
});

export const generateDataKeyWithoutPlaintext = operation<
  GenerateDataKeyWithoutPlaintextRequest,
  GenerateDataKeyWithoutPlaintextResponse
>({
  name: "GenerateDataKeyWithoutPlaintext",
  support: "supported",
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyWithoutPlaintext.html",
  authorize: mayUseKey("kms:GenerateDataKeyWithoutPlaintext", (input) => encryptionConditions(input.EncryptionContext)),
  errors: keyUseErrors,
  async run(input, context) {
    const { plaintext: _, ...answer } = await makeDataKey(context, "GenerateDataKeyWithoutPlaintext", input);
    return answer;
  },
});

export const generateRandom = operation<GenerateRandomRequest, GenerateRandomResponse>({
  name: "GenerateRandom",
  support: "partial",
  gaps: ["`Recipient` (Nitro enclaves) and custom key stores are refused"],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateRandom.html",
  authorize: () => [{ action: "kms:GenerateRandom", resource: "*" }],
  errors: [validationFailure, unsupported],
  run(input, context) {
    if (input.CustomKeyStoreId !== undefined) throw unsupported("custom key stores");
    refuseSpecialModes(input);
    if (input.NumberOfBytes === undefined) throw validationFailure("NumberOfBytes is required.");
    return { Plaintext: context.ids.bytes(input.NumberOfBytes) };
  },
});

async function makeDataKey(context: OperationContext, operation: string, input: GenerateDataKeyRequest) {
  const { key } = await requireKey(context, input.KeyId);
  // AWS: what is asked for is looked at before the key's usage and state.
  const length = lengthOf(input);
  requireDataKeyMaker(key, operation);
  const plaintext = context.ids.bytes(length);
  refuseSpecialModes(input);
  const material = key.material.at(-1);
  return {
    plaintext,
    CiphertextBlob: encryptUnder(context, key, plaintext, input.EncryptionContext),
    KeyId: keyArn(key),
    ...(material && { KeyMaterialId: material.id }),
  };
}

function lengthOf({ NumberOfBytes, KeySpec }: GenerateDataKeyRequest): number {
  if ((NumberOfBytes === undefined) === (KeySpec === undefined)) {
    throw validationFailure("Please specify either number of bytes or key spec.");
  }
  return NumberOfBytes ?? (KeySpec === "AES_128" ? 16 : 32);
}
