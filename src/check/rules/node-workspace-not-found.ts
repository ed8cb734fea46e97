/** `npm -w x` and `yarn workspace x` of a package that the monorepo does not have. */

import { nearest } from "../../core/nearest.ts";
import { optionsNamed } from "../commands/command-arguments.ts";
import { isSourceSettled } from "../commands/source-edits.ts";
import type { Rule } from "../rule.ts";
import { isManifestTouched, nodeCommand, packageAt, workspacesOf } from "../tree/node-packages.ts";
import { severityFor, wordEdit } from "../tree/path-findings.ts";
import { isSourceKnown } from "../tree/path-lookup.ts";

export const nodeWorkspaceNotFound: Rule = {
  id: "node/workspace-not-found",
  severity: "error",
  title: "a workspace that package.json does not have",
  source: "https://docs.npmjs.com/cli/using-npm/workspaces",
  *run(context) {
    if (!isSourceKnown(context)) return;
    for (const command of context.shell.commands) {
      const node = command.isGuarded ? undefined : nodeCommand(command);
      if (!node || node.directory === undefined || isManifestTouched(context, command, node.directory)) continue;
      const wanted =
        node.program === "npm"
          ? optionsNamed(node.read, "-w", "--workspace")
          : node.program === "yarn" && node.verb === "workspace"
            ? node.operands.slice(0, 1).map((word) => ({ word, text: word.text }))
            : [];
      if (wanted.length === 0) continue;
      const home = packageAt(context, node.directory);
      if (home === undefined || home === "absent") continue;
      const all = workspacesOf(context, home);
      const prefix = home.folder === "" ? "" : `${home.folder}/`;
      const known = new Set(
        all.flatMap(({ name, folder }) => [...(name === undefined ? [] : [name]), folder.slice(prefix.length)]),
      );
      // A folder of several workspaces names them all.
      const isKnown = (text: string) =>
        known.has(text) || all.some(({ folder }) => folder.startsWith(`${prefix}${text}/`)) || home.name === text;
      for (const { word, text } of wanted) {
        const clean = text?.replace(/^\.\//, "").replace(/\/$/, "");
        if (!word || text === undefined || clean === undefined || clean.includes("*") || isKnown(clean)) continue;
        const guess = nearest(clean, known);
        const file = `${prefix}package.json`;
        yield {
          severity: !isSourceSettled(context, command) ? "warning" : severityFor(context, command, file),
          message: `\`${file}\` has no workspace \`${text}\`${guess === undefined ? "" : `; did you mean \`${guess}\`?`}`,
          span: word.span ?? command.span,
          why:
            node.program === "npm"
              ? `npm answers \`No workspaces found: --workspace=${text}\` and fails`
              : `yarn answers \`Unknown workspace "${text}"\` and fails`,
          ...(guess === undefined ? {} : wordEdit(context, word, text, guess)),
        };
      }
    }
  },
};
