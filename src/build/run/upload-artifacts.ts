/**
 * UPLOAD_ARTIFACTS: artifacts, then reports, then the cache, in CodeBuild's order. Runs for failed builds, too.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.artifacts.secondary-artifacts
 * Chosen where AWS says nothing: secondary artifacts without their counterpart in the project are named and left out.
 */
import { ok, type Result } from "../../core/result.ts";
import type { PlannedArtifacts } from "../plan/index.ts";
import { destinationOf } from "./artifacts/destination.ts";
import { selectFiles } from "./artifacts/select-files.ts";
import { storeArtifacts } from "./artifacts/store-artifacts.ts";
import type { BroughtFiles } from "./brought-files.ts";
import type { BuildLog } from "./build-log.ts";
import type { ArtifactsTarget, BuildRequest, RunDependencies, StoredArtifacts } from "./build-request.ts";
import type { ReadyBuild } from "./download-source.ts";
import type { PhaseContext } from "./events.ts";
import { collectReports } from "./reports/collect-reports.ts";

export interface UploadInput {
  readonly request: BuildRequest;
  readonly dependencies: RunDependencies;
  readonly build: ReadyBuild;
  readonly log: BuildLog;
  readonly brought: BroughtFiles;
  /** No phase has failed so far. */
  readonly isSucceeding: boolean;
  readonly signal: AbortSignal;
}

export interface Uploaded {
  readonly artifacts?: StoredArtifacts;
  readonly secondaryArtifacts: readonly StoredArtifacts[];
}

export async function uploadArtifacts(input: UploadInput): Promise<Result<Uploaded, PhaseContext>> {
  const { build, log } = input;
  const { proxy } = build.plan;
  if (proxy.uploadArtifacts || proxy.logs) {
    log.notice("info", "`proxy`: artifacts and logs do not leave this machine, so no proxy is used");
  }
  const uploaded = await uploadAll(input);
  const reports = uploaded.ok ? await collectReports(input) : uploaded;
  // Also after a failure: the cache's ledger then says why nothing was saved.
  await build.cache?.save({
    isSucceeding: input.isSucceeding && reports.ok,
    brought: input.brought,
    signal: input.signal,
  });
  return reports.ok ? uploaded : reports;
}

async function uploadAll(input: UploadInput): Promise<Result<Uploaded, PhaseContext>> {
  const { request, build, log } = input;
  const { artifacts, secondaryArtifacts } = build.plan;
  let primary: StoredArtifacts | undefined;
  const hasPrimary = artifacts && (artifacts.files.length > 0 || secondaryArtifacts.length === 0);
  if (hasPrimary && request.artifacts.type === "NO_ARTIFACTS") {
    log.notice("info", "the project's artifacts type is NO_ARTIFACTS: the buildspec's `artifacts` are not collected");
  } else if (hasPrimary) {
    const stored = await upload(artifacts, request.artifacts, input);
    if (!stored.ok) return stored;
    primary = stored.value;
  }
  const secondary: StoredArtifacts[] = [];
  for (const { identifier, ...planned } of secondaryArtifacts) {
    const target = secondaryTarget(identifier, request);
    if (!target) {
      log.notice("warning", unmatched(identifier, request));
      continue;
    }
    log.container(`Preparing to copy secondary artifacts ${identifier}`);
    const stored = await upload(planned, target, input);
    if (!stored.ok) return stored;
    secondary.push(stored.value);
  }
  sayWhatIsMissing(input);
  return ok({ ...(primary === undefined ? {} : { artifacts: primary }), secondaryArtifacts: secondary });
}

