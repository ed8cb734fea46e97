/** docker command lines, parsed as the docker CLI does: which verb, which image names, which login. */
import type { ShellCommand, ShellWord } from "./shell-model.ts";

export interface DockerCommand {
  readonly command: ShellCommand;
  /** `build`, `push`, `login`, … ; `image push` and `buildx build` count as `push` and `build`. */
  readonly verb: string;
  /** Words after the verb. */
  readonly args: readonly ShellWord[];
}

const globalWithValue = /^(--config|-c|--context|-H|--host|-l|--log-level|--tlscacert|--tlscert|--tlskey)$/;

export function dockerCommand(command: ShellCommand): DockerCommand | undefined {
  if (command.name !== "docker" && command.name !== "podman") return undefined;
  const { args } = command;
  let at = 0;
  for (; at < args.length && args[at]?.source.startsWith("-"); at++)
    if (globalWithValue.test(args[at]?.source ?? "")) at++;
  if (/^(image|buildx|builder|container)$/.test(args[at]?.text ?? "") && args[at + 1]) at++;
  const verb = args[at]?.text;
  return verb === undefined ? undefined : { command, verb, args: args.slice(at + 1) };
}

export const dockerCommands = (commands: readonly ShellCommand[]): DockerCommand[] =>
  commands.flatMap((command) => dockerCommand(command) ?? []);

/** Does the verb talk to the daemon? */
export const needsDaemon = (verb: string): boolean =>
  /^(build|push|pull|run|tag|images|ps|info|save|load|exec|compose|rmi|rm|inspect|create|start|stop|network|volume|logs|cp|import|system|bake)$/.test(
    verb,
  );

/** The image names of a command: `-t` of build, both of tag, the one of push, pull and run. */
export function imageWords({ verb, args }: DockerCommand): ShellWord[] {
  if (verb === "build" || verb === "bake") {
    return args.flatMap((word, index) =>
      /^(-t|--tag)$/.test(word.source) ? (args[index + 1] ?? []) : /^--tag=/.test(word.source) ? word : [],
    );
  }
  if (verb === "tag" || verb === "push" || verb === "pull") return args.filter((word) => !word.source.startsWith("-"));
  return [];
}

/** Options of a `docker login`: the password argument, whether it reads standard input, the host. */
export function loginOf({ args }: DockerCommand): {
  readonly password: { readonly word: ShellWord; readonly isInline: boolean } | undefined;
  readonly user: ShellWord | undefined;
  readonly readsStdin: boolean;
  readonly host: ShellWord | undefined;
} {
  let password: { word: ShellWord; isInline: boolean } | undefined;
  let user: ShellWord | undefined;
  let host: ShellWord | undefined;
  let readsStdin = false;
  for (let at = 0; at < args.length; at++) {
    const word = args[at];
    if (!word) break;
    if (/^(-p|--password)$/.test(word.source)) {
      const value = args[++at];
      if (value) password = { word: value, isInline: false };
    } else if (/^(-p=?.|--password=)/.test(word.source) && !word.source.startsWith("--password-stdin")) {
      password = { word, isInline: true };
    } else if (/^(-u|--username)$/.test(word.source)) user = args[++at];
    else if (/^--username=/.test(word.source)) user = word;
    else if (word.source === "--password-stdin") readsStdin = true;
    else if (!word.source.startsWith("-")) host ??= word;
  }
  return { password, user, readsStdin, host };
}
