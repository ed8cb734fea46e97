/**
 * A secret that a command shows to others: printed into the log, given to `docker build` as an argument, written into a
 * Dockerfile or an artifact, put into a URL or on a command line. CodeBuild masks only the exact values it resolved
 * itself, and only in the log.
 */

import { ownValue } from "../../core/own-value.ts";
import { dockerCommand, dockerOptions } from "../docker/docker-commands.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand, ShellWord } from "../shell/shell-model.ts";
import { directoryOf } from "../tree/source-paths.ts";

export const envSecretInCommand: Rule = {
  id: "env/secret-in-command",
  severity: "warning",
  title: "a secret that a command prints, bakes into an image, or shows as an argument",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/data-protection.html",
  *run(context) {
    const piped = new Set(context.shell.everyCommand.map((command) => command.pipedFrom));
    const dumps = new Set<string>();
    for (const command of context.shell.everyCommand) {
      const isShown = !piped.has(command) && command.substitution === undefined;
      const found =
        written(context, command) ??
        (isShown ? (printed(context, command) ?? encoded(context, command)) : undefined) ??
        buildArgument(context, command) ??
        argument(context, command) ??
        (isShown ? dumped(context, command) : undefined);
      // What prints all variables does so once.
      if (!found || (found.dump !== undefined && dumps.has(found.dump))) continue;
      if (found.dump !== undefined) dumps.add(found.dump);
      const { word, message, why, severity, advice } = found;
      yield {
        ...(severity && { severity }),
        message: `${message}${inScript(command)}`,
        ...placeOf(command, word),
        why,
        ...(advice !== undefined && { fix: { kind: "command", title: advice, commands: [] } }),
      };
    }
  },
};

interface Leak {
  readonly word?: ShellWord;
  readonly message: string;
  readonly why: string;
  readonly severity?: Finding["severity"];
  readonly advice?: string;
  /** The command that prints every variable. */
  readonly dump?: string;
}

interface Secret {
  readonly word: ShellWord;
  readonly variable: string;
  /** CodeBuild resolved it, and replaces its exact value in the log. */
  readonly isMasked: boolean;
}

const SECRET_NAME = /(PASS(WORD|WD|PHRASE)?|TOKEN|SECRET|_KEY|APIKEY|CREDENTIAL|PRIVATE|_PAT)(_|$)|^PAT$/i;
/** Names that hold no secret, whatever else is in them. */
const PUBLIC_NAME = /(_ID|_NAME|_ARN|_PATH|_FILE|_URL|_URI|_HOST|_USER(NAME)?|_REGION|PUBLIC_KEY|KEY_?PAIR)$/i;
/** A value that was asked for by a command is known to nobody's mask. */
const ASKED =
  /secretsmanager\s+get-secret-value|ssm\s+get-parameters?\b[^)]*--with-decryption|--with-decryption[^)]*ssm\s+get-parameter|vault\s+(?:kv\s+get|read)/;

