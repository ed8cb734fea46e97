/** A folder that a build of the engine `sandbox` sees: not below `/tmp`, `/var/tmp` or `/run`, of which it has its own. */
import { chmodSync, mkdtempSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

const repository = resolve(import.meta.dirname, "../..");

/** Everybody may read it; the caller removes it. */
export function makeSeenFolder(prefix: string): string {
  const isHidden = /^\/(?:tmp|var\/tmp|run|dev\/shm)\//.test(repository);
  const elsewhere = process.getuid?.() === 0 ? "/opt" : homedir();
  const folder = mkdtempSync(join(isHidden ? elsewhere : join(repository, "node_modules"), prefix));
  chmodSync(folder, 0o755);
  return folder;
}
