import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pageToken, partsOfToken, textsOfToken } from "./page-token.ts";

const base64url = (text: string): string => Buffer.from(text).toString("base64url");

describe("a token of a page", () => {
  it("gives back its parts, whatever is in them, and can stand in any place of a request", () => {
    const part = fc.oneof(fc.string({ unit: "binary" }), fc.integer());
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const token = pageToken(...parts);
        expect(token).toMatch(/^[\w-]+$/);
        expect(partsOfToken(token)).toEqual(parts);
      }),
    );
  });

  it("of texts gives them, and only as many as asked for", () => {
    expect(textsOfToken(pageToken("secrets", "a/b"))).toEqual(["secrets", "a/b"]);
    expect(textsOfToken(pageToken("secrets", "a/b"), 2)).toEqual(["secrets", "a/b"]);
    expect(textsOfToken(pageToken("secrets", "a/b"), 1)).toBeUndefined();
    expect(textsOfToken(pageToken("secrets", 1))).toBeUndefined();
  });

  it.each([
    ["nothing", ""],
    ["a text", "nonsense"],
    ["a name", base64url("a")],
    ["another kind of JSON", base64url('{"a":1}')],
    ["parts of another kind", base64url("[[1]]")],
    ["a token with blanks", base64url('[ "a" ]')],
    ["a token that was cut off", pageToken("abc").slice(0, -4)],
    ["a token with more behind it", `${pageToken("a")}!`],
    ["a number written in another way", base64url("[1e3]")],
  ])("is not %s", (_, text) => {
    expect(partsOfToken(text)).toBeUndefined();
    expect(textsOfToken(text)).toBeUndefined();
  });
});
