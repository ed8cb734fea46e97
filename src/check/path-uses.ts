/**
 * Which words of a command name a file or folder that must exist, parsed as the program itself parses its arguments
 * (`pip install --force-reinstall .` is not `-r einstall`; docker takes its context first or last).
 */
import type { ShellCommand, ShellWord } from "./shell-model.ts";

export interface PathUse {
  readonly word: ShellWord;
  /** The path as written, e.g. the part after `--requirement=`. */
  readonly path: string;
  readonly kind: "file" | "directory" | "any";
  /** What uses it, e.g. `pip install -r`. */
  readonly user: string;
  /** A file that must be in the folder, e.g. `Dockerfile`. */
  readonly mustHold?: string;
}

export function pathUsesOf(command: ShellCommand): PathUse[] {
  const { name, args } = command;
  switch (name) {
    case "cd":
    case "pushd": {
      const target = args.find((word) => !/^-[LPe@]+$|^--$/.test(word.source));
      return target && target.text !== "-" ? use(target, "directory", name) : [];
    }
    case "pip":
    case "pip3":
      return pip(args, name);
    case "python":
    case "python3":
      return python(args, name);
    case "docker":
    case "podman":
      return dockerBuild(args, name);
    case "sh":
    case "bash":
      return script(args, name, /^[-+][oO]$/);
    case "source":
    case ".":
      return args[0]?.text?.includes("/") ? use(args[0], "file", name) : [];
    case "node":
    case "ruby":
      return script(args, name, /^(-r|--require|-I)$/);
    case "npm":
      return optionValues(args, ["--prefix", "-C"], "directory", "npm --prefix");
    case "yarn":
      return optionValues(args, ["--cwd"], "directory", "yarn --cwd");
    case "make":
      return [
        ...optionValues(args, ["-C", "--directory"], "directory", "make -C"),
        ...(args.some((word) => /^(-C|--directory)/.test(word.source))
          ? []
          : optionValues(args, ["-f", "--file"], "file", "make -f")),
      ];
    case "kubectl":
      return args.some((word) => /^(-k|--kustomize)/.test(word.source))
        ? []
        : optionValues(args, ["-f", "--filename"], "any", "kubectl -f").filter(
            ({ path }) => path !== "-" && !path.includes("://"),
          );
    case "chmod": {
      const [, ...files] = args.filter((word) => !/^-[a-zA-Z]/.test(word.source) || /^-[rwxX]+$/.test(word.source));
      return files.flatMap((word) => use(word, "any", name));
    }
    default:
      return name !== undefined && /^\.{1,2}\//.test(name) && command.nameWord
        ? use(command.nameWord, "file", name)
        : [];
  }
}

function use(word: ShellWord, kind: PathUse["kind"], user: string, path = word.text): PathUse[] {
  return path === undefined || path === "" || /[*?[\]{}]/.test(path) ? [] : [{ word, path, kind, user }];
}

/** Values of `--option VALUE`, `--option=VALUE` and, for one-letter options, `-oVALUE`. */
function optionValues(
  args: readonly ShellWord[],
  names: readonly string[],
  kind: PathUse["kind"],
  user: string,
): PathUse[] {
  return args.flatMap((word, index) => {
    const text = word.text;
    if (text === undefined) return [];
    if (names.includes(text)) {
      const value = args[index + 1];
      return value ? use(value, kind, user) : [];
    }
    for (const name of names) {
      if (name.startsWith("--") && text.startsWith(`${name}=`))
        return use(word, kind, user, text.slice(name.length + 1));
      if (!name.startsWith("--") && text.startsWith(name) && !text.startsWith("--")) {
        return use(word, kind, user, text.slice(2).replace(/^=/, ""));
      }
    }
    return [];
  });
}

function pip(args: readonly ShellWord[], name: string): PathUse[] {
  const verb = args.find((word) => !word.source.startsWith("-"))?.text;
  if (verb !== "install" && verb !== "download" && verb !== "wheel") return [];
  return [
    ...optionValues(args, ["-r", "--requirement"], "file", `${name} ${verb} -r`),
    ...optionValues(args, ["-c", "--constraint"], "file", `${name} ${verb} -c`),
  ].filter(({ path }) => !path.includes("://"));
}

function python(args: readonly ShellWord[], name: string): PathUse[] {
  if (args[0]?.text === "-m") return args[1]?.text === "pip" ? pip(args.slice(2), "pip") : [];
  return script(args, name, /^-[WX]$/);
}

/** `sh x.sh`, `python x.py`: the first word that is not an option; with `-c`, `-m`, `-e`, `-s` there is no script. */
function script(args: readonly ShellWord[], name: string, withValue: RegExp): PathUse[] {
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (!word || word.text === undefined) return [];
    if (
      /^-[a-zA-Z]*[cmes]$/.test(word.text) ||
      word.text === "-" ||
      word.text === "--eval" ||
      word.text === "--print" ||
      word.text === "-p"
    )
      return [];
    if (withValue.test(word.text)) at++;
    else if (!/^[-+]/.test(word.text)) return use(word, "file", name);
  }
  return [];
}

/** Options of `docker build` that take no value; every other `--option` without `=` takes the next word. */
const flagsWithoutValue = new Set(
  "--compress --disable-content-trust --force-rm --no-cache --pull -q --quiet --rm --squash --load --push --debug -D --check".split(
    " ",
  ),
);

function dockerBuild(args: readonly ShellWord[], program: string): PathUse[] {
  let at = 0;
  // Global options come before the verb; those with a value are rare in builds and end the analysis.
  if (args[at]?.text === "buildx" || args[at]?.text === "image" || args[at]?.text === "builder") at++;
  if (args[at]?.text !== "build") return [];
  const uses: PathUse[] = [];
  let context: ShellWord | undefined;
  let dockerfile: string | undefined;
  for (at++; at < args.length; at++) {
    const word = args[at];
    if (!word) break;
    const text = word.text ?? word.pieces[0]?.text ?? "";
    if (/^(-f|--file)$/.test(text)) {
      const value = args[++at];
      dockerfile = value?.text ?? "unknown";
      if (value?.text !== undefined && value.text !== "-") uses.push(...use(value, "file", `${program} build -f`));
    } else if (/^(-f=?|--file=)./.test(text) && !text.startsWith("--force")) {
      dockerfile = text.replace(/^(-f=?|--file=)/, "");
      if (word.text !== undefined) uses.push(...use(word, "file", `${program} build -f`, dockerfile));
    } else if (text.startsWith("-") && text !== "-") {
      if (!text.includes("=") && !flagsWithoutValue.has(text) && !/^-[a-zA-Z].+/.test(text.replace(/^--.*/, ""))) at++;
    } else context ??= word;
  }
  if (
    context?.text !== undefined &&
    context.text !== "-" &&
    !/^(https?:|git@|git:|ssh:|oci-layout:)/.test(context.text)
  ) {
    const inContext = use(context, "directory", `${program} build`);
    uses.push(...inContext.map((found) => (dockerfile === undefined ? { ...found, mustHold: "Dockerfile" } : found)));
  }
  return uses;
}
