import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFilterPattern } from "./filter-pattern.ts";
import { compilePatternRegex } from "./pattern-regex.ts";

const matches = (pattern: string, message: string): boolean => parseFilterPattern(pattern)(message);

function refusal(pattern: string, message: string): string | undefined {
  try {
    matches(pattern, message);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

describe("patterns for text", () => {
  it.each([
    ["", "anything", true],
    ['" "', "anything", true],
    ["ERROR", "[ERROR 400] bad", true],
    ["ERROR", "error", false],
    ["ERROR bad", "[ERROR 400] bad", true],
    ["ERROR good", "[ERROR 400] bad", false],
    ['"ERROR 400"', "[ERROR 400] bad", true],
    ['"say \\"x\\""', 'say "x"', true],
    ["?ERROR ?WARN", "WARN", true],
    ["?ERROR ?WARN", "INFO", false],
    ['?"an error" ?WARN', "an error", true],
    ["ERROR -EXITING", "ERROR EXITING", false],
    ["ERROR -EXITING", "ERROR", true],
    ["-INFO", "WARN", true],
    ['-"in order"', "in order", false],
    ["INFO ?ERROR", "INFO", true],
    ["%ERROR [0-9]+%", "[ERROR 400] bad", true],
    ["%^bad%", "[ERROR 400] bad", false],
    ["bad %4\\d\\d%", "[ERROR 400] bad", true],
    ["bad -%4\\d\\d%", "[ERROR 400] bad", false],
  ])("%s on %s: %s", (pattern, message, expected) => {
    expect(matches(pattern, message)).toBe(expected);
  });

  it.each([
    ["a:b", "Invalid character(s) in term ':'"],
    ["?Status: timeout", "Invalid character(s) in term ':'"],
    ["(a)", "Invalid character(s) in term '('"],
    ['""', `Invalid character(s) in term '""'`],
    ["%a(b)%", "Invalid character(s) in term '('"],
    ["%a!%", "Invalid character(s) in term '!'"],
    ["%é%", "Invalid character(s) in term 'é'"],
    ["%a%%", "Invalid character(s) in term '%'"],
    ["%*%", "Invalid filter pattern"],
    ['"a', "Invalid filter pattern"],
    ["?", "Invalid filter pattern"],
    ["{ $.a = 1", "If a filter pattern starts with '{' it must end with '}'"],
    ["[a, b", "If a filter pattern starts with '[' it must end with ']'"],
  ])("%s is refused: %s", (pattern, text) => {
    expect(refusal(pattern, "")).toBe(text);
  });
});

describe("patterns for JSON", () => {
  const message = JSON.stringify({
    type: "UpdateTrail",
    ip: "111.111.111.111",
    code: 404,
    "detail-type": "x",
    user: { name: "anna", admin: true, left: null, "a.b": 1 },
    items: [{ ok: false, id: 7 }, { id: 8 }],
    names: ["GET", "PUT"],
    grid: [
      [0, 1],
      [4, 5],
    ],
    latency: 0.25,
  });

  it.each([
    ['{ $.type = "UpdateTrail" }', true],
    ["{ $.type = UpdateTrail }", true],
    ['{ $.type = "Update*" }', true],
    ["{ $.type = *Trail }", true],
    ["{ $.type = *dateT* }", true],
    ["{ $.type = Up*Trail }", false],
    ['{ $.type != "UpdateTrail" }', false],
    ["{ $.ip != 123.123.* }", true],
    ["{ $.ip = %^111\\.1% }", true],
    ["{ $.ip != %^111\\.1% }", false],
    ["{ $.code = 404 }", true],
    ["{ $.code = 4* }", true],
    ["{ $.code = 4.04e2 }", true],
    ["{ $.code = * }", true],
    ['{ $.code = "*" }', true],
    ["{ $.code >= 400 && $.code < 404 }", false],
    ["{ $.code > +4e2 }", true],
    ["{ $.latency <= 25e-2 }", true],
    ["{ $.type > 5 }", false],
    ["{ ($.code = 1) || ($.user.name = ann*) }", true],
    ["{ $.user.admin IS TRUE }", true],
    ["{ $.user.left IS NULL }", true],
    ["{ $.user.left != 1 }", false],
    ["{ $.user IS NULL }", false],
    ["{ $.items[0].ok IS FALSE }", true],
    ["{ $.items[1].ok IS FALSE }", false],
    ["{ $.items[*].id = 8 }", true],
    ["{ $.user.* = anna }", true],
    ["{ $.names[1] = PUT }", true],
    ["{ $.names[2] NOT EXISTS }", true],
    ["{ $.names = * }", false],
    ["{ $.names != GET }", false],
    ["{ $.grid[1][0] = 4 }", true],
    ["{ $.detail-type = x }", true],
    ["{ $.['detail-type'] = x }", true],
    ["{ $.user['a.b'] = 1 }", true],
    ['{ $.["detail-type"] = x }', true],
    ['{ $.user["a.b"] = 1 && $.user["a.b"] != 2 }', true],
    ["{ $.user.age NOT EXISTS }", true],
    ["{ $.user.age = 5 }", false],
    ["{ $.user.age != 5 }", false],
    ["{ $.code = 1 || $.code = 404 && $.type = x }", false],
    ["{ ($.code = 404 || $.code = 1) && $.type = UpdateTrail }", true],
    ["{ $.constructor NOT EXISTS }", true],
  ])("%s: %s", (pattern, expected) => {
    expect(matches(pattern, message)).toBe(expected);
  });

  it("never match what is no JSON", () => {
    expect(matches("{ $.a NOT EXISTS }", "plain text")).toBe(false);
    expect(matches("{ $.a NOT EXISTS }", "{broken")).toBe(false);
  });

  it.each([
    ["{ $.a = }", "Invalid filter pattern"],
    ["{ a = 1 }", "Invalid filter pattern"],
    [`{ $.["a.b'] = 1 }`, "Invalid character(s) in term '$.[\"'"],
    ["{ $[0] = 1 }", "Invalid character(s) in term '$['"],
    ['{ $."a-b" = 5* }', `Invalid character(s) in term '$."'`],
    ["{ $.a ~ 1 }", "Invalid character(s) in term '~'"],
    ["{ $.a = x:y }", "Invalid character(s) in term ':'"],
    ["{ $.a = @x }", "Invalid character(s) in term '@'"],
    ["{ $.a IS BIG }", "Invalid filter pattern"],
    ["{ $.a = 1 } x }", "Invalid filter pattern"],
    ["{ $.a < b }", "Invalid filter pattern"],
    ["{ }", "Invalid filter pattern"],
    ["{ $.a[*].b[*] = 1 }", "Invalid filter pattern"],
    ["{ $.a = %x% || $.b = %y% || $.c = %z% }", "Invalid filter pattern"],
  ])("%s is refused: %s", (pattern, text) => {
    expect(refusal(pattern, message)).toBe(text);
  });
});

describe("patterns for fields", () => {
  const line = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534';

  it.each([
    ["[ip, user, username, timestamp, request, status_code, bytes]", true],
    ["[ip, user, username, timestamp, request, status_code]", false],
    ["[..., status_code, bytes]", true],
    ["[ip, user, ...]", true],
    ["[ip, ..., bytes]", true],
    ["[...]", true],
    ["[..., request=*.html*, status_code=4*,]", true],
    ["[..., status_code = 4* && status_code != 403, bytes]", true],
    ["[..., status_code = 4* && status_code != 404, bytes]", false],
    ["[..., status_code = 500 || status_code = 404, bytes > 1000]", true],
    ["[..., bytes > 1534]", false],
    ["[ip = 127.0.0.*, ...]", true],
    ["[ip = %127\\.0\\.0\\.[1-9]%, ...]", true],
    ["[ip != 127.0.0.1, ...]", false],
    ['[ip, user, username = "frank", ...]', true],
    ["[..., bytes = 1.534e3]", true],
    ['[..., bytes = "1.534e3"]', false],
    ["[..., bytes = 15*]", true],
    ["[ip > 5, ...]", false],
    ['[a, b, c, time = "10/Oct*", ...]', true],
  ])("%s: %s", (pattern, expected) => {
    expect(matches(pattern, line)).toBe(expected);
  });

  it.each([
    ["[a, ..., b, ...]", "Invalid filter pattern"],
    ["[a > b]", "Invalid filter pattern"],
    ["[a = 1 && b = 2]", "Invalid filter pattern"],
    ["[a = ]", "Invalid filter pattern"],
    ["[a, b = 10/Oct*, ...]", "Invalid character(s) in term '/'"],
    ["[@a]", "Invalid character(s) in term '@'"],
  ])("%s is refused: %s", (pattern, text) => {
    expect(refusal(pattern, line)).toBe(text);
  });
});

describe("regular expressions", () => {
  it("match what the language's own engine matches", () => {
    const atom = fc.constantFrom("a", "b", "1", ".", "[ab]", "[^a]", "[0-9-]", "\\d", "\\W", "\\x61", "\\.", " ");
    const quantity = fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,3}", "{0,2}", "{2,}");
    const piece = fc.tuple(atom, quantity).map((parts) => parts.join(""));
    const sequence = fc
      .tuple(fc.constantFrom("", "^"), fc.array(piece, { minLength: 1, maxLength: 5 }), fc.constantFrom("", "$"))
      .map(([start, pieces, end]) => `${start}${pieces.join("")}${end}`);
    const source = fc.array(sequence, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("|"));
    const text = fc.string({ unit: fc.constantFrom("a", "b", "1", ".", " ", "\n", "é"), maxLength: 12 });
    fc.assert(
      fc.property(source, fc.array(text, { minLength: 1, maxLength: 5 }), (expression, texts) => {
        const test = compilePatternRegex(expression);
        for (const each of texts) {
          expect([expression, each, test?.(each)]).toEqual([expression, each, new RegExp(expression).test(each)]);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("take no longer for expressions that make others backtrack", () => {
    const test = compilePatternRegex(".*.*.*.*.*.*[ab]{20}=x");
    expect(test?.("ab".repeat(200_000))).toBe(false);
  });

  it("take no longer for expressions of many places", () => {
    const test = compilePatternRegex("a[ab]{900}c");
    let text = "";
    for (let bits = 1; text.length < 200_000; bits = (bits * 1_103_515_245 + 12_345) % 2 ** 31)
      text += bits > 2 ** 30 ? "a" : "b";
    const before = process.cpuUsage();
    expect(test?.(text)).toBe(false);
    expect(test?.(`${text}c`)).toBe(text.at(-901) === "a");
    // Hundreds of times as long where each text makes its own sets of states.
    expect(process.cpuUsage(before).user / 1000).toBeLessThan(2_000);
  });

  it.each([
    ["a{31}b?c{33}d", "x", `${"a".repeat(31)}${"c".repeat(33)}d`, true],
    ["a?{0}", "", "", undefined],
    [`${"[ab]?".repeat(100)}^x`, "", "x", true],
    ["x[ab]{0,100}y", "", `x${"ab".repeat(50)}y`, true],
    ["x[ab]{0,100}y", "", `x${"ab".repeat(50)}ay`, false],
    [`${"a?".repeat(70)}$`, "", "", true],
  ])("%s, across words of bits", (source, before, text, expected) => {
    expect(compilePatternRegex(source)?.(before + text)).toBe(expected);
  });

  it.each(["(a)", "a**", "[a", "[b-a]", "a{3,1}", "a{", "\\", "\\q", "[]", "aaa{9999}", "é", ""])(
    "refuse %s",
    (source) => {
      expect(compilePatternRegex(source)).toBeUndefined();
    },
  );
});
