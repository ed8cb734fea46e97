/**
 * docker build (BuildKit's two generations, the classic builder, Kiln's own), compose: the failing step with its place in
 * the Dockerfile; what the step ran is the cause. Sources: https://docs.docker.com/reference/dockerfile/, https://docs.docker.com/compose/
 */
import { quote, short } from "../known-trouble.ts";
import { lineReader } from "../line-reader.ts";
import type { Reading, ToolReader } from "../tool-failure.ts";
import { find, findBefore, type ToolLog } from "../tool-log.ts";

const FAILED =
  /(?:process|executor failed running) ["[](.+?)["\]](?: did not complete successfully)?: exit code: (\d+)/;
const CLASSIC =
  /^(?:(?:ERROR: )?Service '(\S+)' failed to build ?: )?The command '(.+)' returned a non-zero code: (\d+)/;

export const docker: ToolReader = {
  tool: "docker",
  marks: ["exit code: ", "returned a non-zero code: "],
  read: (log) => buildKit(log) ?? classic(log),
};

/** What a step ran, without the shell in front of it. */
const ran = (text: string): string => text.replace(/^\/bin\/(?:ba|a)?sh (?:-\w+ )*-?c /, "");

function buildKit(log: ToolLog): Reading | undefined {
  const error = find(log, "exit code: ", FAILED);
  if (!error) return undefined;
  const [, text = "", code = ""] = error.match;
  const head = find(log, " > ", /^ > (\[.*?\] ?)(.*?):?$/);
  const number = streamOf(log, error.at, text);
  const live = number === undefined ? [] : linesOf(log, number);
  const repeated = head ? between(log, head.at) : [];
  const place = placeInDockerfile(log);
  const lines = live.length > 0 ? live : repeated;
  const strip = live.length > 0 ? /^#\d+ (?:\d+\.\d+ )?/ : /^\d+\.\d+ /;
  return {
    rank: "verdict",
    at: Math.min(error.at, ...lines.slice(0, 1)),
    from: Math.min(find(log, "#1 ", /^#1 /)?.at ?? error.at, error.at, ...lines.slice(0, 1), head?.at ?? error.at),
    to: find(log, "failed to solve", /failed to solve/, error.at)?.at ?? error.at,
    lines: [...lines.filter((at) => (log.lines[at] ?? "").trim() !== "").slice(-4), error.at].sort((a, b) => a - b),
    kind: code === "137" ? "out-of-memory" : code === "127" ? "command-not-found" : "runtime-error",
    headline: `the step \`RUN ${short(ran(text))}\`${place === undefined ? "" : ` (${place})`} ended with exit code ${code}`,
    within: [`docker build, step \`RUN ${short(ran(text), 80)}\`${place === undefined ? "" : ` (${place})`}`],
    inner: { lines, strip, command: ran(text) },
  };
}

function classic(log: ToolLog): Reading | undefined {
  const error = find(log, "returned a non-zero code: ", CLASSIC);
  if (!error) return undefined;
  const [, , text = "", code = ""] = error.match;
  const running =
    findBefore(log, "---> Running in ", /^ ---> Running in /, error.at)?.at ?? Math.max(-1, error.at - 200);
  const lines = Array.from({ length: error.at - running - 1 }, (_, index) => running + 1 + index);
  const step = findBefore(log, "Step ", /^Step (\d+)\/(\d+) : /, running);
  return {
    rank: "verdict",
    at: lines[0] ?? error.at,
    from: findBefore(log, "Step 1/", /^Step 1\//, error.at)?.at ?? running,
    to: error.at,
    lines: [...lines.filter((at) => (log.lines[at] ?? "").trim() !== "").slice(-4), error.at],
    kind: code === "137" ? "out-of-memory" : code === "127" ? "command-not-found" : "runtime-error",
    headline: `the step \`RUN ${short(ran(text))}\` ended with exit code ${code}`,
    within: [
      `docker build, step${step ? ` ${step.match[1]} of ${step.match[2]}` : ""} \`RUN ${short(ran(text), 80)}\``,
    ],
    inner: { lines, strip: /^(?!)/, command: ran(text) },
  };
}

/** The number of the stream that reports this error: `#7 ERROR: process …`. */
function streamOf(log: ToolLog, at: number, text: string): string | undefined {
  for (const candidate of [at, at - 1]) {
    const number = /^#(\d+) (?:\d+\.\d+ )?(?:ERROR|CANCELED)/.exec(log.shown[candidate] ?? "")?.[1];
    if (number !== undefined) return number;
  }
  const own = find(log, "ERROR: ", /^#(\d+) ERROR: /);
  return own && (log.lines[own.at] ?? "").includes(text.slice(0, 60)) ? own.match[1] : undefined;
}

/** Only what the step printed: `#7 1.234 …`. */
function linesOf(log: ToolLog, number: string): number[] {
  const prefix = `#${number} `;
  const lines: number[] = [];
  for (let at = 0; at < log.shown.length; at += 1) {
    const line = log.shown[at] ?? "";
    if (line.startsWith(prefix) && /^#\d+ \d+\.\d+(?: |$)/.test(line)) lines.push(at);
  }
  return lines;
}

/** BuildKit repeats the last lines of the step between rules of dashes. */
function between(log: ToolLog, head: number): number[] {
  const lines: number[] = [];
  for (let at = head + 1; at < log.lines.length && at < head + 400; at += 1) {
    if (/^-{6,}$/.test(log.lines[at] ?? "")) break;
    lines.push(at);
  }
  return lines;
}

/** BuildKit shows the place above a rule: `Dockerfile:2`. */
function placeInDockerfile(log: ToolLog): string | undefined {
  const rule = find(log, "--------------------", /^-{10,}$/);
  const line = rule && log.lines[rule.at - 1]?.trim();
  return line !== undefined && /^\S+:\d+$/.test(line) ? line : undefined;
}

export const dockerCompose = lineReader("docker compose", [
  {
    mark: "no configuration file provided",
    pattern: /^no configuration file provided: not found/,
    kind: "file-not-found",
    say: () => "there is no compose.yaml in the folder of the command",
    next: "change to its folder first, or name it: `docker compose -f FILE`",
  },
  {
    mark: "yaml: ",
    pattern: /^(?:parsing (\S+): )?yaml: (?:line (\d+): )?(.+)$/,
    kind: "syntax",
    say: ([, file, line, text]) =>
      `docker compose cannot read ${quote(file ?? "compose.yaml")}: ${short(text)}${line === undefined ? "" : ` (line ${line})`}`,
  },
  {
    mark: "validating ",
    pattern: /^validating (\S+): (.+)$/,
    kind: "configuration",
    say: ([, file, text]) => `docker compose does not accept ${quote(file)}: ${short(text)}`,
    place: ([, file]) => ({ file: file ?? "compose.yaml" }),
  },
  {
    mark: "dependency failed to start",
    pattern: /^dependency failed to start: container (\S+) (.+)$/,
    kind: "crash",
    say: ([, name, text]) => `the container ${quote(name)} did not come up: ${short(text)}`,
    next: ([, name]) => `print its log in the build: \`docker logs ${name}\``,
  },
  {
    mark: "no such service",
    pattern: /^no such service: (\S+)/,
    kind: "configuration",
    say: ([, name]) => `compose.yaml has no service ${quote(name)}`,
  },
  {
    mark: "exited with code",
    pattern: /^(\S+) exited with code ([1-9]\d*)/,
    rank: "wrapper",
    kind: "runtime-error",
    say: ([, name, code]) => `the container ${quote(name)} ended with exit code ${code}`,
  },
  {
    mark: "port is already allocated",
    pattern: /Bind for (\S+) failed: port is already allocated/,
    kind: "configuration",
    say: ([, port]) => `the port ${quote(port)} is taken by another container`,
  },
]);
