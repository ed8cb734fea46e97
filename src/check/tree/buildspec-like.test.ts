import { describe, expect, it } from "vitest";
import { isBuildspecLike } from "./buildspec-like.ts";

describe("a text that looks like a buildspec", () => {
  const text = "version: 0.2\nphases:\n  build:\n    commands: [make]\n";

  it("has CodeBuild's phases at its top level, also where that is indented", () => {
    expect(isBuildspecLike("ci/web.yml", text)).toBe(true);
    expect(isBuildspecLike("ci/web.yml", text.replace(/^/gm, "   "))).toBe(true);
    expect(
      isBuildspecLike("ci/web.yml", `\uFEFF# ours\r\n\r\n${text.replace(/^/gm, "  ").replaceAll("\n", "\r\n")}`),
    ).toBe(true);
  });

  it("is no other file that has them somewhere below", () => {
    expect(isBuildspecLike("pipeline.yml", `project:\n${text.replace(/^/gm, "  ")}`)).toBe(false);
    expect(isBuildspecLike("pipeline.yml", `  project:\n${text.replace(/^/gm, "    ")}`)).toBe(false);
  });
});
