/**
 * `docker build`, `docker buildx build`, `podman build`: context, Dockerfile, target and build arguments, parsed as the CLI
 * does (the context may come first or last). Source: https://docs.docker.com/reference/cli/docker/buildx/build/
 */
import { type CommandArguments, names, optionsNamed, readArguments } from "../commands/command-arguments.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";
import { dockerCommand } from "./docker-commands.ts";

export interface DockerBuild {
  readonly program: string;
  /** Undefined when there is none, it is `-`, a URL, or not known. */
  readonly context: { readonly word: ShellWord; readonly path: string } | undefined;
  /** Undefined without `-f`; `path` undefined when it is not known, is `-` or a URL. */
  readonly file: { readonly word: ShellWord; readonly path: string | undefined } | undefined;
  readonly target: { readonly word: ShellWord; readonly name: string } | undefined;
  /** `--build-arg`: `value` undefined when it comes from the environment or is not known. */
  readonly buildArgs: readonly {
    readonly word: ShellWord;
    readonly name: string;
    readonly value: string | undefined;
  }[];
  /** Names of `--build-context`. */
  readonly contexts: readonly string[];
  /** Every word that is no option and no option's value: the CLI takes exactly one. Undefined when that is not certain. */
  readonly operands: readonly ShellWord[] | undefined;
  /** Words whose text is not known could be options. */
  readonly isUncertain: boolean;
}

const withValue = names(
  "--add-host --allow --annotation --attest --build-arg --build-context --builder --cache-from --cache-to --call " +
    "--cgroup-parent --cpu-period --cpu-quota -c --cpu-shares --cpuset-cpus --cpuset-mems -f --file --iidfile --isolation " +
    "--label -m --memory --memory-swap --metadata-file --network --no-cache-filter -o --output --platform --policy " +
    "--progress --provenance --sbom --secret --security-opt --shm-size --ssh -t --tag --target --ulimit -v --volume " +
    "--authfile --creds --env --format",
);

const withoutValue = names(
  "--check --compress -D --debug --disable-content-trust --force-rm --load --no-cache --pull --push -q --quiet --rm --squash",
);

export function dockerBuild(command: ShellCommand): DockerBuild | undefined {
  const docker = dockerCommand(command);
  if (docker?.verb !== "build") return undefined;
  const read = readArguments(docker.args, withValue);
  const operands = isCertain(read) ? read.operands : undefined;
  // Of several one may be the value of an option that is not known here.
  const [context] = read.operands.length > 1 ? [] : read.operands;
  const file = optionsNamed(read, "-f", "--file").at(-1);
  const target = optionsNamed(read, "--target").at(-1);
  return {
    program: command.name ?? "docker",
    context: context?.text !== undefined && isLocal(context.text) ? { word: context, path: context.text } : undefined,
    file: file?.word && {
      word: file.word,
      path: file.text !== undefined && isLocal(file.text) ? file.text : undefined,
    },
    target: target?.word && target.text !== undefined ? { word: target.word, name: target.text } : undefined,
    buildArgs: buildArgsOf(read),
    contexts: optionsNamed(read, "--build-context").flatMap(({ text }) => text?.split("=")[0] ?? []),
    operands,
    isUncertain: read.isUncertain,
  };
}

const isLocal = (path: string): boolean =>
  path !== "" && path !== "-" && !/^([a-z][\w+.-]*:\/\/|git@|oci-layout:)/i.test(path);

const buildArgsOf = (read: CommandArguments): DockerBuild["buildArgs"] =>
  optionsNamed(read, "--build-arg").flatMap(({ word, text }) => {
    // `NAME=$UNKNOWN`: the name is known, the value is not.
    const source = text ?? word?.pieces[0]?.text?.replace(/^--build-arg=/, "");
    const name = /^([A-Za-z_]\w*)(?:=|$)/.exec(source ?? "")?.[1];
    if (!word || name === undefined) return [];
    return [{ word, name, value: text?.includes("=") ? text.slice(name.length + 1) : undefined }];
  });

/** An option that is not known could take the next word. */
const isCertain = (read: CommandArguments): boolean =>
  !read.isUncertain &&
  read.operands.every((word) => (word.text ?? word.pieces[0]?.text) !== undefined || read.operands.length === 1) &&
  read.options.every(({ name, word }) => word !== undefined || withoutValue.has(name));
