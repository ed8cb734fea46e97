/**
 * LOCAL_CUSTOM_CACHE where the commands run in a container: folders in a volume of the engine that outlives builds, linked
 * into the build. As on this machine (local-folders.ts) a build takes a folder by renaming it and puts it back at its end,
 * so that two builds never work in one; whoever finds it taken starts with an empty one.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/caching-local.html
 * Gaps: the engine's volumes have no bound; a folder that a killed build took is lost. `docker volume ls` shows them.
 */
import { createHash } from "node:crypto";
import type { Clock } from "../../../core/clock.ts";
import { shellQuote } from "../../../core/shell-quote.ts";
import type { EnvironmentFiles } from "../../../engines/engine.ts";
import type { BuildLog } from "../build-log.ts";
import type { BuildCache } from "./build-cache.ts";
import { folderOf } from "./cache-paths.ts";

export interface RemoteFoldersInput {
  readonly files: EnvironmentFiles;
  readonly paths: readonly string[];
  readonly uuid: string;
  readonly place: { toEnvironmentPath(hostPath: string): string };
  readonly srcDir: string;
  readonly log: BuildLog;
  readonly clock: Clock;
  expand(text: string): Promise<string>;
}

export async function takeRemoteFolders(input: RemoteFoldersInput): Promise<BuildCache | undefined> {
  const { files, log, uuid, clock } = input;
  const { cacheFolder } = files;
  if (cacheFolder === undefined) {
    log.notice("info", "a local cache needs a state folder: nothing is kept");
    return undefined;
  }
  const taken: { readonly slot: string; readonly folder: string }[] = [];
  const source = input.place.toEnvironmentPath(input.srcDir);
  for (const written of input.paths) {
    const startedMs = clock.nowMs();
    const text = await input.expand(written);
    const path = folderOf(text.replace(/^~(?=\/|$)/, "/root"));
    if (path === undefined) {
      const reason = `only directories can be cached locally: ${text}`;
      log.container(`Unable to initialize cache download: ${reason}`);
      log.cache({ kind: "skipped", store: "LOCAL", key: text, durationMs: 0, reason });
      continue;
    }
    const link = path.startsWith("/") ? path : `${source}/${path}`;
    const slot = `${cacheFolder}/${createHash("sha256").update(path).digest("hex").slice(0, 32)}`;
    const folder = `${slot}/taken-${uuid}`;
    const said = await files.evaluate(takeLines(slot, folder, link));
    if (said !== "warm" && said !== "new") {
      log.container(`Unable to initialize cache download: ${text} cannot be linked`);
      continue;
    }
    taken.push({ slot, folder });
    log.container(`Symlinking local cache ${text}`);
    const isWarm = said === "warm";
    log.cache({
      kind: isWarm ? "restored" : "missed",
      store: "LOCAL",
      key: text,
      durationMs: clock.nowMs() - startedMs,
      ...(isWarm ? {} : { reason: "nothing is cached yet, or another build has it" }),
    });
  }
  return {
    lentFolders: [],
    save: async () => {},
    leave: async () => {
      for (const { slot, folder } of taken.splice(0)) await files.evaluate(giveBackLines(slot, folder));
    },
    release: async () => {},
  };
}

/** AWS: cached items override source items. What the source has is the first content. */
function takeLines(slot: string, folder: string, link: string): string {
  const [s, f, l] = [slot, folder, link].map(shellQuote);
  return `umask 022; kiln_parent=${l}; kiln_parent=\${kiln_parent%/*}; mkdir -p ${s} "$kiln_parent"
if mv ${s}/current ${f}; then kiln_word=warm; rm -rf ${l}
elif [ -d ${l} ] && [ ! -L ${l} ] && mv ${l} ${f}; then kiln_word=new
else rm -rf ${l}; mkdir -p ${f}; kiln_word=new; fi
ln -s ${f} ${l} && printf %s $kiln_word; umask 077`;
}

function giveBackLines(slot: string, folder: string): string {
  const [s, f] = [slot, folder].map(shellQuote);
  return `mv ${s}/current ${f}.old; mv ${f} ${s}/current; rm -rf ${f}.old`;
}
