import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ExpansionError, expandHeredoc, expandShown, expandWord, expandWords, splitWords } from "./words.ts";

const values: Record<string, string> = { A: "one", B: "two words", E: "", P: "/a/b/c.tar.gz" };
const lookup = (name: string): string | undefined => values[name];
const expand = (text: string): string => expandWord(text, lookup, "\\");

describe("variables in an instruction", () => {
  it.each([
    ["$A/${A}x", "one/onex"],
    ["'$A'\"$A\"\\$A", "$Aone$A"],
    ["${N:-d}${E:-d}${N-d}${E-d}", "ddd"],
    ["${A:+x}${N:+x}${E:+x}${E+x}", "xx"],
    ["${N:-${A}}", "one"],
    ["${P#*/}|${P##*/}|${P%.*}|${P%%.*}", "a/b/c.tar.gz|c.tar.gz|/a/b/c.tar|/a/b/c"],
    ["${P/a/X}|${P//a/X}", "/X/b/c.tar.gz|/X/b/c.tXr.gz"],
    ['"a\\"b" \\\\', 'a"b \\'],
    ["$", "$"],
    ["${A}$1$", "one$"],
  ])("%s is %s", (text, expected) => {
    expect(expand(text)).toBe(expected);
  });

  it.each([
    ["${N:?is needed}", 'failed to process "${N:?is needed}": N: is needed'],
    ["${A:%x}", 'failed to process "${A:%x}": unsupported modifier (%) in substitution'],
    ["${A", "failed to process \"${A\": syntax error: missing '}'"],
    ['"open', 'failed to process "\\"open": unexpected end of statement while looking for matching double-quote'],
    ["'open", 'failed to process "\'open": unexpected end of statement while looking for matching single-quote'],
  ])("%s cannot be", (text, expected) => {
    expect(() => expand(text)).toThrow(new ExpansionError(expected));
  });

  it("split words where they are not quoted", () => {
    expect(expandWords('$B "$B" x', lookup, "\\")).toEqual(["two", "words", "two words", "x"]);
    expect(splitWords("a 'b c' d\\ e \"f g\"", "\\")).toEqual(["a", "'b c'", "d\\ e", '"f g"']);
  });

  it("are shown with quotes and unknown names kept", () => {
    expect(expandShown("RUN echo \"$A\" '$A' $N ${N}", lookup, "\\")).toBe("RUN echo \"one\" '$A' $N ${N}");
  });

  it("of a heredoc leave quotes alone", () => {
    expect(expandHeredoc("say \"$A\" '$A' \\$A \\n\n", lookup)).toBe("say \"one\" 'one' $A \\n\n");
  });

  it("of any text are expanded or refused", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expand(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ExpansionError);
        }
      }),
    );
  });
});
