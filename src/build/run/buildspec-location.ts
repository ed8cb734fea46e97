/**
 * Which text is the buildspec: the project's (or StartBuild's) value is a path, the whole text, or an S3 ARN.
 * AWS does not publish how it tells them apart; here a text with a line break, or one that reads like a mapping, is
 * inline. Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-name-storage
 */
import { readFile, stat } from "node:fs/promises";
import { isAbsolute, join, relative } from "node:path";
import { err, ok, type Result } from "../../core/result.ts";
import type { BuildSource } from "./build-request.ts";
import type { PhaseContext } from "./events.ts";

export const DEFAULT_BUILDSPEC = "buildspec.yml";
/** Where CodeBuild's log says an inline buildspec lies. */
export const INLINE_BUILDSPEC_PATH = "/codebuild/readonly/buildspec.yml";

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

export async function readBuildspec(source: BuildSource, srcDir: string): Promise<Result<ReadBuildspec, PhaseContext>> {
  const place = locateBuildspec(source.buildspec);
  if (place.kind === "inline")
    return ok({ text: place.text, file: DEFAULT_BUILDSPEC, location: INLINE_BUILDSPEC_PATH });
  if (place.kind === "s3") {
    return err(yamlError(`Kiln does not read buildspecs from S3 yet: ${place.arn}; name a path inside the source`));
  }
  const path = join(srcDir, place.path);
  const within = relative(srcDir, path);
  const inside = !isAbsolute(place.path) && !within.startsWith("..");
  const found = inside ? await stat(path).catch(() => undefined) : undefined;
  if (!found?.isFile()) {
    return err(yamlError(place.isDefault ? "YAML file does not exist" : `stat ${path}: no such file or directory`));
  }
  return ok({ text: await readFile(path, "utf8"), file: place.path, location: path });
}

const yamlError = (message: string): PhaseContext => ({ statusCode: "YAML_FILE_ERROR", message });
