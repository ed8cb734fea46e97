/**
 * Commands that ask and wait for an answer. A build has no terminal and nothing on its standard input, so they end with
 * an error, or take the answer that means no.
 * `docker login` is docker/login-empty-pipe's.
 */
import { inScript, placeOf } from "../finding-place.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

export const commandsInteractivePrompt: Rule = {
  id: "commands/interactive-prompt",
  severity: "warning",
  title: "a command that asks a question nobody can answer",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases.commands",
  *run(context) {
    for (const command of context.shell.everyCommand) {
      if (command.hasInput) continue;
      const prompt = promptOf(command, context);
      if (!prompt) continue;
      const fix = fixOf(context, command, prompt);
      yield {
        ...(prompt.isCertain && !command.isGuarded && { severity: "error" as const }),
        message: `\`${prompt.title}\`${inScript(command)} ${prompt.asks}`,
        ...placeOf(command),
        why: prompt.why,
        ...(fix && { fix }),
      };
    }
  },
};

interface Prompt {
  /** The command, e.g. `terraform apply`. */
  readonly title: string;
  /** What it does: `asks whether to go on`. */
  readonly asks: string;
  readonly why: string;
  /** It fails for certain without an answer. */
  readonly isCertain?: boolean;
  /** An option that keeps it from asking, to be written after this word of the command. */
  readonly option?: { readonly text: string; readonly after: string };
  /** What else to do. */
  readonly advice?: string;
}

const noAnswer = "a build has no terminal, and nothing answers";

const words = (command: ShellCommand): string[] => command.args.map(({ text, source }) => text ?? source);
const plain = (command: ShellCommand): string[] => words(command).filter((word) => !word.startsWith("-"));
const has = (command: ShellCommand, pattern: RegExp): boolean => words(command).some((word) => pattern.test(word));
/** A word that is not known may hold the option. */
const isOpen = (command: ShellCommand): boolean =>
  command.args.some(({ text, pieces }) => text === undefined && pieces.length === 1 && pieces[0]?.isQuoted === false);

function promptOf(command: ShellCommand, context: CheckContext): Prompt | undefined {
  const { name } = command;
  if (name === undefined || isOpen(command) || has(command, /^(--help|--version|-h)$/)) return undefined;
  const [verb = "", next = ""] = plain(command);
  return ASKING.get(name)?.({ command, context, name, verb, next });
}

interface Call {
  readonly command: ShellCommand;
  readonly context: CheckContext;
  readonly name: string;
  /** The first two words that are no options. */
  readonly verb: string;
  readonly next: string;
}

/** By program: what it asks when called so; undefined when it asks nothing. */
const ASKING: ReadonlyMap<string, (call: Call) => Prompt | undefined> = new Map([
  ["apt-get", apt],
  ["apt", apt],
  ["yum", yum],
  ["dnf", yum],
  ["terraform", terraform],
  ["tofu", terraform],
  ["terragrunt", terragrunt],
  ["cdk", cdk],
  [
    "npx",
    (call) =>
      call.verb.replace(/@.*/, "") === "cdk" || call.verb === "aws-cdk" ? cdk({ ...call, verb: call.next }) : undefined,
  ],
  ["sam", sam],
  ["npm", npm],
  ["gh", gh],
  ["heroku", login],
  ["vercel", login],
  ["netlify", login],
  ["firebase", login],
  ["aws", aws],
  ["read", read],
  ["vim", editor],
  ["vi", editor],
  ["nano", editor],
  ["emacs", editor],
  ["ssh-keygen", sshKeygen],
  ["ssh", hostKey],
  ["scp", hostKey],
]);

function yum({ command, name, verb }: Call): Prompt | undefined {
  if (!/^(install|update|upgrade|remove|groupinstall|localinstall|reinstall)$/.test(verb)) return undefined;
  if (has(command, /^(-[a-z]*y[a-z]*|--assumeyes)$/)) return undefined;
  return {
    title: `${name} ${verb}`,
    asks: "asks whether to go on",
    why: `${noAnswer}: it stops with \`Operation aborted.\``,
    option: { text: "-y", after: verb },
  };
}

