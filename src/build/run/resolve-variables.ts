/**
 * Values of a build's variables: plain ones as they are, Parameter Store and Secrets Manager ones fetched as the
 * service role. Failures are CodeBuild's phase contexts, to the byte.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.parameter-store;
 * status codes and texts from published build logs. A missing JSON member of a secret has no published text: ours.
 */
import type { AwsCaller } from "../../core/aws.ts";
import { AwsError } from "../../core/errors.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type PlannedVariable, parseSecretReference } from "../plan/index.ts";
import type { PhaseContext } from "./events.ts";
import { MIN_SECRET_LENGTH, secretParts } from "./mask.ts";

/** AWS: GetParameters takes at most 10 names. */
const MAX_NAMES_PER_CALL = 10;

export interface ResolvedVariable {
  readonly variable: PlannedVariable;
  readonly value: string;
}

export interface ResolvedVariables {
  readonly resolved: readonly ResolvedVariable[];
  /** Values to hide in everything that is shown. */
  readonly secrets: readonly string[];
  /** One line each, without values. */
  readonly notices: readonly string[];
}

export async function resolveVariables(
  variables: readonly PlannedVariable[],
  role: AwsCaller,
): Promise<Result<ResolvedVariables, PhaseContext>> {
  const notices: string[] = [];
  const parameters = await getParameters(variables, role, notices);
  if (!parameters.ok) return parameters;

  const resolved: ResolvedVariable[] = [];
  const secrets: string[] = [];
  const secretTexts = new Map<string, string>();
  for (const variable of variables) {
    if (variable.type === "PLAINTEXT") {
      resolved.push({ variable, value: variable.value });
      continue;
    }
    let value = parameters.value.get(variable.value) ?? "";
    if (variable.type === "SECRETS_MANAGER") {
      const secret = await secretValue(variable.value, role, secretTexts);
      if (!secret.ok) return secret;
      value = secret.value;
    }
    if (value.length > 0 && secretParts(value).length === 0) {
      const why = value.length < MIN_SECRET_LENGTH ? "is shorter than 3 characters" : "has no letter or digit";
      notices.push(`the value of \`${variable.name}\` ${why} and is not hidden in the log`);
    }
    secrets.push(value);
    resolved.push({ variable, value });
  }
  return ok({ resolved, secrets: [...secrets, ...secretTexts.values()], notices });
}

async function getParameters(
  variables: readonly PlannedVariable[],
  role: AwsCaller,
  notices: string[],
): Promise<Result<Map<string, string>, PhaseContext>> {
  const wanted = variables.filter((variable) => variable.type === "PARAMETER_STORE");
  const values = new Map<string, string>();
  const names = [...new Set(wanted.map((variable) => variable.value))];
  const missing = new Set<string>();
  try {
    for (let at = 0; at < names.length; at += MAX_NAMES_PER_CALL) {
      await fetchNames(role, names.slice(at, at + MAX_NAMES_PER_CALL), values, missing);
    }
  } catch (error) {
    return err(variablesError(error));
  }
  for (const variable of wanted) {
    if (variable.extension === "ssm-reference") notices.push(extensionNotice(variable));
  }
  for (const name of missing) {
    const extension = wanted.find((variable) => variable.value === name && variable.extension === "ssm-reference");
    const other = extension && otherSpelling(name);
    if (other !== undefined) {
      const found = new Map<string, string>();
      await fetchNames(role, [other], found, new Set()).catch((error: unknown) => {
        if (!(error instanceof AwsError)) throw error;
      });
      const value = found.get(other);
      if (value !== undefined) {
        values.set(name, value);
        notices.push(`there is no parameter \`${name}\`; \`${extension?.name}\` is taken from \`${other}\``);
        continue;
      }
    }
    return err({ statusCode: "Decrypted Variables Error", message: `parameter does not exist: ${name}` });
  }
  return ok(values);
}

async function fetchNames(
  role: AwsCaller,
  names: readonly string[],
  values: Map<string, string>,
  missing: Set<string>,
): Promise<void> {
  const answer = await role.call<{
    Parameters?: readonly { Name?: string; ARN?: string; Selector?: string; Value?: string }[];
    InvalidParameters?: readonly string[];
  }>("ssm", "GetParameters", { Names: names, WithDecryption: true });
  for (const { Name = "", ARN, Selector = "", Value = "" } of answer.Parameters ?? []) {
    // A name may be asked for with `:version` or `:label`, or as an ARN.
    for (const spelling of [Name, Name + Selector, ARN ?? Name, (ARN ?? Name) + Selector]) {
      if (names.includes(spelling)) values.set(spelling, Value);
    }
  }
  for (const name of names) if (!values.has(name)) missing.add(name);
}

const extensionNotice = (variable: PlannedVariable): string =>
  `\`${variable.name}: ssm:${variable.value}\`${variable.line === undefined ? "" : ` (line ${variable.line})`} is read from Parameter Store here; AWS CodeBuild would ${variable.phase === undefined ? "leave the text as it is" : `ignore \`environment\` under the phase and leave the variable unset`}. Write it under \`env.parameter-store\`, or run \`kiln check --fix\``;

/** The name with its leading slash taken away or put in front. */
const otherSpelling = (name: string): string | undefined => {
  if (name.startsWith("arn:")) return undefined;
  if (!name.startsWith("/")) return `/${name}`;
  const bare = name.slice(1);
  return bare.includes("/") ? undefined : bare;
};

async function secretValue(
  reference: string,
  role: AwsCaller,
  texts: Map<string, string>,
): Promise<Result<string, PhaseContext>> {
  const { secretId, jsonKey, versionStage, versionId } = parseSecretReference(reference);
  if (versionStage !== undefined && versionId !== undefined) {
    return err(secretError(`\`${reference}\` names a version stage and a version id; CodeBuild takes one of them`));
  }
  const key = JSON.stringify([secretId, versionStage, versionId]);
  let text = texts.get(key);
  if (text === undefined) {
    try {
      const answer = await role.call<{ SecretString?: string; SecretBinary?: Uint8Array }>(
        "secretsmanager",
        "GetSecretValue",
        {
          SecretId: secretId,
          ...(versionStage === undefined ? {} : { VersionStage: versionStage }),
          ...(versionId === undefined ? {} : { VersionId: versionId }),
        },
      );
      text = answer.SecretString ?? Buffer.from(answer.SecretBinary ?? []).toString("utf8");
    } catch (error) {
      return err({ statusCode: "Secrets Manager Error", message: awsErrorText(error) });
    }
    texts.set(key, text);
  }
  if (jsonKey === undefined) return ok(text);
  const member = jsonMember(text, jsonKey);
  return member === undefined
    ? err(secretError(`the secret \`${secretId}\` has no JSON key \`${jsonKey}\``))
    : ok(member);
}

const secretError = (message: string): PhaseContext => ({ statusCode: "Secrets Manager Error", message });

function jsonMember(text: string, key: string): string | undefined {
  try {
    const value: unknown = (JSON.parse(text) as Record<string, unknown>)[key];
    if (value === undefined || value === null) return undefined;
    return typeof value === "string" ? value : JSON.stringify(value);
  } catch {
    return undefined;
  }
}

const variablesError = (error: unknown): PhaseContext => ({
  statusCode: "Decrypted Variables Error",
  message: awsErrorText(error),
});

/** An AWS error as the agent's SDK prints it. Anything else is a bug and goes on. */
export function awsErrorText(error: unknown): string {
  if (!(error instanceof AwsError)) throw error;
  return `${error.code}: ${error.message}\n\tstatus code: ${error.status}, request id: ${error.requestId ?? ""}`;
}
