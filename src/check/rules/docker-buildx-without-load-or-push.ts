/**
 * `docker buildx build` with a builder of its own leaves its result in the build cache. A later `docker push`, `tag` or
 * `run` of that name finds no image unless the build had `--load` or pushed by itself.
 */
import { type DockerCommand, dockerCommand, dockerOptions, imageWords } from "../docker/docker-commands.ts";
import { inScript, placeOf } from "../finding-place.ts";
import type { Rule } from "../rule.ts";

export const dockerBuildxWithoutLoadOrPush: Rule = {
  id: "docker/buildx-without-load-or-push",
  severity: "error",
  title: "docker buildx build without --load or --push, and the image is used later",
  source: "https://docs.docker.com/build/builders/drivers/#loading-to-local-image-store",
  *run(context) {
    let usesOwnBuilder = false;
    const unloaded: { docker: DockerCommand; symbols: string[] }[] = [];
    const reported = new Set<DockerCommand>();
    for (const command of context.shell.everyCommand) {
      const docker = dockerCommand(command);
      if (!docker) continue;
      if (
        docker.isBuildx &&
        (docker.verb === "use" || (docker.verb === "create" && dockerOptions(docker).has("--use")))
      ) {
        usesOwnBuilder = !isDockerDriver(docker);
      }
      if (docker.isBuildx && docker.verb === "build") {
        const options = dockerOptions(docker);
        const isKept =
          options.has("--load", "--push", "-o", "--output") ||
          docker.args.some(
            ({ text, source }) => text === undefined && /^"?\$\{?\w*(ARGS|OPTS|FLAGS|OUTPUT|PUSH)/.test(source),
          );
        if (usesOwnBuilder && !isKept)
          unloaded.push({ docker, symbols: imageWords(docker).map(({ symbol }) => symbol) });
        continue;
      }
      const used =
        docker.verb === "run"
          ? docker.args
          : docker.verb === "tag"
            ? imageWords(docker).slice(0, 1)
            : docker.verb === "push"
              ? imageWords(docker)
              : [];
      const build = unloaded.find(({ symbols }) => used.some(({ symbol }) => symbols.includes(symbol)));
      if (!build || reported.has(build.docker)) continue;
      reported.add(build.docker);
      const isMultiple = dockerOptions(build.docker)
        .values("--platform")
        .some(({ source }) => source.includes(","));
      const flag = isMultiple || docker.verb === "push" ? "--push" : "--load";
      const verb = build.docker.command.args.find(({ text }) => text === "build");
      const at = verb?.span?.endOffset;
      yield {
        ...(build.docker.command.isGuarded && { severity: "warning" as const }),
        message: `\`docker buildx build\`${inScript(build.docker.command)} keeps its image in the build cache, and \`docker ${docker.verb}\` needs it`,
        ...placeOf(build.docker.command),
        why: "a builder made by `buildx create` loads nothing into docker by itself, so docker has no image of that name",
        ...(at !== undefined &&
          !isMultiple && {
            fix: {
              kind: "edit" as const,
              title: "add `--load`",
              edits: [{ file: context.file, startOffset: at, endOffset: at, newText: " --load" }],
            },
          }),
        ...(isMultiple && {
          fix: { kind: "command" as const, title: `let the build push: add \`${flag}\``, commands: [] },
        }),
      };
    }
  },
};

/** The driver named docker shares docker's own images. */
function isDockerDriver(docker: DockerCommand): boolean {
  if (docker.args.some(({ source }) => source.includes("default-load=true"))) return true;
  const at = docker.args.findIndex(({ source }) => source === "--driver");
  const driver =
    at === -1
      ? docker.args.find(({ source }) => source.startsWith("--driver="))?.source.slice(9)
      : docker.args[at + 1]?.text;
  if (driver !== undefined) return driver === "docker";
  return docker.verb === "use" && docker.args[0]?.text === "default";
}
