/**
 * Reads the commands of a buildspec into the shell model. Parsed with a real bash grammar; nothing is executed.
 * Functions, `bash -c`, `eval`, scripts of the tree and npm scripts are followed.
 * Sources: codebuild build-spec-ref.html (0.2: one shell for the build, so `cd` and variables carry over; 0.1: not);
 * functions and options are lost between two commands, each of which is a script of its own.
 * Gaps: a loop's body is read once; Makefiles are not followed.
 */
import { type Command, forEachChild, type Redirection, type Statement, type SyntaxNode } from "unbash";
import { type Buildspec, type Located, PHASE_NAMES, type PhaseName } from "../../build/buildspec/index.ts";
import type { Span } from "../../core/diagnostics.ts";
import type { CheckProject, KnownParameter } from "../knowledge/knowledge.ts";
import { lineIndex } from "../line-index.ts";
import { directoryOf, sourceRoot } from "../tree/source-paths.ts";
import { dialectOf } from "./command-dialect.ts";
import { commandOffsets, type OffsetMap } from "./command-offsets.ts";
import { CreatedPaths } from "./created-paths.ts";
import { effectsOf, isTest } from "./effects.ts";
import { type FollowedScript, scriptRunBy } from "./followed-scripts.ts";
import { inlineScript } from "./inline-script.ts";
import { parseScript } from "./parse-script.ts";
import { hereTextOf, hereVariablesOf, readsInput } from "./redirected-input.ts";
import type { LostStatus, ScriptFile, ShellCommand, ShellModel, ShellWord } from "./shell-model.ts";
import {
  changeDirectory,
  changeOptions,
  childOf,
  copy,
  differing,
  forget,
  noOptions,
  type ScriptText,
  type ShellState,
  setValue,
  withEntry,
  withOptions,
} from "./shell-state.ts";
import { MAX_EXPANDED, wordValue } from "./shell-words.ts";
import { fateInAndOr, isInspected } from "./status-fate.ts";
import { knownVariables } from "./variables.ts";
import { withoutWrappers } from "./without-wrappers.ts";

interface ReadInput {
  readonly buildspec: Buildspec;
  readonly project: CheckProject;
  readonly parameters: readonly KnownParameter[] | undefined;
  readonly spanOf: (startOffset: number, endOffset: number) => Span;
  /** Is there such a folder in the source? */
  readonly isFolder: (path: string) => boolean;
  /** Text of a file of the workspace. */
  readonly readText: (path: string) => string | undefined;
}

/** The context a node is read in. */
interface Where {
  readonly phase: PhaseName;
  readonly list: "commands" | "finally";
  readonly within: Located<string>;
  readonly offsets: OffsetMap;
  /** Text that positions of nodes refer to. */
  readonly text: string;
  readonly isConditional: boolean;
  readonly isFailureCaught: boolean;
  readonly lost: LostStatus | undefined;
  readonly pipedFrom: ShellCommand | undefined;
  /** The construct around it is given standard input. */
  readonly hasInput: boolean;
  readonly substitution: ShellCommand["substitution"];
  /** The script of the tree that is being read, with where its text begins there. */
  readonly file: ScriptText | undefined;
  /** What the call stands in, for commands of scripts and functions whose own place is elsewhere. */
  readonly calledAt: Span | undefined;
  /** Names of functions and files being read, against recursion. */
  readonly active: readonly string[];
}

const MAX_DEPTH = 8;
/** Scripts that run scripts that run scripts …: from this many commands on, what is run is not looked into. */
const MAX_FOLLOWED_COMMANDS = 20_000;

export function readCommands(input: ReadInput): ShellModel {
  return new Reader(input).read();
}

class Reader {
  readonly #input: ReadInput;
  readonly #dialect: ShellModel["dialect"];
  readonly #commands: ShellCommand[] = [];
  readonly #problems: ShellModel["problems"][number][] = [];
  readonly #scripts: ShellModel["scripts"][number][] = [];
  readonly #files: ScriptFile[] = [];
  readonly #lines = new Map<string, ReturnType<typeof lineIndex>>();
  readonly #created = new CreatedPaths();

