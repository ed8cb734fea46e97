/** A secret that a build was given, with where it came from: what findings name instead of the value. */
import type { LeakedSecret } from "../build/run/events.ts";

export type SecretOrigin =
  /** `type`: `SecureString`, `String` or `StringList`. */
  | { readonly kind: "parameter"; readonly name: string; readonly type: string; readonly jsonKey?: string }
  | { readonly kind: "secret"; readonly secretId: string; readonly jsonKey?: string }
  /** Plaintext that `kms:Decrypt` or `kms:GenerateDataKey` answered. */
  | { readonly kind: "decrypted"; readonly keyId: string }
  /** Of `aws ecr get-login-password`. */
  | { readonly kind: "registry-password" }
  /** Temporary credentials: of the service role, or of a role that the build assumed. */
  | { readonly kind: "credentials"; readonly part: "secret access key" | "session token"; readonly roleName: string }
  /** Of the container-credentials endpoint. */
  | { readonly kind: "credentials-token" }
  /** For the source provider. */
  | { readonly kind: "source-credential" }
  /** Of a kind that is known by its looks, e.g. `an npm token`. */
  | { readonly kind: "unknown"; readonly looks: string; readonly shown: string };

export interface GivenSecret {
  readonly origin: SecretOrigin;
  readonly value: string;
  /** Variables of the build with this value. */
  readonly variables: readonly string[];
}

/** The secret by its names. */
export function namesOf({ origin, variables }: Omit<GivenSecret, "value">): LeakedSecret {
  const what = originWords(origin);
  const names = variables.map((name) => `\`${name}\``).join(", ");
  return {
    title: names === "" ? what : `${names} (${what})`,
    variables,
    ...(origin.kind === "unknown" ? { isUnknown: true as const } : {}),
    ...(origin.kind === "parameter" ? { parameter: origin.name } : {}),
    ...(origin.kind === "secret" ? { secretId: origin.secretId } : {}),
    ...("jsonKey" in origin && origin.jsonKey !== undefined ? { jsonKey: origin.jsonKey } : {}),
  };
}

function originWords(origin: SecretOrigin): string {
  switch (origin.kind) {
    case "parameter":
      return `${keyWords(origin)}parameter \`${origin.name}\``;
    case "secret":
      return `${keyWords(origin)}secret \`${origin.secretId}\``;
    case "decrypted":
      return `plaintext of KMS key \`${origin.keyId}\``;
    case "registry-password":
      return "password of `aws ecr get-login-password`";
    case "credentials":
      return `${origin.part} of role \`${origin.roleName}\``;
    case "credentials-token":
      return "`AWS_CONTAINER_AUTHORIZATION_TOKEN`";
    case "source-credential":
      return "credential of the source provider";
    case "unknown":
      return `${origin.looks} (\`${origin.shown}\`) that the build was not given`;
  }
}

const keyWords = ({ jsonKey }: { readonly jsonKey?: string }): string =>
  jsonKey === undefined ? "" : `key \`${jsonKey}\` of `;
