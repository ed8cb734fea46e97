/**
 * References to secrets, as `env.secrets-manager` and SECRETS_MANAGER variables of a project write them.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager
 */

export interface SecretReference {
  readonly secretId: string;
  readonly jsonKey?: string;
  readonly versionStage?: string;
  readonly versionId?: string;
}

/** `<secret-id>[:<json-key>[:<version-stage>[:<version-id>]]]`; an ARN takes the first seven fields. */
export function parseSecretReference(reference: string): SecretReference {
  const fields = reference.split(":");
  const idFields = reference.startsWith("arn:") ? 7 : 1;
  const [jsonKey, versionStage, versionId] = fields.slice(idFields);
  return {
    secretId: fields.slice(0, idFields).join(":"),
    ...(jsonKey ? { jsonKey } : {}),
    ...(versionStage ? { versionStage } : {}),
    ...(versionId ? { versionId } : {}),
  };
}
