/**
 * Reads the commands of a buildspec into the shell model. Parsed with a real bash grammar; nothing is executed.
 * Sources: codebuild build-spec-ref.html (0.2: one shell for the build, so `cd` and variables carry over; 0.1: not).
 * Gaps: function bodies are not followed; a loop's body is read once.
 */
import { type Command, forEachChild, parse, type Redirection, type Statement, type SyntaxNode } from "unbash";
import type { Buildspec, Located, PhaseName } from "../build/buildspec/index.ts";
import type { Span } from "../core/diagnostics.ts";
import type { CheckProject, KnownParameter } from "./check.ts";
import { commandOffsets, type OffsetMap } from "./command-offsets.ts";
import { CreatedPaths } from "./created-paths.ts";
import { effectsOf, isTest } from "./effects.ts";
import type { ShellCommand, ShellModel, ShellWord } from "./shell-model.ts";
import { changeDirectory, copy, type ShellState, setValue } from "./shell-state.ts";
import { wordValue } from "./shell-words.ts";
import { directoryOf, sourceRoot } from "./source-paths.ts";
import { knownVariables } from "./variables.ts";
import { withoutWrappers } from "./without-wrappers.ts";

interface ReadInput {
  readonly buildspec: Buildspec;
  readonly project: CheckProject;
  readonly parameters: readonly KnownParameter[] | undefined;
  readonly spanOf: (startOffset: number, endOffset: number) => Span;
  /** Is there such a folder in the source? */
  readonly isFolder: (path: string) => boolean;
}

interface Where {
  readonly phase: PhaseName;
  readonly list: "commands" | "finally";
  readonly within: Located<string>;
  readonly offsets: OffsetMap;
  readonly isGuarded: boolean;
  readonly isStatusIgnored: boolean;
  readonly pipedFrom: ShellCommand | undefined;
}

export function readCommands(input: ReadInput): ShellModel {
  return new Reader(input).read();
}

class Reader {
  readonly #input: ReadInput;
  readonly #commands: ShellCommand[] = [];
  readonly #problems: ShellModel["problems"][number][] = [];
  readonly #scripts: ShellModel["scripts"][number][] = [];
  readonly #functions = new Set<string>();
  readonly #created = new CreatedPaths();

  constructor(input: ReadInput) {
    this.#input = input;
  }

