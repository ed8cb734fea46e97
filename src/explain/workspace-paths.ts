/** Directories of a build as paths in the workspace. */

/**
 * A directory inside the build, as a path in the workspace: the part after `…/src<digits>/src`; `""` for the root,
 * undefined when it is outside the source.
 */
export function workspaceDirectory(workingDirectory: string): string | undefined {
  const match = /\/src\d+\/src(?:\/(.*))?$/.exec(workingDirectory.replace(/\/$/, ""));
  return match ? (match[1] ?? "") : undefined;
}
