/**
 * What a command may leave in the source directory, so that a path that is not in the repository is only reported when
 * nothing before it can have made it. A command that is not known to be harmless may create anything.
 */
import type { SyntaxNode } from "unbash";
import { directoryOf } from "../tree/source-paths.ts";
import type { ShellCommand } from "./shell-model.ts";

export interface Effects {
  /** Paths it makes, relative to the source's root. */
  readonly paths: readonly string[];
  readonly isAnything: boolean;
}

/** Programs that write nothing into the source directory, whatever their arguments (redirections aside). */
const harmless = new Set(
  (
    ": . [ [[ alias apk apt apt-get basename bc break cat cd chmod chown command continue cut date declare df dirname dnf du echo egrep " +
    "env eval exit export expr false fgrep file free getent grep groups hash head hostname id jq kill kubectl less local ls lsb_release " +
    "md5sum nproc pgrep pip-audit pkill popd printenv printf ps pushd pwd read readonly realpath return seq set sha256sum shift shopt sleep " +
    "sort ssh-keyscan stat sysctl tail test time timeout tput tr trap true type ulimit umask uname uniq unset until uptime wait wc whereis which whoami yum " +
    "update-alternatives service systemctl dockerd useradd usermod groupadd pyenv rbenv nvm n"
  ).split(" "),
);

