/**
 * Says when files of a source are Git LFS pointers rather than their content. AWS: CodeBuild leaves pointers; here the
 * user's git-lfs, where it is set up, has replaced them at checkout.
 */
import { open } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.ts";

const POINTER_START = "version https://git-lfs.github.com/spec/";

export async function lfsWarning(git: Git, top: string): Promise<string | undefined> {
  const attributes = await git(top, ["grep", "-l", "--cached", "-e", "filter=lfs", "--", ":(glob)**/.gitattributes"]);
  if (!attributes.ok || attributes.text === "") return undefined;
  const listed = await git(top, ["ls-files", "-z", "--", ":(attr:filter=lfs)"]);
  const paths = listed.ok ? listed.text.split("\0").filter((path) => path !== "") : [];
  let pointers = 0;
  for (const path of paths) if (await isPointer(join(top, path))) pointers++;
  if (pointers === 0) return undefined;
  return `${pointers} file${pointers === 1 ? "" : "s"} of the source ${pointers === 1 ? "is a" : "are"} Git LFS pointer${pointers === 1 ? "" : "s"}, not the content (as on AWS); run \`git lfs pull\` in the build`;
}

async function isPointer(path: string): Promise<boolean> {
  const file = await open(path).catch(() => undefined);
  if (!file) return false;
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(POINTER_START.length) });
    return buffer.toString("latin1", 0, bytesRead) === POINTER_START;
  } finally {
    await file.close();
  }
}
