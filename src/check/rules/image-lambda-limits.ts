/**
 * What builds on Lambda compute cannot do: docker, privileged mode, tools that need root, caches, a VPC, more than a
 * quarter of an hour.
 */
import { dockerCommands, needsDaemon } from "../docker/docker-commands.ts";
import { environmentsOf, isLambda } from "../knowledge/environments.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

const MAX_MINUTES = 15;
const PACKAGE_MANAGERS = /^(?:yum|dnf|microdnf|apt|apt-get|apk|rpm|dpkg|service|systemctl|useradd)$/;

export const imageLambdaLimits: Rule = {
  id: "image/lambda-limits",
  severity: "error",
  title: "what builds on Lambda compute cannot do",
  source: "https://docs.aws.amazon.com/codebuild/latest/userguide/lambda.html",
  *run(context) {
    const environments = environmentsOf(context);
    for (const { type, privilegedMode, label, spans } of environments) {
      if (isLambda(type) && privilegedMode === true) {
        yield {
          message: `${label} has privileged mode on, and Lambda compute has none`,
          ...(spans.privileged && { span: spans.privileged }),
          why: "there is no Docker daemon and no root on Lambda compute",
        };
      }
    }
    // The commands run in the project's environment, and with a batch in its tasks'.
    if (isLambda(context.project.type)) yield* ofProject(context);
  },
};

function* ofProject(context: CheckContext): Iterable<Finding> {
  const { project, shell, buildspec } = context;
  const docker = dockerCommands(shell.commands).find(({ verb }) => needsDaemon(verb));
  if (docker) {
    yield {
      message: `\`docker ${docker.verb}\` cannot run on Lambda compute`,
      span: docker.command.span,
      why: "there is no Docker daemon and no privileged mode; the project needs type LINUX_CONTAINER or ARM_CONTAINER",
    };
  }
  const packages = shell.commands.find((one) => !one.isGuarded && PACKAGE_MANAGERS.test(one.name ?? ""));
  if (packages) {
    yield {
      severity: "warning",
      message: `\`${packages.name}\` needs root, which commands on Lambda compute do not have`,
      span: packages.span,
      why: "only `/tmp` can be written there, and no user can be root",
    };
  }
  if (buildspec.cache && project.cache?.type !== undefined && project.cache.type !== "NO_CACHE") {
    yield {
      severity: "warning",
      message: "`cache` is not used on Lambda compute",
      span: buildspec.cache.span,
      why: "caches are for the other environment types",
    };
  }
  if (project.vpcConfig?.vpcId) {
    yield { message: "builds on Lambda compute cannot be in a VPC", why: "CodeBuild refuses the settings" };
  }
  const minutes = project.timeoutInMinutes ?? 0;
  // 60 is the default, which everybody has who said nothing.
  if (minutes > MAX_MINUTES && minutes !== 60) {
    yield {
      severity: "warning",
      message: `the timeout is ${minutes} minutes, and builds on Lambda compute end after ${MAX_MINUTES}`,
      why: "Lambda compute has no timeouts of one's own",
    };
  }
}
