import { expect, it } from "vitest";
import { fencedCode, markdownText } from "./markdown-text.ts";

it("keeps code as it is, and what is no link", () => {
  expect(markdownText("unknown key `a[0]<b>` in `phases`; **see** the page")).toBe(
    "unknown key `a[0]<b>` in `phases`; **see** the page",
  );
});

it("makes no link, image or tag of what a name holds", () => {
  expect(markdownText("key `a` [x](command:evil) ![p](https://h/p.png) <img src=x> `b`")).toBe(
    "key `a` \\[x\\](command:evil) !\\[p\\](https://h/p.png) \\<img src=x> `b`",
  );
  // A backtick in the value ends the span that was meant for it.
  expect(markdownText("key `a` [x](y) `` b` of `c`")).toBe("key `a` \\[x\\](y) \\`\\` b` of `c\\`");
  expect(markdownText("\\[x](y)")).toBe("\\\\\\[x\\](y)");
});

it("lets no span reach over a line's end", () => {
  expect(markdownText("`a\n\n[x](y) `b`")).toBe("\\`a\n\n\\[x\\](y) `b`");
});

it("takes a million backticks in time", () => {
  const runs = Array.from({ length: 1_000 }, (_, at) => "`".repeat(at)).join(" ");
  expect(markdownText(runs)).toBe(runs.replaceAll("`", "\\`"));
});

it("fences code with more backticks than it has", () => {
  expect(fencedCode("sh", "echo")).toBe("```sh\necho\n```");
  expect(fencedCode("sh", "a\n````\n[x](y)")).toBe("`````sh\na\n````\n[x](y)\n`````");
});
