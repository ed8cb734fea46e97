import { describe, expect, it } from "vitest";
import { parameterNameTest } from "./parameter-names.ts";

describe("patterns for names of parameters", () => {
  it.each([
    ["/app/*", "/app/password", true],
    ["/app/*", "/app/db/password", false],
    ["/app/**", "/app/db/password", true],
    ["/*/*/password", "/shop/prod/password", true],
    ["/app/v?", "/app/v1", true],
    ["/app/v?", "/app/v/", false],
    ["/a/*, /b/**", "/b/x/y", true],
    ["/a/*, /b/**", "/c/x", false],
    ["/\\/(app|shop)\\/[a-z-]+/", "/shop/api-token", true],
    ["/\\/(app|shop)\\/[a-z-]+/", "/shop/api-token/x", false],
    ["*************************b", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false],
  ])("%s for %s: %s", (pattern, name, expected) => {
    expect(parameterNameTest(pattern)?.(name)).toBe(expected);
  });

  it("that cannot be read are no test", () => {
    expect(parameterNameTest("/(/")).toBeUndefined();
  });
});
