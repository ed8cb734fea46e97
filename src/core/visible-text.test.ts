import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visibleLine, visibleText, visibleTexts } from "./visible-text.ts";

describe("texts of other people", () => {
  it("cannot steer a terminal", () => {
    expect(visibleText("a\u001b]0;title\u0007\u001b[2Jb\u009b31m\u007f")).toBe("a␛]0;title␇␛[2Jb�31m␡");
  });

  it("cannot overwrite a line, and keep the ends of theirs", () => {
    expect(visibleText("harmless\rrm -rf\r\nnext\tcell\n")).toBe("harmless␍rm -rf\r\nnext\tcell\n");
  });

  it("cannot turn the direction of writing", () => {
    expect(visibleText("a\u202etxt.exe\u2066b\u2069")).toBe("a�txt.exe�b�");
  });

  it("stay as they are when there is nothing to hide", () => {
    expect(visibleText("naïve – 構建 👩‍💻 `x`")).toBe("naïve – 構建 👩‍💻 `x`");
  });

  it("are one line where one is asked for", () => {
    expect(visibleLine("a\n::error::b\r\nc\u2028d")).toBe("a␊::error::b␍␊c�d");
  });

  it("keep their length, so that offsets stay right", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => visibleText(text).length === text.length));
  });

  it("are found however deep", () => {
    expect(visibleTexts({ at: [{ text: "\u001b[31m", line: 3 }], none: undefined })).toEqual({
      at: [{ text: "␛[31m", line: 3 }],
      none: undefined,
    });
  });
});
