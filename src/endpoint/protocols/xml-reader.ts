/**
 * Reads the XML documents that S3's clients send: elements, text, CDATA, the five entities and character references.
 * A document type is refused: no client needs one, and entities of one's own are how XML is used as a weapon.
 * Source: https://www.w3.org/TR/xml/. Gaps: attributes are skipped but `xsi:type`; encodings other than UTF-8.
 */

export interface XmlElement {
  /** Without its prefix. */
  readonly name: string;
  /** By their names as written, e.g. `xsi:type`. */
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: readonly XmlElement[];
  /** Of the element itself, without that of its children. */
  readonly text: string;
}

const MAX_DEPTH = 32;
/** Ten thousand parts of an upload with their checksums are fewer. */
const MAX_ELEMENTS = 200_000;
const NAME = /[A-Za-z_:][\w:.-]*/y;
const ATTRIBUTE = /\s+([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"<]*)"|'([^'<]*)')/y;
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The root element; undefined for a text that is not well-formed. */
export function readXml(text: string): XmlElement | undefined {
  try {
    const reader = new Reader(text);
    reader.skipMisc();
    const root = reader.element(0);
    reader.skipMisc();
    return reader.isAtEnd ? root : undefined;
  } catch (error) {
    if (error instanceof NotWellFormed) return undefined;
    throw error;
  }
}

class NotWellFormed extends Error {}

class Reader {
  readonly #text: string;
  #at = 0;
  #elements = 0;

  constructor(text: string) {
    this.#text = text.startsWith("\ufeff") ? text.slice(1) : text;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  /** White space, comments, processing instructions and the declaration. */
  skipMisc(): void {
    for (;;) {
      while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
      if (this.#text.startsWith("<!--", this.#at)) this.#skipTo("-->");
      else if (this.#text.startsWith("<?", this.#at)) this.#skipTo("?>");
      else return;
    }
  }

  element(depth: number): XmlElement {
    if (depth > MAX_DEPTH || ++this.#elements > MAX_ELEMENTS) throw new NotWellFormed();
    this.#expect("<");
    const qualified = this.#match(NAME)[0];
    const attributes: Record<string, string> = {};
    for (let found = this.#tryMatch(ATTRIBUTE); found; found = this.#tryMatch(ATTRIBUTE)) {
      attributes[found[1] as string] = decoded(found[2] ?? found[3] ?? "");
    }
    while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
    const name = qualified.slice(qualified.indexOf(":") + 1);
    if (this.#text.startsWith("/>", this.#at)) {
      this.#at += 2;
      return { name, attributes, children: [], text: "" };
    }
    this.#expect(">");
    return { name, attributes, ...this.#content(qualified, depth) };
  }

  #content(qualified: string, depth: number): Pick<XmlElement, "children" | "text"> {
    const children: XmlElement[] = [];
    let text = "";
    for (;;) {
      const next = this.#text.indexOf("<", this.#at);
      if (next < 0) throw new NotWellFormed();
      text += decoded(this.#text.slice(this.#at, next));
      this.#at = next;
      if (this.#text.startsWith("</", next)) {
        this.#expect(`</${qualified}`);
        while (/\s/.test(this.#text.charAt(this.#at))) this.#at++;
        this.#expect(">");
        return { children, text };
      }
      if (this.#text.startsWith("<![CDATA[", next)) {
        const start = next + "<![CDATA[".length;
        this.#skipTo("]]>");
        text += this.#text.slice(start, this.#at - "]]>".length);
      } else if (this.#text.startsWith("<!--", next)) this.#skipTo("-->");
      else if (this.#text.startsWith("<?", next)) this.#skipTo("?>");
      else children.push(this.element(depth + 1));
    }
  }

  #expect(text: string): void {
    if (!this.#text.startsWith(text, this.#at)) throw new NotWellFormed();
    this.#at += text.length;
  }

  #skipTo(end: string): void {
    const found = this.#text.indexOf(end, this.#at);
    if (found < 0) throw new NotWellFormed();
    this.#at = found + end.length;
  }

  #match(pattern: RegExp): RegExpExecArray {
    const found = this.#tryMatch(pattern);
    if (!found) throw new NotWellFormed();
    return found;
  }

  #tryMatch(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found) this.#at = pattern.lastIndex;
    return found;
  }
}

const REFERENCE = /&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w+));|&/g;

const BAD_REFERENCE = /&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9a-fA-F]{1,6});)/;

function decoded(text: string): string {
  if (!text.includes("&")) return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
  // All references are found before the first is looked at: no millions of bad ones.
  if (BAD_REFERENCE.test(text)) throw new NotWellFormed();
  return text.replace(/\r\n?/g, "\n").replace(REFERENCE, (_all, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined && Object.hasOwn(ENTITIES, name)) return ENTITIES[name] as string;
    const point = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
    if (!(point > 0 && point <= 0x10ffff)) throw new NotWellFormed();
    return String.fromCodePoint(point);
  });
}
