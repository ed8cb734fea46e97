/**
 * `--format`: the part of Go's templates that builds use with docker: fields, `range`, `if`, `with`, `index`, `len`, `eq`,
 * `json`, `join`, `split`, `lower`, `upper`, `title`, `println`, `printf`, variables, pipes, trimming dashes.
 * Values print as Go prints them: `[a b]`, `map[a:b]`, `<no value>`.
 * Source: https://pkg.go.dev/text/template, https://docs.docker.com/engine/cli/formatting/
 */

type Node =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "print"; readonly pipe: string[][]; readonly variable?: string }
  | {
      readonly kind: "if" | "range" | "with";
      readonly pipe: string[][];
      readonly variables: readonly string[];
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

interface Scope {
  readonly dot: unknown;
  readonly root: unknown;
  readonly variables: ReadonlyMap<string, unknown>;
}

/** A template that this does not understand, or a field that is not there. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** The text for one object; throws {@link TemplateError}. `\t` and `\n` as written in a shell are what they say. */
export function renderTemplate(template: string, value: unknown): string {
  const nodes = parse(template.replaceAll("\\t", "\t").replaceAll("\\n", "\n"));
  return render(nodes, { dot: value, root: value, variables: new Map() });
}

function parse(template: string): Node[] {
  const pieces: { readonly isAction: boolean; readonly text: string }[] = [];
  let rest = template;
  for (let start = rest.indexOf("{{"); start >= 0; start = rest.indexOf("{{")) {
    const end = rest.indexOf("}}", start);
    if (end < 0) throw new TemplateError("template parsing error: template: :1: unclosed action");
    let action = rest.slice(start + 2, end);
    let before = rest.slice(0, start);
    rest = rest.slice(end + 2);
    if (/^-\s/.test(action)) {
      before = before.trimEnd();
      action = action.slice(1);
    }
    if (/\s-$/.test(action)) {
      action = action.slice(0, -1);
      rest = rest.trimStart();
    }
    pieces.push({ isAction: false, text: before }, { isAction: true, text: action.trim() });
  }
  pieces.push({ isAction: false, text: rest });
  let at = 0;
  const block = (): { nodes: Node[]; end: string } => {
    const nodes: Node[] = [];
    for (; at < pieces.length; ) {
      const piece = pieces[at++];
      if (!piece) break;
      if (!piece.isAction) {
        if (piece.text !== "") nodes.push({ kind: "text", text: piece.text });
        continue;
      }
      const [, word = "", text = ""] = /^(\S+)\s*([\s\S]*)$/.exec(piece.text) ?? [];
      if (piece.text === "end" || word === "else") return { nodes, end: piece.text };
      if (piece.text.startsWith("/*")) continue;
      if (word === "if" || word === "range" || word === "with") nodes.push(control(word, text));
      else {
        const [, variable, pipe = piece.text] = /^(\$\w+)\s*:?=\s*([\s\S]+)$/.exec(piece.text) ?? [];
        nodes.push({ kind: "print", pipe: pipeOf(pipe), ...(variable !== undefined && { variable }) });
      }
    }
    return { nodes, end: "" };
  };
  const control = (kind: "if" | "range" | "with", text: string): Node => {
    const [, names, pipe = text] = /^((?:\$\w+\s*,\s*)?\$\w+)\s*:=\s*([\s\S]+)$/.exec(text) ?? [];
    const variables = (names ?? "")
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "");
    const { nodes: body, end } = block();
    let otherwise: Node[] = [];
    if (end.startsWith("else if")) otherwise = [control("if", end.slice("else if".length).trim())];
    else if (end === "else") otherwise = block().nodes;
    else if (end !== "end") throw new TemplateError("template parsing error: template: :1: unexpected EOF");
    return { kind, pipe: pipeOf(pipe), variables, body, otherwise };
  };
  return block().nodes;
}

/** Commands of a pipe, each a list of words; a word in parentheses is kept whole. */
function pipeOf(text: string): string[][] {
  const words = text.match(/\((?:[^()]|\([^()]*\))*\)(?:\.[\w.]+)?|"(?:\\.|[^"\\])*"|`[^`]*`|\||[^\s|()]+/g) ?? [];
  const commands: string[][] = [[]];
  for (const word of words) {
    if (word === "|") commands.push([]);
    else commands.at(-1)?.push(word);
  }
  if (commands.some((command) => command.length === 0))
    throw new TemplateError(`template parsing error: template: :1: missing value for command in \`${text}\``);
  return commands;
}

function render(nodes: readonly Node[], scope: Scope): string {
  let out = "";
  let current = scope;
  for (const node of nodes) {
    if (node.kind === "text") {
      out += node.text;
      continue;
    }
    const value = evaluate(node.pipe, current);
    if (node.kind === "print") {
      if (node.variable === undefined) out += show(value);
      else current = { ...current, variables: new Map([...current.variables, [node.variable, value]]) };
      continue;
    }
    if (node.kind === "range") {
      const entries: [unknown, unknown][] = Array.isArray(value)
        ? value.map((item, index) => [index, item])
        : typeof value === "object" && value !== null
          ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
          : [];
      for (const [key, item] of entries) {
        const [first, second] = node.variables;
        const named: [string, unknown][] =
          second === undefined
            ? first === undefined
              ? []
              : [[first, item]]
            : [
                [first ?? "", key],
                [second, item],
              ];
        out += render(node.body, { ...current, dot: item, variables: new Map([...current.variables, ...named]) });
      }
      if (entries.length === 0) out += render(node.otherwise, current);
      continue;
    }
    const isTrue = truth(value);
    const dot = node.kind === "with" && isTrue ? value : current.dot;
    out += render(isTrue ? node.body : node.otherwise, { ...current, dot });
  }
  return out;
}

