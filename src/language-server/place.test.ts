/** The cursor is `|` in each text. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { placeAt } from "./place.ts";

function at(marked: string) {
  const offset = marked.indexOf("¦");
  const text = marked.replace("¦", "");
  const place = placeAt(text, offset);
  return place && { ...place, text: text.slice(place.startOffset, place.endOffset) };
}
const shown = (marked: string): string => {
  const place = at(marked);
  return place === undefined ? "nothing" : `${place.position} ${place.path.join(".")} <${place.text}>`;
};

describe("a cursor", () => {
  it.each([
    ["in an empty text", "¦", "inside  <>"],
    ["in a key at the top", "version: 0.2\npha¦", "inside  <pha>"],
    ["in a key that has its colon", "pha¦ses:\n  build:\n", "inside  <phases>"],
    ["on an indented empty line", "phases:\n  ¦", "inside phases <>"],
    [
      "on a line between keys",
      "phases:\n  build:\n    commands:\n      - a\n    ¦\n  post_build:\n",
      "inside phases.build <>",
    ],
    ["further left than the line before", "phases:\n  build:\n    commands:\n      - a\n  ¦", "inside phases <>"],
    ["below a key with a text", "env:\n  shell: bash\n  ¦", "inside env <>"],
    ["deeper than anything opens", "env:\n  shell: bash\n      ¦", "inside env <>"],
    ["after a colon", "version: ¦", "value version <>"],
    ["after a colon without a space", "version:¦", "value version <>"],
    ["in a value", "env:\n  shell: ba¦sh # x", "value env.shell <bash>"],
    ["in a value in quotes", 'env:\n  shell: "ba¦"\n', "value env.shell <ba>"],
    ["in a quote that is open", 'env:\n  shell: "ba¦\nphases:\n', "value env.shell <ba>"],
    ["after a dash", "phases:\n  build:\n    commands:\n      - ¦", "value phases.build.commands.[] <>"],
    ["after a dash of a list that is not indented", "artifacts:\n  files:\n  - a¦", "value artifacts.files.[] <a>"],
    ["on a line where a dash is missing", "artifacts:\n  files:\n    ¦", "inside artifacts.files <>"],
    [
      "in a block",
      "phases:\n  build:\n    commands:\n      - |\n        echo: a\n        ec¦ho\n      - b\n",
      "value phases.build.commands.[] <>",
    ],
    [
      "on an empty line of a block",
      "phases:\n  build:\n    commands:\n      - |\n        a\n        ¦\n",
      "value phases.build.commands.[] <>",
    ],
    ["after a block", "phases:\n  build:\n    commands:\n      - |\n        a\n    ¦\n", "inside phases.build <>"],
    [
      "in a key of an item",
      "batch:\n  build-list:\n    - identifier: a\n      bu¦\n    - identifier: b\n",
      "inside batch.build-list.[] <bu>",
    ],
    [
      "in the first key of an item",
      "batch:\n  build-list:\n    - iden¦tifier: a\n",
      "inside batch.build-list.[] <identifier>",
    ],
    [
      "in a key of a mapping in an item",
      "batch:\n  build-graph:\n  - identifier: a\n    env:\n      ¦\n",
      "inside batch.build-graph.[].env <>",
    ],
    ["in flow", "env: { variables: { A: 1 }, sh¦ }", "inside env <sh>"],
    ["in a value in flow", "env: { shell: ¦ }", "value env.shell <>"],
    ["in a list in flow", "env:\n  exported-variables: [A, ¦]", "value env.exported-variables.[] <>"],
    ["in flow over lines", "reports: {\n  unit: {\n    ¦\n", "inside reports.unit <>"],
    ["in JSON", '{"version": "0.2", "phases": {"build": {"¦"}}}', "inside phases.build <>"],
    ["in a value in JSON", '{"env": {"shell": "b¦"}}', "value env.shell <b>"],
    ["in a comment", "env: # sh¦", "nothing"],
    ["in a comment of flow", "env: { a: b, # c¦\n}", "nothing"],
    ["in a text with a number sign", "env:\n  variables:\n    A: x#¦", "value env.variables.A <x#>"],
    ["among CRLF", "env:\r\n  variables:\r\n    A: b\r\n  ¦\r\n", "inside env <>"],
    ["in a key in quotes", "'env':\n  \"sh¦\": x\n", 'inside env <"sh">'],
    ["after a line that is wrong", "phases:\n  build\n    commands:\n      - a\n  ¦", "inside phases <>"],
  ])("%s", (_, marked, expected) => expect(shown(marked)).toBe(expected));

  it("knows the keys beside it, before and after", () => {
    const place = at("env:\n  shell: bash\n  ¦\n  variables:\n    A: b\nphases:\n");
    expect([...(place?.siblings ?? [])]).toEqual(["shell", "variables"]);
    expect(
      at("batch:\n  build-list:\n    - identifier: a\n      env:\n      ¦\n    - buildspec: b\n")?.siblings,
    ).toEqual(new Set(["identifier", "env"]));
    expect(at("env: {shell: bash, ¦}")?.siblings).toEqual(new Set(["shell"]));
  });

  it("knows whether a colon follows", () => {
    expect(at("ve¦rsion : 0.2")?.hasColon).toBe(true);
    expect(at("ver¦")?.hasColon).toBe(false);
  });
});

it("finds an answer anywhere in any text", () => {
  const piece = fc.constantFrom(
    "a",
    ":",
    " ",
    "  ",
    "\n",
    "- ",
    "|",
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    "#",
    "env",
    "phases",
    "\t",
    "\r\n",
    "é",
    "😀",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.nat(), (pieces, seed) => {
      const text = pieces.join("");
      const offset = seed % (text.length + 1);
      const place = placeAt(text, offset);
      if (!place) return;
      expect(place.startOffset).toBeGreaterThanOrEqual(0);
      expect(place.endOffset).toBeGreaterThanOrEqual(place.startOffset);
      expect(place.endOffset).toBeLessThanOrEqual(text.length);
    }),
    { numRuns: 2000 },
  );
});
