/**
 * Functions and aliases made in one command and used in a later one. Directory and variables carry over, functions and
 * aliases do not: each command is a script of its own.
 */
import { forEachChild, type SyntaxNode } from "unbash";
import { isKnownProgram } from "../commands/unseen-work.ts";
import type { Rule } from "../rule.ts";

export const shellStateNotCarriedOver: Rule = {
  id: "shell/state-not-carried-over",
  severity: "warning",
  title: "a function or alias of an earlier command, which later ones do not have",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec-ref-versions",
  *run(context) {
    const made = new Map<string, { readonly kind: "function" | "alias"; readonly within: unknown }>();
    const reported = new Set<string>();
    for (const { within, script } of context.shell.scripts) {
      const own = new Map<string, "function" | "alias">();
      collect(script, own);
      for (const command of made.size === 0 ? [] : context.shell.commands) {
        if (command.within !== within) continue;
        // A function may be named like something that runs its arguments, e.g. `retry`.
        const name = [...command.wrappers, command.name ?? ""].find((word) => made.has(word) && !own.has(word));
        const before = name === undefined ? undefined : made.get(name);
        if (name === undefined || !before || reported.has(name)) continue;
        // Without the alias there is still the program.
        if (before.kind === "alias" && isKnownProgram(name)) continue;
        reported.add(name);
        yield {
          message: `${before.kind} \`${name}\` was made in an earlier command, and is gone here`,
          span: command.span,
          why: "each command of the list is a script of its own: directory and variables carry over, functions and aliases do not",
          fix: {
            kind: "command",
            title: "write it and its uses as one `|` block, or move it to a script",
            commands: [],
          },
        };
      }
      for (const [name, kind] of own) made.set(name, { kind, within });
    }
  },
};

function collect(node: SyntaxNode, into: Map<string, "function" | "alias">): void {
  if (node.type === "Function") into.set(node.name.value, "function");
  if (node.type === "Command" && node.name?.value === "alias") {
    for (const item of node.suffix) {
      const name =
        item.type === "Word" ? /^([\w-]+)=/.exec(item.value)?.[1] : item.type === "Assignment" ? item.name : undefined;
      if (name !== undefined) into.set(name, "alias");
    }
  }
  // What a subshell or a `$(…)` defines does not matter here, but costs nothing.
  forEachChild(node, (child) => collect(child, into));
}
