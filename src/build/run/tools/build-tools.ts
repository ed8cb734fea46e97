/**
 * The commands that CodeBuild's images bring with them: small scripts in a folder of the build's PATH that start a module
 * of Kiln with the Node that runs Kiln, so that the build needs no Node of its own; in a container, where there is none,
 * scripts alone (container-tools.ts).
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { shellQuote } from "../../../core/shell-quote.ts";

/** Name of the command, and of its module in this folder. */
const TOOLS = ["codebuild-hash-files", "codebuild-tests-run", "codebuild-glob-search"] as const;

/** Writes the scripts; the folder for the PATH. */
export async function writeBuildTools(workDir: string, where: "machine" | "container"): Promise<string> {
  const folder = join(workDir, "codebuild-tools");
  await mkdir(folder, { recursive: true });
  const scripts = where === "machine" ? machineTools() : (await import("./container-tools.ts")).CONTAINER_TOOLS;
  for (const [tool, script] of Object.entries(scripts)) await writeFile(join(folder, tool), script, { mode: 0o755 });
  // AWS: without session debugging a breakpoint is passed over.
  for (const tool of ["codebuild-breakpoint", "codebuild-resume"]) {
    await writeFile(join(folder, tool), "#!/bin/sh\nexit 0\n", { mode: 0o755 });
  }
  return folder;
}

const machineTools = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    TOOLS.map((tool) => [
      tool,
      `#!/bin/sh\nKILN_NODE_OPTIONS=$NODE_OPTIONS NODE_OPTIONS= exec ${shellQuote(process.execPath)} ${shellQuote(entryOf(tool))} "$@"\n`,
    ]),
  );

/** Run from its TypeScript sources, Kiln takes the tools from its last build. */
function entryOf(tool: string): string {
  const isSource = import.meta.url.endsWith(".ts");
  const folder = isSource ? "../../../../dist/build/run/tools/" : "./";
  return fileURLToPath(new URL(`${folder}${tool}.js`, import.meta.url));
}
