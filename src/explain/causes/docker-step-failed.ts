/**
 * A step of a Dockerfile failed: what a RUN printed and its exit code, or an instruction that is none. The builder names
 * file and line; the words are BuildKit's (two generations) and the classic builder's.
 */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import { toolFailureOf } from "../tool-failure-of.ts";
import type { ToolFailure } from "../tool-failures/index.ts";
import { findLine } from "./finding-parts.ts";

const SOURCES = ["https://docs.docker.com/reference/dockerfile/#run"];
const FAILED: readonly RegExp[] = [
  /process "(.+)" did not complete successfully: exit code: (\d+)/,
  /executor failed running \[(.+)\]: exit code: (\d+)/,
  /The command '(.+)' returned a non-zero code: (\d+)/,
];
const INVALID = /dockerfile parse error (?:on )?line (\d+): (.+)/i;
const MAX_STEP_LINES = 4;

export const dockerStepFailed: Cause = {
  id: "docker/step-failed",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    if (!failure.command) return undefined;
    for (const line of failure.output) {
      const [, text = "", code = ""] =
        FAILED.map((pattern) => pattern.exec(line)).find((found) => found !== null) ?? [];
      if (text === "") continue;
      const step = text.replace(/^\/bin\/sh -c /, "");
      const tool = insideOf(toolFailureOf(failure));
      const printed = tool?.lines ?? stepOutput(failure.output, line);
      const isDiskFull = printed.some((each) => /no space left on device/i.test(each));
      const meaning = meaningOf(Number(code)) || (tool ? `: ${tool.headline}` : isDiskFull ? ": the disk is full" : "");
      return {
        cause: `the step \`RUN ${step}\`${placeInDockerfile(failure.output)} ended with exit code ${code}${meaning}`,
        ...placeOfCommand(facts, failure.command),
        evidence: [...printed, line.trim()],
        ...(tool?.why === undefined ? {} : { why: tool.why }),
        next: isDiskFull
          ? facts.isSaved
            ? "a larger compute type has a larger disk; `docker system prune -af` before the build frees what is left of others"
            : "the disk is full: here that of Kiln's state folder (`kiln doctor`), on AWS a larger compute type has more"
          : nextFor(Number(code), printed, tool),
        confidence: "certain",
      };
    }
    return undefined;
  },
};

export const dockerfileInvalid: Cause = {
  id: "docker/dockerfile-invalid",
  sources: ["https://docs.docker.com/reference/dockerfile/#format"],
  match(failure, facts): Finding | undefined {
    const found = findLine(failure.output, INVALID);
    const [, line, problem] = INVALID.exec(found ?? "") ?? [];
    if (found === undefined || !failure.command) return undefined;
    return {
      cause: `the Dockerfile cannot be read, line ${line}: ${problem}`,
      ...placeOfCommand(facts, failure.command),
      evidence: [found],
      next: `correct line ${line} of the Dockerfile`,
      confidence: "certain",
    };
  },
};

/** BuildKit shows the place above the error: `Dockerfile:2` and a rule of dashes. */
function placeInDockerfile(output: readonly string[]): string {
  const at = output.findIndex(
    (line, index) => /^\S+:\d+$/.test(line.trim()) && /^-{10,}$/.test(output[index + 1]?.trim() ?? ""),
  );
  return at < 0 ? "" : ` (${output[at]?.trim()})`;
}

/** What the step printed: BuildKit repeats it between dashes, the classic builder has it above its last line. */
function stepOutput(output: readonly string[], error: string): string[] {
  const head = output.findIndex((line) => /^ > \[.*\]/.test(line));
  const from = head < 0 ? output.findLastIndex((line) => /---> Running in /.test(line)) + 1 : head + 1;
  const rest = output.slice(from);
  const to = rest.findIndex((line) => line === "------" || line === error);
  return rest
    .slice(0, Math.max(to, 0))
    .filter((each) => each.trim() !== "")
    .slice(-MAX_STEP_LINES);
}

function meaningOf(code: number): string {
  if (code === 126) return " (found, but not executable)";
  if (code === 127) return " (command not found in the image)";
  if (code === 137) return " (killed: most often for want of memory)";
  return "";
}

/** A tool that is known to have run in a step, not beside the image's build. */
const insideOf = (tool: ToolFailure | undefined): ToolFailure | undefined =>
  tool?.within.some((wrapper) => wrapper.startsWith("docker build, step")) ? tool : undefined;

function nextFor(code: number, printed: readonly string[], tool: ToolFailure | undefined): string {
  const hasOutput = printed.length > 0;
  const path = printed.map((line) => /: (\.{0,2}\/\S+): not found$/.exec(line.trim())?.[1]).find(Boolean);
  if (code === 127 && path !== undefined) {
    return `\`${path}\` is not in the image, or the program in its first line (\`#!…\`) is not: a \`COPY\` must bring it, and a file with Windows' line ends (CRLF) names a program that does not exist`;
  }
  if (code === 127) return "install it in an earlier `RUN`, or take a base image that has it";
  if (code === 126) return "make it executable: `COPY --chmod=755`, or `RUN chmod +x`";
  if (tool && tool.kind !== "file-not-found" && tool.next !== undefined) return tool.next;
  return hasOutput
    ? "what it printed is above; a file it needs must have been copied into the image by an earlier `COPY`"
    : "it printed nothing: put `set -x;` in front of the step's command";
}
