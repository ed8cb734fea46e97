/**
 * Where artifacts go, from the project's `artifacts` and the buildspec's `name` and `s3-prefix`. Pure.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectArtifacts.html (path, namespaceType, name,
 * packaging); build-spec-ref.html#build-spec.artifacts.s3-prefix.
 */
import { fileURLToPath } from "node:url";
import type { ArtifactsTarget, BuildRequest } from "../build-request.ts";
import { keyOfParts } from "../s3-location.ts";

export type Destination =
  | { readonly kind: "bucket"; readonly bucket: string; readonly key: string }
  /** `folder` is of this machine; `key` is the path below it. */
  | { readonly kind: "folder"; readonly folder: string; readonly key: string };

export interface DestinationInput {
  readonly target: ArtifactsTarget;
  /** The build's. */
  readonly uuid: string;
  readonly projectName: string;
  /** The buildspec's `name`, evaluated; only looked at where the project lets it override its own. */
  readonly name?: string | undefined;
  readonly s3Prefix?: string | undefined;
  /** For artifacts that go to no bucket. */
  readonly artifactsDir: string;
}

/** The destination; `key` is empty for the root of a bucket. */
export function destinationOf(input: DestinationInput): Destination {
  const { target, uuid, projectName, artifactsDir } = input;
  if (target.type === "CODEPIPELINE") {
    // A pipeline stores one ZIP an output artifact under a name of its own; here the folder of the build takes them.
    return { kind: "folder", folder: artifactsDir, key: `${target.artifactIdentifier ?? projectName}.zip` };
  }
  const ownName = target.name ?? projectName;
  const name = target.overrideArtifactName === true ? (input.name ?? ownName) : ownName;
  const hasBuildId = target.namespaceType === "BUILD_ID";
  // AWS: `s3-prefix` counts with BUILD_ID only, and then the key is `<s3-prefix>/<build id>/<name>`.
  const path = hasBuildId ? (input.s3Prefix ?? target.path) : target.path;
  const key = keyOfParts(path, hasBuildId ? uuid : undefined, name);
  const { location } = target;
  if (location === undefined) return { kind: "folder", folder: artifactsDir, key: folderKey(input, key) };
  if (location.startsWith("file:")) return { kind: "folder", folder: fileURLToPath(location), key };
  return { kind: "bucket", bucket: location, key };
}

/** Without a bucket the folder is the build's own already: only a secondary artifact, or a ZIP, has a name in it. */
function folderKey({ target }: DestinationInput, key: string): string {
  if (target.packaging === "ZIP") return key;
  return target.artifactIdentifier ?? "";
}

/** The location that BatchGetBuilds shows while the build runs; "" for none. */
export function plannedLocation(target: ArtifactsTarget, uuid: string, projectName: string): string {
  if (target.type !== "S3" || target.location === undefined || target.location.startsWith("file:")) return "";
  const to = destinationOf({ target, uuid, projectName, artifactsDir: "" });
  return to.kind === "bucket" ? bucketArn(to.bucket, to.key) : "";
}

export const bucketArn = (bucket: string, key: string, partition = "aws"): string =>
  `arn:${partition}:s3:::${bucket}${key === "" ? "" : `/${key}`}`;

/** AWS: SSE-KMS with the project's key unless the project says no encryption. */
export const encryptionOf = (
  { encryptionDisabled }: { readonly encryptionDisabled?: boolean | undefined },
  { encryptionKey }: Pick<BuildRequest, "encryptionKey">,
): Record<string, string> =>
  encryptionDisabled === true ? {} : { ServerSideEncryption: "aws:kms", SSEKMSKeyId: encryptionKey };
