/**
 * Patterns for the names of parameters (`--parameter-names`): globs, where `*` stays within a part of the path and `**`
 * goes on over slashes, several with commas between them; or a regular expression between two slashes.
 */

/** The test of a pattern; undefined for a regular expression that cannot be read. */
export function parameterNameTest(pattern: string): ((name: string) => boolean) | undefined {
  const expression = /^\/(.+)\/$/.exec(pattern)?.[1];
  if (expression !== undefined) {
    const compiled = compile(expression);
    return compiled && ((name) => compiled.test(name));
  }
  const globs = pattern
    .split(",")
    .map((glob) => glob.trim())
    .filter(Boolean);
  return (name) => globs.some((glob) => matchesGlob(name, glob));
}

function compile(source: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${source})$`);
  } catch {
    return undefined;
  }
}

/** Without backtracking over more than one star at a time: names and globs are short, and patterns may be hostile. */
function matchesGlob(name: string, glob: string): boolean {
  let reach = new Set([0]);
  for (let at = 0; at < glob.length && reach.size > 0; at++) {
    const isDeep = glob.startsWith("**", at);
    const char = glob[at];
    const next = new Set<number>();
    for (const from of reach) {
      if (char === "*") {
        for (let to = from; to <= name.length; to++) {
          next.add(to);
          if (!isDeep && name[to] === "/") break;
        }
      } else if (from < name.length && (char === "?" ? name[from] !== "/" : char === name[from])) next.add(from + 1);
    }
    if (isDeep) at++;
    reach = next;
  }
  return reach.has(name.length);
}
