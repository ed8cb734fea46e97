/**
 * Sources in S3, read as the service role: one zip object, or all objects below a prefix; and what CodePipeline hands
 * over, which is a zip object (on this machine also a folder or a zip file).
 * Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html (location),
 * https://docs.aws.amazon.com/codepipeline/latest/userguide/reference-pipeline-structure.html (artifacts)
 */
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AwsError } from "../../../core/errors.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import { chunksOf, type StreamingBlob } from "../../../core/streaming-blob.ts";
import type { PhaseContext } from "../events.ts";
import { extractZip } from "./extract-zip.ts";
import { safeRelativePath } from "./safe-path.ts";
import { clientError, downloadFailed } from "./source-failures.ts";
import type { SourceTools, TakenSource, WantedSource } from "./taken-source.ts";

const CONCURRENT_DOWNLOADS = 8;

interface S3Location {
  readonly bucket: string;
  /** Ends in a slash for a folder; empty for the whole bucket. */
  readonly key: string;
}

/** `bucket/key`, `bucket/prefix/`, or the ARN of either. */
export function parseS3Location(location: string): S3Location | undefined {
  const path = location.replace(/^arn:[^:]*:s3:::/, "");
  const slash = path.indexOf("/");
  if (slash === -1) return location.startsWith("arn:") || path === "" ? undefined : { bucket: path, key: "" };
  return slash === 0 ? undefined : { bucket: path.slice(0, slash), key: path.slice(slash + 1).replace(/^\/+/, "") };
}

export async function takeS3Source(
  wanted: WantedSource,
  tools: SourceTools,
): Promise<Result<TakenSource, PhaseContext>> {
  const place = parseS3Location(wanted.source.location ?? "");
  if (!place) {
    return err(
      clientError(`the S3 location \`${wanted.source.location}\` is not \`bucket/key.zip\` or \`bucket/folder/\``),
    );
  }
  const repoUrl = `s3://${place.bucket}/${place.key}`;
  if (place.key !== "" && !place.key.endsWith("/")) {
    const taken = await takeArchive(place, wanted, tools);
    if (!taken.ok) return taken;
    const { versionId, files } = taken.value;
    return ok({
      repoUrl,
      ...(wanted.version === undefined && versionId !== undefined ? { version: versionId } : {}),
      notice: `source: ${count(files)} of ${repoUrl}`,
    });
  }
  if (wanted.version !== undefined)
    return err(clientError("Source version should be empty for S3 folder source location"));
  const taken = await takeFolder(place, wanted, tools);
  return taken.ok ? ok({ repoUrl, notice: `source: ${count(taken.value)} of ${repoUrl}` }) : taken;
}

/** One zip object, unpacked into the source's folder. */
export async function takeArchive(
  place: S3Location,
  wanted: WantedSource,
  tools: SourceTools,
): Promise<Result<{ readonly files: number; readonly versionId?: string }, PhaseContext>> {
  const archive = join(tools.scratchDir, `source-${tools.credentials.nextNumber()}.zip`);
  try {
    const got = await download(place, wanted.version, archive, tools);
    if (!got.ok) return err(downloadFailed(place.key, got.error, wanted));
    const files = await extractZip(archive, wanted.srcDir, tools.signal);
    if (!files.ok) return err(extractionFailed(place.key, files.error));
    return ok({ files: files.value, ...got.value });
  } finally {
    await rm(archive, { force: true });
  }
}

/** AWS's wording is not known. */
const extractionFailed = (name: string, reason: string): PhaseContext =>
  clientError(`error while extracting ${name}: ${reason}`);

interface ObjectAnswer {
  readonly Body: StreamingBlob;
  readonly VersionId?: string;
}

async function download(
  { bucket, key }: S3Location,
  version: string | undefined,
  file: string,
  { role, signal }: SourceTools,
): Promise<Result<{ readonly versionId?: string }, AwsError>> {
  try {
    const answer = await role.call<ObjectAnswer>("s3", "GetObject", {
      Bucket: bucket,
      Key: key,
      ...(version === undefined ? {} : { VersionId: version }),
    });
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    await pipeline(Readable.from(chunksOf(answer.Body), { objectMode: false }), createWriteStream(file), { signal });
    const { VersionId } = answer;
    return ok(VersionId === undefined || VersionId === "null" ? {} : { versionId: VersionId });
  } catch (error) {
    if (error instanceof AwsError) return err(error);
    throw error;
  }
}

interface ListAnswer {
  readonly Contents?: readonly { readonly Key?: string; readonly Size?: number }[];
  readonly IsTruncated?: boolean;
  readonly NextContinuationToken?: string;
}

async function takeFolder(
  { bucket, key: prefix }: S3Location,
  wanted: WantedSource,
  tools: SourceTools,
): Promise<Result<number, PhaseContext>> {
  await mkdir(wanted.srcDir, { recursive: true });
  const keys = listKeys(bucket, prefix, tools);
  let files = 0;
  let failure: PhaseContext | undefined;
  let isEmpty = true;
  const worker = async (): Promise<void> => {
    for (;;) {
      tools.signal.throwIfAborted();
      if (failure !== undefined) return;
      const next = await keys.next().catch((error: unknown) => {
        failure ??= downloadFailed(prefix, error, wanted);
        return undefined;
      });
      if (next === undefined || next.done === true) return;
      isEmpty = false;
      const key = next.value;
      const path = safeRelativePath(key.slice(prefix.length));
      // A key that ends in a slash is the console's folder.
      if (key.endsWith("/") || key === prefix) continue;
      if (path === undefined) {
        failure ??= clientError(`the object key \`${key}\` leads outside the source`);
        return;
      }
      const got = await download({ bucket, key }, undefined, join(wanted.srcDir, path), tools);
      if (got.ok) files++;
      else failure ??= downloadFailed(key, got.error, wanted);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT_DOWNLOADS }, worker));
  if (failure !== undefined) return err(failure);
  if (isEmpty) return err(clientError(`there is no object below s3://${bucket}/${prefix}`));
  return ok(files);
}

/** Asks for the next page only when the keys before it are being downloaded. */
async function* listKeys(bucket: string, prefix: string, { role }: SourceTools): AsyncGenerator<string, undefined> {
  let token: string | undefined;
  do {
    const page: ListAnswer = await role.call<ListAnswer>("s3", "ListObjectsV2", {
      Bucket: bucket,
      Prefix: prefix,
      ...(token === undefined ? {} : { ContinuationToken: token }),
    });
    for (const { Key } of page.Contents ?? []) if (Key !== undefined) yield Key;
    token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
  } while (token !== undefined);
  return undefined;
}

/** A zip file of this machine. */
export async function takeLocalArchive(
  file: string,
  { srcDir }: WantedSource,
  { signal }: SourceTools,
): Promise<Result<TakenSource, PhaseContext>> {
  const files = await extractZip(file, srcDir, signal);
  if (!files.ok) return err(extractionFailed(basename(file), files.error));
  return ok({ notice: `source: ${count(files.value)} of ${file}` });
}

const count = (files: number): string => `${files} file${files === 1 ? "" : "s"}`;
