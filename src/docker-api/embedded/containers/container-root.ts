/**
 * The files of a container, to read and write from outside: of a running one its own root folder, of another the same
 * overlay mounted by a process of ours for as long as it is used. Either is reached by a process of its namespace.
 * Where nothing can be mounted, the files of a container that never ran are its image's, to be read only.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { endNamespace } from "../../../core/end-namespace.ts";
import { type HeldPath, holdPath } from "../../../core/held-path.ts";
import { shellQuote } from "../../../core/shell-quote.ts";
import type { LayerStore } from "../../../images/layer-store.ts";
import { LayeredRoot } from "../../../images/layered-root.ts";
import { removeTree } from "../../../images/remove-tree.ts";
import { ApiError } from "../api.ts";
import { exitCodeOf, type Isolation, overlayOptions, TOOL_PATH, unshareCommand } from "../isolation.ts";
import { placePoints, verifyMounts } from "../mount-points.ts";
import { fstab, pointEntries } from "../mount-table.ts";
import { rootDirOf } from "../namespace.ts";
import type { Container } from "./container.ts";
import { pointsOf, requireSameBinds, rootBelow } from "./start-process.ts";

export interface OpenRoot {
  /** Folder on this machine; undefined: it cannot be written. */
  readonly dir: string | undefined;
  readonly root: LayeredRoot;
}

const plain = (dir: string): OpenRoot => ({
  dir,
  root: new LayeredRoot([{ dir, whiteouts: new Set(), opaque: new Set() }]),
});

/** Its path, also for processes that this one starts; the dot leads through the link. */
const forChildren = ({ path }: HeldPath): string => `${path.replace("/self/", `/${process.pid}/`)}/.`;

/** Gives `use` the container's files; they must not be used after it. */
export async function withRoot<T>(
  deps: { readonly store: LayerStore; readonly isolation: Isolation },
  container: Container,
  use: (open: OpenRoot) => Promise<T>,
): Promise<T> {
  const { run } = container;
  // Held: it may end while a long copy goes on, and its number become another program's.
  const held = run?.place.isThere() ? holdPath(run.place.rootDir) : undefined;
  if (held) {
    try {
      return await use(plain(forChildren(held)));
    } finally {
      held.close();
    }
  }
  const { store, isolation } = deps;
  if (isolation.kind === "none") return use({ dir: undefined, root: store.root(container.spec.image.layers) });
  const dir = await store.temporary();
  try {
    for (const name of ["w", "m", "e"]) await mkdir(join(dir, name), { mode: 0o755 });
    const layersDir = join(store.dir, "layers");
    // One empty layer: an image may have none.
    const lower = [...store.rootLayers(container.spec.image.layers).map((layer) => layer.dir), join(dir, "e")];
    const rootDir = join(dir, "m");
    const isRoot = isolation.kind === "root";
    const optionsOf = (...folders: [readonly string[], string, string]): string =>
      overlayOptions(isolation, ...folders);
    const relativeLower = lower.map((path) => relative(layersDir, path));
    const options = `${isRoot ? "nodev," : ""}${optionsOf(relativeLower, container.upperDir, join(dir, "w"))}`;
    const root = rootBelow(store, container);
    const places = { root, placeholderDir: container.upperDir, devDir: undefined };
    const points = await placePoints(places, await pointsOf(container));
    const mounts = [
      { source: "overlay", target: rootDir, type: "overlay", options },
      ...pointEntries(points, { isRoot, rootDir, overlayOptions: optionsOf }),
    ];
    await writeFile(join(dir, "fstab"), fstab(mounts));
    const script = [
      "set -e",
      "read -r pid rest < /proc/self/stat",
      `mount --internal-only --no-mtab --all --fstab ${shellQuote(join(dir, "fstab"))}`,
      `cd ${shellQuote(rootDir)}`,
      'echo "$pid"',
      "read -r end || :",
    ].join("\n");
    const [command = "", ...args] = [...unshareCommand(isolation, "host"), "sh", "-c", script];
    const child = spawn(command, args, {
      cwd: layersDir,
      env: { PATH: TOOL_PATH },
      stdio: ["pipe", "pipe", "pipe"],
      detached: true,
    });
    const ended = exitCodeOf(child);
    let problem = "";
    child.stderr.on("data", (chunk: Buffer) => {
      problem += chunk.toString();
    });
    child.stdin.on("error", () => undefined);
    try {
      const pid = await Promise.race([
        once(child.stdout, "data").then(([line]) => Number(String(line).trim())),
        ended.then((code) => {
          throw new ApiError(500, `cannot mount the container's files: ${problem.trim() || `exit ${code}`}`);
        }),
      ]);
      verifyMounts(
        pid,
        mounts.map(({ target }) => target),
      );
      const open = plain(rootDirOf(pid));
      await requireSameBinds(container, open.root);
      return await use(open);
    } finally {
      endNamespace(child);
      await ended.catch(() => undefined);
    }
  } finally {
    await removeTree(dir);
  }
}
