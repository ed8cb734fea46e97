/** Flags by docker's rules: `--name=value`, `--name value`, `-n value`, `-nvalue`, joined booleans, `--` ends them. */

export interface FlagSpec {
  readonly name: string;
  readonly short?: string;
  /** `bool` takes no value, `list` may repeat. */
  readonly kind: "bool" | "string" | "list";
}

export interface ParsedFlags {
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly rest: readonly string[];
}

/** A wrong flag; docker ends with 125. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** `interspersed: false` stops at the first argument, as `docker run IMAGE args…` needs. */
export function parseFlags(args: readonly string[], specs: readonly FlagSpec[], interspersed = true): ParsedFlags {
  const flags = new Map<string, string[]>();
  const rest: string[] = [];
  const add = (spec: FlagSpec, value: string): void => {
    const known = flags.get(spec.name);
    if (spec.kind === "list" && known) known.push(value);
    else flags.set(spec.name, [value]);
  };
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") return { flags, rest: [...rest, ...args.slice(at + 1)] };
    if (!arg.startsWith("-") || arg === "-") {
      if (!interspersed) return { flags, rest: args.slice(at) };
      rest.push(arg);
      continue;
    }
    if (arg.startsWith("--")) {
      const equals = arg.indexOf("=");
      const name = arg.slice(2, equals < 0 ? undefined : equals);
      const spec = specs.find((candidate) => candidate.name === name);
      if (!spec) throw new UsageError(`unknown flag: --${name}`);
      if (equals >= 0) {
        add(spec, arg.slice(equals + 1));
      } else if (spec.kind === "bool") {
        add(spec, "true");
      } else {
        if (at + 1 >= args.length) throw new UsageError(`flag needs an argument: --${name}`);
        add(spec, args[++at] ?? "");
      }
      continue;
    }
    for (let position = 1; position < arg.length; position++) {
      const letter = arg[position] ?? "";
      const spec = specs.find((candidate) => candidate.short === letter);
      if (!spec) throw new UsageError(`unknown shorthand flag: '${letter}' in ${arg}`);
      if (spec.kind === "bool") {
        add(spec, "true");
        continue;
      }
      const inline = arg.slice(position + 1).replace(/^=/, "");
      if (inline === "" && at + 1 >= args.length) throw new UsageError(`flag needs an argument: '${letter}' in ${arg}`);
      add(spec, inline === "" ? (args[++at] ?? "") : inline);
      break;
    }
  }
  return { flags, rest };
}

export const flagOf = (parsed: ParsedFlags, name: string): string | undefined => parsed.flags.get(name)?.at(-1);
export const listOf = (parsed: ParsedFlags, name: string): readonly string[] => parsed.flags.get(name) ?? [];
export const isSet = (parsed: ParsedFlags, name: string): boolean =>
  !["", "false", "0"].includes(flagOf(parsed, name) ?? "");
