/**
 * The commands that CodeBuild's images bring with them: small scripts in a folder of the build's PATH that start a module
 * of Kiln with the Node that runs Kiln, so that the build needs no Node of its own.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { shellQuote } from "../commands/command-script.ts";

/** Name of the command, and of its module in this folder. */
const TOOLS = ["codebuild-hash-files", "codebuild-tests-run", "codebuild-glob-search"] as const;

/**
 * Writes the scripts; the folder for the PATH. In a container there is no Node to count on: there the tools refuse by name.
 */
export async function writeBuildTools(workDir: string, where: "machine" | "container"): Promise<string> {
  const folder = join(workDir, "codebuild-tools");
  await mkdir(folder, { recursive: true });
  for (const tool of TOOLS) {
    const refusal = `#!/bin/sh\necho "${tool}: Kiln has it for builds on this machine only, not in containers" >&2\nexit 127\n`;
    const script =
      where === "container"
        ? refusal
        : `#!/bin/sh\nKILN_NODE_OPTIONS=$NODE_OPTIONS NODE_OPTIONS= exec ${shellQuote(process.execPath)} ${shellQuote(entryOf(tool))} "$@"\n`;
    await writeFile(join(folder, tool), script, { mode: 0o755 });
  }
  // AWS: without session debugging a breakpoint is passed over.
  for (const tool of ["codebuild-breakpoint", "codebuild-resume"]) {
    await writeFile(join(folder, tool), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  }
  return folder;
}

/** Run from its TypeScript sources, Kiln takes the tools from its last build. */
function entryOf(tool: string): string {
  const isSource = import.meta.url.endsWith(".ts");
  const folder = isSource ? "../../../../dist/build/run/tools/" : "./";
  return fileURLToPath(new URL(`${folder}${tool}.js`, import.meta.url));
}
