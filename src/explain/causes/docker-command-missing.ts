/** A container that cannot start: its command is not in the image, or not executable (exit 127 and 126). */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { findLine } from "./finding-parts.ts";

const NOT_STARTED =
  /exec: "([^"]+)": (?:(executable file not found|stat \S+: no such file|no such file)|(permission denied))/;

export const dockerCommandMissing: Cause = {
  id: "docker/command-not-in-image",
  sources: ["https://docs.docker.com/engine/containers/run/#exit-status"],
  match(failure, facts): Finding | undefined {
    const line = findLine(failure.output, NOT_STARTED);
    const [, program = "", missing] = NOT_STARTED.exec(line ?? "") ?? [];
    if (line === undefined || !failure.command) return undefined;
    return {
      cause: `the container did not start: its command \`${program}\` is ${missing === undefined ? "in the image, but not executable" : "not in the image"}`,
      ...placeOfCommand(facts, failure.command),
      evidence: [line],
      next:
        missing === undefined
          ? `make it executable: \`RUN chmod +x ${program}\` after its COPY, or \`COPY --chmod=755\``
          : "see what is in it with `docker run --rm --entrypoint sh IMAGE -c 'echo $PATH; ls /app'`; the command is the image's ENTRYPOINT and CMD, or what follows the image's name",
      confidence: "certain",
    };
  },
};
