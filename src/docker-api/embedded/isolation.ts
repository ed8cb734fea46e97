/**
 * What this machine gives to run a command apart from it: namespaces of root's, a user namespace, or none. Found by doing
 * all of it once: an overlay mounted, moved over the root folder, rights taken away.
 * Sources: unshare(1), setpriv(1), https://docs.kernel.org/filesystems/overlayfs.html
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { delimiter, join } from "node:path";
import type { LayerStore } from "../../images/layer-store.ts";
import { removeTree } from "../../images/remove-tree.ts";
import { RANGE_FLAGS, subordinateIds } from "../../images/user-namespace.ts";

export type Isolation =
  /** `diesWithUs`: whether the end of this process, however it ends, is the end of everything inside. */
  | { readonly kind: "root"; readonly diesWithUs: boolean }
  /** Without a range of ids (newuidmap) everything inside belongs to root, and chown to another user fails. */
  | { readonly kind: "user"; readonly diesWithUs: boolean; readonly hasRange: boolean }
  | { readonly kind: "none"; readonly reason: string };

export type Usable = Exclude<Isolation, { kind: "none" }>;

/** Where the machine's own tools are, whatever PATH a build has. */
export const TOOL_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(
  delimiter,
);

/** Where a tool of this machine is; its name where it is not. */
export function toolPath(name: string): string {
  const folder = TOOL_PATH.split(delimiter).find((one) => existsSync(join(one, name)));
  return folder === undefined ? name : join(folder, name);
}

const probes = new Map<string, Promise<Isolation>>();

/** What this machine can do, found by doing it once per process. */
export function detectIsolation(store: LayerStore): Promise<Isolation> {
  const known = probes.get(store.dir) ?? probe(store);
  probes.set(store.dir, known);
  return known;
}

async function probe(store: LayerStore): Promise<Isolation> {
  if (process.platform !== "linux") return { kind: "none", reason: `RUN needs Linux, this is ${process.platform}` };
  const isRoot = process.geteuid?.() === 0;
  const hasRange = (await subordinateIds()) !== undefined;
  const candidates = [true, false].map(
    (diesWithUs): Usable => (isRoot ? { kind: "root", diesWithUs } : { kind: "user", diesWithUs, hasRange }),
  );
  let reason = "";
  for (const candidate of candidates) {
    const dir = await store.temporary();
    try {
      for (const name of ["l", "u", "w", "m"]) await mkdir(join(dir, name));
      const script = [
        `mount -t overlay overlay -o ${overlayOptions(candidate, ["l"], "u", "w")} m`,
        "mkdir m/proc && mount -t proc proc m/proc",
        'cd m && mount --no-mtab --move "$PWD" /',
        "setpriv --bounding-set=-all,+sys_chroot --inh-caps=-all true",
      ].join(" && ");
      const [command = "", ...args] = [...unshareCommand(candidate, "host"), "sh", "-c", script];
      const child = spawn(command, args, {
        cwd: dir,
        env: { PATH: TOOL_PATH },
        stdio: ["ignore", "ignore", "pipe"],
      });
      let text = "";
      child.stderr.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      const code = await exitCodeOf(child);
      if (code === 0) return candidate;
      reason = text.trim().split("\n")[0] ?? `exit ${code}`;
    } catch (error) {
      reason = (error as Error).message;
    } finally {
      await removeTree(dir);
    }
  }
  return { kind: "none", reason };
}

/** Words before a command that is to have its own namespaces, and to end with this process. */
export function unshareCommand(isolation: Usable, network: "host" | "none"): string[] {
  const words = isolation.diesWithUs ? ["setpriv", "--pdeathsig", "KILL", "unshare"] : ["unshare"];
  words.push("--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--ipc");
  if (network === "none") words.push("--net");
  if (isolation.kind === "user") words.push(...(isolation.hasRange ? RANGE_FLAGS : ["--user", "--map-root-user"]));
  return [...words, "--"];
}

/** Of an overlay; `lower` topmost first. */
export function overlayOptions(isolation: Usable, lower: readonly string[], upper: string, work: string): string {
  const escaped = (path: string): string => path.replace(/([\\:,])/g, "\\$1");
  const own = isolation.kind === "user" ? ["userxattr"] : ["redirect_dir=off", "metacopy=off", "index=off"];
  return [
    `lowerdir=${lower.map(escaped).join(":")}`,
    `upperdir=${escaped(upper)}`,
    `workdir=${escaped(work)}`,
    ...own,
  ].join(",");
}

/** As a shell counts: 137 for what was killed. */
export function exitCodeOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? (signal === "SIGTERM" ? 143 : 137)));
  });
}
