/**
 * What InvalidateProjectCache does: the project's caches get a new number (`generation`), which is part of where they lie,
 * in S3 and on this machine. So nothing that was cached before is found again; keyed caches that projects share by
 * `cacheNamespace` are not the project's own and stay. Folders of this machine are removed at once.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_InvalidateProjectCache.html. AWS leaves the objects
 * in the bucket, too.
 */
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { AwsScope } from "../../../core/arn.ts";
import type { Collection, Store } from "../../../store/store.ts";
import { projectKey } from "../records.ts";

const generationsIn = (store: Store): Collection<number> => store.collection("codebuild.cache-generations");

/** How often the cache of a project was invalidated. */
export const cacheGeneration = (store: Store, scope: AwsScope, projectName: string): number =>
  generationsIn(store).get(projectKey(scope, projectName)) ?? 0;

/** Forgets what builds of the project have cached so far. `cacheDir` is the folder of local caches. */
export async function invalidateCache(
  store: Store,
  scope: AwsScope,
  projectName: string,
  cacheDir: string,
): Promise<void> {
  const generations = generationsIn(store);
  const key = projectKey(scope, projectName);
  await store.write(() => generations.put(key, (generations.get(key) ?? 0) + 1));
  const owner = [scope.accountId, scope.region, projectName].map(encodeURIComponent);
  // Builds have the objects they need: a copy of a repository may go at any moment. Git may be at work in it.
  await rm(join(cacheDir, "sources", ...owner), { recursive: true, force: true, maxRetries: 3 });
  const folder = join(cacheDir, "custom", ...owner);
  const old = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  // Folders that builds work in right now are put back where nobody looks any more.
  const current = old.filter((entry) => entry.isDirectory() && entry.name === "current");
  for (const { parentPath, name } of current) await rm(join(parentPath, name), { recursive: true, force: true });
}
