/**
 * A build that starts `dockerd` itself: without privileged mode it cannot, and started with `&` alone it ends with its
 * command.
 */
import { dockerCommand, needsDaemon } from "../docker/docker-commands.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";
import type { ShellCommand } from "../shell/shell-model.ts";

export const dockerDaemonNotStarted: Rule = {
  id: "docker/daemon-not-started",
  severity: "error",
  title: "a dockerd that cannot start, or does not outlive its command",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker-custom-image.html",
  *run(context) {
    const { everyCommand } = context.shell;
    const service = everyCommand.find(startsService);
    if (service && !service.isGuarded && context.project.type !== "LINUX_EC2" && context.project.type !== "ARM_EC2") {
      yield {
        severity: "warning",
        message: `\`${service.name} … docker\`${inScript(service)} needs a service manager, and a build container has none`,
        ...placeOf(service),
        why: "it answers `System has not been booted with systemd as init system` or `unrecognized service`; in privileged mode CodeBuild's own images start the daemon themselves",
        fix: {
          kind: "command",
          title: "remove it, and set `privilegedMode` to true in the project's environment",
          commands: [],
        },
      };
    }
    const daemon = everyCommand.find(({ name }) => /(^|\/)(dockerd|dockerd-entrypoint\.sh)$/.test(name ?? ""));
    if (!daemon || daemon.args.some(({ text }) => text === "--version" || text === "--help")) return;
    if (context.project.privilegedMode === false) {
      yield {
        message: `\`dockerd\`${inScript(daemon)} needs privileged mode, which is off`,
        ...placeOf(daemon),
        why: "it may not mount or make network interfaces, and ends at once; every docker command after it fails",
        fix: { kind: "command", title: "set `privilegedMode` to true in the project's environment", commands: [] },
      };
      return;
    }
    const isKept =
      daemon.wrappers.some((name) => name === "nohup" || name === "setsid") || /\bdisown\b/.test(daemon.within.value);
    const users = everyCommand
      .slice(everyCommand.indexOf(daemon) + 1)
      .filter((command) => command.within !== daemon.within);
    const user = users.find((command) => needsDaemon(dockerCommand(command)?.verb ?? ""));
    if (daemon.lost !== "background" || isKept || !user) return;
    const at = daemon.nameWord?.span?.startOffset;
    yield {
      severity: "warning",
      message: `\`dockerd\`${inScript(daemon)} is started with \`&\` alone, and \`docker ${dockerCommand(user)?.verb}\` in a later command needs it`,
      ...placeOf(daemon),
      why: "CodeBuild ends what a command left running in the background, unless it was started with `nohup`",
      ...(at !== undefined &&
        !daemon.script &&
        daemon.wrappers.length === 0 && {
          fix: {
            kind: "edit" as const,
            title: "start it with `nohup`",
            edits: [{ file: context.file, startOffset: at, endOffset: at, newText: "nohup " }],
          },
        }),
    };
  },
};

/** `systemctl start docker`, `service docker start` */
const startsService = ({ name, args }: ShellCommand): boolean => {
  const words = args.flatMap(({ text }) => (text === undefined || text.startsWith("-") ? [] : [text]));
  const [verb, unit] = name === "service" ? [words[1], words[0]] : [words[0], words[1]];
  return (
    /^(systemctl|service)$/.test(name ?? "") &&
    /^(re)?start$|^enable$/.test(verb ?? "") &&
    /^docker(\.service)?$/.test(unit ?? "")
  );
};
