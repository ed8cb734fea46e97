/**
 * Lets the common flags stand before the command too (`kiln -o json status`), and gives a command line without a
 * command its name: `here`, which checks and runs the folder.
 */
const WITH_VALUE: ReadonlySet<string> = new Set(["-o", "--output", "--state-dir", "--region", "--account"]);
const OWN: ReadonlySet<string> = new Set(["-h", "--help", "-V", "--version"]);

export const HERE = "here";

/** The command first, then the flags that stood before it, then the rest. */
export function commandFirst(argv: readonly string[]): string[] {
  let at = 0;
  while (at < argv.length) {
    const word = argv[at] ?? "";
    if (OWN.has(word)) return [...argv];
    if (!word.startsWith("-")) return [word, ...argv.slice(0, at), ...argv.slice(at + 1)];
    at += WITH_VALUE.has(word) ? 2 : 1;
  }
  return [HERE, ...argv];
}
