/** GenerateDataKeyPair and GenerateDataKeyPairWithoutPlaintext: pairs for use outside of KMS, under a symmetric key. */
import { type OperationContext, operation } from "../../service.ts";
import { unsupported } from "../errors.ts";
import { requireKey } from "../find-key.ts";
import { encryptionConditions } from "../key-access.ts";
import { factsOf } from "../key-specs.ts";
import { currentMaterial, newPair } from "../material/key-material.ts";
import { keyArn } from "../records.ts";
import type {
  GenerateDataKeyPairRequest,
  GenerateDataKeyPairResponse,
  GenerateDataKeyPairWithoutPlaintextRequest,
  GenerateDataKeyPairWithoutPlaintextResponse,
} from "../shapes.gen.ts";
import { refuseSpecialModes, requireDataKeyMaker } from "../usable-key.ts";
import { encryptUnder } from "./ciphertext.ts";
import { keyUseErrors, mayUseKey } from "./key-use.ts";

const conditions = ({ EncryptionContext, KeyPairSpec }: GenerateDataKeyPairRequest) => ({
  ...encryptionConditions(EncryptionContext),
  "kms:DataKeyPairSpec": KeyPairSpec,
});

export const generateDataKeyPair = operation<GenerateDataKeyPairRequest, GenerateDataKeyPairResponse>({
  name: "GenerateDataKeyPair",
  support: "partial",
  gaps: ["`Recipient` (Nitro enclaves) is refused", "KeyPairSpec SM2 is refused by name"],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPair.html",
  authorize: mayUseKey("kms:GenerateDataKeyPair", conditions),
  errors: keyUseErrors,
  async run(input, context) {
    const { privateKey, ...answer } = await makeDataKeyPair(context, "GenerateDataKeyPair", input);
    return { ...answer, PrivateKeyPlaintext: privateKey };
  },
});

export const generateDataKeyPairWithoutPlaintext = operation<
  GenerateDataKeyPairWithoutPlaintextRequest,
  GenerateDataKeyPairWithoutPlaintextResponse
>({
  name: "GenerateDataKeyPairWithoutPlaintext",
  support: "partial",
  gaps: ["KeyPairSpec SM2 is refused by name"],
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateDataKeyPairWithoutPlaintext.html",
  authorize: mayUseKey("kms:GenerateDataKeyPairWithoutPlaintext", conditions),
  errors: keyUseErrors,
  async run(input, context) {
    const { privateKey: _, ...answer } = await makeDataKeyPair(context, "GenerateDataKeyPairWithoutPlaintext", input);
    return answer;
  },
});

async function makeDataKeyPair(context: OperationContext, operationName: string, input: GenerateDataKeyPairRequest) {
  const { key } = await requireKey(context, input.KeyId);
  requireDataKeyMaker(key, operationName);
  if (!factsOf(input.KeyPairSpec)) throw unsupported(`KeyPairSpec \`${input.KeyPairSpec}\``);
  refuseSpecialModes(input);
  const { bytes: privateKey, publicKey } = await newPair(input.KeyPairSpec);
  return {
    privateKey,
    PrivateKeyCiphertextBlob: encryptUnder(context, key, privateKey, input.EncryptionContext),
    PublicKey: publicKey,
    KeyId: keyArn(key),
    KeyPairSpec: input.KeyPairSpec,
    KeyMaterialId: currentMaterial(key).id,
  };
}