  constructor(input: ReadInput) {
    this.#input = input;
    this.#dialect = dialectOf(input.buildspec, input.project);
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
      symbols: new Map(),
      stack: [],
      functions: new Map(),
      options: noOptions,
    });
    let state = initial();
    for (const phase of this.#dialect === "windows" ? [] : inOrder(buildspec)) {
      for (const list of ["commands", "finally"] as const) {
        for (const within of phase[list]) {
          // AWS: version 0.1 runs each command in a shell of its own; 0.2 keeps directory and variables only.
          state = buildspec.version?.value === "0.1" ? initial() : childOf(state);
          this.#readScript(within, phase.name, list, state);
        }
      }
    }
    return {
      dialect: this.#dialect,
      commands: this.#commands.filter(({ script }) => script === undefined),
      everyCommand: this.#commands,
      variables,
      problems: this.#problems,
      scripts: this.#scripts,
      scriptFiles: this.#files,
      mayExistAtEnd: this.#dialect === "windows" ? () => true : this.#created.now(),
      madePaths: this.#created.paths,
      mayMakeAnything: this.#dialect === "windows" || this.#created.isAnything,
    };
  }

  #readScript(within: Located<string>, phase: PhaseName, list: Where["list"], state: ShellState): void {
    const offsets = commandOffsets(within, this.#input.buildspec.text);
    const script = parseScript(within.value);
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
      text: within.value,
      isConditional: false,
      isFailureCaught: false,
      lost: undefined,
      pipedFrom: undefined,
      hasInput: false,
      substitution: undefined,
      file: undefined,
      calledAt: undefined,
      active: [],
    });
  }

  /** A list of statements; the status of all but the last is dropped unless `set -e` holds. */
  #statements(statements: readonly Statement[], state: ShellState, where: Where): void {
    statements.forEach((statement, index) => {
      const isLast = index === statements.length - 1;
      const isSeen = isLast || state.options.errexit || isInspected(statements, index, where.text);
      const inner: Where = isSeen ? where : { ...where, lost: where.lost ?? "sequence" };
      if (statement.background) {
        this.#node(statement.command, copy(state), { ...inner, lost: "background" }, isLast);
      } else this.#node(statement.command, state, inner, isLast);
    });
  }

  #node(node: SyntaxNode, state: ShellState, where: Where, isLast = true): ShellCommand | undefined {
    switch (node.type) {
      case "Command":
        return this.#command(node, state, where);
      case "Redirected":
        this.#substitutionsIn(node.redirects, state, where, "argument");
        this.#redirects(node.redirects, state, where);
        return this.#node(node.command, state, { ...where, hasInput: where.hasInput || readsInput(node.redirects) });
      case "Pipeline":
        return this.#pipeline(node, state, where);
      case "AndOr": {
        let result: ShellCommand | undefined;
        node.commands.forEach((command, index) => {
          const before = node.operators[index - 1];
          const fate = fateInAndOr(node, index, state.options.errexit && !isLast);
          const afterTest = node.commands.slice(0, index).some((earlier) => isTest(earlier));
          const lost = fate === "or-true" ? fate : fate === "dropped" ? (where.lost ?? "sequence") : where.lost;
          result = this.#node(command, before === "||" ? copy(state) : state, {
            ...where,
            isConditional: where.isConditional || before === "||" || afterTest,
            isFailureCaught: where.isFailureCaught || fate === "handled" || fate === "or-true",
            lost: fate === "handled" ? undefined : lost,
          });
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
          [node, ...node.elif].map((part) => part.clause),
          state,
          { ...where, isFailureCaught: true, lost: undefined },
          where,
        );
        this.#branches([node.then, ...node.elif.map((part) => part.then), node.else], state, where);
        return undefined;
      case "For":
      case "Select":
        for (const word of node.wordlist ?? []) this.#substitutions(word, state, where, "argument");
        forget(state, node.name.value);
        this.#loop([node.body], state, where);
        return undefined;
      case "While":
        this.#branches([node.clause], state, { ...where, isFailureCaught: true, lost: undefined }, where);
        this.#loop([node.body], state, where);
        return undefined;
      case "ArithmeticFor":
        this.#loop([node.body], state, where);
        return undefined;
      case "Case":
        this.#substitutions(node.word, state, where, "argument");
        this.#branches(
          node.items.map((item) => item.body),
          state,
          where,
        );
        return undefined;
      case "TestCommand":
      case "ArithmeticCommand":
        this.#substitutions(node, state, where, "argument");
        return undefined;
      case "Function":
        state.functions = withEntry(state.functions, node.name.value, {
          node,
          offsets: where.offsets,
          text: where.text,
          file: where.file,
        });
        return undefined;
      default:
        return undefined;
    }
  }

  /** Only the last command's status counts, unless pipefail is on; each runs in a subshell. */
  #pipeline(
    node: Extract<SyntaxNode, { type: "Pipeline" }>,
    state: ShellState,
    where: Where,
  ): ShellCommand | undefined {
    const isNegated = node.prefixes.some((prefix) => prefix.type === "Negation");
    const inner = { ...where, isFailureCaught: where.isFailureCaught || isNegated };
    const [only] = node.commands;
    if (node.commands.length === 1 && only) return this.#node(only, state, inner);
    const isSeen = state.options.pipefail || where.text.includes("PIPESTATUS");
    let previous = where.pipedFrom;
    node.commands.forEach((command, index) => {
      const isDropped = index < node.commands.length - 1 && !isSeen;
      const lost = isDropped ? (where.lost ?? "pipe") : where.lost;
      const hasInput = inner.hasInput || index > 0;
      previous = this.#node(command, copy(state), { ...inner, lost, hasInput, pipedFrom: previous });
    });
    return previous;
  }

  /** Without `set -e` a loop has the status of its last round. */
  #loop(bodies: readonly { readonly commands: readonly Statement[] }[], state: ShellState, where: Where): void {
    this.#branches(bodies, state, state.options.errexit ? where : { ...where, lost: where.lost ?? "loop" });
  }

  /** Bodies that may or may not run: what they change is not known afterwards. */
  #branches(
    bodies: readonly ({ readonly commands: readonly Statement[] } | undefined)[],
    state: ShellState,
    where: Where,
    outer?: Where,
  ): void {
    const before = copy(state);
    for (const body of bodies) {
      if (!body) continue;
      const inner = copy(before);
      this.#statements(body.commands, inner, { ...where, isConditional: outer?.isConditional ?? true });
      if (inner.directory !== before.directory) state.directory = undefined;
      for (const name of differing(inner, before)) forget(state, name);
      if (inner.functions !== before.functions) state.functions = new Map([...inner.functions, ...state.functions]);
    }
  }

  #command(node: Command, state: ShellState, where: Where): ShellCommand | undefined {
    const isAssignment = node.name === undefined;
    if (node.name) {
      const runsOutput = node.name.value === "eval" || node.name.parts?.[0]?.type === "CommandExpansion";
      this.#substitutions(node.name, state, where, "command");
      this.#substitutionsIn([...node.prefix, ...node.suffix], state, where, runsOutput ? "command" : "argument");
    } else this.#substitutionsIn([...node.prefix, ...node.suffix], state, where, "assignment");
    const words: ShellWord[] = [];
    const assigned: { name: string; value: string | undefined; symbol: string | undefined }[] = [];
    for (const item of [...node.prefix, ...(node.name ? [node.name] : []), ...node.suffix]) {
      if (item.type === "Assignment") {
        assigned.push({ name: item.name, ...assignedValue(item, state) });
        if (node.suffix.includes(item)) words.push(this.#assignmentWord(item, where));
      } else if (item.type === "Word") words.push(this.#word(item, state, where));
    }
    const redirects = this.#redirectsOf(node.redirects, state, where);
    const { nameWord, args, wrappers } = withoutWrappers(words);
    const name = nameWord?.text;

    if (isAssignment || (name !== undefined && /^(export|readonly|declare|typeset|local)$/.test(name))) {
      for (const { name: variable, value, symbol } of assigned) setValue(state, variable, value, symbol);
    }
    if (!nameWord) {
      this.#redirects(node.redirects, state, where);
      return undefined;
    }
    const made: ShellCommand = {
      phase: where.phase,
      list: where.list,
      within: where.within,
      name,
      nameWord,
      args,
      wrappers,
      redirects,
      hereText: hereTextOf(node.redirects),
      hereVariables: hereVariablesOf(node.redirects),
      directory: state.directory,
      isConditional: where.isConditional,
      isFailureCaught: where.isFailureCaught,
      isGuarded: where.isConditional || where.isFailureCaught,
      lost: where.lost,
      isStatusIgnored: where.lost !== undefined,
      pipedFrom: where.pipedFrom,
      hasInput: where.hasInput || where.pipedFrom !== undefined || readsInput(node.redirects),
      hasPipefail: state.options.pipefail,
      substitution: where.substitution,
      isFollowed: false,
      script: this.#placeInScript(where, node),
      valueOf: valuesNow(state),
      mayExist: this.#created.now(),
      isMade: this.#created.seen(),
      followsUnknown: this.#created.isAnything,
      span: where.calledAt ?? this.#span(where.within, where.offsets, node.pos, node.end),
    };
    this.#commands.push(made);
    changeDirectory(made, state, this.#input.isFolder);
    changeOptions(made, state);
    for (const variable of readsInto(made)) forget(state, variable);
    const isFollowed = this.#follow(made, state, where);
    if (isFollowed) Object.assign(made, { isFollowed });
    this.#created.add(effectsOf(made, new Set(isFollowed ? [] : state.functions.keys())));
    return made;
  }

  /** What else a command runs that can be read: a function, `bash -c`, `eval`, a script of the tree. */
  #follow(command: ShellCommand, state: ShellState, where: Where): boolean {
    if (where.active.length >= MAX_DEPTH || command.name === undefined) return false;
    if (this.#commands.length > MAX_FOLLOWED_COMMANDS) return false;
    const own = state.functions.get(command.name);
    if (own) {
      if (where.active.includes(`${command.name}()`)) return false;
      this.#withArguments(command.args, state, () =>
        this.#node(functionBody(own.node), state, {
          ...where,
          offsets: own.offsets,
          text: own.text,
          file: own.file ?? where.file,
          active: [...where.active, `${command.name}()`],
        }),
      );
      return true;
    }
    const inline = inlineScript(command);
    if (inline) {
      const script = parseScript(inline.text);
      const shell = inline.isOwnShell ? state : childOf(state, withOptions(noOptions, inline.options));
      this.#statements(script.commands, shell, {
        ...where,
        offsets: () => undefined,
        text: inline.text,
        calledAt: where.calledAt ?? command.span,
        file: where.file && { ...where.file, offset: undefined },
        pipedFrom: undefined,
        substitution: undefined,
        active: [...where.active, "-c"],
      });
      return (script.errors ?? []).length === 0;
    }
    const found = scriptRunBy(command, { buildspecFile: this.#input.buildspec.file, readText: this.#input.readText });
    if (!found || where.active.includes(found.file + found.offset)) return false;
    return this.#followFile(command, found, state, where);
  }

  #followFile(command: ShellCommand, found: FollowedScript, state: ShellState, where: Where): boolean {
    const script = parseScript(found.text);
    // What bash cannot read is no shell script, or one for another shell.
    if ((script.errors ?? []).length > 0) return false;
    const isEncoded = found.fileText.slice(found.offset, found.offset + found.text.length) !== found.text;
    const file = { path: found.file, text: found.fileText, offset: isEncoded ? undefined : found.offset };
    const span = (node: { pos: number; end: number }) => this.#fileSpan(file, node, found.offset);
    this.#files.push({ file: found.file, script, shell: found.shell, calledBy: command, span });
    const shell =
      found.shell === "own"
        ? state
        : childOf({ ...state, directory: found.directory ?? state.directory }, withOptions(noOptions, found.options));
    const inner: Where = {
      ...where,
      offsets: () => undefined,
      text: found.text,
      file,
      calledAt: where.calledAt ?? command.span,
      pipedFrom: undefined,
      substitution: undefined,
      active: [...where.active, found.file + found.offset],
    };
    const called = found.words[0]?.text;
    if (called !== undefined) shell.values = withEntry(shell.values, "0", called);
    this.#withArguments(
      found.words.slice(1).filter((word) => word !== undefined),
      shell,
      () => this.#statements(script.commands, shell, inner),
    );
    return true;
  }

  /** `$1`, `$2`, … for as long as `read` runs. */
  #withArguments(args: readonly ShellWord[], state: ShellState, read: () => void): void {
    const before = copy(state);
    for (let at = 1; at <= 9; at++) {
      const word = args[at - 1];
      setValue(state, String(at), word ? word.text : "", word?.symbol);
    }
    read();
    for (let at = 1; at <= 9; at++) {
      setValue(state, String(at), before.values.get(String(at)), before.symbols.get(String(at)));
    }
  }

  #substitutionsIn(
    nodes: readonly SyntaxNode[],
    state: ShellState,
    where: Where,
    role: NonNullable<ShellCommand["substitution"]>,
  ): void {
    for (const node of nodes) this.#substitutions(node, state, where, role);
  }

  /** Commands inside `$(…)`, backticks and `<(…)`. The status of `X=$(…)` is that of the command in it. */
  #substitutions(
    node: SyntaxNode,
    state: ShellState,
    where: Where,
    role: NonNullable<ShellCommand["substitution"]>,
  ): void {
    if (node.type === "CommandExpansion" || node.type === "ProcessSubstitution") {
      const script = node.script;
      if (!script) return;
      this.#statements(
        script.commands,
        { ...copy(state), options: { ...state.options, errexit: false } },
        {
          ...where,
          offsets: script.source === undefined ? where.offsets : () => undefined,
          text: script.source ?? where.text,
          lost: role === "argument" ? "substitution" : where.lost,
          pipedFrom: undefined,
          substitution: role,
        },
      );
      return;
    }
    forEachChild(node, (child) => this.#substitutions(child, state, where, role));
  }

  #redirects(redirects: readonly Redirection[], state: ShellState, where: Where): void {
    for (const { operator, target } of this.#redirectsOf(redirects, state, where)) {
      const path = /^(>|>>|>\||&>|&>>|<>)$/.test(operator) ? target?.text : undefined;
      const made = path === undefined ? undefined : directoryOf(state.directory, path);
      if (made !== undefined) this.#created.add({ paths: [made], isAnything: false });
    }
  }

  #redirectsOf(redirects: readonly Redirection[], state: ShellState, where: Where): ShellCommand["redirects"] {
    return redirects.map((redirect) => ({
      operator: redirect.operator,
      target: redirect.type === "Redirect" && redirect.target ? this.#word(redirect.target, state, where) : undefined,
    }));
  }

  #word(node: Parameters<typeof wordValue>[0], state: ShellState, where: Where): ShellWord {
    const value = wordValue(node, state);
    return { ...value, span: this.#wordSpan(where, value.pos, value.end) };
  }

  #assignmentWord({ text, pos, end }: { text: string; pos: number; end: number }, where: Where): ShellWord {
    const span = this.#wordSpan(where, pos, end);
    return { source: text, pieces: [], text: undefined, symbol: text, pos, end, hasExpansion: true, span };
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

  #placeInScript({ file }: Where, node: { pos: number; end: number }): ShellCommand["script"] {
    return file && { file: file.path, span: this.#fileSpan(file, node, file.offset) };
  }

  #fileSpan(file: ScriptText, node: { pos: number; end: number }, offset: number | undefined): Span {
    const lines = this.#lines.get(file.path) ?? lineIndex(file.path, file.text);
    this.#lines.set(file.path, lines);
    return offset === undefined ? lines.spanOf(0, 0) : lines.spanOf(offset + node.pos, offset + node.end);
  }
}

