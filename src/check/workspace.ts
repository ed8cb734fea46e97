/**
 * What checks and explanations may know about the user's files. Adapters: folder-workspace.ts (a real folder, git
 * aware), and an in-memory one for tests. Paths are POSIX, relative to the workspace's root, without `./`.
 * All answers describe one moment: adapters read lazily and cache.
 */
export interface Workspace {
  /** Absolute path shown to people. */
  readonly root: string;
  exists(path: string): "file" | "directory" | undefined;
  /** Text of a file, or undefined when absent, binary or above 1 MiB. */
  readText(path: string): string | undefined;
  /** All files CodeBuild would get (tracked, and untracked ones that git does not ignore), sorted. */
  files(): readonly string[];
  /** True when the path exists here but git ignores it, so that CodeBuild would not see it. */
  isIgnored(path: string): boolean;
}
