/**
 * Kiln's small `docker`: for machines without the docker CLI, the commands that builds use, with docker's flags, texts
 * and exit codes, over the same API. Texts: docker CLI 28, observed.
 * Gaps: buildx, compose, contexts, formats (`--format`), interactive terminals; refused by name.
 */
import { ApiClient, DaemonError, NoDaemon } from "./api-client.ts";
import { build } from "./build-command.ts";
import type { CliCommand, CliStreams } from "./cli-command.ts";
import { UsageError } from "./flags.ts";
import { history, images, inspect, load, pull, push, rmi, save, tag } from "./image-commands.ts";
import { login, logout } from "./login-commands.ts";
import { run } from "./run-command.ts";
import { info, version } from "./system-commands.ts";
import { NO_DAEMON } from "./wrapper.ts";

type Run = (command: CliCommand) => Promise<number>;

const COMMANDS: Readonly<Record<string, { readonly run: Run; readonly usage: string }>> = {
  build: { run: build, usage: "docker build [OPTIONS] PATH | URL | -" },
  history: { run: history, usage: "docker history [OPTIONS] IMAGE" },
  images: { run: images, usage: "docker images [OPTIONS] [REPOSITORY[:TAG]]" },
  info: { run: info, usage: "docker info [OPTIONS]" },
  inspect: { run: inspect, usage: "docker inspect [OPTIONS] NAME|ID [NAME|ID...]" },
  load: { run: load, usage: "docker load [OPTIONS]" },
  login: { run: login, usage: "docker login [OPTIONS] [SERVER]" },
  logout: { run: logout, usage: "docker logout [SERVER]" },
  pull: { run: pull, usage: "docker pull [OPTIONS] NAME[:TAG|@DIGEST]" },
  push: { run: push, usage: "docker push [OPTIONS] NAME[:TAG]" },
  rmi: { run: rmi, usage: "docker rmi [OPTIONS] IMAGE [IMAGE...]" },
  run: { run, usage: "docker run [OPTIONS] IMAGE [COMMAND] [ARG...]" },
  save: { run: save, usage: "docker save [OPTIONS] IMAGE [IMAGE...]" },
  tag: { run: tag, usage: "docker tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]" },
  version: { run: version, usage: "docker version [OPTIONS]" },
};
/** Commands of docker that this one does not have and that end with `Cannot connect` where there is no daemon. */
const OTHERS_WITH_DAEMON = new Set(
  (
    "attach build builder buildx commit compose container cp create diff events exec export image import kill logs network node pause " +
    "plugin port ps rename restart rm search secret service stack start stats stop swarm system top unpause update volume wait"
  ).split(" "),
);
const ALIASES: Readonly<Record<string, string>> = { ls: "images", rm: "rmi" };

/** Returns the exit code. */
export async function runDockerCli(argv: readonly string[], streams: CliStreams): Promise<number> {
  const print = (text: string): void => void streams.stderr.write(`${text}\n`);
  let args = [...argv];
  let host = streams.environment["DOCKER_HOST"];
  while (args[0] === "-H" || args[0] === "--host" || args[0]?.startsWith("--host=")) {
    const [flag = "", value] = args;
    host = flag.includes("=") ? flag.slice(flag.indexOf("=") + 1) : value;
    args = args.slice(flag.includes("=") ? 1 : 2);
  }
  if (args[0] === "--version" || args[0] === "-v") {
    streams.stdout.write("Docker version 28.0.0-kiln, build kiln\n");
    return 0;
  }
  if (args.length === 0 || args[0] === "help" || args[0] === "--help") {
    streams.stdout.write(
      `Usage:  docker [OPTIONS] COMMAND\n\nKiln's small docker. Commands: ${Object.keys(COMMANDS).join(", ")}\n`,
    );
    return 0;
  }
  const isGroup = args[0] === "image" || args[0] === "builder" || args[0] === "container";
  if (isGroup && args.length > 1) args = [ALIASES[args[1] ?? ""] ?? args[1] ?? "", ...args.slice(2)];
  const [name = "", ...rest] = args;
  const command = COMMANDS[name];
  const hasDaemon = streams.environment[NO_DAEMON] === undefined;
  const api = new ApiClient(hasDaemon ? host : undefined, hasDaemon);
  if (!command) {
    if (!hasDaemon && OTHERS_WITH_DAEMON.has(name)) {
      print(api.noDaemon().message);
      return 1;
    }
    print(`docker: unknown command: docker ${name}\n\nRun 'docker --help' for more information`);
    return 1;
  }
  if (rest.includes("--help")) {
    streams.stdout.write(`Usage:  ${command.usage}\n`);
    return 0;
  }
  try {
    return await command.run({ ...streams, args: rest, api });
  } catch (error) {
    if (error instanceof UsageError) {
      // A flag that only docker's own CLI knows: that one would have said that nothing answers.
      if (!hasDaemon && /^unknown (flag|shorthand)/.test(error.message)) {
        print(api.noDaemon().message);
        return name === "run" ? 125 : 1;
      }
      print(`${error.message}\n\nUsage:  ${command.usage}\n\nRun 'docker ${name} --help' for more information`);
      return error.message.startsWith("docker:") || error.message.startsWith('"docker') ? 1 : 125;
    }
    if (error instanceof DaemonError) print(`Error response from daemon: ${error.message}`);
    else if (error instanceof NoDaemon)
      print(
        name === "run" ? `docker: ${error.message}\n\nRun 'docker run --help' for more information` : error.message,
      );
    else print((error as Error).message);
    return name === "run" ? 125 : 1;
  }
}
