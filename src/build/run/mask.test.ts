import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSecretSet, secretParts } from "./mask.ts";

const maskInChunks = (values: readonly string[], chunks: readonly string[]): string => {
  const masker = createSecretSet(values).stream();
  return chunks.map((chunk) => masker.push(chunk)).join("") + masker.flush();
};

describe("masking", () => {
  it("replaces a value by three asterisks, also inside other text", () => {
    expect(createSecretSet(["adminuser"]).mask("pushing to [docker.io/adminuser/app]")).toBe(
      "pushing to [docker.io/***/app]",
    );
  });

  it("finds a value cut anywhere", () => {
    for (let at = 0; at <= 8; at++) {
      expect(maskInChunks(["s3cr3t"], ["a s3cr3t".slice(0, at), `${"a s3cr3t".slice(at)} b`])).toBe("a *** b");
    }
  });

  it("prefers the longest value and hides overlapping ones as one", () => {
    expect(createSecretSet(["abc", "abcdef"]).mask("abcdef abc")).toBe("*** ***");
    expect(createSecretSet(["abcd", "cdef"]).mask("xabcdefx")).toBe("x***x");
  });

  it("hides each line of a value of several lines", () => {
    expect(createSecretSet(["-----BEGIN KEY-----\nline one\n}\nline two\n"]).mask("got line two and }")).toBe(
      "got *** and }",
    );
    expect(secretParts("a\nbc\n")).toEqual(["a\nbc\n", "a\nbc"]);
  });

  it("hides each text of a JSON value, at any depth", () => {
    const secret = JSON.stringify({ username: "admin", nested: { password: "p4ss\nw0rd" }, port: 5432, tls: true });
    expect(createSecretSet([secret]).mask("user admin, p4ss and w0rd on 5432, true")).toBe(
      "user ***, *** and *** on 5432, true",
    );
    expect(secretParts("{not json")).toEqual(["{not json"]);
  });

  it("gives what it holds back to the masker that takes over", () => {
    const before = createSecretSet(["password"]).stream();
    const shown = before.push("my pass");
    const after = createSecretSet(["password", "passport"]).stream();
    expect(shown + after.push(before.release()) + after.push("port\n")).toBe("my ***\n");
    expect(before.flush()).toBe("");
  });

  it("hides AWS access key ids, cut or not", () => {
    expect(createSecretSet([]).mask("key AKIAIOSFODNN7EXAMPLE.")).toBe("key ***.");
    expect(maskInChunks([], ["key ASIAIOSF", "ODNN7EXAMPLE."])).toBe("key ***.");
  });

  it("shows text at once that cannot be the start of a value", () => {
    const masker = createSecretSet(["password"]).stream();
    expect(masker.push("first line\n")).toBe("first line\n");
    expect(masker.push("pass")).toBe("");
    expect(masker.push("ing\n")).toBe("passing\n");
  });

  it("treats regular expression characters literally", () => {
    expect(createSecretSet(["a.c(d)|[e]$^"]).mask("abc a.c(d)|[e]$^")).toBe("abc ***");
  });

  const alphabet = fc.constantFrom("a", "b", "c", "\n");
  const word = fc.string({ unit: alphabet, minLength: 3, maxLength: 6 });

  it("gives the same text however the stream is cut", () => {
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 4 }),
        fc.array(fc.string({ unit: alphabet, maxLength: 9 }), { maxLength: 8 }),
        (values, chunks) => {
          expect(maskInChunks(values, chunks)).toBe(maskInChunks(values, [chunks.join("")]));
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("leaves no occurrence of a value", () => {
    fc.assert(
      fc.property(
        fc.array(word, { minLength: 1, maxLength: 4 }),
        fc.array(fc.string({ unit: alphabet, maxLength: 9 }), { maxLength: 8 }),
        (values, chunks) => {
          const shown = maskInChunks(values, chunks);
          for (const part of values.flatMap(secretParts)) expect(shown).not.toContain(part);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
