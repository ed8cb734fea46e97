import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readXml } from "./xml-reader.ts";
import { element, escapeText } from "./xml-writer.ts";

describe("reading", () => {
  it("gives elements, attributes and text without prefixes, comments and declarations", () => {
    const root = readXml(
      `\ufeff<?xml version="1.0"?><!-- c --><s:A xmlns:s="u" xsi:type='T'>a&amp;b<B/><!-- x --><![CDATA[<raw>]]>&#65;&#x42;<C > d\r\n</C></s:A>\n`,
    );
    expect(root).toEqual({
      name: "A",
      attributes: { "xmlns:s": "u", "xsi:type": "T" },
      text: "a&b<raw>AB",
      children: [
        { name: "B", attributes: {}, children: [], text: "" },
        { name: "C", attributes: {}, children: [], text: " d\n" },
      ],
    });
  });

  it.each([
    "",
    "text",
    "<a>",
    "<a></b>",
    "<a><b></a></b>",
    "<a/><b/>",
    "<a b></a>",
    '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    "<a>&unknown;</a>",
    "<a>& </a>",
    "<a>&#0;</a>",
    "<a>&#x110000;</a>",
    "<a><!-- </a>",
    `${"<a>".repeat(100)}${"</a>".repeat(100)}`,
  ])("refuses %j", (text) => {
    expect(readXml(text)).toBeUndefined();
  });

  it("gives back what the writer wrote", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        fc.pre(!text.includes("\u0000"));
        expect(readXml(element("a", escapeText(text)))?.text).toBe(text);
      }),
    );
  });

  it("never throws", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("<", ">", "/", "a", "&", ";", "#", "!", "-", "[", "?", '"', "=", " ")),
        (parts) => {
          readXml(parts.join(""));
        },
      ),
    );
  });
});
