/**
 * Lets the common flags stand before the command too (`kiln -o json status`), and gives a command line without a
 * command its name: `here`, which checks and runs the folder.
 */
const WITH_VALUE: ReadonlySet<string> = new Set(["-o", "--output", "--state-dir", "--region", "--account"]);
const OWN: ReadonlySet<string> = new Set(["-h", "--help", "-V", "--version"]);

/** Commands whose second word is a command too. */
const GROUPS: ReadonlySet<string> = new Set(["params", "builds", "images", "registry"]);

export const HERE = "here";

/** The command first, then the flags that stood before it, then the rest. */
export function commandFirst(argv: readonly string[]): string[] {
  let at = 0;
  while (at < argv.length) {
    const word = argv[at] ?? "";
    if (OWN.has(word)) return [...argv];
    if (!word.startsWith("-")) {
      const rest = argv.slice(at);
      const depth = depthOf(rest);
      return [...rest.slice(0, depth), ...argv.slice(0, at), ...rest.slice(depth)];
    }
    at += WITH_VALUE.has(word) ? 2 : 1;
  }
  return [HERE, ...argv];
}

/** How many words name the command: flags belong to the last of them. */
function depthOf([first = "", second = ""]: readonly string[]): number {
  if (!GROUPS.has(first)) return 1;
  return first === "registry" && second === "accounts" ? 3 : 2;
}