async function upload(
  artifacts: PlannedArtifacts,
  target: ArtifactsTarget,
  input: UploadInput,
): Promise<Result<StoredArtifacts, PhaseContext>> {
  const { request, dependencies, build, log, signal } = input;
  const expand = (text: string): Promise<string> => build.session.expand(text);
  const files = await selectFiles({
    artifacts,
    srcDir: build.srcDir,
    workDir: dependencies.workDir,
    lentFolders: build.cache?.lentFolders ?? [],
    keepLinks: artifacts.enableSymlinks && isZip(target),
    brought: input.brought,
    signal,
    log: (text) => log.container(text),
    warn: (text) => log.notice("warning", text),
    expand,
  });
  if (!files.ok) return files;
  const stored = await storeArtifacts({
    files: files.value,
    target,
    destination: destinationOf({
      target,
      uuid: request.uuid,
      projectName: request.projectName,
      name: artifacts.name === undefined ? undefined : await expand(artifacts.name),
      s3Prefix: artifacts.s3Prefix === undefined ? undefined : await expand(artifacts.s3Prefix),
      artifactsDir: dependencies.artifactsDir,
    }),
    own: input.brought.own,
    request,
    dependencies,
    signal,
  });
  if (!stored.ok) return stored;
  const { own } = input.brought;
  dependencies.onOutput?.({
    kind: "artifact",
    name: target.artifactIdentifier,
    files: () =>
      files.value.map(({ path, source, sizeBytes, link }) =>
        link === undefined
          ? { path, sizeBytes, chunks: () => own.chunks(source) }
          : { path: `${path} -> ${link}`, sizeBytes: 0, chunks: () => NO_CHUNKS },
      ),
  });
  const count = files.value.length;
  log.notice("info", `artifacts: ${count} file${count === 1 ? "" : "s"} in ${placeOf(stored.value.location)}`);
  return stored;
}

/** Of a link, whose name and target are all there is. */
const NO_CHUNKS: AsyncIterable<Uint8Array> = { async *[Symbol.asyncIterator]() {} };

const isZip = ({ packaging, type }: ArtifactsTarget): boolean => packaging === "ZIP" || type === "CODEPIPELINE";

/** `s3://bucket/key`, or the path of this machine. */
const placeOf = (location: string): string =>
  location.startsWith("file:")
    ? decodeURIComponent(location.slice("file://".length))
    : location.replace(/^arn:[^:]*:s3:::/, "s3://");

function secondaryTarget(identifier: string, request: BuildRequest): ArtifactsTarget | undefined {
  const found = request.secondaryArtifacts.find(({ artifactIdentifier }) => artifactIdentifier === identifier);
  if (found) return found.type === "NO_ARTIFACTS" ? undefined : found;
  // A pipeline's output artifacts are no settings of the project.
  return request.artifacts.type === "CODEPIPELINE"
    ? { type: "CODEPIPELINE", artifactIdentifier: identifier }
    : undefined;
}

function unmatched(identifier: string, { secondaryArtifacts }: BuildRequest): string {
  const known = secondaryArtifacts.flatMap(({ artifactIdentifier }) => artifactIdentifier ?? []);
  const has = known.length === 0 ? "has none" : `has ${known.map((name) => `\`${name}\``).join(", ")}`;
  return `the secondary artifacts \`${identifier}\` are not collected: the project ${has}`;
}

/** What would have been used with other settings, and what the project waits for in vain. */
function sayWhatIsMissing({ request, build, log }: UploadInput): void {
  const { artifacts, secondaryArtifacts } = build.plan;
  const planned = new Set(secondaryArtifacts.map(({ identifier }) => identifier));
  for (const { artifactIdentifier } of request.secondaryArtifacts) {
    if (artifactIdentifier === undefined || planned.has(artifactIdentifier)) continue;
    log.notice(
      "warning",
      `the project's secondary artifacts \`${artifactIdentifier}\` have no counterpart in the buildspec`,
    );
  }
  if (request.artifacts.type !== "S3" || !artifacts) return;
  if (artifacts.s3Prefix !== undefined && request.artifacts.namespaceType !== "BUILD_ID") {
    log.notice("info", "`artifacts.s3-prefix` counts only where the project's `namespaceType` is BUILD_ID");
  }
  if (artifacts.name !== undefined && request.artifacts.overrideArtifactName !== true) {
    log.notice("info", "`artifacts.name` counts only where the project's `overrideArtifactName` is true");
  }
  if (artifacts.enableSymlinks && !isZip(request.artifacts)) {
    log.notice("info", "`artifacts.enable-symlinks` counts only where the project's `packaging` is ZIP");
  }
}
