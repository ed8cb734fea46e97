/** What every way of taking a source gives back, and which source types are git's. */
export interface TakenSource {
  /** Commit id, where there is one. */
  readonly resolvedVersion?: string;
  /** What was taken, in one line. */
  readonly notice?: string;
  /** What is not in it although one would expect it. */
  readonly warnings?: readonly string[];
}

const GIT_SOURCES: ReadonlySet<string> = new Set([
  "CODECOMMIT",
  "GITHUB",
  "GITHUB_ENTERPRISE",
  "GITLAB",
  "GITLAB_SELF_MANAGED",
  "BITBUCKET",
]);

export const isGitSource = (type: string): boolean => GIT_SOURCES.has(type);
