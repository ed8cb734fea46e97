/**
 * Puts selected files where artifacts go: objects of a bucket, as the service role, or a folder of this machine.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectArtifacts.html; the metadata of the objects
 * and the failures' texts from https://docs.aws.amazon.com/codebuild/latest/APIReference/API_BuildArtifacts.html and
 * published phase contexts.
 * differs: `bucketOwnerAccess` needs `s3:PutBucketAcl`, as on AWS, and changes nothing more: there is one account, so the
 * owner of the bucket owns the objects (docs/differences.md).
 */
import { copyFile, mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { err, ok, type Result } from "../../../core/result.ts";
import type { ArtifactsTarget, BuildRequest, RunDependencies, StoredArtifacts } from "../build-request.ts";
import type { PhaseContext } from "../events.ts";
import type { OwnFiles } from "../own-files.ts";
import { isOtherRegion, s3FailureText } from "../s3-failure.ts";
import { keyOfParts } from "../s3-location.ts";
import { bucketArn, type Destination, encryptionOf } from "./destination.ts";
import { type PackedZip, packZip } from "./pack-zip.ts";
import type { SelectedFile } from "./select-files.ts";

export interface StoreInput {
  readonly files: readonly SelectedFile[];
  readonly target: ArtifactsTarget;
  readonly destination: Destination;
  /** For reading the files. */
  readonly own: OwnFiles;
  readonly request: BuildRequest;
  readonly dependencies: Pick<RunDependencies, "role" | "workDir" | "authorizeAsRole" | "ids">;
  readonly signal: AbortSignal;
}

const CONCURRENT_UPLOADS = 8;

export async function storeArtifacts(input: StoreInput): Promise<Result<StoredArtifacts, PhaseContext>> {
  const { destination } = input;
  try {
    const stored = destination.kind === "bucket" ? await toBucket(input) : await toFolder(input);
    return stored.ok ? ok({ ...stored.value, ...echoOf(input.target) }) : stored;
  } catch (error) {
    input.signal.throwIfAborted();
    // AWS's text for a bucket of another region says no more than this.
    const message = isOtherRegion(error)
      ? "Failed to upload artifacts: Invalid arn"
      : `Error in UPLOAD_ARTIFACTS phase: ${s3FailureText(error)}`;
    return err({ statusCode: "CLIENT_ERROR", message });
  }
}

type Stored = Result<StoredArtifacts, PhaseContext>;

/** The settings that BatchGetBuilds repeats. */
const echoOf = (target: ArtifactsTarget): Omit<StoredArtifacts, "location"> => ({
  ...(target.artifactIdentifier === undefined ? {} : { artifactIdentifier: target.artifactIdentifier }),
  ...(target.overrideArtifactName === undefined ? {} : { overrideArtifactName: target.overrideArtifactName }),
  ...(target.encryptionDisabled === undefined ? {} : { encryptionDisabled: target.encryptionDisabled }),
  ...(target.bucketOwnerAccess === undefined ? {} : { bucketOwnerAccess: target.bucketOwnerAccess }),
});

async function toBucket(input: StoreInput): Promise<Stored> {
  const { files, own, target, destination, request, dependencies, signal } = input;
  if (destination.kind !== "bucket") throw new Error("not a bucket");
  const { bucket, key } = destination;
  await requireBucketOwnerAccess(target, bucket, input);
  const put = (objectKey: string, file: string, sizeBytes: number, more: Record<string, string>) =>
    dependencies.role.call("s3", "PutObject", {
      Bucket: bucket,
      Key: objectKey,
      Body: own.chunks(file),
      ContentLength: sizeBytes,
      Metadata: { "codebuild-buildarn": request.buildArn, ...more },
      ...encryptionOf(target, request),
    });
  const location = bucketArn(bucket, key, request.scope.partition);
  if (target.packaging === "ZIP") {
    if (key === "") return err(nameless());
    return withZip(input, async (path, { sizeBytes, md5sum, sha256sum }) => {
      await put(key, path, sizeBytes, { "codebuild-content-md5": md5sum, "codebuild-content-sha256": sha256sum });
      return ok({ location, md5sum, sha256sum });
    });
  }
  let next = 0;
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let file = files[next++]; file !== undefined && failures.length === 0; file = files[next++]) {
      signal.throwIfAborted();
      await put(keyOfParts(key, file.path), file.source, file.sizeBytes, {});
    }
  };
  const start = (): Promise<void> => worker().catch((error: unknown) => void failures.push(error));
  // All of them: when the phase is over, nothing is uploaded any more.
  await Promise.all(Array.from({ length: Math.min(CONCURRENT_UPLOADS, files.length) }, start));
  if (failures.length > 0) throw failures[0];
  return ok({ location });
}

async function requireBucketOwnerAccess(target: ArtifactsTarget, bucket: string, input: StoreInput): Promise<void> {
  const { bucketOwnerAccess } = target;
  if (bucketOwnerAccess === undefined || bucketOwnerAccess === "NONE") return;
  const resource = bucketArn(bucket, "", input.request.scope.partition);
  const resourceText = `on resource: "${resource}"`;
  await input.dependencies.authorizeAsRole?.([{ action: "s3:PutBucketAcl", resource, resourceText }], {
    service: "s3",
    operation: "PutBucketAcl",
  });
}

async function toFolder(input: StoreInput): Promise<Stored> {
  const { files, own, target, destination, signal } = input;
  if (destination.kind !== "folder") throw new Error("not a folder");
  const place = join(destination.folder, ...destination.key.split("/"));
  if (!isBelow(destination.folder, place)) {
    return err(failure(`the artifacts' name \`${destination.key}\` leads out of ${destination.folder}`));
  }
  if (target.packaging === "ZIP" || target.type === "CODEPIPELINE") {
    if (destination.key === "") return err(nameless());
    return withZip(input, async (path, { md5sum, sha256sum }) => {
      await mkdir(dirname(place), { recursive: true });
      await copyOwn(own, path, place);
      return ok({ location: pathToFileURL(place).href, md5sum, sha256sum });
    });
  }
  await mkdir(place, { recursive: true });
  for (const { source, path, link } of files) {
    signal.throwIfAborted();
    const at = join(place, path);
    await mkdir(dirname(at), { recursive: true });
    if (link === undefined) await copyOwn(own, source, at);
    else await symlink(link, at);
  }
  return ok({ location: pathToFileURL(place).href });
}

async function copyOwn(own: OwnFiles, from: string, to: string): Promise<void> {
  const held = own.file(from);
  try {
    await copyFile(held.path, to);
  } finally {
    held.close();
  }
}

/** Packs the files beside the build's work, hands the ZIP on, and takes it away. */
async function withZip(
  { files, own, dependencies, signal }: StoreInput,
  use: (path: string, packed: PackedZip) => Promise<Stored>,
): Promise<Stored> {
  const path = join(dependencies.workDir, `artifacts-${dependencies.ids.uuid()}.zip`);
  try {
    return await use(path, await packZip(files, path, own, signal));
  } finally {
    await rm(path, { force: true });
  }
}

function isBelow(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`);
}

const failure = (message: string): PhaseContext => ({ statusCode: "CLIENT_ERROR", message });
const nameless = (): PhaseContext => failure("artifacts packed as ZIP need a name other than `/`");
