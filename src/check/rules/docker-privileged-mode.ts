/**
 * docker in a build whose project has no privileged mode: there is no daemon, every docker command fails. Where the
 * project is not known, one piece of information at the first docker command.
 */
import { dockerCommands, needsDaemon } from "../docker/docker-commands.ts";
import type { CheckContext, Rule } from "../rule.ts";

export const dockerPrivilegedMode: Rule = {
  id: "docker/privileged-mode",
  severity: "error",
  title: "docker used while the project's privilegedMode is false",
  source:
    "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-cannot-connect-to-docker-daemon",
  *run(context) {
    const { privilegedMode } = context.project;
    if (privilegedMode === true) return;
    const first = dockerCommands(context.shell.commands).find(({ verb }) => needsDaemon(verb));
    if (!first) return;
    if (privilegedMode === undefined) {
      yield {
        severity: "info",
        message: `\`docker ${first.verb}\` needs privileged mode, and a buildspec cannot switch it on`,
        span: first.command.span,
        why: `a project has it off by default, and then ${noDaemon}; \`kiln run\` switches it on for its own default project`,
        fix: {
          kind: "command",
          title: "set `privilegedMode` to true in the project's environment",
          commands: [
            "aws codebuild create-project … --environment type=LINUX_CONTAINER,image=aws/codebuild/standard:7.0,computeType=BUILD_GENERAL1_SMALL,privilegedMode=true",
          ],
        },
      };
      return;
    }
    yield {
      message: `\`docker ${first.verb}\` needs privileged mode, which is off in ${projectText(context)}`,
      span: first.command.span,
      why: `without it ${noDaemon}`,
      fix: {
        kind: "command",
        title: "set `privilegedMode` to true in the project's environment",
        commands: updateCommands(context),
      },
    };
  },
};

const noDaemon =
  "there is no Docker daemon: `Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?`";

const projectText = ({ project }: CheckContext): string =>
  project.name === undefined ? "the project" : `project \`${project.name}\``;

function updateCommands({ project }: CheckContext): string[] {
  const { name, type, image, computeType } = project;
  if (name === undefined || type === undefined || image === undefined || computeType === undefined) return [];
  return [
    `aws codebuild update-project --name ${name} --environment type=${type},image=${image},computeType=${computeType},privilegedMode=true`,
  ];
}
