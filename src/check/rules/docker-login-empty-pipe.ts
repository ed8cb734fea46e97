/**
 * A `docker login` that gets no password: nothing on standard input, an empty text, no user beside `--password-stdin`.
 * A build has no terminal to ask on.
 */
import { dockerCommands, loginOf } from "../docker/docker-commands.ts";
import { keepsCredentials } from "../docker/registry-logins.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

export const dockerLoginEmptyPipe: Rule = {
  id: "docker/login-empty-pipe",
  severity: "error",
  title: "a docker login that gets no password",
  source: "https://docs.docker.com/reference/cli/docker/login/#password-stdin",
  *run(context) {
    if (keepsCredentials(context)) return;
    let hasLogin = false;
    for (const docker of dockerCommands(context.shell.everyCommand)) {
      if (docker.verb !== "login" || docker.command.name !== "docker") continue;
      const { command } = docker;
      const login = loginOf(docker);
      const isFirst = !hasLogin;
      hasLogin = true;
      if (login.isQuestion || login.password || command.wrappers.includes("xargs") || hasHiddenOptions(command))
        continue;
      const problem = problemOf(command, login, isFirst);
      if (problem === undefined) continue;
      yield {
        ...(command.isGuarded && { severity: "warning" as const }),
        message: `${problem}${inScript(command)}`,
        ...placeOf(command),
        why: problem.includes("user name")
          ? "docker answers `Must provide --username with --password-stdin`"
          : "a build has no terminal: `Error: Cannot perform an interactive login from a non TTY device`",
        fix: readThePipe(context, command, login) ?? {
          kind: "command",
          title: "give user and password",
          commands: ['echo "$DOCKER_PASSWORD" | docker login -u "$DOCKER_USERNAME" --password-stdin'],
        },
      };
    }
  },
};

/** What is missing; undefined when nothing is. */
function problemOf(command: ShellCommand, login: ReturnType<typeof loginOf>, isFirst: boolean): string | undefined {
  if (!login.readsStdin) {
    // Without a user docker takes what an earlier login has stored.
    const isStored = login.user === undefined && !isFirst;
    if (isStored) return undefined;
    return isPipedUnread(command, login)
      ? "`docker login` does not read the password that is piped into it"
      : "`docker login` has no password and cannot ask for one";
  }
  // A function, a script or a branch may be given input from outside.
  const isFed = command.hasInput || command.isConditional || command.script !== undefined;
  if (!isFed) return "`docker login --password-stdin` has nothing on its standard input";
  if (printsNothing(command.pipedFrom)) return "`docker login --password-stdin` gets an empty text";
  return login.user === undefined ? "`docker login --password-stdin` needs a user name beside it" : undefined;
}

/** `… | docker login -u USER`: the password is there, and only not asked for. */
const isPipedUnread = ({ pipedFrom }: ShellCommand, { user, readsStdin }: ReturnType<typeof loginOf>): boolean =>
  user !== undefined && !readsStdin && pipedFrom !== undefined && !printsNothing(pipedFrom);

function readThePipe(context: CheckContext, command: ShellCommand, login: ReturnType<typeof loginOf>): Finding["fix"] {
  if (!isPipedUnread(command, login)) return undefined;
  const title = "add `--password-stdin`";
  const at = command.args.find(({ text }) => text === "login")?.span?.endOffset;
  if (at === undefined || command.script !== undefined) return { kind: "command", title, commands: [] };
  return {
    kind: "edit",
    title,
    edits: [{ file: context.file, startOffset: at, endOffset: at, newText: " --password-stdin" }],
  };
}

/** A variable without quotes that may hold options. */
const hasHiddenOptions = (command: ShellCommand): boolean =>
  command.args.some(
    ({ text, pieces }) =>
      text === undefined &&
      pieces.some(
        ({ variable, isQuoted, isCommand }) =>
          !isQuoted && (isCommand || /ARG|OPT|FLAG|PARAM|LOGIN|CRED|CMD/i.test(variable ?? "")),
      ),
  );

/** `echo ""` and `echo $X` with a variable that is known to be empty. */
const printsNothing = (from: ShellCommand | undefined): boolean =>
  from !== undefined &&
  /^(echo|printf)$/.test(from.name ?? "") &&
  from.args.every(({ text }) => text === "" || text === "-n");
