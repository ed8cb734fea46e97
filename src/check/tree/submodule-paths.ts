/** Paths of submodules in a `.gitmodules`. Source: https://git-scm.com/docs/gitmodules */

/** Sorted as written; paths out of the repository are left out. */
export const submodulePaths = (gitmodules: string | undefined): string[] =>
  [...(gitmodules ?? "").matchAll(/^\s*path\s*=\s*(.+?)\s*$/gm)]
    .map(([, path = ""]) => path.replace(/^"(.*)"$/, "$1").replace(/\/+$/, ""))
    .filter((path) => path !== "" && !path.startsWith("/") && !path.split("/").includes(".."));
