/**
 * `/aws/reference/secretsmanager/<secret>`: a Secrets Manager secret read as a SecureString parameter.
 * Source: https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
 */
import { AwsError } from "../../core/errors.ts";
import type { OperationContext } from "../service.ts";
import { referencedSecretNotFound, validationFailure } from "./errors.ts";
import type { ParameterReference } from "./parameter-name.ts";
import { withoutLeadingSlash } from "./records.ts";
import type { Parameter } from "./shapes.gen.ts";

const PREFIX = "/aws/reference/secretsmanager/";
/** There is no such secret, or its deletion is scheduled. */
const UNREADABLE = ["ResourceNotFoundException", "InvalidRequestException"];

interface SecretValue {
  readonly ARN: string;
  readonly Name: string;
  readonly VersionId: string;
  readonly SecretString?: string;
  readonly SecretBinary?: Uint8Array;
  readonly VersionStages: readonly string[];
  readonly CreatedDate: number;
}

export const isSecretReference = (name: string): boolean => name.startsWith(PREFIX);

export async function secretAnswer(
  context: OperationContext,
  { name, selector }: ParameterReference,
  withDecryption: boolean,
): Promise<Parameter> {
  if (!withDecryption) {
    throw validationFailure("WithDecryption flag must be True for retrieving a Secret Manager secret.");
  }
  const secret = await getSecretValue(context, name, selector);
  return {
    Name: name,
    Type: "SecureString",
    Value: secret.SecretString ?? Buffer.from(secret.SecretBinary ?? []).toString("base64"),
    // AWS: a secret has no parameter version.
    Version: 0,
    ...(selector !== "" && { Selector: selector }),
    SourceResult: JSON.stringify({
      ARN: secret.ARN,
      name: secret.Name,
      versionId: secret.VersionId,
      ...(secret.SecretString !== undefined && { secretString: secret.SecretString }),
      versionStages: secret.VersionStages,
      createdDate: javaDate(secret.CreatedDate),
    }),
    LastModifiedDate: secret.CreatedDate,
    // AWS: the secret's; and there is no DataType.
    ARN: secret.ARN,
  };
}

/** AWS: a date within the text is as Java prints one for people: `Oct 14, 2021, 10:18:47 AM`, in UTC. */
const javaDate = (atMs: number): string =>
  new Date(atMs)
    .toLocaleString("en-US", { dateStyle: "medium", timeStyle: "medium", timeZone: "UTC" })
    .replace("\u202f", " ");

async function getSecretValue(context: OperationContext, name: string, selector: string): Promise<SecretValue> {
  const wanted = selector.slice(1);
  const isVersionId = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(wanted);
  try {
    return await context.aws.call<SecretValue>("secretsmanager", "GetSecretValue", {
      SecretId: name.slice(PREFIX.length),
      ...(wanted !== "" && (isVersionId ? { VersionId: wanted } : { VersionStage: wanted })),
    });
  } catch (error) {
    if (error instanceof AwsError && UNREADABLE.includes(error.code)) {
      throw referencedSecretNotFound(withoutLeadingSlash(name), selector);
    }
    throw error;
  }
}
