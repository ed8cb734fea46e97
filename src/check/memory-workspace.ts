/** A Workspace held in memory: paths and, where a rule reads them, texts. Used by tests and by callers without a folder. */
import { posix } from "node:path";
import type { Workspace } from "./workspace.ts";

export function createMemoryWorkspace(
  files: Readonly<Record<string, string>> | readonly string[],
  options: { readonly root?: string; readonly ignored?: readonly string[] } = {},
): Workspace {
  const texts = new Map(Array.isArray(files) ? files.map((path: string) => [path, ""]) : Object.entries(files));
  const paths = [...texts.keys()].sort();
  const directories = new Set<string>([""]);
  for (const path of [...paths, ...(options.ignored ?? [])]) {
    for (let at = posix.dirname(path); at !== "."; at = posix.dirname(at)) directories.add(at);
  }
  const all = new Set([...paths, ...(options.ignored ?? [])]);
  const clean = (path: string) =>
    posix
      .normalize(path || ".")
      .replace(/\/$/, "")
      .replace(/^\.$/, "");
  return {
    root: options.root ?? "/workspace",
    exists: (path) => (all.has(clean(path)) ? "file" : directories.has(clean(path)) ? "directory" : undefined),
    readText: (path) => texts.get(clean(path)),
    files: () => paths,
    isIgnored: (path) => options.ignored?.includes(clean(path)) ?? false,
  };
}
