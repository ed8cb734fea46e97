/**
 * The cache of one build: restored at the end of DOWNLOAD_SOURCE, saved at the end of UPLOAD_ARTIFACTS. Nothing here fails
 * a build: what goes wrong is a line of the log and an event.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/caching-s3.html and caching-local.html; lines from
 * published logs, where there are any (`Expanded cache path …`, `Downloading S3 cache...`, `Unarchiving cache...`,
 * `Skipping cache entry: …`, `Unable to download cache: …`, `Unable to initialize cache download: …`).
 * Chosen where AWS says nothing: a failed build saves nothing to S3, because a keyed cache is never written again.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { holdEntry, withHeld } from "../../../core/held-path.ts";
import type { ProvisionedEnvironment } from "../../../engines/engine.ts";
import type { PlannedCache } from "../../plan/build-plan.ts";
import type { BroughtFiles } from "../brought-files.ts";
import type { BuildLog } from "../build-log.ts";
import type { OutputFile } from "../build-output.ts";
import type { BuildRequest, RunDependencies } from "../build-request.ts";
import { pathsOf } from "../enter-environment.ts";
import { sendFolders } from "../environment-transfer.ts";
import type { CacheOutcome } from "../events.ts";
import { globFiles } from "../glob-files.ts";
import { OwnFiles } from "../own-files.ts";
import { isNoSuchKey, s3FailureText } from "../s3-failure.ts";
import { filesOfCache, packCache, unpackCache } from "./cache-archive.ts";
import { type CachePath, type CacheRoots, cacheVersion, fixedPart, folderOf, placeCachePath } from "./cache-paths.ts";
import { LocalFolders } from "./local-folders.ts";
import { takeRemoteFolders } from "./remote-folders.ts";
import { S3Cache } from "./s3-cache.ts";

export interface BuildCache {
  /** Folders of this machine that links of the build lead to. Nothing that a command does replaces them. */
  readonly lentFolders: readonly string[];
  /** Stores what the paths name now. Never throws, except for the signal's reason. */
  save(input: {
    readonly isSucceeding: boolean;
    readonly brought: BroughtFiles;
    readonly signal: AbortSignal;
  }): Promise<void>;
  /** Puts back what lies where the commands ran. Call once, after them, while the environment stands. */
  leave?(): Promise<void>;
  /** Gives back what the build was lent. Call once, when nothing of the build runs any more. */
  release(): Promise<void>;
}

export interface CacheInput {
  readonly request: BuildRequest;
  readonly dependencies: Pick<RunDependencies, "role" | "clock" | "ids" | "workDir" | "cacheDir" | "onOutput">;
  readonly cache: PlannedCache | undefined;
  readonly srcDir: string;
  /** Where the commands run. */
  readonly place: ProvisionedEnvironment;
  readonly log: BuildLog;
  readonly signal: AbortSignal;
  /** Variables and `$(…)` in a text, as the build's shell sees them. */
  expand(text: string): Promise<string>;
}

/** AWS's limit. */
const MAX_FALLBACK_KEYS = 5;
/** What one PutObject takes. */
const MAX_ARCHIVE_BYTES = 5 * 1024 ** 3;
const NO_PATHS = "no paths specified to be cached";

/** Brings back what an earlier build left, and answers how to save. `undefined`: the build has no cache. */
export async function restoreCache(input: CacheInput): Promise<BuildCache | undefined> {
  const { request, cache, log } = input;
  const { type, modes = [] } = request.cache;
  if (!cache) log.container("Cache is not defined in the buildspec");
  if (!cache || cache.paths.length === 0) {
    log.container(`Skip cache due to: ${NO_PATHS}`);
    return undefined;
  }
  if (type === "S3") return new S3BuildCache(input, cache).restore();
  if (type === "LOCAL" && modes.includes("LOCAL_CUSTOM_CACHE")) return takeLocalFolders(input, cache);
  log.notice(
    "info",
    type === "LOCAL"
      ? "the project's local cache has no mode LOCAL_CUSTOM_CACHE: the buildspec's `cache` is not used"
      : "the project's cache type is NO_CACHE: the buildspec's `cache` is not used",
  );
  return undefined;
}

const rootsOf = ({ srcDir, dependencies: { workDir } }: CacheInput): CacheRoots => ({
  src: srcDir,
  home: join(workDir, "home"),
  work: workDir,
});

/** The paths with variables filled in; those outside the build's folders are left out by name. */
async function cachePathsOf(input: CacheInput, cache: PlannedCache, say: (path: string) => void): Promise<CachePath[]> {
  const paths: CachePath[] = [];
  for (const written of cache.paths) {
    const text = await input.expand(written);
    say(text);
    const isRemote = input.place.files !== undefined && text.startsWith("/");
    const path = placeCachePath(isRemote ? input.place.toHostPath(text) : text, rootsOf(input));
    if (path) paths.push({ ...path, written: text });
    else {
      const why = "it is outside the build's folders, on your machine";
      input.log.notice("warning", `cache: the path \`${text}\` is left out, because ${why}`);
    }
  }
  return paths;
}

