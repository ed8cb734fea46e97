/**
 * `.dockerignore`: which paths of a context are left out. Pure.
 * Rules: one pattern a line by Go's filepath.Match plus `**`; `!` takes back; the last match wins; a match on a parent
 * folder counts for what is below it. Not git's rules: a pattern without a slash matches at the top only.
 * Source: https://docs.docker.com/build/concepts/context/#dockerignore-files
 */

export interface IgnoreRules {
  /** `path` is relative, with forward slashes. */
  isIgnored(path: string): boolean;
  /** True when something below an ignored folder may have been taken back. */
  readonly hasExceptions: boolean;
}

export function parseIgnoreFile(text: string): IgnoreRules {
  const rules = text
    .replace(/^\ufeff/, "")
    .split(/\r?\n/)
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const isException = line.startsWith("!");
      const pattern = clean(isException ? line.slice(1).trim() : line);
      return { isException, regExp: matcher(pattern) };
    });
  return {
    hasExceptions: rules.some((rule) => rule.isException),
    isIgnored(path) {
      const parents = path.split("/").map((_, i, parts) => parts.slice(0, i + 1).join("/"));
      let ignored = false;
      for (const rule of rules) {
        if (rule.isException === ignored && parents.some((parent) => rule.regExp.test(parent)))
          ignored = !rule.isException;
      }
      return ignored;
    },
  };
}

function clean(pattern: string): string {
  const parts: string[] = [];
  for (const part of pattern.split("/")) {
    if (part === "" || part === ".") continue;
    if (part === "..") parts.pop();
    else parts.push(part);
  }
  return parts.join("/");
}

/** A Go filepath.Match pattern, with `**` for any number of folders, as a regular expression. */
export function matcher(pattern: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? "";
    if (char === "*" && pattern[at + 1] === "*") {
      at++;
      if (pattern[at + 1] === "/") {
        at++;
        source += "(?:.*/)?";
      } else {
        source += ".*";
      }
    } else if (char === "*") {
      source += "[^/]*";
    } else if (char === "?") {
      source += "[^/]";
    } else if (char === "[") {
      const end = pattern.indexOf("]", at + 2);
      if (end < 0) {
        source += "\\[";
        continue;
      }
      const inside = pattern.slice(at + 1, end).replaceAll("\\", "\\\\");
      source += `[${inside}]`;
      at = end;
    } else if (char === "\\" && at + 1 < pattern.length) {
      source += `\\${pattern[++at]}`.replace(/\\([a-zA-Z0-9])/, "$1");
    } else {
      source += char.replace(/[.+^${}()|\]\\]/g, "\\$&");
    }
  }
  return new RegExp(`^${source}$`, "s");
}
