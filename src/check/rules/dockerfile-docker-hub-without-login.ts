/**
 * Base images from Docker Hub in a build that never logs in there: anonymous pulls are counted by address, and builds
 * share theirs. Information only: it may go well for years.
 */
import { dockerBuildsOf, neededStages, stageIndex } from "../docker/docker-build-lookup.ts";
import { dockerCommands, loginOf } from "../docker/docker-commands.ts";
import type { CheckContext, Rule } from "../rule.ts";

export const dockerfileDockerHubWithoutLogin: Rule = {
  id: "dockerfile/docker-hub-without-login",
  severity: "info",
  title: "base images from Docker Hub without a login there",
  source: "https://docs.docker.com/docker-hub/usage/pulls/",
  *run(context) {
    if (logsIn(context)) return;
    for (const { build, command, dockerfile } of dockerBuildsOf(context)) {
      if (!dockerfile) continue;
      const { stages } = dockerfile.parsed;
      const bases = neededStages(dockerfile.parsed, build.target?.name).flatMap((stage) => {
        const name = stage.from.text.split(/\s+/)[0] ?? "";
        const isStage = stageIndex(stages, name, stages.indexOf(stage)) >= 0 || build.contexts.includes(name);
        return !isStage && isFromDockerHub(name) ? [name] : [];
      });
      const [first] = bases;
      if (first === undefined) continue;
      yield {
        message: `\`${dockerfile.file}\` is built from \`${first}\` of Docker Hub, and no command logs in there`,
        span: (build.file ?? build.context)?.word.span ?? command.span,
        why: "anonymous pulls are limited by address, and CodeBuild's builds share theirs: `toomanyrequests: You have reached your pull rate limit`",
      };
      return;
    }
  },
};

/** Without a host in front, or with Docker Hub's. */
function isFromDockerHub(name: string): boolean {
  if (name === "" || name === "scratch" || name.includes("$")) return false;
  const [host = "", ...rest] = name.split("/");
  if (rest.length === 0 || !/[.:]|^localhost$/.test(host)) return true;
  return /^(index\.|registry-1\.)?docker\.io$/.test(host);
}

/** To Docker Hub, or to a host nobody knows here. */
function logsIn({ shell }: CheckContext): boolean {
  return dockerCommands(shell.everyCommand).some((docker) => {
    if (docker.verb !== "login") return false;
    const { host } = loginOf(docker);
    return host === undefined || host.text === undefined || /docker\.io/.test(host.text);
  });
}
