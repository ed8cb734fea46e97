/**
 * Targets of a Makefile, as far as they can be read without running make. What includes other files, has targets that
 * come from variables or patterns, or makes rules with `eval`, is not known: undefined.
 * Source: https://www.gnu.org/software/make/manual/html_node/Rules.html
 */

export interface Makefile {
  readonly targets: ReadonlySet<string>;
}

export function readMakefile(text: string): Makefile | undefined {
  if (text.trim() === "") return undefined;
  const targets = new Set<string>();
  let isDefine = false;
  for (const line of joined(text)) {
    if (/^\s*define\b/.test(line)) isDefine = true;
    if (isDefine) {
      if (/^\s*endef\b/.test(line)) isDefine = false;
      continue;
    }
    // A recipe; also what a `.RECIPEPREFIX` of one's own would hide.
    if (line.startsWith("\t")) continue;
    const bare = line.replace(/#.*$/, "");
    if (/^\s*(-include|sinclude|include|load)\b|\.RECIPEPREFIX|\.DEFAULT\b|\$[({](eval|call)\b/.test(bare))
      return undefined;
    const [, names] = /^ {0,7}([^:=#\s][^:=#]*?)\s*::?(?!=)(?!:=)/.exec(bare) ?? [];
    if (names === undefined || /^(export|unexport|override|ifn?eq|ifn?def|else|endif|vpath|undefine)\b/.test(names))
      continue;
    if (/[%$*?[]/.test(names)) return undefined;
    for (const name of names.split(/\s+/)) if (name !== "" && name !== "&") targets.add(name);
    // What `.PHONY` lists counts as known, rule or not.
    if (names === ".PHONY") {
      const phony = bare.slice(bare.indexOf(":") + 1);
      if (phony.includes("$")) return undefined;
      for (const name of phony.trim().split(/\s+/)) if (name !== "") targets.add(name);
    }
  }
  return { targets };
}

/** Lines with continuations joined. */
const joined = (text: string): string[] => text.replace(/\r\n/g, "\n").replace(/\\\n/g, " ").split("\n");