function secretIn(context: CheckContext, words: readonly ShellWord[]): Secret | undefined {
  for (const word of words) {
    for (const { variable, symbol, text } of word.pieces) {
      if (variable === undefined || PUBLIC_NAME.test(variable)) continue;
      // A part of a document that holds a secret is told by the variable's name.
      const isPart = /jq|--query(?!\s+["']?(?:SecretString|Parameter\.Value))/.test(symbol);
      if (text === undefined && ASKED.test(symbol) && (SECRET_NAME.test(variable) || !isPart))
        return { word, variable, isMasked: false };
      const isStored = isStoredSecret(context, variable);
      if (isStored || /^AWS_(SECRET_ACCESS_KEY|SESSION_TOKEN)$/.test(variable)) {
        return { word, variable, isMasked: isStored };
      }
    }
  }
  return undefined;
}

/** From Parameter Store or Secrets Manager, and by name or type a secret. */
function isStoredSecret(context: CheckContext, variable: string): boolean {
  const fact = context.shell.variables.get(variable);
  if (fact === undefined || fact.origin === "plaintext" || PUBLIC_NAME.test(variable)) return false;
  return SECRET_NAME.test(variable) || isSecure(context, fact.reference);
}

const isSecure = ({ parameters }: CheckContext, reference: string | undefined): boolean =>
  parameters?.some(({ name, type }) => name === reference && type === "SecureString") ?? false;

const isFile = ({ redirects }: ShellCommand): boolean =>
  redirects.some(
    ({ operator, target }) => operator.includes(">") && !/^([12]|&[12]|\/dev\/std(out|err))$/.test(target?.text ?? "1"),
  );

/** `echo $TOKEN`. */
function printed(context: CheckContext, command: ShellCommand): Leak | undefined {
  if ((command.name !== "echo" && command.name !== "printf") || isFile(command)) return undefined;
  const secret = secretIn(context, command.args);
  if (!secret) return undefined;
  return {
    word: secret.word,
    message: `\`${command.name}\` prints the secret \`$${secret.variable}\``,
    why: secret.isMasked
      ? "CodeBuild masks the exact value only; parts of it, or an encoded form, stay readable in the log"
      : secret.variable.startsWith("AWS_")
        ? "CodeBuild masks access key IDs, not what belongs to them"
        : "a command asked for it, so CodeBuild does not know it and masks nothing: the value stands in the log",
  };
}

/** `echo $TOKEN | base64`: what the log then shows is not the value that is masked. */
function encoded(context: CheckContext, command: ShellCommand): Leak | undefined {
  const { name = "", pipedFrom } = command;
  if (!/^(base64|xxd|od|hexdump|rev|tr|cut|fold|head|sed|jq)$/.test(name) || isFile(command)) return undefined;
  const secret =
    pipedFrom && /^(echo|printf)$/.test(pipedFrom.name ?? "") ? secretIn(context, pipedFrom.args) : undefined;
  return (
    secret && {
      word: secret.word,
      message: `\`${name}\` prints the secret \`$${secret.variable}\` in another form`,
      why: "CodeBuild masks the exact value only, so this form stays readable in the log",
    }
  );
}

/** `env`, `printenv`, `set`, `export -p`, `set -x`. */
function dumped(context: CheckContext, command: ShellCommand): Leak | undefined {
  const { name, args } = command;
  const isDump =
    !isFile(command) &&
    ((/^(env|printenv|set)$/.test(name ?? "") && args.length === 0) ||
      (/^(export|declare)$/.test(name ?? "") && args[0]?.text === "-p"));
  const isTrace = name === "set" && args.some(({ text }) => /^-[a-z]*x/.test(text ?? "") || text === "xtrace");
  if (!isDump && !isTrace) return undefined;
  const secrets = [...context.shell.variables].filter(
    ([variable, { origin }]) =>
      isStoredSecret(context, variable) || (origin === "secret" && !PUBLIC_NAME.test(variable)),
  );
  const [first] = secrets;
  if (!first) return undefined;
  return {
    dump: name ?? "",
    severity: "info",
    message: isTrace
      ? `\`set -x\` prints the value of \`$${first[0]}\` wherever it is used`
      : `\`${name}\` prints every variable, \`$${first[0]}\` too`,
    why: "CodeBuild masks the exact value only; parts of it, or an encoded form, stay readable in the log",
  };
}

/** `docker build --build-arg TOKEN=$TOKEN`. */
function buildArgument(context: CheckContext, command: ShellCommand): Leak | undefined {
  const docker = dockerCommand(command);
  if (docker?.verb !== "build" && docker?.verb !== "compose build") return undefined;
  for (const word of dockerOptions({ ...docker, verb: "build" }).values("--build-arg")) {
    const name = /^\w+$/.exec(word.text ?? "")?.[0];
    const fact = name === undefined ? undefined : context.shell.variables.get(name);
    const passed =
      name !== undefined && fact && fact.origin !== "plaintext" && SECRET_NAME.test(name) && !PUBLIC_NAME.test(name)
        ? name
        : undefined;
    const variable = passed ?? secretIn(context, [word])?.variable;
    if (variable === undefined) continue;
    return {
      word,
      message: `\`--build-arg\` puts the secret \`$${variable}\` into the image's history`,
      why: "every RUN after the ARG keeps the value, and `docker history --no-trunc` shows it to whoever can pull the image",
      advice: `mount it: \`--secret id=${variable.toLowerCase()},env=${variable}\`, and \`RUN --mount=type=secret,id=${variable.toLowerCase()} …\` in the Dockerfile`,
    };
  }
  return undefined;
}

/** `echo "ENV KEY=$KEY" >> Dockerfile`, and files that are artifacts. */
function written(context: CheckContext, command: ShellCommand): Leak | undefined {
  if (!/^(echo|printf|cat|sed|envsubst)$/.test(command.name ?? "")) return undefined;
  const isInPlace = command.name === "sed" && command.args.some(({ source }) => /^(-i|--in-place)/.test(source));
  const targets = [
    ...command.redirects.flatMap(({ operator, target }) => (/^>>?$/.test(operator) ? (target?.text ?? []) : [])),
    ...(isInPlace ? [command.args.at(-1)?.text ?? ""] : []),
  ];
  const here = command.hereVariables.find((variable) => isStoredSecret(context, variable));
  const inWords = targets.length > 0 ? secretIn(context, command.args) : undefined;
  const secret = inWords ?? (here === undefined ? undefined : { word: undefined, variable: here });
  const artifacts = context.buildspec.artifacts;
  const files = artifacts && !artifacts.baseDirectory ? artifacts.files.map(({ value }) => directoryOf("", value)) : [];
  const target = targets.find(
    (path) => /(^|\/)Dockerfile[\w.-]*$/.test(path) || files.includes(directoryOf(command.directory, path)),
  );
  if (!secret || target === undefined) return undefined;
  const isDockerfile = /(^|\/)Dockerfile[\w.-]*$/.test(target);
  return {
    ...(secret.word && { word: secret.word }),
    message: `the secret \`$${secret.variable}\` is written into \`${target}\`, ${isDockerfile ? "and so into the image" : "which is an artifact"}`,
    why: isDockerfile
      ? "whoever can pull the image reads it in its configuration or history"
      : "artifacts are not masked: whoever can read the bucket reads it",
  };
}

/** Values of options, and URLs, of programs that can take them otherwise. */
function argument(context: CheckContext, command: ShellCommand): Leak | undefined {
  const { name = "", args } = command;
  const inUrl = args.find(
    (word) =>
      /^["']?https?:\/\/[^/@]*@/.test(word.symbol.replace(/\$\{[^}]*\}|\$\([^)]*\)/g, "x")) &&
      secretIn(context, [word]),
  );
  const url = inUrl && secretIn(context, [inUrl]);
  if (url && name === "git") {
    return {
      word: url.word,
      message: `the secret \`$${url.variable}\` is part of the repository's URL`,
      why: "git writes the URL into `.git/config` and prints it in its errors; artifacts and images that hold the folder hold the secret",
      advice: "use `git-credential-helper: yes`, or `git -c http.extraHeader=…` with the token",
    };
  }
  const option = ownValue(secretOptions, name);
  if (!option) return undefined;
  for (const [index, word] of args.entries()) {
    const before = args[index - 1]?.source ?? "";
    const isValue =
      option.test(before) ||
      (option.test(word.source.split("=")[0] ?? "") && word.source.includes("=")) ||
      (name === "mysql" && /^-p./.test(word.source));
    const secret = isValue ? secretIn(context, [word]) : undefined;
    if (!secret) continue;
    return {
      word,
      severity: "info",
      message: `the secret \`$${secret.variable}\` is an argument of \`${name}\``,
      why: "arguments are readable in the process list, and `set -x` prints them",
    };
  }
  return undefined;
}

const secretOptions: Readonly<Record<string, RegExp>> = {
  curl: /^(-u|--user|-H|--header|--proxy-user|-d|--data)$/,
  wget: /^(--password|--http-password|--header)$/,
  mysql: /^--password$/,
  mysqldump: /^--password$/,
  sshpass: /^-p$/,
  aws: /^(--value|--secret-string|--parameter-overrides|--master-user-password)$/,
};
