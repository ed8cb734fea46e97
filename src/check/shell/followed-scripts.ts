/**
 * Which text of the tree a command runs: `./build.sh`, `bash ci/x.sh`, `. env.sh`, `npm run build`. Only shell scripts
 * are read; anything else stays unseen.
 */
import { posix } from "node:path";
import { directoryOf, sourceRootsOf } from "../tree/source-paths.ts";
import type { ShellCommand, ShellWord } from "./shell-model.ts";

export interface FollowedScript {
  /** Path in the workspace. */
  readonly file: string;
  /** Text of the file. */
  readonly fileText: string;
  /** The script in it: the file itself, or a part. */
  readonly text: string;
  /** Where the part begins in the file; its text is the file's from there when it is not encoded. */
  readonly offset: number;
  readonly shell: "sh" | "bash" | "own" | "other";
  /** Options given to the shell, e.g. `["-e"]`. */
  readonly options: readonly string[];
  /** `$0`, then `$1`, … */
  readonly words: readonly (ShellWord | undefined)[];
  /** Where it runs, relative to the source's root, when that is not the caller's directory. */
  readonly directory?: string;
}

interface Tree {
  /** Path of the buildspec in the workspace. */
  readonly buildspecFile: string;
  readText(path: string): string | undefined;
}

export function scriptRunBy(command: ShellCommand, tree: Tree): FollowedScript | undefined {
  const { name, nameWord, args } = command;
  if (name === undefined || nameWord === undefined) return undefined;
  if (name === "." || name === "source") {
    const found = args[0] && fileOf(command.directory, args[0].text, tree);
    return found && { ...found, shell: "own", options: [], words: [undefined, ...args.slice(1)] };
  }
  if (/^(?:\/(?:usr\/)?bin\/)?(ba|da|z|k)?sh$/.test(name)) return interpreted(command, tree);
  if (name === "npm" || name === "yarn" || name === "pnpm") return packageScript(command, tree);
  if (!name.includes("/")) return undefined;
  const found = fileOf(command.directory, name, tree);
  if (!found) return undefined;
  const line = /^#!.*/.exec(found.text)?.[0];
  const shell = shellOfFirstLine(line);
  // Without `#!` the shell runs it itself; a name that says another language is not one.
  if (line === undefined ? !/(^|\/)[^./]+$|\.(ba)?sh$/.test(name) || !/\w/.test(found.text) : shell === undefined) {
    return undefined;
  }
  const options = line?.split(/\s+/).filter((word) => word.startsWith("-")) ?? [];
  return { ...found, shell: shell ?? "sh", options, words: [nameWord, ...args] };
}

/** `bash -ex script.sh a b`. */
function interpreted(command: ShellCommand, tree: Tree): FollowedScript | undefined {
  const options: string[] = [];
  for (let at = 0; at < command.args.length; at++) {
    const word = command.args[at];
    const text = word?.text;
    if (text === undefined) return undefined;
    if (/^[-+][A-Za-z]*[cs]/.test(text)) return undefined;
    if (/^[-+]/.test(text)) {
      options.push(text);
      if (/^[-+][A-Za-z]*o$/i.test(text)) options.push(command.args[++at]?.text ?? "");
      continue;
    }
    const found = fileOf(command.directory, text, tree);
    const shell = /bash$/.test(command.name ?? "")
      ? "bash"
      : /(^|\/)(da)?sh$/.test(command.name ?? "")
        ? "sh"
        : "other";
    return found && { ...found, shell, options, words: command.args.slice(at) };
  }
  return undefined;
}

function shellOfFirstLine(line: string | undefined): "sh" | "bash" | "other" | undefined {
  const name = /^#!\s*(?:\S*\/)?(?:env\s+(?:-\S+\s+)*)?(?:\S*\/)?([\w.-]+)/.exec(line ?? "")?.[1];
  if (name === "sh" || name === "dash") return "sh";
  if (name === "bash") return "bash";
  return name === "ash" || name === "ksh" || name === "zsh" ? "other" : undefined;
}

function fileOf(
  directory: string | undefined,
  path: string | undefined,
  { buildspecFile, readText }: Tree,
): Pick<FollowedScript, "file" | "fileText" | "text" | "offset"> | undefined {
  const wanted = path === undefined ? undefined : directoryOf(directory, path);
  if (wanted === undefined || wanted === "") return undefined;
  for (const root of sourceRootsOf(buildspecFile)) {
    const file = posix.join(root, wanted);
    const text = readText(file);
    if (text !== undefined && text !== "") return { file, fileText: text, text, offset: 0 };
  }
  return undefined;
}

/** `npm run build`, `npm test`, `yarn build`, `pnpm -C app run x`: the script of package.json, run by `sh`. */
function packageScript({ name, args, directory }: ShellCommand, tree: Tree): FollowedScript | undefined {
  const words = args.map(({ text }) => text);
  let folder: string | undefined = directory;
  let at = 0;
  for (; at < words.length && (words[at] === undefined || words[at]?.startsWith("-")); at++) {
    if (words[at] === undefined) return undefined;
    if (/^(--prefix|-C|--dir|--cwd)$/.test(words[at] ?? "")) {
      folder = directoryOf(directory, words[++at] ?? "");
    } else if (!/^(-s|--silent|--verbose|--no-progress|--if-present)$/.test(words[at] ?? "")) return undefined;
  }
  const [verb, next] = words.slice(at);
  if (verb === undefined || folder === undefined) return undefined;
  const isShort = /^(test|start|stop|restart|t)$/.test(verb) || (name !== "npm" && !yarnCommands.has(verb));
  const script = verb === "run" || verb === "run-script" ? next : isShort ? (verb === "t" ? "test" : verb) : undefined;
  const found = fileOf("", folder === "" ? "package.json" : `${folder}/package.json`, tree);
  if (script === undefined || !found) return undefined;
  const text = scriptIn(found.fileText, script);
  if (text === undefined) return undefined;
  const offset = Math.max(found.fileText.indexOf(JSON.stringify(text).slice(1, -1)), 0);
  return { ...found, text, offset, shell: "sh", options: [], words: [], directory: folder };
}

const yarnCommands = new Set(
  "add audit autoclean bin cache config create dedupe dlx exec global i import info init install licenses link list login logout node outdated owner pack plugin publish remove root set store tag team unlink unplug up update upgrade version versions why workspace workspaces".split(
    " ",
  ),
);

function scriptIn(packageJson: string, name: string): string | undefined {
  try {
    const { scripts } = JSON.parse(packageJson) as { readonly scripts?: Readonly<Record<string, unknown>> };
    const script = scripts?.[name];
    return typeof script === "string" ? script : undefined;
  } catch {
    return undefined;
  }
}
