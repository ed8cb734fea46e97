/** The `Parameter` member of answers; decrypts when asked to. Shared by the three reading operations. */
import type { AwsScope } from "../../core/arn.ts";
import type { OperationContext } from "../service.ts";
import type { FoundParameter } from "./find-parameter.ts";
import { type ParameterReference, parameterArn } from "./parameter-name.ts";
import type { ParameterVersion } from "./records.ts";
import { decryptValue } from "./secure-string.ts";
import type { Parameter } from "./shapes.gen.ts";

export interface Asked {
  /** In the form the caller used: `/x` and `x` are one parameter, and each gets its own form back. */
  readonly name: string;
  readonly selector: string;
  /** Of the parameter, which may be another account's. */
  readonly scope: AwsScope;
  readonly withDecryption: boolean;
}

/** At once unless something must be decrypted. */
export function parameterAnswer(
  context: OperationContext,
  { version }: FoundParameter,
  asked: Asked,
): Parameter | Promise<Parameter> {
  const value = readValue(context, version, asked);
  if (typeof value === "string") return answerOf(version, asked, value);
  return value.then((decrypted) => answerOf(version, asked, decrypted));
}

/** Plain text where it is stored plain or decryption was asked for, else the ciphertext in base64. */
export const readValue = (
  context: OperationContext,
  version: ParameterVersion,
  asked: Omit<Asked, "selector">,
): string | Promise<string> =>
  version.type === "SecureString" && asked.withDecryption ? decryptValue(context, asked, version) : version.value;

function answerOf(version: ParameterVersion, asked: Asked, value: string): Parameter {
  return {
    Name: asked.name,
    Type: version.type,
    Value: value,
    Version: version.version,
    ...(asked.selector !== "" && { Selector: asked.selector }),
    LastModifiedDate: version.lastModifiedMs,
    ARN: parameterArn(asked.scope, asked.name),
    DataType: version.dataType,
  };
}

export const askedBy = (reference: ParameterReference, withDecryption: boolean | undefined): Asked => ({
  name: reference.name,
  selector: reference.selector,
  scope: reference.scope,
  withDecryption: withDecryption ?? false,
});
