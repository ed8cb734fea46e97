import { describe, expect, it } from "vitest";
import { familiarReference, formatReference, parseReference, standInRepository, withDefaultTag } from "./reference.ts";

describe("image references", () => {
  it.each([
    ["python", "docker.io/library/python", "python"],
    ["me/app:1", "docker.io/me/app:1", "me/app:1"],
    ["index.docker.io/me/app", "docker.io/me/app", "me/app"],
    ["localhost:5000/a/b:x", "localhost:5000/a/b:x", "localhost:5000/a/b:x"],
    [`a@sha256:${"0".repeat(64)}`, `docker.io/library/a@sha256:${"0".repeat(64)}`, `a@sha256:${"0".repeat(64)}`],
  ])("reads %s", (text, whole, familiar) => {
    expect(formatReference(parseReference(text))).toBe(whole);
    expect(familiarReference(parseReference(text))).toBe(familiar);
  });

  it.each([
    ["https://docker.io/me/app", "invalid reference format"],
    ["/me/app", "invalid reference format"],
    ["", "invalid reference format"],
    ["me/app:", "invalid reference format"],
    ["me/app 1", "invalid reference format"],
    ["me/App", "invalid reference format: repository name (me/App) must be lowercase"],
    ["App", "invalid reference format: repository name (library/App) must be lowercase"],
    ["a".repeat(64), `invalid repository name (${"a".repeat(64)}), cannot specify 64-byte hexadecimal strings`],
  ])("refuses `%s`", (text, message) => {
    expect(() => parseReference(text)).toThrow(message);
  });

  it("keeps names of Kiln's own host as they are and puts others below their host", () => {
    const url = "http://127.0.0.1:4566";
    expect(standInRepository(parseReference("localhost:4566/x/y"), url)).toBe("x/y");
    expect(standInRepository(parseReference("python"), url)).toBe("docker.io/library/python");
    expect(withDefaultTag(parseReference("python")).tag).toBe("latest");
  });
});