const inOrder = (buildspec: Buildspec) =>
  PHASE_NAMES.flatMap((name) => buildspec.phases.find((phase) => phase.name === name) ?? []);

/** Values as they are now, whatever is assigned later. */
function valuesNow({ values }: ShellState): (variable: string) => string | undefined {
  return (variable) => values.get(variable);
}

function assignedValue(
  item: Extract<SyntaxNode, { type: "Assignment" }>,
  state: ShellState,
): { value: string | undefined; symbol: string | undefined } {
  if ("elements" in item.value || item.index) return { value: undefined, symbol: undefined };
  const { text, symbol } = wordValue(item.value, state);
  if (!item.append) return { value: text, symbol };
  const before = state.values.get(item.name);
  const isLong = Math.max(before?.length ?? 0, state.symbols.get(item.name)?.length ?? 0) > MAX_EXPANDED;
  if (isLong) return { value: undefined, symbol: undefined };
  const known = before !== undefined && text !== undefined ? before + text : undefined;
  return { value: known, symbol: `${before ?? state.symbols.get(item.name) ?? `\${${item.name}}`}${symbol}` };
}

function functionBody(node: Extract<SyntaxNode, { type: "Function" }>): SyntaxNode {
  const { body } = node;
  return body.type === "CompoundList" ? { type: "BraceGroup", pos: body.pos, end: body.end, body } : body;
}

const readsInto = (command: ShellCommand): string[] =>
  command.name === "read" || command.name === "mapfile" || command.name === "unset"
    ? command.args.flatMap((word) => (word.text && !word.text.startsWith("-") ? [word.text] : []))
    : [];
