import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, it } from "vitest";
import { shellPath, shellText, shellWord } from "./shell-word.ts";

it("leaves what no shell changes", () => {
  expect(shellWord("ci/build-1.sh")).toBe("ci/build-1.sh");
  expect(shellText("/app/my name")).toBe('"/app/my name"');
  expect(shellPath("-rf")).toBe("./-rf");
});

it("quotes what one would run", () => {
  expect(shellWord("a;rm -rf ~")).toBe("'a;rm -rf ~'");
  expect(shellText("$(id)")).toBe("'$(id)'");
  expect(shellText("it's `x`")).toBe("'it'\\''s `x`'");
});

it("gives the shell the same text", () => {
  const text = fc.string({
    unit: fc.constantFrom(..."ab '\"$`\\!;&|()<>*?~#\n\té{}[]=-"),
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(text, (name) => {
      const script = `printf '%s\\n' ${shellWord(name)} ${shellText(name)}; printf x`;
      expect(execFileSync("sh", ["-c", script], { encoding: "utf8" })).toBe(`${name}\n${name}\nx`);
    }),
    { numRuns: 50 },
  );
});