class S3BuildCache implements BuildCache {
  readonly lentFolders = [];
  readonly #input: CacheInput;
  readonly #cache: PlannedCache;
  #paths: readonly CachePath[] = [];
  #store: S3Cache | undefined;
  #key: string | undefined;
  #matchedKey: string | undefined;

  constructor(input: CacheInput, cache: PlannedCache) {
    this.#input = input;
    this.#cache = cache;
  }

  async restore(): Promise<BuildCache | undefined> {
    const { dependencies, request, log, expand, signal } = this.#input;
    const startedMs = dependencies.clock.nowMs();
    this.#paths = await cachePathsOf(this.#input, this.#cache, (path) => log.container(`Expanded cache path ${path}`));
    this.#key = this.#cache.key === undefined ? undefined : await expand(this.#cache.key);
    if (this.#key === "" || this.#paths.length === 0) {
      const reason = this.#key === "" ? "the cache key is empty" : NO_PATHS;
      log.container(`Unable to initialize cache download: ${reason}`);
      this.#tell("skipped", startedMs, { reason });
      return undefined;
    }
    const version = cacheVersion(this.#paths.map(({ written }) => written));
    this.#store = new S3Cache(dependencies.role, request, { version, key: this.#key });
    if (this.#cache.action === "save") {
      this.#tell("skipped", startedMs, { reason: "`action` is save: nothing is restored" });
      return this;
    }
    try {
      await this.#download(this.#store, startedMs);
    } catch (error) {
      signal.throwIfAborted();
      const text = s3FailureText(error);
      log.container(`Unable to download cache: ${text}`);
      const reason = isNoSuchKey(error) ? "nothing is cached yet" : (text.split("\n")[0] ?? "");
      this.#tell("missed", startedMs, { reason });
    }
    return this;
  }

  async #download(store: S3Cache, startedMs: number): Promise<void> {
    const { log, signal } = this.#input;
    log.container("Downloading S3 cache...");
    const found = await store.find(await this.#fallbackKeys());
    if (!found) {
      log.container(`No cache found for key ${this.#key}`);
      this.#tell("missed", startedMs, { reason: "neither the key nor a fallback key leads to a cache" });
      return;
    }
    log.container("Unarchiving cache...");
    // Where the commands have files of their own, nothing has made it on this machine.
    await mkdir(rootsOf(this.#input).home, { recursive: true, mode: 0o700 });
    const unpacked = await unpackCache({
      archive: found.body,
      paths: this.#paths,
      roots: rootsOf(this.#input),
      signal,
      onSkipped: (path) => log.container(`Skipping cache entry: path "${path}" is not within allowed cache paths`),
    });
    await this.#send();
    this.#matchedKey = found.matchedKey;
    this.#tell("restored", startedMs, unpacked);
  }

  /** What was restored, to where the commands are. */
  async #send(): Promise<void> {
    const { place, signal } = this.#input;
    if (!place.files) return;
    const { files } = place;
    await sendFolders(this.#folders(), { ...pathsOf(place), files }, signal);
  }

  /** Of this machine, with everything that the paths may name. */
  #folders(): string[] {
    const roots = rootsOf(this.#input);
    return this.#paths.map(({ root, pattern }) => join(roots[root], fixedPart(pattern)));
  }

  async #fallbackKeys(): Promise<string[]> {
    const { fallbackKeys } = this.#cache;
    if (fallbackKeys.length > MAX_FALLBACK_KEYS) {
      const unused = fallbackKeys.length - MAX_FALLBACK_KEYS;
      this.#input.log.notice(
        "warning",
        `cache: at most ${MAX_FALLBACK_KEYS} fallback keys count; ${unused} are not used`,
      );
    }
    const keys: string[] = [];
    for (const key of fallbackKeys.slice(0, MAX_FALLBACK_KEYS)) keys.push(await this.#input.expand(key));
    return keys.filter((key) => key !== "");
  }

  async save({ isSucceeding, brought, signal }: Parameters<BuildCache["save"]>[0]): Promise<void> {
    const { dependencies, log } = this.#input;
    const startedMs = dependencies.clock.nowMs();
    const archive = join(dependencies.workDir, `cache-${dependencies.ids.uuid()}.tar.gz`);
    try {
      const reason = await this.#reasonNotToSave(isSucceeding);
      if (reason !== undefined) {
        this.#tell("skipped", startedMs, { reason });
        return;
      }
      const roots = rootsOf(this.#input);
      for (const folder of this.#folders()) await brought.bring(folder);
      const files = await filesOfCache(this.#paths, roots, brought.own);
      if (files.length === 0) {
        this.#tell("skipped", startedMs, { reason: "the paths name no file" });
        return;
      }
      log.container("Archiving cache...");
      const packed = await packCache(files, roots, archive, brought.own, signal);
      if (packed.bytes > MAX_ARCHIVE_BYTES) {
        this.#tell("skipped", startedMs, { reason: "the archive has more than 5 GiB" });
        return;
      }
      log.container("Uploading S3 cache...");
      const isStored = await this.#store?.put(archive, brought.own, {
        "codebuild-buildarn": this.#input.request.buildArn,
      });
      if (isStored) {
        const { own } = brought;
        dependencies.onOutput?.({
          kind: "cache",
          name: this.#key,
          files: () => files.map(({ root, path }) => ({ path, chunks: () => own.chunks(join(roots[root], path)) })),
        });
        this.#tell("saved", startedMs, packed);
      } else this.#tell("skipped", startedMs, { reason: KEY_TAKEN });
    } catch (error) {
      signal.throwIfAborted();
      const text = s3FailureText(error);
      log.container(`Unable to upload cache: ${text}`);
      this.#tell("skipped", startedMs, { reason: text.split("\n")[0] ?? "" });
    } finally {
      await rm(archive, { force: true });
    }
  }

  async #reasonNotToSave(isSucceeding: boolean): Promise<string | undefined> {
    if (this.#cache.action === "restore") return "`action` is restore: nothing is saved";
    if (!isSucceeding) return "the build failed";
    if (this.#key !== undefined && this.#key === this.#matchedKey) return KEY_TAKEN;
    return (await this.#store?.isTaken()) ? KEY_TAKEN : undefined;
  }

  async release(): Promise<void> {}

  #tell(kind: CacheOutcome["kind"], startedMs: number, more: Partial<CacheOutcome>): void {
    const { dependencies, log } = this.#input;
    log.cache({
      kind,
      store: "S3",
      ...(this.#key === undefined ? {} : { key: this.#key }),
      ...(this.#matchedKey === undefined || kind !== "restored" ? {} : { matchedKey: this.#matchedKey }),
      durationMs: dependencies.clock.nowMs() - startedMs,
      ...more,
    });
  }
}

const KEY_TAKEN = "the key is cached already, and a keyed cache is not written again";

/** Of a folder that was put back; another build may take it at any time. */
async function* filesOfFolder(folder: string): AsyncGenerator<OutputFile> {
  const own = new OwnFiles({ workDir: folder, isApart: true });
  for (const path of await globFiles(folder, "**/*", { own })) {
    const source = join(folder, path);
    const isFile = withHeld(own.holdEntry(source), ({ stats }) => stats.isFile());
    if (isFile) yield { path, chunks: () => own.chunks(source) };
  }
}

/** LOCAL_CUSTOM_CACHE: folders of this machine, linked into the build. */
async function takeLocalFolders(input: CacheInput, cache: PlannedCache): Promise<BuildCache | undefined> {
  const { request, dependencies, log, place } = input;
  const { files } = place;
  if (files)
    return takeRemoteFolders({ ...input, files, uuid: request.uuid, paths: cache.paths, clock: dependencies.clock });
  const { cacheDir, clock } = dependencies;
  if (cacheDir === undefined) {
    log.notice("info", "a local cache needs a state folder: nothing is kept");
    return undefined;
  }
  const roots = rootsOf(input);
  const folders = new LocalFolders({ cacheDir, request, uuid: request.uuid });
  const lentFolders: string[] = [];
  const release = async (): Promise<void> => {
    for (const kept of await folders.release(clock.nowMs())) {
      dependencies.onOutput?.({ kind: "cache", name: kept.name, files: () => filesOfFolder(kept.folder) });
    }
  };
  try {
    for (const path of await cachePathsOf(input, cache, () => {})) {
      const startedMs = clock.nowMs();
      const folder = folderOf(path.pattern);
      const isFile =
        folder !== undefined && withHeld(holdEntry(join(roots[path.root], folder)), ({ stats }) => stats.isFile());
      if (folder === undefined || isFile === true) {
        const reason = `only directories can be cached locally: ${path.written}`;
        log.container(`Unable to initialize cache download: ${reason}`);
        log.cache({ kind: "skipped", store: "LOCAL", key: path.written, durationMs: 0, reason });
        continue;
      }
      const taken = await folders.take(`${path.root}/${folder}`, roots[path.root], folder);
      if (!taken) {
        const reason = "a link is in the way";
        log.container(`Unable to initialize cache download: ${reason}: ${path.written}`);
        log.cache({ kind: "skipped", store: "LOCAL", key: path.written, durationMs: 0, reason });
        continue;
      }
      lentFolders.push(taken.folder);
      log.container(`Symlinking local cache ${path.written}`);
      log.cache({
        kind: taken.isWarm ? "restored" : "missed",
        store: "LOCAL",
        key: path.written,
        durationMs: clock.nowMs() - startedMs,
        ...(taken.isWarm ? {} : { reason: "nothing is cached yet, or another build has it" }),
      });
    }
  } catch (error) {
    await release();
    input.signal.throwIfAborted();
    log.container(`Unable to initialize cache download: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
  return { lentFolders, save: async () => {}, release };
}
