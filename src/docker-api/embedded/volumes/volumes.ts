/**
 * Volumes of a build: folders in the image store, which the build's commands do not reach, gone with it.
 * A new volume takes what the image has at the place where it is first mounted, as docker's do.
 * Gaps: the `local` driver without options only.
 */
import { chmod, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../../../core/clock.ts";
import type { Ids } from "../../../core/ids.ts";
import { LayerWriter, metaOf } from "../../../images/layer-writer.ts";
import type { Found, LayeredRoot } from "../../../images/layered-root.ts";
import { removeTree } from "../../../images/remove-tree.ts";
import { giveOwnership, subordinateIds } from "../../../images/user-namespace.ts";
import { ApiError, notDone } from "../api.ts";
import type { EventLog } from "../system/event-log.ts";

export interface Volume {
  readonly name: string;
  /** The folder that containers see. */
  readonly mountpoint: string;
  readonly createdMs: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly isAnonymous: boolean;
  /** Ids of containers that mount it. */
  readonly users: Set<string>;
  isFilled: boolean;
}

interface VolumeDeps {
  /** Makes the folder that holds a folder a volume, for the first one. */
  makeDir(): Promise<string>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly events: EventLog;
}

export class Volumes {
  readonly #deps: VolumeDeps;
  readonly #volumes = new Map<string, Volume>();
  #dir: Promise<string> | undefined;

  constructor(deps: VolumeDeps) {
    this.#deps = deps;
  }

  list(): Volume[] {
    return [...this.#volumes.values()];
  }

  find(name: string): Volume | undefined {
    return this.#volumes.get(name);
  }

  /** The volume of that name, made when there is none; without a name an anonymous one. */
  async ensure(
    name: string,
    given: { readonly labels?: Record<string, string>; readonly driver?: string; readonly options?: object } = {},
  ): Promise<Volume> {
    this.#dir ??= this.#deps.makeDir();
    const dir = await this.#dir;
    const known = this.#volumes.get(name);
    if (known) return known;
    if ((given.driver ?? "local") !== "local" && given.driver !== "")
      throw notDone(`volumes of the driver \`${given.driver}\``);
    const options = Object.keys(given.options ?? {});
    if (options.length > 0) throw notDone(`volumes with the option \`${options[0]}\``);
    if (name !== "" && !/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
      throw new ApiError(
        400,
        `create ${name}: "${name}" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
      );
    const isAnonymous = name === "";
    const used = isAnonymous ? this.#deps.ids.bytes(32).toString("hex") : name;
    const mountpoint = join(dir, used, "_data");
    const volume: Volume = {
      name: used,
      mountpoint,
      createdMs: this.#deps.clock.nowMs(),
      labels: { ...given.labels, ...(isAnonymous && { "com.docker.volume.anonymous": "" }) },
      isAnonymous,
      users: new Set(),
      isFilled: false,
    };
    // Known before its folder is there: two containers may ask for it at once.
    this.#volumes.set(used, volume);
    await mkdir(mountpoint, { recursive: true });
    await chmod(mountpoint, 0o755);
    this.#deps.events.add("volume", "create", used, { driver: "local" });
    return volume;
  }

  /** Copies what the image has at `target` into a volume that nothing was put into yet. */
  async fill(volume: Volume, image: LayeredRoot, target: string): Promise<void> {
    if (volume.isFilled) return;
    volume.isFilled = true;
    const { found } = await image.resolve(target);
    if (!found?.stats.isDirectory()) return;
    const ids = await subordinateIds();
    const writer = new LayerWriter(volume.mountpoint, []);
    const copy = async (folder: Found, to: string): Promise<void> => {
      for (const entry of await image.list(folder)) {
        const name = entry.path.slice(entry.path.lastIndexOf("/") + 1);
        const path = to === "" ? name : `${to}/${name}`;
        const meta = metaOf(entry.stats, ids);
        if (entry.stats.isDirectory()) {
          await writer.folderMeta(path, meta);
          await copy(entry, path);
        } else if (entry.stats.isFile() || entry.stats.isSymbolicLink()) await writer.copy(path, entry, meta);
      }
    };
    await copy(found, "");
    await writer.finish();
    await giveOwnership(volume.mountpoint, writer.extras);
    await chmod(volume.mountpoint, found.stats.mode & 0o7777);
  }

  async remove(volume: Volume): Promise<void> {
    if (volume.users.size > 0)
      throw new ApiError(409, `remove ${volume.name}: volume is in use - [${[...volume.users].join(", ")}]`);
    this.#volumes.delete(volume.name);
    await removeTree(dirname(volume.mountpoint));
    this.#deps.events.add("volume", "destroy", volume.name, { driver: "local" });
  }

  async close(): Promise<void> {
    this.#volumes.clear();
    if (this.#dir !== undefined) await removeTree(await this.#dir);
  }
}
