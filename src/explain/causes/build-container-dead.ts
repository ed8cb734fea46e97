/** The container of a build does not live (T12, T26): its image has no shell, or is not for this host, or memory ran out. */
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import { fieldOf } from "./source-parts.ts";

const FOUND_DEAD = "Build container found dead";

const saidBy = ({ events }: BuildFacts): string | undefined =>
  events
    .flatMap((event) => (event.type === "notice" && /^the container of `/.test(event.text) ? [event.text] : []))
    .at(-1);

export const buildContainerDead: Cause = {
  id: "docker/build-container-dead",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html"],
  match(failure, facts): Finding | undefined {
    if (!failure.message.includes(FOUND_DEAD)) return undefined;
    const image = facts.build.environment?.image ?? "";
    const said = saidBy(facts);
    const of = image === "" ? "the build's image" : `the build's image \`${image}\``;
    const found = { ...fieldOf("environment.image", image), evidence: [said ?? failure.message] };
    if (said?.includes("needs a shell")) {
      return {
        ...found,
        cause: `${of} has no shell, \`sh\`, to run commands with`,
        next: "name an image with a shell; of many minimal images there is a variant with one, such as `:debug` or `-slim`",
        confidence: "certain",
      };
    }
    if (!facts.isSaved) {
      return {
        ...found,
        cause: `the container of ${of} does not start`,
        next: "see that the image is made for this machine's processor, and that the project's compute type has the memory for it",
        confidence: "likely",
      };
    }
    return onAws(failure.message, image, of, found, facts);
  },
};

function onAws(
  message: string,
  image: string,
  of: string,
  found: Pick<Finding, "field" | "evidence">,
  { build }: BuildFacts,
): Finding {
  const isWindows = build.environment?.type?.startsWith("WINDOWS") ?? false;
  const isSized = /out of memory|not supported/.test(message);
  const run = `docker run --rm --entrypoint sh ${image || "IMAGE"} -c 'command -v sh; env | grep -i _proxy'`;
  if (isWindows) {
    return {
      ...found,
      cause: `the container of ${of} died: its Windows version does not fit the environment type \`${build.environment?.type}\``,
      why: "only certain Windows Server Core bases are supported, and a Windows container runs only on its own version",
      next: "build it from a base of the version that the environment type names, or choose the other environment type",
      confidence: "likely",
    };
  }
  return {
    ...found,
    cause: isSized
      ? `the container of ${of} died before the build was over: its system is not supported, a proxy is set in the image, or memory ran out`
      : `the container of ${of} does not live: the image has no \`sh\` to run commands with`,
    why: isSized
      ? "`HTTP_PROXY` or `HTTPS_PROXY` in the image's `ENV` sends CodeBuild's own agent to a proxy that it may not reach"
      : "CodeBuild runs every command with a shell and needs `sh` in the image, also when `env.shell` names another",
    fix: {
      kind: "command",
      title: isSized
        ? "see whether the image has a shell and sets a proxy"
        : "see whether the image has a shell; if not, add one (or take the variant with one)",
      commands: [run],
    },
    next: isSized
      ? "take the proxy out of the image (`ENV HTTP_PROXY=`) and set it in the project with `vpcConfig`; else a larger compute type, or a supported base"
      : "a distroless or scratch image needs e.g. `COPY --from=busybox:stable /bin/sh /bin/sh`",
    prove: `\`${run}\` prints the path of \`sh\` and no proxy, and a new build gets past PROVISIONING`,
    confidence: isSized ? "possible" : "likely",
  };
}
