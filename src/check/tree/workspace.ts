/**
 * What checks and explanations may know about the user's files. Adapters: folder-workspace.ts (a real folder, git
 * aware), and an in-memory one for tests. Paths are POSIX, relative to the workspace's root, without `./`.
 * All answers describe one moment: adapters read lazily and cache. No answer is about what lies outside the root, also
 * not through a symbolic link. "Committed" is git's index: CodeBuild gets what is in it, not what the disk says.
 */
export interface Workspace {
  /** Absolute path shown to people. */
  readonly root: string;
  /** Letter case counts, also on a disk where it does not: CodeBuild's does. */
  exists(path: string): "file" | "directory" | undefined;
  /** Text of a file, or undefined when absent, binary or above `maxBytes` (1 MiB unless told). */
  readText(path: string, maxBytes?: number): string | undefined;
  /** All files CodeBuild would get (tracked, and untracked ones that git does not ignore), sorted. */
  files(): readonly string[];
  /** True when the path exists here but git ignores it, so that CodeBuild would not see it. */
  isIgnored(path: string): boolean;
  /** Is the file, or something in the folder, committed? Undefined where nothing is: no git, or a repository still empty. */
  isTracked(path: string): boolean | undefined;
  /** May the file be run by its path? The committed mode where there is one, else the disk's; undefined when not known. */
  isExecutable(path: string): boolean | undefined;
  /** Has the text CRLF line ends when CodeBuild gets it? A checkout's own (`core.autocrlf`) do not count. */
  hasCrlf(path: string): boolean;
  /** What the symbolic link at `path`, or the first one on the way to it, says; undefined when there is none. */
  linkTarget(path: string): string | undefined;
  /** Folders that git fills from other repositories. */
  submodules(): readonly string[];
}

/** What `readText` reads unless told. */
export const maxTextBytes = 1024 * 1024;
