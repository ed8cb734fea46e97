/** Paths that come from outside (an archive's entries, object keys) as paths below a folder of the build. */

/** The same path with single slashes between its parts; undefined when it leads elsewhere. */
export function safeRelativePath(path: string): string | undefined {
  if (path.includes("\0") || path.startsWith("/") || /^[A-Za-z]:[\\/]/.test(path)) return undefined;
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return parts.length === 0 || parts.includes("..") ? undefined : parts.join("/");
}
