/**
 * What becomes of a command's failure, from the syntax around it: the shell's rules about lists, `&&`, `||` and loops.
 * Source: POSIX.1-2024, XCU 2.9 and `set -e` in 2.15.
 */
import type { AndOr, Statement, SyntaxNode } from "unbash";

/** What happens to the failure of the n-th command of `a && b || c`. */
export type AndOrFate = "passed-on" | "dropped" | "handled" | "or-true";

export function fateInAndOr(node: AndOr, index: number, isErrexit: boolean): AndOrFate {
  const or = node.operators.indexOf("||", index);
  if (or !== -1) return alwaysSucceeds(node.commands[or + 1]) ? "or-true" : "handled";
  // `set -e` does not stop at a failure in front of `&&`.
  return isErrexit && index < node.commands.length - 1 ? "dropped" : "passed-on";
}

/** `true`, `echo …`, `exit 0`, or a group of nothing else. */
export function alwaysSucceeds(node: SyntaxNode | undefined): boolean {
  if (node?.type === "BraceGroup" || node?.type === "Subshell") {
    return node.body.commands.length > 0 && node.body.commands.every(({ command }) => alwaysSucceeds(command));
  }
  if (node?.type === "Pipeline") {
    return !node.prefixes.some(({ type }) => type === "Negation") && alwaysSucceeds(node.commands.at(-1));
  }
  if (node?.type !== "Command") return false;
  const name = node.name?.value;
  if (name === undefined)
    return (
      node.prefix.length > 0 && !node.prefix.some((item) => item.type === "Assignment" && /\$\(|`/.test(item.text))
    );
  if (name === "exit" || name === "return") return isZero(node.suffix);
  return /^(true|:|echo|printf|date)$/.test(name);
}

const isZero = ([only, ...others]: readonly SyntaxNode[]): boolean =>
  others.length === 0 && only?.type === "Word" && only.value === "0";

/** Does the statement after look at `$?` or `PIPESTATUS`? */
export function isInspected(statements: readonly Statement[], index: number, text: string): boolean {
  const next = statements[index + 1];
  return next !== undefined && /\$\?|\$\{\?|PIPESTATUS/.test(text.slice(next.pos, next.end));
}
