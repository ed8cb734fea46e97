/**
 * One source into its folder, by its type and location: a folder of this machine, a git repository, an object or folder
 * of S3, what a pipeline hands over, or nothing.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectSource.html
 */
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { err, ok, type Result } from "../../../core/result.ts";
import type { PhaseContext } from "../events.ts";
import { cloneSource } from "./clone.ts";
import { localFolder } from "./local-folder.ts";
import { parseS3Location, takeArchive, takeLocalArchive, takeS3Source } from "./s3-source.ts";
import { clientError, repositoryNotFound } from "./source-failures.ts";
import { isGitSource, type SourceTools, type TakenSource, type WantedSource } from "./taken-source.ts";
import { isBareRepository, takeWorkingTree } from "./working-tree.ts";

export async function takeSource(wanted: WantedSource, tools: SourceTools): Promise<Result<TakenSource, PhaseContext>> {
  const { source, srcDir } = wanted;
  await mkdir(dirname(srcDir), { recursive: true, mode: 0o700 });
  if (source.type === "NO_SOURCE") {
    await mkdir(srcDir, { recursive: true });
    return ok({});
  }
  const folder = localFolder(source.location);
  if (folder !== undefined) {
    const found = await stat(folder).catch(() => undefined);
    if (found?.isFile() && !isGitSource(source.type)) {
      return asPipeline(wanted, tools, await takeLocalArchive(folder, wanted, tools));
    }
    if (!found?.isDirectory()) return err(repositoryNotFound(wanted));
    if (!isGitSource(source.type) || !(await isBareRepository(tools.git, folder))) {
      return asPipeline(wanted, tools, await takeWorkingTree(wanted, folder, tools));
    }
  }
  if (isGitSource(source.type)) return cloneSource(wanted, tools);
  if (source.type === "S3") return takeS3Source(wanted, tools);
  if (source.type === "CODEPIPELINE") return takePipelineArtifact(wanted, tools);
  return err(clientError(`the source type ${source.type} is not one of CodeBuild's`));
}

/**
 * What a pipeline hands over lies in S3: where the source's location, or (as on AWS) the build's source version, says.
 * A version that is no ARN is the pipeline's revision.
 */
async function takePipelineArtifact(
  wanted: WantedSource,
  tools: SourceTools,
): Promise<Result<TakenSource, PhaseContext>> {
  const { source, version } = wanted;
  const isArn = version?.startsWith("arn:") === true;
  const place = parseS3Location(source.location || (isArn ? (version ?? "") : ""));
  if (!place || place.key === "") {
    return err(
      clientError(
        "there is no input artifact: Kiln has no pipelines, so a source of type CODEPIPELINE needs its location (`bucket/key` of a zip object, or `file:///folder`) or the object's ARN as source version",
      ),
    );
  }
  const taken = await takeArchive(place, { ...wanted, version: undefined }, tools);
  if (!taken.ok) return taken;
  const { files, versionId } = taken.value;
  const revision = version !== undefined && !isArn ? version : versionId;
  return ok({
    repoUrl: "",
    version: `arn:${tools.scope.partition}:s3:::${place.bucket}/${place.key}`,
    ...(revision === undefined ? {} : { resolvedVersion: revision }),
    notice: `source: ${files} file${files === 1 ? "" : "s"} of s3://${place.bucket}/${place.key}, without .git`,
  });
}

/** A folder taken in a pipeline's place gets the variables a pipeline gives; the bucket they name does not exist. */
function asPipeline(
  { source, identifier }: WantedSource,
  { scope, projectName }: SourceTools,
  taken: Result<TakenSource, PhaseContext>,
): Result<TakenSource, PhaseContext> {
  if (!taken.ok || source.type !== "CODEPIPELINE") return taken;
  const key = `${projectName}/${(identifier ?? "SourceArtifact").slice(0, 10)}/artifact`;
  const bucket = `codepipeline-${scope.region}-${scope.accountId}`;
  return ok({ ...taken.value, repoUrl: "", version: `arn:${scope.partition}:s3:::${bucket}/${key}` });
}