function terraform({ command, context, name, verb }: Call): Prompt | undefined {
  if (!/^(apply|destroy)$/.test(verb) || has(command, /^-?-(auto-approve|input=false)(=true)?$/)) return undefined;
  // A saved plan is applied without a question.
  if (verb === "apply" && hasPlan(command)) return undefined;
  if (/TF_CLI_ARGS/.test(context.text)) return undefined;
  return {
    title: `${name} ${verb}`,
    asks: "asks for approval",
    isCertain: true,
    why: "without a terminal it stops with `error asking for approval: EOF`",
    option: { text: "-auto-approve", after: verb },
  };
}

function terragrunt({ command, verb }: Call): Prompt | undefined {
  if (!/^(apply|destroy|run-all)$/.test(verb)) return undefined;
  if (has(command, /^--?(auto-approve|terragrunt-non-interactive|non-interactive)$/)) return undefined;
  return {
    title: `terragrunt ${verb}`,
    asks: "asks for approval",
    why: noAnswer,
    option: { text: "-auto-approve", after: verb },
  };
}

function sam({ command, verb }: Call): Prompt | undefined {
  if (verb === "deploy" && has(command, /^(-g|--guided)$/)) {
    return {
      title: "sam deploy --guided",
      asks: "asks for every setting",
      isCertain: true,
      why: `${noAnswer}: it stops with \`Aborted!\``,
      advice: "commit samconfig.toml, and run `sam deploy --no-confirm-changeset --no-fail-on-empty-changeset`",
    };
  }
  if (verb === "deploy" && has(command, /^--confirm-changeset$/)) {
    return {
      title: "sam deploy --confirm-changeset",
      asks: "asks whether to deploy",
      why: `${noAnswer}, which means no`,
      advice: "use `--no-confirm-changeset`",
    };
  }
  if (verb !== "delete" || has(command, /^--no-prompts$/)) return undefined;
  return {
    title: "sam delete",
    asks: "asks whether to delete",
    why: noAnswer,
    option: { text: "--no-prompts", after: "delete" },
  };
}

function npm({ command, verb }: Call): Prompt | undefined {
  if (verb === "init" && !has(command, /^(-y|--yes|-f|--force)$/) && plain(command).length === 1)
    return { title: "npm init", asks: "asks for every field", why: noAnswer, option: { text: "-y", after: "init" } };
  if (!/^(login|adduser|add-user)$/.test(verb)) return undefined;
  return {
    title: `npm ${verb}`,
    asks: "asks for user and password",
    isCertain: true,
    why: noAnswer,
    advice: 'write the token to .npmrc: `npm config set //registry…/:_authToken "$NPM_TOKEN"`',
  };
}

function gh({ command, verb, next }: Call): Prompt | undefined {
  if (verb !== "auth" || next !== "login" || has(command, /^--with-token$/)) return undefined;
  return {
    title: "gh auth login",
    asks: "asks how to log in",
    why: noAnswer,
    advice: "set `GH_TOKEN`, or give the token with `--with-token`",
  };
}

function login({ command, name, verb }: Call): Prompt | undefined {
  if (verb !== "login" || plain(command).length !== 1 || has(command, /^--(no-localhost|ci|token)/)) return undefined;
  return { title: `${name} login`, asks: "asks to log in", why: noAnswer, advice: "use a token from Secrets Manager" };
}

function aws({ command, verb, next }: Call): Prompt | undefined {
  const advice = "leave it out: a build has the credentials of its service role";
  if (verb === "configure" && (plain(command).length === 1 || next === "sso")) {
    const title = next === "sso" ? "aws configure sso" : "aws configure";
    return { title, asks: "asks for keys and region", why: noAnswer, advice };
  }
  if (verb !== "sso" || next !== "login") return undefined;
  return { title: "aws sso login", asks: "waits for a browser", why: noAnswer, advice };
}

/** Inside a loop or a function the input comes from around it. */
function read({ command }: Call): Prompt | undefined {
  if (command.isConditional || command.isFailureCaught) return undefined;
  return {
    title: "read",
    asks: "waits for a line on standard input",
    why: `${noAnswer}: it ends with status 1 and an empty variable`,
  };
}

function editor({ command, name }: Call): Prompt | undefined {
  if (has(command, /^(-c|-es|-e|-s|-es?n?|\+.*|--batch|--cmd)$/)) return undefined;
  return { title: name, asks: "opens an editor", why: "a build has no terminal" };
}

