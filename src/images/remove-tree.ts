/** Removes folders that an overlay has worked in. */
import { removeFolder } from "../core/remove-folder.ts";
import { removeInNamespace } from "./user-namespace.ts";

/** Files of a range of ids are removable as root of their namespace only; what is left then is the error's. */
export const removeTree = (path: string): Promise<void> =>
  removeFolder(path, (left) => removeInNamespace(left).catch(() => undefined));
