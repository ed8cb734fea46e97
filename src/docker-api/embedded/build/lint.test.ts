import { describe, expect, it } from "vitest";
import { parseDockerfile } from "../../../dockerfile/dockerfile.ts";
import { lintDockerfile, lintStage } from "./lint.ts";
import { lintOptions, lintWarning } from "./lint-rules.ts";

const NOTHING = { variables: ["PATH"], hasShell: false, hasWorkdir: false };

/** What BuildKit warns of, the stages as if each were built upon an image with a PATH. */
function warnings(text: string, start = NOTHING): string[] {
  const dockerfile = parseDockerfile(text);
  const { stages, escape: escapeChar } = dockerfile;
  return [
    ...lintDockerfile(dockerfile, text),
    ...stages.flatMap(({ instructions }) => lintStage(instructions, start, escapeChar).warnings),
  ].map(({ short }) => short);
}

describe("build checks", () => {
  it.for([
    ["FROM a as b", "FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)"],
    ["FROM a AS Build", "StageNameCasing: Stage name 'Build' should be lowercase (line 1)"],
    [
      "FROM a AS context",
      'ReservedStageName: Stage name should not use the same name as reserved stage "context" (line 1)',
    ],
    ["FROM a AS b\nFROM c AS b", 'DuplicateStageName: Duplicate stage name "b", stage names should be unique (line 2)'],
    [
      "FROM a\nRUN true\nrun false",
      "ConsistentInstructionCasing: Command 'run' should match the case of the command majority (uppercase) (line 3)",
    ],
    [
      "FROM a\nMAINTAINER me",
      "MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label (line 2)",
    ],
    [
      "FROM a\nENV x y z",
      'LegacyKeyValueFormat: "ENV key=value" should be used instead of legacy "ENV key value" format (line 2)',
    ],
    ["FROM a\nRUN one && \\\n\n  two\nUSER me", "NoEmptyContinuation: Empty continuation line (line 4)"],
    [
      "FROM a\nCMD echo hi",
      "JSONArgsRecommended: JSON arguments recommended for CMD to prevent unintended behavior related to OS signals (line 2)",
    ],
    [
      'FROM a\nCMD ["a"]\nCMD ["b"]',
      "MultipleInstructionsDisallowed: Multiple CMD instructions should not be used in the same stage because only the last one will be used (line 2)",
    ],
    [
      "FROM a\nWORKDIR app",
      'WorkdirRelativePath: Relative workdir "app" can have unexpected results if the base image changes (line 2)',
    ],
    [
      "FROM a\nARG GITHUB_TOKEN",
      'SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG "GITHUB_TOKEN") (line 2)',
    ],
    ["FROM a\nENV PATH=$PAHT:/b", "UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?) (line 2)"],
    ["FROM a\nENV X=${Y:+:$Z}", "UndefinedVar: Usage of undefined variable '$Y' (line 2)"],
    [
      "ARG BASE\nFROM $BASE",
      "InvalidDefaultArgInFrom: Default value for ARG $BASE results in empty or invalid base image name (line 2)",
    ],
    ["ARG TAG=1\nFROM a:$TGA", "UndefinedArgInFrom: FROM argument 'TGA' is not declared (did you mean TAG?) (line 2)"],
    [
      "FROM --platform=$TARGETPLATFORM a",
      "RedundantTargetPlatform: Setting platform to predefined $TARGETPLATFORM in FROM is redundant as this is the default behavior (line 1)",
    ],
    [
      "FROM --platform=linux/amd64 a",
      'FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value "linux/amd64" (line 1)',
    ],
  ] as const)("%s", ([text, warning]) => {
    expect(warnings(text)).toContain(warning);
  });

  it.for([
    'ARG V=1\nFROM a:$V AS b\nENV A=1\nENV B=$A PATH=/x:$PATH\nWORKDIR /w\nWORKDIR x\nCMD ["a"]\nHEALTHCHECK NONE',
    'FROM a\nSHELL ["/bin/bash","-c"]\nCMD echo hi',
    "from a as b\nrun true \\\n  # a remark\n  && false\n",
    "FROM a\nRUN echo $UNSET ${ALSO}\nARG PUBLIC_KEY\nENV KEYS=1 MONKEY=2",
    "FROM --platform=linux/amd64 a AS linux\nRUN <<EOF\n\nEOF\nCOPY --from=b '$x' /",
    "FROM --platform=$BUILDPLATFORM a\nENTRYPOINT []\n",
  ])("nothing: %s", (text) => {
    expect(warnings(text)).toEqual([]);
  });

  it("a base's shell, workdir and variables count", () => {
    const base = lintStage(
      parseDockerfile('FROM a\nSHELL ["x"]\nWORKDIR /x\nARG Y').stages[0]?.instructions ?? [],
      NOTHING,
      "\\",
    );
    expect(warnings("FROM b\nCMD a\nWORKDIR y\nENV Z=$Y", { ...base.end, variables: [...base.end.variables] })).toEqual(
      [],
    );
  });

  it("say where to read more", () => {
    expect(lintWarning("JSONArgsRecommended", "x", { line: 2, endLine: 3 })).toEqual({
      rule: "JSONArgsRecommended",
      short: "JSONArgsRecommended: x (line 2)",
      detail: "JSON arguments recommended for ENTRYPOINT/CMD to prevent unintended behavior related to OS signals",
      url: "https://docs.docker.com/go/dockerfile/rule/json-args-recommended/",
      line: 2,
      endLine: 3,
    });
    expect(lintWarning("FromAsCasing", "x", { line: 1, endLine: 1 }).url).toMatch(/\/rule\/from-as-casing\/$/);
    expect(lintWarning("SecretsUsedInArgOrEnv", "x", { line: 1, endLine: 1 }).url).toMatch(
      /\/rule\/secrets-used-in-arg-or-env\/$/,
    );
  });

  it("are skipped, or fail the build, as the directive says", () => {
    const { skips, isError } = lintOptions(" skip=FromAsCasing, StageNameCasing ; error=true");
    expect([skips("FromAsCasing"), skips("StageNameCasing"), skips("UndefinedVar"), isError]).toEqual([
      ...[true, true, false, true],
    ]);
    expect(lintOptions("skip=all").skips("UndefinedVar")).toBe(true);
    expect(() => lintOptions("skip")).toThrow('failed to parse check options: invalid check option "skip"');
    expect(() => lintOptions("x=1")).toThrow('failed to parse check options: invalid check option "x"');
  });
});
