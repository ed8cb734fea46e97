/**
 * docker command lines, parsed as the docker CLI does: which verb, which image names, which login. podman, nerdctl and
 * finch take the same arguments.
 * Source: https://docs.docker.com/reference/cli/docker/
 */

import { ownValue } from "../../core/own-value.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";

export interface DockerCommand {
  readonly command: ShellCommand;
  /** `build`, `push`, `login`, … ; `image push` and `buildx build` count as `push` and `build`, `compose push` stays apart. */
  readonly verb: string;
  /** `docker buildx build`. */
  readonly isBuildx: boolean;
  /** Words after the verb. */
  readonly args: readonly ShellWord[];
}

const globalWithValue = /^(--config|-c|--context|-H|--host|-l|--log-level|--tlscacert|--tlscert|--tlskey)$/;
const composeWithValue =
  /^(-f|--file|-p|--project-name|--profile|--env-file|--project-directory|--parallel|--progress|--ansi)$/;

export function dockerCommand(command: ShellCommand): DockerCommand | undefined {
  const { name, args } = command;
  if (name === "docker-compose") return compose(command, args);
  if (name === undefined || !/^(docker|podman|nerdctl|finch)$/.test(name)) return undefined;
  let at = afterOptions(args, 0, globalWithValue);
  if (args[at]?.text === "compose") return compose(command, args.slice(at + 1));
  const group = /^(image|buildx|builder|container)$/.exec(args[at]?.text ?? "")?.[0];
  if (group !== undefined && args[at + 1]) at++;
  const verb = args[at]?.text;
  return verb === undefined ? undefined : { command, verb, isBuildx: group === "buildx", args: args.slice(at + 1) };
}

function compose(command: ShellCommand, args: readonly ShellWord[]): DockerCommand {
  const at = afterOptions(args, 0, composeWithValue);
  return { command, verb: `compose ${args[at]?.text ?? ""}`.trim(), isBuildx: false, args: args.slice(at + 1) };
}

function afterOptions(args: readonly ShellWord[], start: number, withValue: RegExp): number {
  let at = start;
  for (; at < args.length && args[at]?.source.startsWith("-"); at++) if (withValue.test(args[at]?.source ?? "")) at++;
  return at;
}

export const dockerCommands = (commands: readonly ShellCommand[]): DockerCommand[] =>
  commands.flatMap((command) => dockerCommand(command) ?? []);

/** Does the verb talk to the daemon? */
export const needsDaemon = (verb: string): boolean =>
  /^(build|push|pull|run|tag|images|ps|info|save|load|exec|compose.*|rmi|rm|inspect|create|start|stop|network|volume|logs|cp|import|system|bake)$/.test(
    verb,
  );

const valuedOptions: Readonly<Record<string, readonly string[]>> = {
  build: [
    ..."-t --tag -f --file -o --output -m --memory --build-arg --label --target --platform --cache-from --cache-to --secret --ssh".split(
      " ",
    ),
    ..."--network --progress --add-host --ulimit --iidfile --builder --metadata-file --attest --annotation --build-context".split(
      " ",
    ),
    ..."--shm-size --cpuset-cpus --cpu-shares --cpu-quota --cpu-period --memory-swap --isolation --security-opt --allow --call".split(
      " ",
    ),
    ..."--no-cache-filter --volume -v --format --cgroup-parent".split(" "),
  ],
  push: ["--platform", "--authfile", "--creds", "--format"],
  pull: ["--platform", "--authfile", "--creds"],
  tag: [],
};

/** Options of a verb: the words that are no options, and the values of each option. */
export function dockerOptions({ verb, args }: DockerCommand): {
  readonly operands: readonly ShellWord[];
  values(...names: readonly string[]): ShellWord[];
  has(...names: readonly string[]): boolean;
} {
  const withValue = ownValue(valuedOptions, verb) ?? [];
  const operands: ShellWord[] = [];
  const found: { name: string; value: ShellWord | undefined }[] = [];
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (!word) break;
    const { source } = word;
    const equals = /^--?[\w-]+(?==)/.exec(source)?.[0];
    if (!source.startsWith("-") || source === "-") operands.push(word);
    else if (equals !== undefined) found.push({ name: equals, value: afterPrefix(word, equals.length + 1) });
    else if (withValue.includes(source)) found.push({ name: source, value: args[++at] });
    else if (/^-[a-z]./.test(source) && withValue.includes(source.slice(0, 2)))
      found.push({ name: source.slice(0, 2), value: afterPrefix(word, 2) });
    else found.push({ name: source, value: undefined });
  }
  return {
    operands,
    values: (...names) => found.flatMap(({ name, value }) => (names.includes(name) && value ? [value] : [])),
    has: (...names) => found.some(({ name, value }) => names.includes(name) && value?.text !== "false"),
  };
}

/** The rest of `--tag=x` or `-tx` as a word of its own. */
function afterPrefix(word: ShellWord, length: number): ShellWord {
  const [first, ...others] = word.pieces;
  const cut = (text: string) => text.slice(length);
  const isLiteral = first?.text !== undefined && first.variable === undefined && first.text.length >= length;
  if (!isLiteral || !first) return { ...word, source: cut(word.source) };
  const head = { ...first, text: cut(first.text ?? ""), symbol: cut(first.symbol) };
  return {
    ...word,
    source: cut(word.source),
    pieces: head.text === "" && others.length > 0 ? others : [head, ...others],
    text: word.text === undefined ? undefined : cut(word.text),
    symbol: cut(word.symbol),
    pos: word.pos + length,
    span: word.span && { ...word.span, column: word.span.column + length, startOffset: word.span.startOffset + length },
  };
}

/** The image names of a command: `-t` of build, both of tag, the one of push and pull. */
export function imageWords(docker: DockerCommand): ShellWord[] {
  if (docker.verb === "build" || docker.verb === "bake") return dockerOptions(docker).values("-t", "--tag");
  if (/^(tag|push|pull)$/.test(docker.verb)) return [...dockerOptions(docker).operands];
  return [];
}

/** Options of a `docker login`: the password argument, whether it reads standard input, the host. */
export function loginOf({ args }: DockerCommand): {
  readonly password: { readonly word: ShellWord; readonly isInline: boolean } | undefined;
  readonly user: ShellWord | undefined;
  readonly readsStdin: boolean;
  readonly host: ShellWord | undefined;
  /** `--help`, `--get-login`: nothing is logged in. */
  readonly isQuestion: boolean;
} {
  let password: { word: ShellWord; isInline: boolean } | undefined;
  let user: ShellWord | undefined;
  let host: ShellWord | undefined;
  let readsStdin = false;
  let isQuestion = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (!word) break;
    if (/^(-p|--password)$/.test(word.source)) {
      const value = args[++at];
      if (value) password = { word: value, isInline: false };
    } else if (/^(-p=?.|--password=)/.test(word.source) && !word.source.startsWith("--password-stdin")) {
      password = { word, isInline: true };
    } else if (/^(-u|--username)$/.test(word.source)) user = args[++at];
    else if (/^(--username=|-u.)/.test(word.source)) user = word;
    else if (/^--password-stdin(=true)?$/.test(word.source)) readsStdin = true;
    else if (/^(--authfile|--cert-dir|--tls-verify)$/.test(word.source)) at++;
    else if (/^(--help|-h|--get-login)$/.test(word.source)) isQuestion = true;
    else if (!word.source.startsWith("-")) host ??= word;
  }
  return { password, user, readsStdin, host, isQuestion };
}
