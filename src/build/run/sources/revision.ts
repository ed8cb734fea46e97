/**
 * What a source version names. Forms: https://docs.aws.amazon.com/codebuild/latest/userguide/sample-source-version.html
 * (branch, tag, commit, `pr/<n>`, `refs/…`, `refs/heads/<branch>^{<commit>}`).
 */
export type Revision =
  | { readonly kind: "default" }
  /** The first of these references that exists. */
  | { readonly kind: "reference"; readonly names: readonly string[] }
  /** A commit that is fetched through one reference. */
  | { readonly kind: "pinned"; readonly name: string; readonly commit: string }
  /** A branch, a tag or a commit, in this order. */
  | { readonly kind: "name"; readonly name: string };

/** Undefined: no repository can have it. */
export function parseRevision(version: string | undefined, sourceType: string): Revision | undefined {
  if (version === undefined || version === "") return { kind: "default" };
  const pinned = /^(refs\/.+)\^\{([0-9a-f]{40}|[0-9a-f]{64})\}$/.exec(version);
  if (pinned) {
    const [, name = "", commit = ""] = pinned;
    return isReferenceName(name) ? { kind: "pinned", name, commit } : undefined;
  }
  if (!isReferenceName(version)) return undefined;
  const pull = /^pr\/(\d+)$/.exec(version)?.[1];
  if (pull !== undefined) return { kind: "reference", names: pullRequestNames(pull, sourceType) };
  if (version.startsWith("refs/")) return { kind: "reference", names: [version] };
  return { kind: "name", name: version };
}

export const isFullCommit = (name: string): boolean => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name);
export const isShortCommit = (name: string): boolean => /^[0-9a-f]{4,64}$/.test(name);

/** Each provider keeps pull requests under a name of its own. */
function pullRequestNames(number: string, sourceType: string): string[] {
  const byGitHub = `refs/pull/${number}/head`;
  const byGitLab = `refs/merge-requests/${number}/head`;
  const byBitbucket = `refs/pull-requests/${number}/from`;
  if (sourceType.startsWith("GITLAB")) return [byGitLab, byGitHub];
  if (sourceType === "BITBUCKET") return [byBitbucket, byGitHub];
  return [byGitHub];
}

/** git-check-ref-format's rules, which also keep options and refspecs out. */
function isReferenceName(name: string): boolean {
  return (
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is refused
    !/[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\/\/|\.lock(?:\/|$)|(?:^|\/)\.|[./]$/.test(name) &&
    !name.startsWith("-") &&
    !name.startsWith("/") &&
    name !== "@"
  );
}