  read(): ShellModel {
    const { buildspec } = this.#input;
    const variables = knownVariables(this.#input);
    const initial = (): ShellState => ({
      directory: "",
      values: new Map([
        ...[...variables].flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value] as const])),
        ["CODEBUILD_SRC_DIR", sourceRoot],
        ["PWD", sourceRoot],
      ]),
      stack: [],
    });
    let state = initial();
    for (const phase of inOrder(buildspec)) {
      for (const list of ["commands", "finally"] as const) {
        for (const within of phase[list]) {
          // AWS: version 0.1 runs each command in a shell of its own.
          if (buildspec.version?.value === "0.1") state = initial();
          this.#readScript(within, phase.name, list, state);
        }
      }
    }
    return {
      commands: this.#commands,
      variables,
      problems: this.#problems,
      scripts: this.#scripts,
      mayExistAtEnd: this.#created.now(),
    };
  }

  #readScript(within: Located<string>, phase: PhaseName, list: Where["list"], state: ShellState): void {
    const offsets = commandOffsets(within, this.#input.buildspec.text);
    const script = parse(within.value);
    const span = (node: { pos: number; end: number }) => this.#span(within, offsets, node.pos, node.end);
    this.#scripts.push({ within, phase, script, span });
    for (const problem of script.errors ?? []) {
      this.#problems.push({
        within,
        message: problem.message,
        span: span({ pos: problem.pos, end: Math.min(problem.pos + 1, within.value.length) }),
      });
    }
    this.#statements(script.commands, state, {
      phase,
      list,
      within,
      offsets,
      isGuarded: false,
      isStatusIgnored: false,
      pipedFrom: undefined,
    });
  }

  /** A list of statements; all but the last have their status ignored unless `set -e` came before. */
  #statements(statements: readonly Statement[], state: ShellState, where: Where): void {
    let isErrexit = false;
    statements.forEach((statement, index) => {
      const isStatusIgnored = where.isStatusIgnored || (!isErrexit && index < statements.length - 1);
      const inner = { ...where, isStatusIgnored };
      if (statement.background) this.#node(statement.command, copy(state), { ...inner, isGuarded: true });
      else this.#node(statement.command, state, inner);
      if (setsErrexit(statement)) isErrexit = true;
    });
  }

  #node(node: SyntaxNode, state: ShellState, where: Where): ShellCommand | undefined {
    switch (node.type) {
      case "Command":
        return this.#command(node, state, where);
      case "Redirected":
        this.#redirects(node.redirects, state, where);
        return this.#node(node.command, state, where);
      case "Pipeline": {
        let previous = where.pipedFrom;
        const isNegated = node.prefixes.some((prefix) => prefix.type === "Negation");
        const isGuarded = where.isGuarded || isNegated;
        if (node.commands.length === 1 && node.commands[0])
          return this.#node(node.commands[0], state, { ...where, isGuarded });
        node.commands.forEach((command, index) => {
          // Only the last command's status counts; each runs in a subshell.
          const isStatusIgnored = where.isStatusIgnored || index < node.commands.length - 1;
          previous = this.#node(command, copy(state), { ...where, isGuarded, isStatusIgnored, pipedFrom: previous });
        });
        return previous;
      }
      case "AndOr": {
        let result: ShellCommand | undefined;
        node.commands.forEach((command, index) => {
          const before = node.operators[index - 1];
          const isCaught = node.operators.slice(index).includes("||");
          const afterTest = node.commands.slice(0, index).some((earlier) => isTest(earlier));
          const isGuarded = where.isGuarded || isCaught || before === "||" || afterTest;
          const target = before === "||" ? copy(state) : state;
          result = this.#node(command, target, { ...where, isGuarded });
        });
        return result;
      }
      case "BraceGroup":
        this.#statements(node.body.commands, state, where);
        return undefined;
      case "Subshell":
        this.#statements(node.body.commands, copy(state), where);
        return undefined;
      case "If":
        this.#branches(
          [node.clause, node.then, ...node.elif.flatMap((e) => [e.clause, e.then]), node.else],
          state,
          where,
        );
        return undefined;
      case "For":
      case "Select":
        state.values.delete(node.name.value);
        this.#branches([node.body], state, where);
        return undefined;
      case "While":
        this.#branches([node.clause, node.body], state, where);
        return undefined;
      case "ArithmeticFor":
        this.#branches([node.body], state, where);
        return undefined;
      case "Case":
        this.#branches(
          node.items.map((item) => item.body),
          state,
          where,
        );
        return undefined;
      case "Function":
        this.#functions.add(node.name.value);
        return undefined;
      default:
        return undefined;
    }
  }

  /** Bodies that may or may not run: what they change is not known afterwards. */
  #branches(
    bodies: readonly ({ readonly commands: readonly Statement[] } | undefined)[],
    state: ShellState,
    where: Where,
  ): void {
    const before = copy(state);
    for (const body of bodies) {
      if (!body) continue;
      const inner = copy(before);
      this.#statements(body.commands, inner, { ...where, isGuarded: true });
      if (inner.directory !== before.directory) state.directory = undefined;
      for (const name of new Set([...inner.values.keys(), ...before.values.keys()])) {
        if (inner.values.get(name) !== before.values.get(name)) state.values.delete(name);
      }
    }
  }

  #command(node: Command, state: ShellState, where: Where): ShellCommand | undefined {
    this.#substitutions(node, state, where);
    const words: ShellWord[] = [];
    const assigned: { name: string; value: string | undefined }[] = [];
    for (const item of [...node.prefix, ...(node.name ? [node.name] : []), ...node.suffix]) {
      if (item.type === "Assignment") {
        const value = "elements" in item.value ? undefined : wordValue(item.value, state.values).text;
        if (item.append) assigned.push({ name: item.name, value: undefined });
        else assigned.push({ name: item.name, value });
        if (node.suffix.includes(item)) words.push(this.#assignmentWord(item.text, item.pos, item.end, where));
      } else if (item.type === "Word") {
        const value = wordValue(item, state.values);
        words.push({ ...value, span: this.#wordSpan(where, value.pos, value.end) });
      }
    }
    const redirects = this.#redirectsOf(node.redirects, state, where);
    const { nameWord, args } = withoutWrappers(words);
    const name = nameWord?.text;

    if (!nameWord || name === "export" || name === "readonly" || name === "declare" || name === "local") {
      for (const { name: variable, value } of assigned) setValue(state, variable, value);
      if (!nameWord) return undefined;
    }
    const command: ShellCommand = {
      phase: where.phase,
      list: where.list,
      within: where.within,
      name,
      nameWord,
      args,
      redirects,
      directory: state.directory,
      isGuarded: where.isGuarded,
      isStatusIgnored: where.isStatusIgnored,
      pipedFrom: where.pipedFrom,
      mayExist: this.#created.now(),
      followsUnknown: this.#created.isAnything,
      span: this.#span(where.within, where.offsets, node.pos, node.end),
    };
    this.#commands.push(command);
    changeDirectory(command, state, this.#input.isFolder);
    for (const variable of readsInto(command)) state.values.delete(variable);
    this.#created.add(effectsOf(command, this.#functions));
    this.#nestedScript(command, state, where);
    return command;
  }

  /** `bash -c '…'` and `sh -c "…"`: the script inside, in a shell of its own. */
  #nestedScript(command: ShellCommand, state: ShellState, where: Where): void {
    if (command.name === undefined || !/^(ba|da)?sh$/.test(command.name)) return;
    const at = command.args.findIndex((word) => /^-[a-z]*c$/.test(word.text ?? ""));
    const script = at === -1 ? undefined : command.args[at + 1]?.text;
    if (script === undefined) return;
    this.#statements(parse(script).commands, copy(state), { ...where, offsets: () => undefined, pipedFrom: undefined });
  }

  /** Commands inside `$(…)`, backticks and `<(…)`. */
  #substitutions(node: SyntaxNode, state: ShellState, where: Where): void {
    forEachChild(node, (child) => {
      if (child.type === "CommandExpansion" || child.type === "ProcessSubstitution") {
        const script = child.script;
        if (!script) return;
        const offsets = script.source === undefined ? where.offsets : () => undefined;
        this.#statements(script.commands, copy(state), {
          ...where,
          offsets,
          isStatusIgnored: true,
          pipedFrom: undefined,
        });
      } else this.#substitutions(child, state, where);
    });
  }

  #redirects(redirects: readonly Redirection[], state: ShellState, where: Where): void {
    for (const { operator, target } of this.#redirectsOf(redirects, state, where)) {
      const path = /^(>|>>|>\||&>|&>>|<>)$/.test(operator) ? target?.text : undefined;
      const made = path === undefined ? undefined : directoryOf(state.directory, path);
      if (made !== undefined) this.#created.add({ paths: [made], isAnything: false });
    }
  }

  #redirectsOf(redirects: readonly Redirection[], state: ShellState, where: Where): ShellCommand["redirects"] {
    return redirects.map((redirect) => {
      if (redirect.type !== "Redirect" || !redirect.target) return { operator: redirect.operator, target: undefined };
      const value = wordValue(redirect.target, state.values);
      return { operator: redirect.operator, target: { ...value, span: this.#wordSpan(where, value.pos, value.end) } };
    });
  }

  #assignmentWord(text: string, pos: number, end: number, where: Where): ShellWord {
    const span = this.#wordSpan(where, pos, end);
    return { source: text, pieces: [], text: undefined, pos, end, hasExpansion: true, span };
  }

  #wordSpan(where: Where, pos: number, end: number): Span | undefined {
    const start = where.offsets(pos);
    const stop = where.offsets(end);
    return start === undefined || stop === undefined ? undefined : this.#input.spanOf(start, stop);
  }

  #span(within: Located<string>, offsets: OffsetMap, pos: number, end: number): Span {
    const start = offsets(pos);
    const stop = offsets(end);
    return start === undefined || stop === undefined ? within.span : this.#input.spanOf(start, stop);
  }
}

const inOrder = (buildspec: Buildspec) =>
  (["install", "pre_build", "build", "post_build"] as const).flatMap(
    (name) => buildspec.phases.find((phase) => phase.name === name) ?? [],
  );

const readsInto = (command: ShellCommand): string[] =>
  command.name === "read" || command.name === "mapfile" || command.name === "unset"
    ? command.args.flatMap((word) => (word.text && !word.text.startsWith("-") ? [word.text] : []))
    : [];

function setsErrexit(statement: Statement): boolean {
  const command = statement.command;
  if (command.type !== "Command" || command.name?.value !== "set") return false;
  const args = command.suffix.map((item) => (item.type === "Word" ? item.value : ""));
  return args.some((arg, index) => /^-[a-z]*e/.test(arg) || (arg === "errexit" && args[index - 1] === "-o"));
}
