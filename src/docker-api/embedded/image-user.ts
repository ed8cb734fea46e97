/** The user that an instruction or a container names, as the image's own `/etc/passwd` and `/etc/group` know it. */
import { readFile } from "node:fs/promises";
import { type ImageUser, ownerFrom } from "../../images/image.ts";
import { findFile, type LayeredRoot } from "../../images/layered-root.ts";

/** From `name`, `name:group`, `uid:gid` … or the empty text for root. Throws with docker's text for an unknown one. */
export async function imageUser(root: LayeredRoot, spec: string): Promise<ImageUser> {
  const text = async (path: string): Promise<string> => {
    const file = await findFile(root, path);
    return file ? readFile(file.hostPath, "utf8") : "";
  };
  return ownerFrom(spec, await text("etc/passwd"), await text("etc/group"));
}
