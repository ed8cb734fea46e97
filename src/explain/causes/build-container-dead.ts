/** The container of a build does not live (T12): its image has no shell, or it was out of memory. */
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";

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
    const lacksShell = said?.includes("needs a shell") ?? false;
    return {
      cause: lacksShell
        ? `the build's image \`${image}\` has no shell, \`sh\`, to run commands with`
        : `the container of the build's image \`${image}\` does not start`,
      evidence: [said ?? failure.message],
      next: lacksShell
        ? "name an image with a shell; of many minimal images there is a variant with one, such as `:debug` or `-slim`"
        : "see that the image is made for this machine's processor, and that the project's compute type has the memory for it",
      confidence: lacksShell ? "certain" : "likely",
    };
  },
};