export function effectsOf(command: ShellCommand, functions: ReadonlySet<string>): Effects {
  const paths: string[] = [];
  const at = (path: string | undefined) => {
    const made = path === undefined ? undefined : directoryOf(command.directory, path);
    if (made !== undefined) paths.push(made);
  };
  for (const { operator, target } of command.redirects) {
    if (!/^(>|>>|>\||&>|&>>|<>)$/.test(operator)) continue;
    if (target?.text === undefined) {
      if (target) return { paths, isAnything: true };
    } else at(target.text);
  }
  const { name } = command;
  // `$(aws ecr get-login …)` runs a `docker login`.
  if (name === undefined && /^"?\$\(\s*aws\s[^|;&]*\becr\s+get-login\b/.test(command.nameWord?.source ?? ""))
    return { paths, isAnything: false };
  if (name === undefined || functions.has(name)) return { paths, isAnything: true };
  const plain = command.args.filter((word) => !(word.text ?? "").startsWith("-"));
  const texts = plain.map((word) => word.text);
  const made = (words: readonly (string | undefined)[]): Effects => {
    if (words.some((word) => word === undefined)) return { paths, isAnything: true };
    for (const word of words) at(word);
    return { paths, isAnything: false };
  };
  if (harmless.has(name)) {
    // `. file` and `eval` run text that is not seen here.
    return { paths, isAnything: name === "." || name === "eval" };
  }
  switch (name) {
    case "mkdir":
    case "touch":
    case "tee":
      return made(texts);
    case "cp":
    case "mv":
    case "ln":
    case "install":
    case "rsync":
      return made(texts.slice(-1).flatMap((to) => [to, ...texts.slice(0, -1).map((from) => joined(to, from))]));
    case "rm":
    case "rmdir":
      return { paths, isAnything: false };
    case "git":
      return git(texts, made, paths);
    case "docker":
    case "podman":
    case "docker-compose":
    case "buildah":
      return {
        paths,
        isAnything: /^(cp|run|exec|compose|save|export|create|start|up)$/.test(texts[0] ?? "") || hasOutput(command),
      };
    case "aws":
      return { paths, isAnything: awsWrites(texts) };
    case "pip":
    case "pip3":
      return pip(command, paths, texts);
    case "python":
    case "python3":
      if (command.args[0]?.text === "-m" && command.args[1]?.text === "pip") return pip(command, paths, texts.slice(1));
      return { paths, isAnything: !/^(-V|--version)$/.test(command.args[0]?.text ?? "") };
    case "npm":
    case "yarn":
    case "pnpm":
      if (/^(-v|--version|config|login|version|whoami|cache|audit)$/.test(command.args[0]?.text ?? ""))
        return { paths, isAnything: false };
      if (/^(ci|install|i|add)$/.test(command.args[0]?.text ?? "")) {
        // Dependencies land in node_modules; scripts of the package may do more, but not make source files.
        at("node_modules");
        return { paths, isAnything: false };
      }
      return { paths, isAnything: true };
    case "curl":
    case "wget":
      return download(command, name, made, paths);
    case "sed":
      return { paths, isAnything: false };
    case "terraform":
      return {
        paths,
        isAnything:
          /^(plan|apply|output)$/.test(texts[0] ?? "") && command.args.some((word) => /^-out/.test(word.source)),
      };
    default:
      if (
        command.args.length === 1 &&
        /^(-v|-V|-version|--version|version|-h|--help)$/.test(command.args[0]?.text ?? "")
      ) {
        return { paths, isAnything: false };
      }
      return { paths, isAnything: true };
  }
}

const joined = (to: string | undefined, from: string | undefined): string | undefined =>
  to === undefined || from === undefined ? undefined : `${to}/${from.replace(/\/$/, "").split("/").pop() ?? ""}`;

const hasOutput = (command: ShellCommand): boolean =>
  command.args.some((word) => /^(-o|--output|-d=|--iidfile)/.test(word.source));

function git(
  texts: readonly (string | undefined)[],
  made: (words: readonly (string | undefined)[]) => Effects,
  paths: string[],
): Effects {
  const [verb, ...rest] = texts;
  if (verb === "clone") {
    const [url, to] = rest;
    if (to !== undefined) return made([to]);
    const name = url
      ?.replace(/\/$/, "")
      .split("/")
      .pop()
      ?.replace(/\.git$/, "");
    return made([name]);
  }
  const isReading =
    /^(config|log|status|rev-parse|diff|describe|show|fetch|branch|tag|remote|--version|rev-list|add|commit|push)$/;
  return { paths, isAnything: !isReading.test(verb ?? "") };
}

/** Operations of the aws CLI that write files; `aws --region R s3 cp` has options in front of the service. */
function awsWrites(texts: readonly (string | undefined)[]): boolean {
  const writes = [
    ["s3", /^(cp|sync|mv)$/],
    ["s3api", /^get-object$/],
    ["cloudformation", /^package$/],
    ["lambda", /^invoke$/],
  ] as const;
  return writes.some(([service, operation]) => {
    const at = texts.indexOf(service);
    return at !== -1 && operation.test(texts[at + 1] ?? "");
  });
}

function pip(command: ShellCommand, paths: string[], texts: readonly (string | undefined)[]): Effects {
  const isElsewhere = command.args.some((word) =>
    /^(-t|--target|--prefix|--root|-d|--dest|--src|-w|--wheel-dir)/.test(word.text ?? ""),
  );
  const verb = texts.find((text) => text !== undefined);
  return { paths, isAnything: isElsewhere || verb === "download" || verb === "wheel" };
}

/** `curl` and `wget` write only where they are told to. */
function download(
  command: ShellCommand,
  name: string,
  made: (words: readonly (string | undefined)[]) => Effects,
  paths: string[],
): Effects {
  const output = name === "curl" ? /^(-[a-zA-Z]*o|--output)$/ : /^(-[a-zA-Z]*O|--output-document)$/;
  const at = command.args.findIndex((word) => output.test(word.text ?? ""));
  if (at !== -1) return made([command.args[at + 1]?.text]);
  if (name === "curl" && !command.args.some((word) => /^(-[a-zA-Z]*O|--remote-name)/.test(word.text ?? ""))) {
    return { paths, isAnything: false };
  }
  const urls = command.args.map((word) => word.text).filter((text) => text === undefined || /^[a-z]+:\/\//.test(text));
  return made(urls.map((url) => url?.split(/[?#]/)[0]?.split("/").pop()));
}

/** A command whose only purpose is its status: what follows `&&` is then conditional on purpose. */
export function isTest(node: SyntaxNode): boolean {
  if (node.type === "TestCommand" || node.type === "ArithmeticCommand") return true;
  if (node.type === "Pipeline") return node.commands.some((command) => isTest(command));
  if (node.type !== "Command") return false;
  const name = node.name?.value ?? "";
  return (
    /^(test|\[|\[\[|grep|egrep|which|type|hash)$/.test(name) ||
    (name === "command" && /\s-v\s/.test(` ${node.suffix.map((s) => ("text" in s ? s.text : "")).join(" ")} `))
  );
}
