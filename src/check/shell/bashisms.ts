/**
 * Syntax and builtins of bash that dash, the `sh` of the Ubuntu images, does not have, and what dash does with them.
 * Source: dash(1); checked against dash 0.5.12.
 */
import { forEachChild, type SyntaxNode } from "unbash";

export interface Bashism {
  readonly node: SyntaxNode;
  /** For messages, in backticks where it is text. */
  readonly what: string;
  /** `differs`: dash goes on, with another result. */
  readonly effect: "fails" | "differs";
}

export function bashismsIn(root: SyntaxNode, assigned: ReadonlySet<string>): Bashism[] {
  const found: Bashism[] = [];
  const visit = (node: SyntaxNode): void => {
    const what = bashism(node, assigned);
    if (what) found.push({ node, ...what });
    // The text of a here-document and scripts for other shells are not looked into.
    if (node.type === "HereDocBody" || isOtherShell(node)) return;
    forEachChild(node, visit);
  };
  visit(root);
  return found;
}

/** Names the script gives a value itself, so that `$RANDOM` and the like are its own. */
export function assignedNames(root: SyntaxNode, into: Set<string> = new Set()): Set<string> {
  if (root.type === "Assignment") into.add(root.name);
  if (root.type === "For") into.add(root.name.value);
  forEachChild(root, (child) => {
    assignedNames(child, into);
  });
  return into;
}

const isOtherShell = (node: SyntaxNode): boolean =>
  node.type === "Command" &&
  /^(bash|zsh|ssh|powershell|pwsh|python3?|node|awk|perl|ruby)$/.test(
    node.name?.value === "sudo"
      ? ((node.suffix[0]?.type === "Word" ? node.suffix[0].value : "") ?? "")
      : (node.name?.value ?? ""),
  );

type What = Omit<Bashism, "node">;
const fails = (what: string): What => ({ what, effect: "fails" });
const differs = (what: string): What => ({ what, effect: "differs" });

function bashism(node: SyntaxNode, assigned: ReadonlySet<string>): What | undefined {
  switch (node.type) {
    case "TestCommand":
      return fails("`[[ … ]]`");
    case "ArithmeticCommand":
      return fails("`(( … ))`");
    case "ArithmeticFor":
      return fails("`for ((…))`");
    case "ProcessSubstitution":
      return fails("process substitution");
    case "HereString":
      return fails("`<<<`");
    case "ArrayValue":
      return fails("an array");
    case "Select":
      return fails("`select`");
    case "Coproc":
      return fails("`coproc`");
    case "Function":
      if (isKeywordFunction(node)) return fails("`function`");
      return /^[A-Za-z_]\w*$/.test(node.name.value) ? undefined : fails(`a function named \`${node.name.value}\``);
    case "CaseItem":
      return node.terminator === ";&" || node.terminator === ";;&" ? fails(`\`${node.terminator}\``) : undefined;
    case "Pipeline":
      return node.operators.includes("|&") ? fails("`|&`") : undefined;
    case "Redirect":
      if (node.operator === "&>" || node.operator === "&>>") return differs(`\`${node.operator}\``);
      return node.operator === ">&" &&
        !/^(\d+-?|-)$/.test(node.target?.value ?? "-") &&
        !node.target?.text.startsWith("$")
        ? fails("`>&` with a file")
        : undefined;
    case "Assignment":
      if (node.append) return fails("`+=`");
      return node.index ? fails("an array") : undefined;
    case "ParameterExpansion":
      return expansion(node);
    case "SimpleExpansion":
      return bashVariable(node.text.slice(1), assigned);
    case "AnsiCQuoted":
      return differs("`$'…'`");
    case "LocaleString":
      return differs('`$"…"`');
    case "BraceExpansion":
      return differs(`\`${node.text}\``);
    case "ExtendedGlob":
      return fails(`\`${node.text}\``);
    case "ArithmeticBinary":
      return node.operator === "**" || node.operator === "," ? fails(`\`${node.operator}\` in \`$((…))\``) : undefined;
    case "ArithmeticUnary":
      return node.operator === "++" || node.operator === "--" ? fails(`\`${node.operator}\` in \`$((…))\``) : undefined;
    case "Command":
      return bashCommand(node);
    default:
      return undefined;
  }
}

/** `function f`, as opposed to `f()`. */
const isKeywordFunction = (node: Extract<SyntaxNode, { type: "Function" }>): boolean => node.name.pos > node.pos;

function expansion(node: Extract<SyntaxNode, { type: "ParameterExpansion" }>): What | undefined {
  if (node.prefix === "!" || node.index) return fails(`\`${node.text}\``);
  return node.operation && /^(Replace|Slice|CaseModification|Transform|Names)$/.test(node.operation.type)
    ? fails(`\`${node.text}\``)
    : undefined;
}

function bashVariable(name: string, assigned: ReadonlySet<string>): What | undefined {
  return /^(RANDOM|SECONDS|BASH_SOURCE|BASH_VERSION|BASH_REMATCH|BASHPID|FUNCNAME|PIPESTATUS|EPOCHSECONDS|OSTYPE|UID|EUID)$/.test(
    name,
  ) && !assigned.has(name)
    ? differs(`\`$${name}\``)
    : undefined;
}

const builtins = new Set(
  "source pushd popd dirs shopt declare typeset mapfile readarray let disown builtin enable caller compgen complete compopt bind history logout suspend".split(
    " ",
  ),
);

function bashCommand(node: Extract<SyntaxNode, { type: "Command" }>): What | undefined {
  const name = node.name?.value;
  if (name === undefined) return undefined;
  if (builtins.has(name)) return fails(`\`${name}\``);
  const words = node.suffix.map((item) => (item.type === "Word" ? item.value : ""));
  const has = (pattern: RegExp) => words.some((word) => pattern.test(word));
  switch (name) {
    case "[":
    case "test":
      if (words.includes("==")) return fails(`\`==\` in \`${name}\``);
      if (words.includes("=~")) return fails(`\`=~\` in \`${name}\``);
      return words[0] === "-v" || (words[0] === "!" && words[1] === "-v") ? fails(`\`-v\` in \`${name}\``) : undefined;
    case "set":
      return words.includes("pipefail") ? fails("`set -o pipefail`") : undefined;
    case "read":
      return has(/^-[a-z]*[adeinNstu]/) ? fails(`\`read ${words.find((word) => word.startsWith("-"))}\``) : undefined;
    case "printf":
      if (words[0] === "-v") return fails("`printf -v`");
      return /%q/.test(words[0] ?? "") ? fails("`%q` in `printf`") : undefined;
    case "export":
      return /^-[fn]/.test(words[0] ?? "") ? fails(`\`export ${words[0]}\``) : undefined;
    case "local":
      return /^-[aAirn]/.test(words[0] ?? "") ? fails(`\`local ${words[0]}\``) : undefined;
    case "trap":
      return words.slice(1).find((word) => /^(ERR|DEBUG|RETURN|SIG[A-Z]+)$/.test(word)) === undefined
        ? undefined
        : fails(`\`trap … ${words.at(-1)}\``);
    case "wait":
      return words[0] === "-n" ? fails("`wait -n`") : undefined;
    case "type":
      return /^-/.test(words[0] ?? "") ? differs(`\`type ${words[0]}\``) : undefined;
    case "echo":
      return /^-[neE]*[eE][neE]*$/.test(words[0] ?? "") ? differs(`\`echo ${words[0]}\``) : undefined;
    case "exec":
      return words[0] === "-a" ? fails("`exec -a`") : undefined;
    default:
      return undefined;
  }
}
