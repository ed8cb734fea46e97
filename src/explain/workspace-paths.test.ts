import { expect, it } from "vitest";
import type { BuildEvent } from "../build/run/events.ts";
import { pathInSource } from "./workspace-paths.ts";

const said = (text: string): BuildEvent[] => [{ type: "log", kind: "container", text, buildId: "b", atMs: 0 }];

it.each([
  ["/codebuild/output/src1/src", ""],
  ["/codebuild/output/src1/src/a/b", "a/b"],
  ["/codebuild/output/src1/src/github.com/me/app/", ""],
  ["/codebuild/output/src1/src/github.com/me/app/ci/spec.yml", "ci/spec.yml"],
  ["/codebuild/output/src1/src/git-codecommit.eu-west-1.amazonaws.com/v1/repos/app/x", "x"],
  ["/etc/passwd", undefined],
])("%s is %s of the workspace, by CodeBuild's layout", (path, expected) => {
  expect(pathInSource(path, [])).toBe(expected);
});

it("goes by what the log says", () => {
  const events = said("CODEBUILD_SRC_DIR=/tmp/b/codebuild/output/src7/src/gitlab.com/group/sub/app");
  expect(pathInSource("/tmp/b/codebuild/output/src7/src/gitlab.com/group/sub/app/x/y", events)).toBe("x/y");
  expect(pathInSource("/tmp/b/codebuild/output/src7/src/gitlab.com/group", events)).toBeUndefined();
});
