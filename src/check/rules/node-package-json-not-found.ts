/** npm, yarn and pnpm where there is no package.json, neither in the folder nor above it. */

import { posix } from "node:path";
import { isSourceSettled } from "../commands/source-edits.ts";
import type { Rule } from "../rule.ts";
import { filesNamed } from "../tree/nearest-path.ts";
import { isManifestTouched, nodeCommand, packageAt } from "../tree/node-packages.ts";
import { here, severityFor } from "../tree/path-findings.ts";
import { isSourceKnown } from "../tree/path-lookup.ts";

/** What fails without one; `npm install` does not. */
const NEEDS: Readonly<Record<string, RegExp>> = {
  npm: /^(ci|clean-install|cit|run|run-script|test|t|tst|start|publish|pack|version)$/,
  yarn: /^(run|build|test|start|publish|pack)$/,
  pnpm: /^(install|i|run|test|t|start|build|publish|pack)$/,
};

export const nodePackageJsonNotFound: Rule = {
  id: "node/package-json-not-found",
  severity: "error",
  title: "npm, yarn or pnpm where there is no package.json",
  source: "https://docs.npmjs.com/cli/configuring-npm/package-json",
  *run(context) {
    if (!isSourceKnown(context)) return;
    for (const command of context.shell.commands) {
      const node = command.isGuarded ? undefined : nodeCommand(command);
      if (!node || node.directory === undefined || !NEEDS[node.program]?.test(node.verb ?? "")) continue;
      // With a package named on the command line there is nothing to look for here.
      if (/^(publish|pack|version|install|i)$/.test(node.verb ?? "") && node.operands.length > 0) continue;
      const path = posix.join(node.directory, "package.json");
      if (
        !isSourceSettled(context, command) ||
        isManifestTouched(context, command, node.directory) ||
        packageAt(context, node.directory) !== "absent"
      )
        continue;
      const folders = filesNamed(context.workspace, "package.json").map((file) => posix.dirname(file));
      const [only, ...others] = folders;
      yield {
        severity: severityFor(context, command, path),
        message: `there is no \`package.json\` in ${here({ ...command, directory: node.directory })} or above it${only !== undefined && others.length === 0 ? `; there is one in \`${only}\`` : ""}`,
        span: command.span,
        why: `\`${node.program} ${node.verb}\` works on the package it stands in, and fails without one`,
      };
      return;
    }
  },
};
