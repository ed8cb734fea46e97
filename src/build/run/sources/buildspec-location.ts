/**
 * Which text is the buildspec: the project's (or StartBuild's) value is a path, the whole text, or an S3 ARN.
 * AWS does not publish how it tells them apart; here a text with a line break, or one that reads like a mapping, is
 * inline. Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-name-storage
 */
import { readFile, realpath, stat } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import type { AwsCaller } from "../../../core/aws.ts";
import { bytesWithin } from "../../../core/bounded-body.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import { chunksOf, type StreamingBlob } from "../../../core/streaming-blob.ts";
import type { BuildSource } from "../build-request.ts";
import type { PhaseContext } from "../events.ts";
import { parseS3Location } from "./s3-source.ts";
import { downloadFailed } from "./source-failures.ts";

export const DEFAULT_BUILDSPEC = "buildspec.yml";
/** Where CodeBuild's log says an inline buildspec lies. */
export const INLINE_BUILDSPEC_PATH = "/codebuild/readonly/buildspec.yml";

/** Nobody writes more; a file of the source may be anything. */
const MAX_BUILDSPEC_BYTES = 4 * 2 ** 20;

export type BuildspecLocation =
  | { readonly kind: "inline"; readonly text: string }
  | { readonly kind: "path"; readonly path: string; readonly isDefault: boolean }
  | { readonly kind: "s3"; readonly arn: string };

export function locateBuildspec(value: string | undefined): BuildspecLocation {
  if (value === undefined || value === "") return { kind: "path", path: DEFAULT_BUILDSPEC, isDefault: true };
  if (value.startsWith("arn:")) return { kind: "s3", arn: value };
  if (/[\r\n]/.test(value) || /^\s*\{/.test(value) || /^\s*(?:version|phases)\s*:/.test(value)) {
    return { kind: "inline", text: value };
  }
  return { kind: "path", path: value, isDefault: false };
}

export interface ReadBuildspec {
  readonly text: string;
  /** Name for people. */
  readonly file: string;
  /** `YAML location is …` */
  readonly location: string;
}

interface BuildspecInput {
  readonly source: BuildSource;
  readonly srcDir: string;
  readonly role: AwsCaller;
  /** Where commands find what lies at a path of this machine. */
  toEnvironmentPath(hostPath: string): string;
}

export async function readBuildspec(input: BuildspecInput): Promise<Result<ReadBuildspec, PhaseContext>> {
  const { source, srcDir, role, toEnvironmentPath } = input;
  const place = locateBuildspec(source.buildspec);
  if (place.kind === "inline")
    return ok({ text: place.text, file: DEFAULT_BUILDSPEC, location: INLINE_BUILDSPEC_PATH });
  if (place.kind === "s3") return fromS3(place.arn, role);
  const path = join(srcDir, place.path);
  const isInside = !isAbsolute(place.path) && !leadsOut(srcDir, path);
  const found = isInside ? await stat(path).catch(() => undefined) : undefined;
  if (!found?.isFile()) {
    return err(
      yamlError(
        place.isDefault ? "YAML file does not exist" : `stat ${toEnvironmentPath(path)}: no such file or directory`,
      ),
    );
  }
  // A link in the source does not make a file of this machine part of it.
  const [root, end] = await Promise.all([realpath(srcDir), realpath(path)]);
  if (leadsOut(root, end))
    return err(yamlError(`the buildspec \`${place.path}\` is a link that leads outside the source`));
  if (found.size > MAX_BUILDSPEC_BYTES) return err(tooLarge(place.path));
  return ok({ text: await readFile(path, "utf8"), file: place.path, location: toEnvironmentPath(path) });
}

/** AWS's wording is not known; this is what it says for objects of a source. */
async function fromS3(arn: string, role: AwsCaller): Promise<Result<ReadBuildspec, PhaseContext>> {
  const object = parseS3Location(arn);
  if (!object || !/^arn:[^:]+:s3:::/.test(arn) || object.key === "" || object.key.endsWith("/")) {
    return err(yamlError(`the buildspec \`${arn}\` is not the ARN of an object in S3 (\`arn:aws:s3:::bucket/key\`)`));
  }
  const { bucket, key } = object;
  try {
    const answer = await role.call<{ Body: StreamingBlob }>("s3", "GetObject", { Bucket: bucket, Key: key });
    const bytes = await bytesWithin(chunksOf(answer.Body), MAX_BUILDSPEC_BYTES);
    if (!bytes) return err(tooLarge(arn));
    return ok({ text: bytes.toString("utf8"), file: arn, location: INLINE_BUILDSPEC_PATH });
  } catch (error) {
    return err(downloadFailed(key, error));
  }
}

function leadsOut(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === ".." || way.startsWith(`..${sep}`);
}

const tooLarge = (name: string): PhaseContext =>
  yamlError(`the buildspec \`${name}\` has more than ${MAX_BUILDSPEC_BYTES} bytes`);

const yamlError = (message: string): PhaseContext => ({ statusCode: "YAML_FILE_ERROR", message });