function sshKeygen({ command, name }: Call): Prompt | undefined {
  if (has(command, /^-(f.*|l|y|F|R|p|i|e|A|H|t?.*[lyFRAH]f.*)$/)) return undefined;
  return { title: name, asks: "asks where to save the key", why: noAnswer, advice: "give `-f FILE -N ''`" };
}

/** A word after `apply` that is no option and no option's value. */
function hasPlan(command: ShellCommand): boolean {
  const valued = /^-?-(var|var-file|target|replace|state|state-out|backup|parallelism|lock-timeout|chdir)$/;
  const all = words(command);
  return all
    .slice(all.indexOf("apply") + 1)
    .some((word, index, rest) => !word.startsWith("-") && !valued.test(rest[index - 1] ?? ""));
}

function apt({ command, context, verb }: Call): Prompt | undefined {
  if (!/^(install|upgrade|dist-upgrade|full-upgrade|remove|purge|autoremove)$/.test(verb)) return undefined;
  if (has(command, /^(-[a-zA-Z]*y[a-zA-Z]*|--yes|--assume-yes|-qq|-q=2|--force-yes|-s|--dry-run|-d|--download-only)$/))
    return undefined;
  if (/APT::Get::Assume-Yes|assume-yes/i.test(context.text)) return undefined;
  // AWS: apt asks only when it would install more than was named; packages without dependencies of their own pass.
  const packages = plain(command).slice(1);
  if (
    verb === "install" &&
    packages.length > 0 &&
    packages.every((name) => alone.has(name.replace(/=.*/, "")) || /\.deb$/.test(name))
  )
    return undefined;
  return {
    title: `${command.name} ${verb}`,
    asks: "asks whether to go on when it needs more packages than are named",
    why: `${noAnswer}: it stops with \`Abort.\``,
    option: { text: "-y", after: verb },
  };
}

/** Packages that bring no others. */
const alone = new Set(
  "terraform packer vault consul nomad boundary waypoint gh unzip zip jq make rsync tree curl wget".split(" "),
);

function cdk({ command, context, verb }: Call): Prompt | undefined {
  if (/require-?approval/i.test(context.text) || has(command, /^(-f|--force|-y|--yes|--ci)$/)) return undefined;
  if (verb === "destroy")
    return {
      title: "cdk destroy",
      asks: "asks whether to delete",
      why: "without a terminal it stops",
      option: { text: "--force", after: "destroy" },
    };
  if (verb !== "deploy" || has(command, /^--(no-execute|method=prepare-change-set|hotswap|hotswap-fallback)$/))
    return undefined;
  if (/"requireApproval"/.test(context.workspace.readText("cdk.json") ?? "")) return undefined;
  return {
    title: "cdk deploy",
    asks: "asks for approval when the change widens permissions",
    why: 'without a terminal it stops: `"--require-approval" is enabled and stack includes security-sensitive updates, but terminal (TTY) is not attached`',
    option: { text: "--require-approval never", after: "deploy" },
  };
}

/** The first connection asks whether to trust the host's key. */
function hostKey({ command, context, name }: Call): Prompt | undefined {
  if (/StrictHostKeyChecking|known_hosts|ssh-keyscan|UserKnownHostsFile|BatchMode/.test(context.text)) return undefined;
  if (context.shell.scriptFiles.length > 0 || has(command, /^(-V|-T?F.*|-F)$/) || plain(command).length === 0)
    return undefined;
  return {
    title: name,
    asks: "asks whether to trust the host's key",
    why: "a fresh build knows no hosts: `Host key verification failed.`",
    advice: "run `ssh-keyscan HOST >> ~/.ssh/known_hosts` before it",
  };
}

function fixOf(context: CheckContext, command: ShellCommand, { option, advice }: Prompt): Finding["fix"] {
  if (advice !== undefined) return { kind: "command", title: advice, commands: [] };
  if (!option) return undefined;
  const at = command.args.find(({ text }) => text === option.after)?.span?.endOffset;
  const title = `add \`${option.text}\``;
  if (at === undefined || command.script) return { kind: "command", title, commands: [] };
  return {
    kind: "edit",
    title,
    edits: [{ file: context.file, startOffset: at, endOffset: at, newText: ` ${option.text}` }],
  };
}
