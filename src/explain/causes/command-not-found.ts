/** The shell does not know a command: absent tool (R24), or bash's own syntax under `sh` (R25). */
import { placeOfCommand } from "../buildspec-places.ts";
import type { Cause } from "../cause.ts";

const BASH_ONLY = new Set([
  "[[",
  "source",
  "function",
  "declare",
  "shopt",
  "pushd",
  "popd",
  "mapfile",
  "readarray",
  "let",
]);
const NOT_FOUND =
  /(?:script\.sh|sh|bash): (?:line )?\d+: (?:\S*script\.sh: )?(?:\d+: )?([^:]+): (?:command )?not found/;
const BAD_SYNTAX =
  /script\.sh: (?:line )?\d+: (?:Bad substitution|Syntax error: "\(" unexpected|Syntax error: redirection unexpected|Illegal option -o pipefail|set: Illegal option -o pipefail)/;

export const bashismUnderSh: Cause = {
  id: "commands/bash-syntax-under-sh",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.shell"],
  match(failure, facts) {
    if (!failure.command || facts.plan?.shell === "bash" || facts.buildspec?.env.shell?.value === "bash")
      return undefined;
    const line = failure.output.find((text) => BAD_SYNTAX.test(text) || BASH_ONLY.has(NOT_FOUND.exec(text)?.[1] ?? ""));
    if (line === undefined) return undefined;
    const word = NOT_FOUND.exec(line)?.[1];
    const envStart = facts.buildspec?.env.span;
    const file = facts.buildspec?.file;
    return {
      cause:
        word === undefined
          ? "the command uses syntax of bash, but runs under `sh`"
          : `\`${word}\` is bash's, but the command runs under \`sh\``,
      ...placeOfCommand(facts, failure.command),
      evidence: [line.trim()],
      why: "CodeBuild runs commands with `sh` unless the buildspec says `env.shell: bash`",
      ...(facts.buildspec && file !== undefined && !envStart ? { fix: addEnvShell(facts.buildspec.text, file) } : {}),
      next: "set `shell: bash` under `env` of the buildspec",
      confidence: "certain",
    };
  },
};

/** Inserts `env: { shell: bash }` after the version line, when the buildspec has no `env` section. */
function addEnvShell(text: string, file: string) {
  const version = /^version:.*(?:\r?\n|$)/m.exec(text);
  const offset = version ? version.index + version[0].length : 0;
  return {
    kind: "edit" as const,
    title: "run the commands with bash",
    edits: [{ file, startOffset: offset, endOffset: offset, newText: "env:\n  shell: bash\n" }],
  };
}

export const commandNotFound: Cause = {
  id: "commands/not-found",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/available-runtimes.html"],
  match(failure, facts) {
    if (failure.command?.exitStatus !== 127) return undefined;
    const line = failure.output.findLast((text) => NOT_FOUND.test(text) || /: (?:command )?not found$/.test(text));
    if (line === undefined) return undefined;
    const name = (NOT_FOUND.exec(line)?.[1] ?? /([^:\s]+): (?:command )?not found$/.exec(line)?.[1] ?? "?").trim();
    return {
      cause: name.includes("/")
        ? `there is no \`${name}\` to run`
        : `the command \`${name}\` is not installed where the build runs`,
      ...placeOfCommand(facts, failure.command),
      evidence: [line.trim()],
      why: "exit status 127 means that the shell did not find the command on PATH",
      next:
        /\.(?:sh|py|js|rb|pl|bash)$/.test(name) && !name.includes("/")
          ? `it is a file: write \`./${name}\` (and make it executable), or name the program, e.g. \`bash ${name}\``
          : /\.(?:ya?ml|json|toml|xml)$/.test(name)
            ? `\`${name}\` is a file, no command: was it meant as the project's buildspec (\`source.buildspec\`), and entered as a build command?`
            : name === "docker"
              ? "choose an image with docker, and switch privileged mode on"
              : `install \`${name}\` in the install phase, or choose an image that has it`,
      confidence: "certain",
    };
  },
};
