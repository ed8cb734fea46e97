/** Sign and Verify. Verify uses the public key only, but asks for the key like Sign does. */
import { type OperationContext, operation } from "../../service.ts";
import { unsupported } from "../errors.ts";
import { requireKey } from "../find-key.ts";
import { specOf } from "../key-specs.ts";
import { privateKeyOf, publicKeyOf } from "../material/key-material.ts";
import { type KeyRecord, keyArn } from "../records.ts";
import type { SignRequest, SignResponse, VerifyRequest, VerifyResponse } from "../shapes.gen.ts";
import { refuseSpecialModes, requireUsableFor } from "../usable-key.ts";
import { invalidDigest, invalidSignature, wrongMessageType } from "./errors.ts";
import { keyUseErrors, mayUseKey } from "./key-use.ts";
import { digestBytes, isSignature, type Signable, signatureOf } from "./signatures.ts";

type SigningInput = Pick<SignRequest, "KeyId" | "Message" | "MessageType" | "SigningAlgorithm" | "DryRun">;

const conditions = ({ MessageType = "RAW", SigningAlgorithm }: SigningInput) => ({
  "kms:MessageType": MessageType,
  "kms:SigningAlgorithm": SigningAlgorithm,
});
const errors = [...keyUseErrors, invalidDigest, wrongMessageType];
const gaps = ["the signing algorithm ED25519_PH_SHA_512 is refused by name"];

export const sign = operation<SignRequest, SignResponse>({
  name: "Sign",
  support: "partial",
  gaps,
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html",
  authorize: mayUseKey("kms:Sign", conditions),
  errors,
  async run(input, context) {
    const { key, signable } = await requireSignable(context, "Sign", input);
    refuseSpecialModes(input);
    const { SigningAlgorithm } = input;
    const salt = () => context.ids.bytes(digestBytes(SigningAlgorithm));
    const signature = await signatureOf(privateKeyOf(context, key), signable, salt);
    return { KeyId: keyArn(key), Signature: signature, SigningAlgorithm };
  },
});

export const verify = operation<VerifyRequest, VerifyResponse>({
  name: "Verify",
  support: "partial",
  gaps,
  source: "https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html",
  authorize: mayUseKey("kms:Verify", conditions),
  errors: [...errors, invalidSignature],
  async run(input, context) {
    const { key, signable } = await requireSignable(context, "Verify", input);
    const isValid = await isSignature(publicKeyOf(key), signable, input.Signature);
    // AWS: a wrong signature is an error, so that `SignatureValid` is never false.
    if (!isValid) throw invalidSignature();
    refuseSpecialModes(input);
    return { KeyId: keyArn(key), SignatureValid: true, SigningAlgorithm: input.SigningAlgorithm };
  },
});

async function requireSignable(
  context: OperationContext,
  operationName: string,
  input: SigningInput,
): Promise<{ readonly key: KeyRecord; readonly signable: Signable }> {
  const { Message: message, MessageType = "RAW", SigningAlgorithm: algorithm } = input;
  const { key } = await requireKey(context, input.KeyId);
  requireUsableFor(key, operationName, "SIGN_VERIFY", algorithm);
  // AWS: Ed25519 takes messages and Ed25519ph digests, not the other way round; EXTERNAL_MU is for ML-DSA.
  const onlyType = algorithm === "ED25519_SHA_512" ? "RAW" : algorithm === "ED25519_PH_SHA_512" ? "DIGEST" : undefined;
  if (onlyType !== undefined && MessageType !== onlyType) {
    throw wrongMessageType(MessageType, `algorithm ${algorithm}`);
  }
  if (MessageType === "EXTERNAL_MU") throw wrongMessageType(MessageType, `key spec ${specOf(key)}`);
  const isDigest = MessageType === "DIGEST";
  if (isDigest && message.length !== digestBytes(algorithm)) throw invalidDigest(algorithm);
  if (algorithm === "ED25519_PH_SHA_512") throw unsupported("the signing algorithm `ED25519_PH_SHA_512`");
  return { key, signable: { algorithm, message, isDigest } };
}
