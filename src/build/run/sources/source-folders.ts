/**
 * Where sources land below a build's folder, as CodeBuild lays them out (published logs): `src<digits>/src`, with host and
 * path of the clone URL for git sources; a pipeline's inputs `s3/00`, `s3/01`, … beside each other. The digits differ from
 * build to build.
 */
import type { BuildSource } from "../build-request.ts";
import { parseGitUrl } from "./git-url.ts";
import { isGitSource } from "./taken-source.ts";

/** Folders of the sources, the primary's first; none lies in another. `digits` gives new ones at each call. */
export function sourceFolders(workDir: string, sources: readonly BuildSource[], digits: () => string): string[] {
  const newBase = (): string => `${workDir}/codebuild/output/src${digits()}/src`;
  const base = newBase();
  const [primary] = sources;
  if (primary?.type === "CODEPIPELINE" && sources.length > 1) {
    return sources.map((_, index) => `${base}/s3/${String(index).padStart(2, "0")}`);
  }
  const folders: string[] = [];
  for (const source of sources) {
    const path = isGitSource(source.type) ? clonePath(source.location ?? "") : undefined;
    const wanted = path === undefined ? base : `${base}/${path}`;
    const isFree = folders.every((other) => !isWithin(wanted, other) && !isWithin(other, wanted));
    folders.push(isFree ? wanted : wanted.replace(base, newBase()));
  }
  return folders;
}

const isWithin = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

function clonePath(location: string): string | undefined {
  const parsed = parseGitUrl(location);
  return parsed.ok ? parsed.value.folder : undefined;
}
