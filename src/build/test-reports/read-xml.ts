/**
 * Text → a small tree of elements, for hostile input: no entities but XML's own five (no expansion bombs, nothing is
 * fetched), bounded depth, number of elements and text. The parser is saxes; its first complaint ends the reading.
 * Names lose their namespace prefix.
 */
import { SaxesParser } from "saxes";
import { err, ok, type Result } from "../../core/result.ts";

export interface XmlElement {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Text and CDATA directly inside, cut after {@link MAX_TEXT}. */
  readonly text: string;
}

interface OpenElement extends XmlElement {
  readonly children: XmlElement[];
  text: string;
}

const MAX_DEPTH = 256;
const MAX_ELEMENTS = 3_000_000;
/** Captured output inside a report can be of any size and is not needed. */
const MAX_TEXT = 32_768;

class Refusal extends Error {}

/** The root element, or why the text is no XML. */
export function readXml(text: string): Result<XmlElement, string> {
  const parser = new SaxesParser({ xmlns: false, position: true });
  const open: OpenElement[] = [];
  let root: XmlElement | undefined;
  let elements = 0;
  const refuse = (why: string): never => {
    throw new Refusal(`XML syntax error on line ${parser.line}: ${why}`);
  };
  const addText = (chunk: string): void => {
    const current = open.at(-1);
    if (current && current.text.length < MAX_TEXT) current.text += chunk.slice(0, MAX_TEXT - current.text.length);
  };
  parser.on("error", (error) => refuse(error.message.replace(/^\d+:\d+: /, "").replace(/\.$/, "")));
  parser.on("opentag", ({ name, attributes }) => {
    elements += 1;
    if (elements > MAX_ELEMENTS) refuse(`more than ${MAX_ELEMENTS} elements`);
    if (open.length >= MAX_DEPTH) refuse(`elements nested more than ${MAX_DEPTH} deep`);
    open.push({ name: name.slice(name.indexOf(":") + 1), attributes, children: [], text: "" });
  });
  parser.on("closetag", () => {
    const closed = open.pop();
    if (!closed) return;
    const parent = open.at(-1);
    if (parent) parent.children.push(closed);
    else root = closed;
  });
  parser.on("text", addText);
  parser.on("cdata", addText);
  try {
    parser.write(text).close();
  } catch (error) {
    if (error instanceof Refusal) return err(error.message);
    throw error;
  }
  return root ? ok(root) : err("XML syntax error: there is no element");
}

export const attributeOf = (element: XmlElement, name: string): string | undefined =>
  Object.hasOwn(element.attributes, name) ? element.attributes[name] : undefined;

export const childrenOf = (element: XmlElement, ...names: readonly string[]): XmlElement[] =>
  element.children.filter(({ name }) => names.includes(name));

export const childOf = (element: XmlElement | undefined, name: string): XmlElement | undefined =>
  element?.children.find((child) => child.name === name);

/** Every element of these names below, in document order; does not look inside those it found. */
export function* elementsBelow(element: XmlElement, ...names: readonly string[]): Generator<XmlElement> {
  for (const child of element.children) {
    if (names.includes(child.name)) yield child;
    else yield* elementsBelow(child, ...names);
  }
}

/** A whole number in an attribute, 0 where there is none. */
export function countOf(element: XmlElement | undefined, name: string): number {
  const value = Number(element ? (attributeOf(element, name) ?? "0") : "0");
  return Number.isFinite(value) && value > 0 ? Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER) : 0;
}

/**
 * AWS: the text for a file of another kind, e.g. `expected element type <testsuite> but have <coverage>`
 * (https://github.com/aws/aws-cdk/issues/13867).
 */
export const wrongRoot = (expected: string, root: XmlElement): Result<never, string> =>
  err(`expected element type <${expected}> but have <${root.name}>`);
