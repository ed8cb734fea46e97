import { describe, expect, it } from "vitest";
import { parseChmod } from "./chmod.ts";

describe("--chmod", () => {
  it.each([
    ["640", 0o777, 0o640],
    ["4755", 0, 0o4755],
    ["u+x,g-w,o=", 0o666, 0o740],
    ["a=rX", 0o644, 0o444],
    ["a=rX", 0o744, 0o555],
    ["go=u", 0o750, 0o777],
    ["u+s,+t", 0o755, 0o5755],
    ["g=u-w", 0o640, 0o640],
  ])("%s of %o", (text, mode, expected) => {
    expect(parseChmod(text)?.(mode, false)).toBe(expected);
  });

  it("takes X for folders", () => {
    expect(parseChmod("a+X")?.(0o644, true)).toBe(0o755);
  });

  it.each(["99", "77777", "u~x", "", "rwx"])("is no mode: %j", (text) => {
    expect(parseChmod(text)).toBeUndefined();
  });
});
