/**
 * `npm run x` of a script that the package.json does not have, in the package the command works on: the folder's, the
 * one of `--prefix`, or the workspaces named by `-w`. yarn and pnpm also run programs of dependencies under such names, so
 * for them only a name near to a script's is reported, unless `run` of pnpm says that a script is meant.
 */

import { nearest } from "../../core/nearest.ts";
import { hasOption, optionsNamed } from "../commands/command-arguments.ts";
import { isSourceSettled } from "../commands/source-edits.ts";
import { isOneEdit } from "../one-edit.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";
import {
  isManifestTouched,
  type NodeCommand,
  type NodePackage,
  nodeCommand,
  packageAt,
  workspacesOf,
} from "../tree/node-packages.ts";
import { severityFor, wordEdit } from "../tree/path-findings.ts";
import { isSourceKnown } from "../tree/path-lookup.ts";

export const nodeScriptNotFound: Rule = {
  id: "node/script-not-found",
  severity: "error",
  title: "a script that package.json does not have",
  source: "https://docs.npmjs.com/cli/commands/npm-run",
  *run(context) {
    if (!isSourceKnown(context)) return;
    for (const command of context.shell.commands) {
      const node = command.isGuarded ? undefined : nodeCommand(command);
      const wanted = node && wantedScript(node);
      if (!node || !wanted || node.directory === undefined || isManifestTouched(context, command, node.directory))
        continue;
      yield* findingFor(context, command, node, wanted);
    }
  },
};

interface WantedScript {
  readonly name: string;
  readonly word: ShellWord | undefined;
  /** Only a script can be meant. */
  readonly isScript: boolean;
}

function wantedScript({ program, verb, verbWord, operands, read }: NodeCommand): WantedScript | undefined {
  if (
    hasOption(
      read,
      "--if-present",
      "-r",
      "--recursive",
      "-ws",
      "--workspaces",
      "-h",
      "--help",
      "-F",
      "--filter",
      "--version",
      "-v",
    )
  )
    return undefined;
  const [first] = operands;
  if (/^(run|run-script|rum|urn)$/.test(verb ?? ""))
    return first?.text === undefined ? undefined : { name: first.text, word: first, isScript: program !== "yarn" };
  if (program === "npm") {
    if (/^(test|t|tst|cit|it)$/.test(verb ?? "")) return { name: "test", word: undefined, isScript: true };
    return /^(stop|restart)$/.test(verb ?? "")
      ? { name: verb ?? "", word: undefined, isScript: verb === "stop" }
      : undefined;
  }
  if (verb === undefined || OWN_COMMANDS.test(verb)) return undefined;
  return { name: verb, word: verbWord, isScript: false };
}

/** What yarn and pnpm do themselves. */
const OWN_COMMANDS =
  /^(add|audit|autoclean|bin|cache|check|ci|config|constraints|create|dedupe|deploy|dlx|env|exec|explain|fetch|generate-lock-entry|global|help|i|import|info|init|install|install-test|it|licenses|link|list|login|logout|ls|node|npm|outdated|owner|pack|patch|patch-commit|plugin|policies|prune|publish|rb|rebuild|remove|rm|root|run|search|self-update|server|set|setup|store|tag|team|un|uninstall|unlink|unplug|up|update|upgrade|upgrade-interactive|version|versions|why|workspace|workspaces|x)$/;

/** Programs that come along with packages of another name. */
const KNOWN_PROGRAMS = /^(jest|nest|next|nuxt|ng|tsc|tsx|vite|ava|nyc|cdk|sls|swc|rollup|webpack|eslint|mocha)$/;

function* findingFor(
  context: CheckContext,
  command: ShellCommand,
  node: NodeCommand,
  { name, word, isScript }: WantedScript,
): Iterable<Finding> {
  const home = packageAt(context, node.directory ?? "");
  if (home === undefined || home === "absent") return;
  for (const { place, target } of targetsOf(context, node, home)) {
    if (target.scripts.has(name)) continue;
    const guess = nearest(name, target.scripts.keys());
    if (
      !isScript &&
      (guess === undefined ||
        !isOneEdit(guess, name) ||
        KNOWN_PROGRAMS.test(name) ||
        target.dependencies.has(name) ||
        home.dependencies.has(name))
    )
      continue;
    const file = target.folder === "" ? "package.json" : `${target.folder}/package.json`;
    const severity = !isSourceSettled(context, command) || !isScript ? "warning" : severityFor(context, command, file);
    const written = word ? name : undefined;
    yield {
      severity,
      message: `\`${place ?? file}\` has no script \`${name}\`${suggestion(guess, target)}`,
      span: word?.span ?? command.span,
      why: `\`${node.program}\` answers \`${node.program === "npm" ? `Missing script: "${name}"` : `Command "${name}" not found`}\` and fails`,
      ...(word && written !== undefined && guess !== undefined && severity === "error" && node.verb !== name
        ? wordEdit(context, word, written, guess)
        : {}),
    };
    return;
  }
}

function suggestion(guess: string | undefined, { scripts }: NodePackage): string {
  if (guess !== undefined) return `; did you mean \`${guess}\`?`;
  const known = [...scripts.keys()];
  if (known.length === 0) return "; it has none";
  return known.length > 8 ? "" : `; it has ${known.map((one) => `\`${one}\``).join(", ")}`;
}

/** The package of the folder, or the workspaces that are named; none when one of them is not known. */
function targetsOf(
  context: CheckContext,
  { read, program }: NodeCommand,
  home: NodePackage,
): readonly { readonly place: string | undefined; readonly target: NodePackage }[] {
  const named = program === "npm" ? optionsNamed(read, "-w", "--workspace") : [];
  if (named.length === 0) return [{ place: undefined, target: home }];
  const all = workspacesOf(context, home);
  const prefix = home.folder === "" ? "" : `${home.folder}/`;
  return named.flatMap(({ text }) => {
    const folder = `${prefix}${text?.replace(/^\.\//, "").replace(/\/$/, "")}`;
    const target = all.find((one) => one.name === text || one.folder === folder);
    return target ? [{ place: `${target.folder}/package.json`, target }] : [];
  });
}
