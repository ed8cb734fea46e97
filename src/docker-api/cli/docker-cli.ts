/**
 * Kiln's small `docker`: for machines without the docker CLI, the commands that builds use, with docker's flags, texts
 * and exit codes, over the same API. Texts: docker CLI 28, observed.
 * Gaps: compose, contexts, swarm, plugins, interactive terminals; refused by name.
 */
import { ApiClient, DaemonError, NoDaemon } from "./api-client.ts";
import { build } from "./build-command.ts";
import { buildxCreate, buildxInspect, buildxList, buildxUse, buildxVersion } from "./buildx-commands.ts";
import type { CliCommand, CliStreams } from "./cli-command.ts";
import {
  commit,
  diff,
  exportFiles,
  kill,
  logs,
  port,
  ps,
  rename,
  restart,
  rm,
  stop,
  top,
  wait,
} from "./container-commands.ts";
import { cp } from "./copy-command.ts";
import { UsageError } from "./flags.ts";
import { history, images, importFiles, load, pull, push, rmi, save, tag } from "./image-commands.ts";
import { containerInspect, imageInspect, inspect, networkInspect, volumeInspect } from "./inspect-command.ts";
import { login, logout } from "./login-commands.ts";
import {
  networkConnect,
  networkCreate,
  networkDisconnect,
  networkList,
  networkRemove,
  volumeCreate,
  volumeList,
  volumeRemove,
} from "./network-volume-commands.ts";
import { builderPrune, containerPrune, imagePrune, networkPrune, systemPrune, volumePrune } from "./prune-commands.ts";
import { attach, create, exec, run, start } from "./run-command.ts";
import { CLIENT_VERSION, diskUsage, events, info, version } from "./system-commands.ts";
import { NO_DAEMON } from "./wrapper.ts";

interface Entry {
  readonly run: (command: CliCommand) => Promise<number>;
  /** After `docker `. */
  readonly usage: string;
}

const CONTAINERS = "CONTAINER [CONTAINER...]";
const COMMANDS: Readonly<Record<string, Entry>> = {
  attach: { run: attach, usage: "attach [OPTIONS] CONTAINER" },
  build: { run: build, usage: "build [OPTIONS] PATH | URL | -" },
  commit: { run: commit, usage: "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]" },
  cp: {
    run: cp,
    usage: "cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n\tdocker cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
  },
  create: { run: create, usage: "create [OPTIONS] IMAGE [COMMAND] [ARG...]" },
  diff: { run: diff, usage: "diff CONTAINER" },
  events: { run: events, usage: "events [OPTIONS]" },
  exec: { run: exec, usage: "exec [OPTIONS] CONTAINER COMMAND [ARG...]" },
  export: { run: exportFiles, usage: "export [OPTIONS] CONTAINER" },
  history: { run: history, usage: "history [OPTIONS] IMAGE" },
  images: { run: images, usage: "images [OPTIONS] [REPOSITORY[:TAG]]" },
  import: { run: importFiles, usage: "import [OPTIONS] file|URL|- [REPOSITORY[:TAG]]" },
  info: { run: info, usage: "info [OPTIONS]" },
  inspect: { run: inspect, usage: "inspect [OPTIONS] NAME|ID [NAME|ID...]" },
  kill: { run: kill, usage: `kill [OPTIONS] ${CONTAINERS}` },
  load: { run: load, usage: "load [OPTIONS]" },
  login: { run: login, usage: "login [OPTIONS] [SERVER]" },
  logout: { run: logout, usage: "logout [SERVER]" },
  logs: { run: logs, usage: "logs [OPTIONS] CONTAINER" },
  port: { run: port, usage: "port CONTAINER [PRIVATE_PORT[/PROTO]]" },
  ps: { run: ps, usage: "ps [OPTIONS]" },
  pull: { run: pull, usage: "pull [OPTIONS] NAME[:TAG|@DIGEST]" },
  push: { run: push, usage: "push [OPTIONS] NAME[:TAG]" },
  rename: { run: rename, usage: "rename CONTAINER NEW_NAME" },
  restart: { run: restart, usage: `restart [OPTIONS] ${CONTAINERS}` },
  rm: { run: rm, usage: `rm [OPTIONS] ${CONTAINERS}` },
  rmi: { run: rmi, usage: "rmi [OPTIONS] IMAGE [IMAGE...]" },
  run: { run, usage: "run [OPTIONS] IMAGE [COMMAND] [ARG...]" },
  save: { run: save, usage: "save [OPTIONS] IMAGE [IMAGE...]" },
  start: { run: start, usage: `start [OPTIONS] ${CONTAINERS}` },
  stop: { run: stop, usage: `stop [OPTIONS] ${CONTAINERS}` },
  tag: { run: tag, usage: "tag SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]" },
  top: { run: top, usage: "top CONTAINER [ps OPTIONS]" },
  version: { run: version, usage: "version [OPTIONS]" },
  wait: { run: wait, usage: `wait ${CONTAINERS}` },
};

const of = (names: string): Record<string, Entry> =>
  Object.fromEntries(names.split(" ").flatMap((name) => (COMMANDS[name] ? [[name, COMMANDS[name]]] : [])));
const listing = (entry: Entry | undefined): Record<string, Entry> => (entry ? { ls: entry, list: entry } : {});
const removal = (entry: Entry | undefined): Record<string, Entry> => (entry ? { rm: entry, remove: entry } : {});

