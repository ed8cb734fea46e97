import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arnsOverlap, globsOverlap } from "./glob-overlap.ts";

const pattern = fc.string({ unit: fc.constantFrom("a", "b", "/", "*", "?"), maxLength: 8 });
const matches = (text: string, glob: string): boolean =>
  new RegExp(`^${glob.replace(/[*?/]/g, (one) => (one === "*" ? "[^]*" : one === "?" ? "[^]" : "\\/"))}$`).test(text);

describe("patterns that overlap", () => {
  it.each([
    ["app/*", "app/password", true],
    ["app/*", "*/password", true],
    ["app/prod/*", "app/*/password", true],
    ["app/prod/*", "app/dev/*", false],
    ["shop/db-??????", "shop/db-AbCdEf", true],
    ["shop/db-??????", "shop/db-*", true],
    ["shop/db", "shop/db-??????", false],
    ["", "*", true],
    ["", "?", false],
  ])("%s and %s: %s", (a, b, expected) => {
    expect(globsOverlap(a, b)).toBe(expected);
    expect(globsOverlap(b, a)).toBe(expected);
  });

  it("have a text that matches both, and no others do", () => {
    const texts = [""];
    for (let from = 0, length = 0; length < 4; length++) {
      const until = texts.length;
      for (; from < until; from++) for (const char of "ab/") texts.push(texts[from] + char);
    }
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const found = texts.some((text) => matches(text, a) && matches(text, b));
        // A text may be longer than those tried; one that is found is certain.
        if (found) expect(globsOverlap(a, b)).toBe(true);
        if (!globsOverlap(a, b)) expect(found).toBe(false);
      }),
    );
  });

  it("compares ARNs part by part", () => {
    expect(arnsOverlap("arn:aws:ssm:*:*:parameter/app/*", "arn:aws:ssm:eu-west-1:1:parameter/app/x")).toBe(true);
    expect(arnsOverlap("arn:aws:ssm:us-*:1:parameter/*", "arn:aws:ssm:eu-west-1:1:parameter/x")).toBe(false);
    expect(arnsOverlap("arn:aws:logs:*:*:log-group:/a:*", "arn:aws:logs:r:1:log-group:/a:log-stream:b")).toBe(true);
    expect(arnsOverlap("*", "arn:aws:s3:::b/k")).toBe(true);
  });
});
