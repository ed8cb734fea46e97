/**
 * What a build was given that is secret: what it asked Parameter Store, Secrets Manager, KMS, STS and ECR for with
 * decryption, before its commands and in them, and what Kiln handed it. Filled while the build runs, in memory only;
 * read once, when it is over. Values are kept, each once; nothing here shows one.
 * Sees the calls that come through Kiln's endpoint: what a build asks elsewhere it cannot know.
 */
import type { GivenSecret, SecretOrigin } from "./given-secret.ts";

/** More values than that are no build's own secrets; the newest go. */
const MAX_VALUES = 2_000;
const MAX_VALUE_CHARACTERS = 64 * 1024;

interface Known {
  readonly origin: SecretOrigin;
  readonly variables: Set<string>;
}

export class SecretLedger {
  readonly #known = new Map<string, Known>();
  /** ARNs of sessions that the build opened by itself. */
  readonly #sessions = new Set<string>();
  #areCredentialsGiven = false;

  /** Remembers a value; the first origin stays, names of variables add up. */
  add(origin: SecretOrigin, value: string, variable?: string): void {
    if (value === "" || value.length > MAX_VALUE_CHARACTERS) return;
    for (const one of membersOf(origin, value)) {
      const known = this.#known.get(one.value);
      if (known) {
        if (variable !== undefined) known.variables.add(variable);
      } else if (this.#known.size < MAX_VALUES) {
        this.#known.set(one.value, {
          origin: one.origin,
          variables: new Set(variable === undefined ? [] : [variable]),
        });
      }
    }
  }

  /** A variable of the build has this value: it names what is known already. */
  name(variable: string, value: string, origin: SecretOrigin): void {
    const known = this.#known.get(value);
    if (known) known.variables.add(variable);
    else this.add(origin, value, variable);
  }

  /** Commands of the build have asked for the role's credentials. */
  credentialsWereGiven(): void {
    this.#areCredentialsGiven = true;
  }

  /** The answer of a call of the build's, or of a session that it opened. */
  answered(service: string, operation: string, input: object, output: object): void {
    const answer = output as Answer;
    switch (`${service}.${operation}`) {
      case "ssm.GetParameter":
        this.#parameters(answer.Parameter ? [answer.Parameter] : [], input);
        return;
      case "ssm.GetParameters":
      case "ssm.GetParametersByPath":
      case "ssm.GetParameterHistory":
        this.#parameters(answer.Parameters ?? [], input);
        return;
      case "secretsmanager.GetSecretValue":
        this.#secret(answer);
        return;
      case "secretsmanager.BatchGetSecretValue":
        for (const one of answer.SecretValues ?? []) this.#secret(one);
        return;
      case "kms.Decrypt":
      case "kms.GenerateDataKey": {
        const text = answer.Plaintext && textOf(answer.Plaintext);
        if (text) this.add({ kind: "decrypted", keyId: answer.KeyId ?? "" }, text);
        return;
      }
      case "ecr.GetAuthorizationToken":
        for (const { authorizationToken = "" } of answer.authorizationData ?? []) {
          const login = Buffer.from(authorizationToken, "base64").toString("utf8");
          this.add({ kind: "registry-password" }, login.slice(login.indexOf(":") + 1));
        }
        return;
      case "sts.AssumeRole":
      case "sts.AssumeRoleWithWebIdentity":
      case "sts.GetSessionToken":
      case "sts.GetFederationToken":
        this.#credentials(answer);
    }
  }

  /** Whether a caller is a session that the build opened. */
  hasSession(arn: string): boolean {
    return this.#sessions.has(arn);
  }

  /** Credentials of the service role. They count once commands had them, or when anything else is known. */
  roleCredentials(roleName: string, secretAccessKey: string, sessionToken: string): void {
    this.add({ kind: "credentials", part: "secret access key", roleName }, secretAccessKey);
    this.add({ kind: "credentials", part: "session token", roleName }, sessionToken);
  }

  /** Everything that is known; nothing for a build that was given no secret but what every build has. */
  secrets(): GivenSecret[] {
    const all = [...this.#known].map(([value, { origin, variables }]) => ({
      origin,
      value,
      variables: [...variables],
    }));
    const isEveryBuilds = ({ origin }: GivenSecret): boolean =>
      origin.kind === "credentials" || origin.kind === "credentials-token";
    return this.#areCredentialsGiven || all.some((secret) => !isEveryBuilds(secret)) ? all : [];
  }

  #parameters(parameters: readonly AnsweredParameter[], input: object): void {
    const isDecrypted = (input as { WithDecryption?: boolean }).WithDecryption === true;
    for (const { Name: name = "", Type: type = "String", Value: value = "" } of parameters) {
      // Without decryption the value is the ciphertext.
      if (type === "SecureString" && !isDecrypted) continue;
      this.add({ kind: "parameter", name, type }, value);
    }
  }

  #secret({ Name: name, ARN, SecretString, SecretBinary }: AnsweredSecret): void {
    const origin = { kind: "secret", secretId: name ?? ARN ?? "" } as const;
    const text = SecretString ?? (SecretBinary && textOf(SecretBinary));
    if (text !== undefined) this.add(origin, text);
  }

  #credentials({ Credentials, AssumedRoleUser, FederatedUser }: Answer): void {
    const arn = AssumedRoleUser?.Arn ?? FederatedUser?.Arn;
    if (arn !== undefined) this.#sessions.add(arn);
    const roleName = arn?.split("/")[1] ?? "";
    if (Credentials) this.roleCredentials(roleName, Credentials.SecretAccessKey ?? "", Credentials.SessionToken ?? "");
    this.#areCredentialsGiven = true;
  }
}

interface AnsweredParameter {
  readonly Name?: string;
  readonly Type?: string;
  readonly Value?: string;
}

interface AnsweredSecret {
  readonly Name?: string;
  readonly ARN?: string;
  readonly SecretString?: string;
  readonly SecretBinary?: Uint8Array;
}

/** What the operations above answer, as far as it is read here. */
interface Answer extends AnsweredSecret {
  readonly Parameter?: AnsweredParameter;
  readonly Parameters?: readonly AnsweredParameter[];
  readonly SecretValues?: readonly AnsweredSecret[];
  readonly Plaintext?: Uint8Array;
  readonly KeyId?: string;
  readonly authorizationData?: readonly { readonly authorizationToken?: string }[];
  readonly Credentials?: { readonly SecretAccessKey?: string; readonly SessionToken?: string };
  readonly AssumedRoleUser?: { readonly Arn?: string };
  readonly FederatedUser?: { readonly Arn?: string };
}

/** Of a JSON object each text by its key; anything else as it is. */
function membersOf(origin: SecretOrigin, value: string): { origin: SecretOrigin; value: string }[] {
  const mayHaveMembers = origin.kind === "secret" || origin.kind === "parameter";
  if (!mayHaveMembers || origin.jsonKey !== undefined || !/^\s*\{/.test(value)) return [{ origin, value }];
  const members: { origin: SecretOrigin; value: string }[] = [];
  const collect = (object: object, prefix: string): void => {
    for (const [key, member] of Object.entries(object)) {
      const jsonKey = prefix + key;
      if (typeof member === "string") members.push({ origin: { ...origin, jsonKey }, value: member });
      else if (typeof member === "object" && member !== null) collect(member, `${jsonKey}.`);
    }
  };
  try {
    collect(JSON.parse(value) as object, "");
  } catch {
    return [{ origin, value }];
  }
  return members;
}

/** Bytes as text where they are one. */
function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
