/**
 * What a layer's files on disk cannot say for themselves, by path: owners where this process may not chown, extended
 * attributes (file capabilities), devices. Kept in the layer's record, put back into its tar.
 */
import type { DeviceNumber, TarEntryType } from "./tar.ts";

export interface FileExtras {
  readonly uid?: number;
  readonly gid?: number;
  /** By name; each character of a value is a byte. Only those that `isKept`. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** On disk there is an empty file in its place: nobody should open an image's devices on this machine. */
  readonly special?: { readonly type: TarEntryType; readonly device?: DeviceNumber };
}

export type ExtrasByPath = ReadonlyMap<string, FileExtras>;

/** File capabilities and the users' own, as engines put them into layers; not the marks of overlayfs. */
export const isKept = (xattr: string): boolean =>
  xattr === "security.capability" || (xattr.startsWith("user.") && !xattr.startsWith("user.overlay."));

export function keptXattrs(xattrs: Readonly<Record<string, string>>): Record<string, string> | undefined {
  const kept = Object.entries(xattrs).filter(([name]) => isKept(name));
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
