/** The tool failure in a failed command's output, read once a failure; and its place as one in the workspace. */
import { posix } from "node:path";
import type { BuildFacts } from "./build-facts.ts";
import type { Failure } from "./failures.ts";
import { type CodePlace, readToolFailure, type ToolFailure } from "./tool-failures/index.ts";
import { pathInSource } from "./workspace-paths.ts";

const known = new WeakMap<Failure, { readonly tool: ToolFailure | undefined }>();

/** Undefined when no command failed, or no tool is known in what it printed. */
export function toolFailureOf(failure: Failure): ToolFailure | undefined {
  if (!failure.command) return undefined;
  const found = known.get(failure);
  if (found) return found.tool;
  const { text, exitStatus } = failure.command;
  const tool = readToolFailure({ lines: failure.output, command: text, exitStatus });
  known.set(failure, { tool });
  return tool;
}

/** Where in the workspace a tool's place is: `file` and `line`, when there is such a file. */
export function placeInWorkspace(
  place: CodePlace | undefined,
  failure: Failure,
  { workspace, events }: Pick<BuildFacts, "workspace" | "events">,
): { readonly file: string; readonly line?: number } | undefined {
  if (!place || !workspace) return undefined;
  const file = candidates(place.file, failure.command?.workingDirectory ?? "", events).find(
    (path) => workspace.exists(path) === "file",
  );
  const inside = file ?? onlyOne(place.file, workspace.files());
  return inside === undefined ? undefined : { file: inside, ...(place.line ? { line: place.line } : {}) };
}

function candidates(path: string, workingDirectory: string, events: BuildFacts["events"]): string[] {
  if (path.startsWith("/")) {
    const inside = pathInSource(posix.normalize(path), events);
    return inside === undefined || inside === "" ? [] : [inside];
  }
  const directory = pathInSource(workingDirectory, events) ?? "";
  return [posix.normalize(posix.join(directory, path)), posix.normalize(path)];
}

/** A path in an image (`/app/shop.py`) or of a sub-folder: the file of the source that ends like it, if one alone does. */
function onlyOne(path: string, files: readonly string[]): string | undefined {
  const parts = path.split("/").filter((part) => part !== "" && part !== "." && part !== "..");
  for (let from = 0; from < parts.length; from += 1) {
    const end = parts.slice(from).join("/");
    const same = files.filter((file) => file === end || file.endsWith(`/${end}`));
    if (same.length === 1) return same[0];
    if (same.includes(end)) return end;
    if (same.length > 1) return undefined;
  }
  return undefined;
}
