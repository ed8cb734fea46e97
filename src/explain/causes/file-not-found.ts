/**
 * A command names a file or folder that is not where it looks (P10): pip, cd, COPY, the Dockerfile, cat and friends.
 * The nearest existing path of the same name is offered, relative to the command's directory.
 */
import { posix } from "node:path";
import { nearestPath } from "../../check/tree/nearest-path.ts";
import type { BuildFacts } from "../build-facts.ts";
import { editInCommand, placeOfCommand } from "../buildspec-places.ts";
import type { Cause, Finding } from "../cause.ts";
import type { FailedCommand, Failure } from "../failures.ts";
import { toolFailureOf } from "../tool-failure-of.ts";
import { pathInSource } from "../workspace-paths.ts";

interface Missing {
  readonly path: string;
  readonly kind: "file" | "directory";
  readonly evidence: string;
  /** Inside `docker build` the path is relative to the build context, and the cure is another one. */
  readonly isInDockerfile?: boolean;
}

/** Output of the tools that builds use, and which group holds the path. */
const PATTERNS: readonly {
  readonly pattern: RegExp;
  readonly kind: "file" | "directory";
  readonly isInDockerfile?: true;
}[] = [
  { pattern: /Could not open requirements file: \[Errno 2\] No such file or directory: '([^']+)'/, kind: "file" },
  { pattern: /cd: (?:can't cd to )?(.+?): No such file or directory/, kind: "directory" },
  { pattern: /cd: can't cd to (\S+)/, kind: "directory" },
  { pattern: /can't open file '([^']+)': \[Errno 2\] No such file or directory/, kind: "file" },
  {
    pattern:
      /COPY failed: file not found in build context or excluded by \.dockerignore: stat (\S+): file does not exist/,
    kind: "file",
    isInDockerfile: true,
  },
  {
    pattern: /(?:failed to compute cache key|failed to calculate checksum)[^\n]*"\/?([^"]+)"[^\n]*not found/,
    kind: "file",
    isInDockerfile: true,
  },
  { pattern: /lstat (\S*Dockerfile\S*): no such file or directory/, kind: "file" },
  { pattern: /failed to read dockerfile: open (\S+): no such file or directory/, kind: "file" },
  { pattern: /unable to prepare context: path "([^"]+)" not found/, kind: "directory" },
  { pattern: /^error: file not found: (\S+)/, kind: "file" },
  { pattern: /ENOENT[^\n]*open '([^']+)'/, kind: "file" },
  { pattern: /FileNotFoundError: \[Errno 2\] No such file or directory: '([^']+)'/, kind: "file" },
  {
    pattern: /(?:^|: )(?:cannot (?:access|stat|open) )?'([^':]+)'(?: for reading)?: No such file or directory/,
    kind: "file",
  },
  { pattern: /^[\w./-]+: ([^:]+): No such file or directory/, kind: "file" },
  {
    pattern: /script\.sh: (?:line )?\d+: (?:cannot open |\.: (?:can't open |cannot open )?)?([^:\s]+): No such file/,
    kind: "file",
  },
  { pattern: /script\.sh: (?:line )?\d+: ([^:\s]*\/[^:\s]*): (?:not found|No such file or directory)/, kind: "file" },
];

export const fileNotFound: Cause = {
  id: "files/not-found",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.phases"],
  match(failure, facts) {
    const missing = failure.command && findMissing(failure);
    if (missing && isElsewhere(failure, missing)) return undefined;
    return missing && failure.command ? finding(missing, failure.command, facts) : undefined;
  },
};

/** A tool failed for another reason, and the missing file is only mentioned: a test that expects it, an optional one. */
function isElsewhere(failure: Failure, { evidence }: Missing): boolean {
  const tool = toolFailureOf(failure);
  if (!tool || tool.kind === "file-not-found") return false;
  return tool.kind === "test-failure" || !tool.lines.some((line) => line.trim() === evidence);
}

function findMissing(failure: Failure): Missing | undefined {
  for (const line of failure.output) {
    for (const { pattern, kind, isInDockerfile } of PATTERNS) {
      const path = pattern.exec(line)?.[1];
      if (path === undefined || path.startsWith("/dev/") || path.includes("docker.sock")) continue;
      return { path, kind, evidence: line.trim(), ...(isInDockerfile ? { isInDockerfile } : {}) };
    }
  }
  return undefined;
}

function finding(missing: Missing, command: FailedCommand, facts: BuildFacts): Finding {
  const directory = pathInSource(command.workingDirectory, facts.events) ?? "";
  const relative = inWorkspace(missing.path, directory, facts);
  const what = missing.kind === "file" ? "the file" : "the folder";
  const where = missing.isInDockerfile
    ? "in the build context of `docker build`"
    : directory === ""
      ? "in the root of the source, where the command runs"
      : `in \`${directory}\`, where the command runs`;
  const base = {
    cause: `${what} \`${missing.path}\` is not ${where}`,
    ...placeOfCommand(facts, command),
    evidence: [missing.evidence],
    confidence: "certain" as const,
  };
  const { workspace } = facts;
  if (missing.path.startsWith("/") && relative === undefined) {
    return {
      ...base,
      cause: `${what} \`${missing.path}\` does not exist where the build runs`,
      next: "a path of the source does not begin with `/`; one that is put together from variables does when the first is empty",
      confidence: "likely",
    };
  }
  if (!workspace || relative === undefined)
    return { ...base, next: "see what is there: put `ls -R` before the command" };
  if (workspace.isIgnored(relative)) {
    return {
      ...base,
      cause: `${what} \`${relative}\` exists here, but git ignores it, so the build does not get it`,
      next: "commit it (change `.gitignore`), or make it in an earlier command",
    };
  }
  const nearest = nearestPath(workspace, relative, missing.kind)?.path;
  if (nearest === undefined) {
    return {
      ...base,
      next: `no ${missing.kind === "file" ? "file" : "folder"} of that name is in the source: commit it, or make it in an earlier command`,
    };
  }
  if (missing.isInDockerfile) {
    return {
      ...base,
      cause: `${base.cause}; \`${nearest}\` is in the source`,
      why: "paths of COPY and ADD count from the build context, the last argument of `docker build`, without what `.dockerignore` excludes",
      next: `make \`${posix.dirname(nearest)}\` the build context, or change the path in the Dockerfile`,
    };
  }
  const replacement = posix.relative(directory, nearest) || ".";
  const edit = editInCommand(
    facts.buildspec,
    command,
    missing.path,
    replacement,
    `use \`${replacement}\` instead of \`${missing.path}\``,
  );
  return {
    ...base,
    cause: `${base.cause}; the nearest path is \`${nearest}\``,
    ...(edit ? { fix: edit } : { next: `use \`${replacement}\` instead of \`${missing.path}\`` }),
  };
}

/** A path as the command wrote it, as a path in the workspace; undefined when it points elsewhere. */
function inWorkspace(path: string, directory: string, { events }: BuildFacts): string | undefined {
  if (path.startsWith("/")) {
    const inside = pathInSource(posix.normalize(path), events);
    return inside === "" ? undefined : inside;
  }
  const joined = posix.normalize(posix.join(directory, path));
  return joined.startsWith("../") ? joined.replace(/^(\.\.\/)+/, "") : joined;
}
