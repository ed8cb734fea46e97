import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseDockerfile, parseInstruction } from "./dockerfile.ts";
import { DockerfileError } from "./instruction.ts";

const message = (text: string): string => {
  try {
    parseDockerfile(text);
  } catch (error) {
    if (error instanceof DockerfileError) return error.message;
    throw error;
  }
  return "";
};

describe("a Dockerfile", () => {
  it("is stages of instructions, with the lines they stand on", () => {
    const {
      stages,
      globalArgs,
      escape: escapeChar,
    } = parseDockerfile(
      "# syntax=docker/dockerfile:1\n# check=skip=all\nARG A=1\nFROM x AS One\n\nRUN a && \\\n  # remark\n\n  b\nFROM y\n",
    );
    expect(escapeChar).toBe("\\");
    expect(globalArgs).toHaveLength(1);
    expect(stages.map(({ name }) => name)).toEqual(["one", undefined]);
    expect(stages[0]?.instructions[0]).toMatchObject({ keyword: "RUN", text: "a &&   b", line: 6, endLine: 9 });
  });

  it("has another escape character when it says so", () => {
    const { stages } = parseDockerfile("# escape=`\nFROM x\nRUN a `\n  b\nCOPY C:\\x \\y\n");
    expect(stages[0]?.instructions.map(({ text }) => text)).toEqual(["a   b", "C:\\x \\y"]);
  });

  it("has heredocs: several, with tabs stripped, quoted or not, but not in the JSON form", () => {
    const { stages } = parseDockerfile(
      'FROM x\nRUN <<A cat; cat <<-\'B\'\none\nA\n\ttwo\n\tB\nRUN ["echo", "<<C"]\nCOPY <<f.txt /f\n$v\nf.txt\n',
    );
    const [run, exec, copy] = stages[0]?.instructions ?? [];
    expect(run?.heredocs).toEqual([
      { name: "A", content: "one\n", isExpanded: true },
      { name: "B", content: "two\n", isExpanded: false },
    ]);
    expect(run).toMatchObject({ line: 2, endLine: 6 });
    expect(exec?.heredocs).toEqual([]);
    expect(copy?.heredocs).toEqual([{ name: "f.txt", content: "$v\n", isExpanded: true }]);
  });

  it.each([
    ["", "the Dockerfile cannot be empty"],
    ["# only\n", "file with no instructions"],
    ["RUN x", "no build stage in current context"],
    ["ARG A", "dockerfile contains no stages to build"],
    ["FROM a\nCOP x y", "dockerfile parse error on line 2: unknown instruction: COP (did you mean COPY?)"],
    ["FROM a\nfrum y", "dockerfile parse error on line 2: unknown instruction: frum (did you mean from?)"],
    ["FROM a AS", "dockerfile parse error on line 1: FROM requires either one or three arguments"],
    [
      "FROM a AS 1x",
      `dockerfile parse error on line 1: invalid name for build stage: "1x", name can't start with a number or contain symbols`,
    ],
    [
      "FROM a\nCOPY x",
      "dockerfile parse error on line 2: COPY requires at least two arguments, but only one was provided. Destination could not be determined",
    ],
    ["FROM a\nCOPY --form=b x y", "dockerfile parse error on line 2: unknown flag: --form (did you mean from?)"],
    [
      "FROM a\nCOPY --link=maybe x y",
      "dockerfile parse error on line 2: expecting boolean value for flag --link, not: maybe",
    ],
    ["FROM a\nCOPY --chown x y", "dockerfile parse error on line 2: missing a value on flag: --chown"],
    ["FROM a\nCOPY --chown=a --chown=b x y", "dockerfile parse error on line 2: duplicate flag specified: --chown"],
    ["FROM a\nCOPY x <<EOF\nEOF\n", "dockerfile parse error on line 2: COPY cannot accept a heredoc as a destination"],
    ["FROM a\nENV A", "ENV must have two arguments"],
    ["FROM a\nLABEL a=b c", `Syntax error - can't find = in "c". Must be of the form: name=value`],
    ["FROM a\nRUN <<EOF\nx", "unterminated heredoc"],
    ['FROM a\nCMD ["a", 1]', "when using JSON array syntax, arrays must be comprised of strings only"],
    ["FROM a\nHEALTHCHECK FOO", 'dockerfile parse error on line 2: Unknown type "FOO" in HEALTHCHECK (try CMD)'],
    ["FROM a\nHEALTHCHECK --interval=soon CMD x", 'dockerfile parse error on line 2: time: invalid duration "soon"'],
    ["FROM a\nHEALTHCHECK --retries=-1 CMD x", "dockerfile parse error on line 2: --retries cannot be negative (-1)"],
    ["FROM a\nHEALTHCHECK CMD", "dockerfile parse error on line 2: Missing command after HEALTHCHECK CMD"],
    ["FROM a\nHEALTHCHECK NONE x", "dockerfile parse error on line 2: HEALTHCHECK NONE takes no arguments"],
    ["FROM a\nSHELL sh -c", "dockerfile parse error on line 2: SHELL requires the arguments to be in JSON form"],
    [
      "FROM a\nONBUILD ONBUILD RUN x",
      "dockerfile parse error on line 2: Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed",
    ],
    ["FROM a\nONBUILD FROM x", "dockerfile parse error on line 2: FROM isn't allowed as an ONBUILD trigger"],
    ["FROM a\nVOLUME", "dockerfile parse error on line 2: VOLUME requires at least one argument"],
    ["FROM a\nUSER", "dockerfile parse error on line 2: USER requires exactly one argument"],
    [
      "FROM a\nRUN --network=hots x",
      'dockerfile parse error on line 2: unsupported network mode "hots" (did you mean host?)',
    ],
    ["FROM a\nRUN --security=insecure x", "kiln's embedded builder does not do RUN --security=insecure"],
    [
      "FROM a\nRUN --mount=type=cach,target=/x y",
      'dockerfile parse error on line 2: unsupported mount type "cach" (did you mean cache?)',
    ],
    [
      "# syntax=other/frontend:1\nFROM a",
      "kiln's embedded builder does not run the Dockerfile frontend `other/frontend:1` of `# syntax=`",
    ],
    ["# escape=x\nFROM a", "invalid escape token 'x' does not match ` or \\"],
    ["# escape=`\n# escape=`\nFROM a", "only one escape parser directive can be used"],
  ])("that is wrong is told with BuildKit's words: %j", (text, expected) => {
    expect(message(text)).toBe(expected);
  });

  it("takes a trigger as one instruction with the lines of its FROM", () => {
    expect(parseInstruction("RUN <<E\nx\nE", "\\", { line: 4, endLine: 4 })).toMatchObject({
      keyword: "RUN",
      heredocs: [{ content: "x\n" }],
      line: 4,
    });
  });

  it("of any text parses or says what is wrong with it", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom("RUN x \\", "COPY <<E /", "E", "FROM a", "# c"))),
        (lines) => {
          message(lines.join("\n"));
        },
      ),
    );
  });
});