function evaluate(pipe: readonly string[][], scope: Scope): unknown {
  let value: unknown;
  for (const [index, [name = "", ...words]] of pipe.entries()) {
    const args = words.map((word) => operand(word, scope));
    if (index > 0) args.push(value);
    value = name in FUNCTIONS ? FUNCTIONS[name]?.(...args) : operand(name, scope);
  }
  return value;
}

function operand(word: string, scope: Scope): unknown {
  if (word.startsWith("(")) {
    const end = word.lastIndexOf(")");
    return fieldsOf(evaluate(pipeOf(word.slice(1, end)), scope), word.slice(end + 1));
  }
  if (word.startsWith('"')) return JSON.parse(word.replaceAll("\t", "\\t").replaceAll("\n", "\\n"));
  if (word.startsWith("`")) return word.slice(1, -1);
  if (/^-?\d+(\.\d+)?$/.test(word)) return Number(word);
  if (word === "true" || word === "false") return word === "true";
  if (word === "nil") return undefined;
  if (word.startsWith("$")) {
    const [name = "", ...path] = word.split(".");
    const from = name === "$" ? scope.root : scope.variables.get(name);
    return fieldsOf(from, path.length > 0 ? `.${path.join(".")}` : "");
  }
  if (word.startsWith(".")) return fieldsOf(scope.dot, word);
  if (word in FUNCTIONS) return FUNCTIONS[word]?.();
  throw new TemplateError(`template parsing error: template: :1: function "${word}" not defined`);
}

/** `path` is `.A.B`, `.` or nothing. */
function fieldsOf(from: unknown, path: string): unknown {
  let value = from;
  for (const name of path.split(".").filter((part) => part !== "")) {
    const key = typeof value === "object" && value !== null ? keyIn(value, name) : undefined;
    if (key === undefined) {
      if (value === undefined || value === null)
        throw new TemplateError(
          `template parsing error: template: :1:2: executing "" at <${path}>: nil data; no entry for key "${name}"`,
        );
      throw new TemplateError(
        `template parsing error: template: :1:2: executing "" at <${path}>: map has no entry for key "${name}"`,
      );
    }
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Docker's own fields are `ID` where the API has `Id`. */
const keyIn = (value: object, name: string): string | undefined =>
  name in value ? name : Object.keys(value).find((key) => key.toLowerCase() === name.toLowerCase());

const truth = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0
    : typeof value === "object" && value !== null
      ? Object.keys(value).length > 0
      : Boolean(value);

const FUNCTIONS: Readonly<Record<string, (...args: unknown[]) => unknown>> = {
  json: (value) => JSON.stringify(value ?? null),
  len: (value) =>
    Array.isArray(value) || typeof value === "string"
      ? value.length
      : Object.keys((value as object | null) ?? {}).length,
  index: (from, ...keys) =>
    keys.reduce<unknown>(
      (value, key) => (value as Record<string | number, unknown> | undefined)?.[key as string | number],
      from,
    ) ?? "",
  join: (list, separator) => ((list as unknown[] | null) ?? []).map(show).join(String(separator)),
  split: (text, separator) => String(text).split(String(separator)),
  lower: (text) => String(text).toLowerCase(),
  upper: (text) => String(text).toUpperCase(),
  title: (text) => String(text).replace(/\b\w/g, (letter) => letter.toUpperCase()),
  truncate: (text, length) => String(text).slice(0, Number(length)),
  print: (...args) => args.map(show).join(" "),
  println: (...args) => `${args.map(show).join(" ")}\n`,
  printf: (format, ...args) => {
    let next = 0;
    return String(format).replace(/%([%svdq])/g, (_, verb: string) =>
      verb === "%" ? "%" : verb === "q" ? JSON.stringify(args[next++]) : show(args[next++]),
    );
  },
  eq: (first, ...others) => others.some((other) => other === first),
  ne: (first, second) => first !== second,
  lt: (first, second) => (first as number) < (second as number),
  le: (first, second) => (first as number) <= (second as number),
  gt: (first, second) => (first as number) > (second as number),
  ge: (first, second) => (first as number) >= (second as number),
  and: (...args) => args.find((value) => !truth(value)) ?? args.at(-1),
  or: (...args) => args.find(truth) ?? args.at(-1),
  not: (value) => !truth(value),
};

/** As Go's `fmt` prints a value. */
function show(value: unknown): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<no value>";
  if (Array.isArray(value)) return `[${value.map(show).join(" ")}]`;
  if (typeof value === "object") {
    const entries = Object.entries(value as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1));
    return `map[${entries.map(([name, item]) => `${name}:${show(item)}`).join(" ")}]`;
  }
  return String(value);
}
