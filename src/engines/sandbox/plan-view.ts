/**
 * Plans the view of the machine that a build gets: which folders become overlays, whiteouts, empty or the machine's own.
 * Pure; what must be known about files is asked of `MachineFiles`.
 *
 * Root: one overlay of `/` and one of each real file system below it (an overlay does not show what is mounted below).
 * Ordinary user: an overlay with mounts below its lower folder is refused (they are locked in a user namespace), so each
 * top-level folder without mounts below becomes one, and those with some are opened up, level by level.
 */
import { holdsFiles, isAtOrBelow, type Mount } from "./mount-table.ts";

export interface MachineFiles {
  /** Undefined where there is nothing. Links are not followed. */
  kindOf(path: string): "folder" | "file" | "link" | "other" | undefined;
  /** Names in a folder; undefined where it cannot be read. */
  names(folder: string): readonly string[] | undefined;
}

export interface SharedFolder {
  /** The same outside and inside. A file may be shared, too. */
  readonly path: string;
  readonly isReadOnly: boolean;
}

export interface ViewRequest {
  readonly isRoot: boolean;
  readonly mounts: readonly Mount[];
  /** Real paths that must not be seen. */
  readonly hidden: readonly string[];
  /** Real paths that must be seen as they are. */
  readonly shared: readonly SharedFolder[];
}

export interface View {
  /** Lower folders, which are also where the overlays are seen. Outer before inner. */
  readonly overlays: readonly string[];
  /** Folders that only lead to others; an ordinary user's view. */
  readonly folders: readonly string[];
  /** Symbolic links of the machine to make again. */
  readonly links: readonly string[];
  /** Files and folders of the machine shown read-only. */
  readonly shown: readonly string[];
  /** Files that are mounts of their own: they are copied. */
  readonly copied: readonly string[];
  /** Not there, in the overlay that would show them. */
  readonly whiteouts: readonly { readonly overlay: string; readonly path: string }[];
  /** Folders that look empty, and files: something below must be seen, or no overlay shows them. */
  readonly emptied: readonly string[];
}

/** Folders of every machine that a build gets anew. */
export const PRIVATE_FOLDERS = ["/tmp", "/var/tmp", "/run", "/dev", "/proc", "/sys"] as const;
const MAX_DEPTH = 4;

const isPrivate = (path: string): boolean => PRIVATE_FOLDERS.some((folder) => isAtOrBelow(path, folder));

export function planView(request: ViewRequest, files: MachineFiles): View {
  const hidden = request.hidden.filter((path) => !isPrivate(path));
  const seen = request.mounts.filter(({ path }) => !isPrivate(path) && !hidden.some((one) => isAtOrBelow(path, one)));
  const view = request.isRoot ? rootView(seen, files) : userView(request.mounts, hidden, files);
  const whiteouts: { overlay: string; path: string }[] = [];
  const emptied: string[] = [];
  for (const path of hidden) {
    if (hidden.some((other) => other !== path && isAtOrBelow(path, other))) continue;
    const overlay = view.overlays.filter((one) => isAtOrBelow(path, one)).at(-1);
    const isPassed = request.shared.some((share) => isAtOrBelow(share.path, path));
    if (overlay !== undefined && overlay !== path && !isPassed) whiteouts.push({ overlay, path });
    else if (overlay !== undefined || isPassed || view.shown.some((one) => isAtOrBelow(path, one))) emptied.push(path);
  }
  return { ...view, whiteouts, emptied };
}

type Layout = Omit<View, "whiteouts" | "emptied">;

function rootView(mounts: readonly Mount[], files: MachineFiles): Layout {
  const below = mounts.filter((mount) => mount.path !== "/" && holdsFiles(mount)).map(({ path }) => path);
  const ofKind = (kind: "folder" | "file"): string[] =>
    below.filter((path) => files.kindOf(path) === kind).sort(outerFirst);
  return { overlays: ["/", ...ofKind("folder")], folders: [], links: [], shown: [], copied: ofKind("file") };
}

function userView(mounts: readonly Mount[], hidden: readonly string[], files: MachineFiles): Layout {
  const layout = { overlays: [] as string[], folders: [] as string[], links: [] as string[], shown: [] as string[] };
  const place = (path: string, depth: number): void => {
    if (hidden.includes(path)) return;
    if (PRIVATE_FOLDERS.some((folder) => folder === path)) return void layout.folders.push(path);
    const kind = files.kindOf(path);
    if (kind === "link") layout.links.push(path);
    else if (kind === "file") layout.shown.push(path);
    if (kind !== "folder") return;
    const mount = mounts.find((one) => one.path === path);
    if (mount && !holdsFiles(mount)) return void layout.shown.push(path);
    if (!mounts.some((one) => one.path !== path && isAtOrBelow(one.path, path))) return void layout.overlays.push(path);
    const names = depth < MAX_DEPTH ? files.names(path) : undefined;
    if (names === undefined) return void layout.shown.push(path);
    layout.folders.push(path);
    for (const name of names) place(`${path}/${name}`, depth + 1);
  };
  for (const name of files.names("/") ?? []) place(`/${name}`, 1);
  return { ...layout, copied: [] };
}

const outerFirst = (one: string, other: string): number => one.split("/").length - other.split("/").length;