/** `docker GROUP COMMAND`. */
const GROUPS: Readonly<Record<string, Readonly<Record<string, Entry>>>> = {
  builder: { ...of("build"), prune: { run: builderPrune, usage: "builder prune [OPTIONS]" } },
  buildx: {
    ...of("build"),
    create: { run: buildxCreate, usage: "buildx create [OPTIONS] [CONTEXT|ENDPOINT]" },
    inspect: { run: buildxInspect, usage: "buildx inspect [NAME]" },
    ls: { run: buildxList, usage: "buildx ls" },
    prune: { run: builderPrune, usage: "buildx prune" },
    use: { run: buildxUse, usage: "buildx use [OPTIONS] NAME" },
    version: { run: buildxVersion, usage: "buildx version" },
  },
  container: {
    ...of("attach commit cp create diff exec export kill logs port ps rename restart rm run start stop top wait"),
    ...listing(COMMANDS["ps"]),
    ...removal(COMMANDS["rm"]),
    inspect: { run: containerInspect, usage: `container inspect [OPTIONS] ${CONTAINERS}` },
    prune: { run: containerPrune, usage: "container prune [OPTIONS]" },
  },
  image: {
    ...of("build history import load pull push save tag"),
    ...listing(COMMANDS["images"]),
    ...removal(COMMANDS["rmi"]),
    inspect: { run: imageInspect, usage: "image inspect [OPTIONS] IMAGE [IMAGE...]" },
    prune: { run: imagePrune, usage: "image prune [OPTIONS]" },
  },
  network: {
    ...listing({ run: networkList, usage: "network ls [OPTIONS]" }),
    ...removal({ run: networkRemove, usage: "network rm NETWORK [NETWORK...]" }),
    connect: { run: networkConnect, usage: "network connect [OPTIONS] NETWORK CONTAINER" },
    create: { run: networkCreate, usage: "network create [OPTIONS] NETWORK" },
    disconnect: { run: networkDisconnect, usage: "network disconnect [OPTIONS] NETWORK CONTAINER" },
    inspect: { run: networkInspect, usage: "network inspect [OPTIONS] NETWORK [NETWORK...]" },
    prune: { run: networkPrune, usage: "network prune [OPTIONS]" },
  },
  system: {
    ...of("events info"),
    df: { run: diskUsage, usage: "system df [OPTIONS]" },
    prune: { run: systemPrune, usage: "system prune [OPTIONS]" },
  },
  volume: {
    ...listing({ run: volumeList, usage: "volume ls [OPTIONS]" }),
    ...removal({ run: volumeRemove, usage: "volume rm [OPTIONS] VOLUME [VOLUME...]" }),
    create: { run: volumeCreate, usage: "volume create [OPTIONS] [VOLUME]" },
    inspect: { run: volumeInspect, usage: "volume inspect [OPTIONS] VOLUME [VOLUME...]" },
    prune: { run: volumePrune, usage: "volume prune [OPTIONS]" },
  },
};
/** Commands of docker that this one does not have and that end with `Cannot connect` where there is no daemon. */
const OTHERS_WITH_DAEMON = new Set(
  "compose config context node pause plugin search secret service stack stats swarm unpause update".split(" "),
);

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
    streams.stdout.write(`Docker version ${CLIENT_VERSION}, build kiln\n`);
    return 0;
  }
  if (args.length === 0 || args[0] === "help" || args[0] === "--help") {
    streams.stdout.write(
      `Usage:  docker [OPTIONS] COMMAND\n\nKiln's small docker. Commands: ${Object.keys(COMMANDS).join(", ")}\n`,
    );
    return 0;
  }
  const group = GROUPS[args[0] ?? ""];
  const sub = args[1];
  // Only `docker GROUP` by itself is help.
  if (group && (sub === undefined || sub === "--help")) {
    streams.stdout.write(`Usage:  docker ${args[0]} COMMAND\n\nCommands: ${Object.keys(group).join(", ")}\n`);
    return 0;
  }
  const name = group ? `${args[0]} ${sub}` : (args[0] ?? "");
  const rest = args.slice(group ? 2 : 1);
  const command = group ? group[sub ?? ""] : COMMANDS[name];
  const isRun = command === COMMANDS["run"];
  const hasDaemon = streams.environment[NO_DAEMON] === undefined;
  const api = new ApiClient(hasDaemon ? host : undefined, hasDaemon);
  if (!command) {
    if (!hasDaemon && (group !== undefined || OTHERS_WITH_DAEMON.has(name))) {
      print(api.noDaemon().message);
      return 1;
    }
    const help = group ? `docker ${args[0]} --help` : "docker --help";
    print(`docker: unknown command: docker ${name}\n\nRun '${help}' for more information`);
    return 1;
  }
  // What follows the image or the container is its own.
  const own = rest.slice(0, rest.findIndex((word) => !word.startsWith("-")) + 1 || rest.length);
  if (own.includes("--help") || (rest[0] === "-h" && !isRun)) {
    streams.stdout.write(`Usage:  docker ${command.usage}\n`);
    return 0;
  }
  try {
    return await command.run({ ...streams, args: rest, api });
  } catch (error) {
    if (error instanceof UsageError) {
      // A flag that only docker's own CLI knows: that one would have said that nothing answers.
      if (!hasDaemon && /^unknown (flag|shorthand)/.test(error.message)) {
        print(api.noDaemon().message);
        return isRun ? 125 : 1;
      }
      print(`${error.message}\n\nUsage:  docker ${command.usage}\n\nRun 'docker ${name} --help' for more information`);
      return error.message.startsWith("docker:") || error.message.startsWith('"docker') ? 1 : 125;
    }
    if (error instanceof DaemonError) print(`Error response from daemon: ${error.message}`);
    else if (error instanceof NoDaemon)
      print(isRun ? `docker: ${error.message}\n\nRun 'docker run --help' for more information` : error.message);
    else print((error as Error).message);
    return isRun ? 125 : 1;
  }
}
