/**
 * What `sh` is: dash in CodeBuild's Ubuntu images, bash in its Amazon Linux ones, and anything on this machine. A build
 * that runs under another one than on AWS is told so.
 */
import { realpath } from "node:fs/promises";
import { basename, delimiter, join } from "node:path";
import { curatedImage } from "../../plan/index.ts";

/** What to say about `sh`, when a build uses it and this machine's is another than the image's. */
export async function shellNotice(
  image: string,
  shell: "sh" | "bash",
  machine: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const there = curatedImage(image)?.sh;
  if (shell !== "sh" || there === undefined) return undefined;
  const here = await shOf(machine["PATH"] ?? "");
  if (here === undefined || here === there) return undefined;
  const consequence =
    there === "bash"
      ? "what only bash understands (`[[`, arrays) works there and not here"
      : "what only bash understands (`[[`, arrays) may work here and not there";
  return `\`sh\` is ${there} in \`${image}\` and ${here} on this machine: ${consequence}; \`env.shell: bash\` makes both the same`;
}

/** `dash`, `bash`, `busybox`, … */
async function shOf(path: string): Promise<string | undefined> {
  for (const folder of path.split(delimiter)) {
    const file = folder === "" ? undefined : await realpath(join(folder, "sh")).catch(() => undefined);
    if (file !== undefined) return basename(file);
  }
  return undefined;
}
