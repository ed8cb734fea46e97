/** Whatever the secret, its form and the places where the stream is cut: it is found, once, where it is. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PatternSet } from "./pattern-search.ts";
import { MIN_FORM_BYTES, secretForms } from "./secret-forms.ts";

/** Printable, without what a wrapped text loses at line ends. */
const secret = fc.string({ unit: "grapheme-ascii", minLength: 8, maxLength: 300 }).filter((text) => {
  const trimmed = text.trim();
  return trimmed.length >= MIN_FORM_BYTES && trimmed === text;
});
const noise = fc.uint8Array({ maxLength: 400 });

function searched(value: string) {
  return new PatternSet(secretForms(value).map(({ form, bytes }) => ({ bytes, value: form })));
}

/** The forms found when the bytes come in chunks that end at `cuts`. */
function formsIn(value: string, bytes: Uint8Array, cuts: readonly number[] = []): string[] {
  const found: string[] = [];
  const search = searched(value).stream((hit) => found.push(hit.value));
  let from = 0;
  for (const to of [...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    // The chunk's memory is used again.
    const chunk = Buffer.from(bytes.subarray(from, to));
    search.push(chunk);
    chunk.fill(0);
    from = to;
  }
  search.end();
  return found;
}

const around = (before: Uint8Array, text: string | Buffer, after: Uint8Array): Buffer =>
  Buffer.concat([before, Buffer.from(text as string), after]);

const wrapped = (text: string, columns: number, lineEnd: string): string =>
  text.replace(new RegExp(`.{1,${columns}}`, "gs"), (line) => line + lineEnd);

const ENCODERS: Readonly<Record<string, (text: string) => string>> = {
  raw: (text) => text,
  hex: (text) => Buffer.from(text).toString("hex"),
  "hex in capitals": (text) => Buffer.from(text).toString("hex").toUpperCase(),
  "a URL's component": (text) => encodeURIComponent(text),
  "a URL's component in lower case": (text) => encodeURIComponent(text).replace(/%../g, (code) => code.toLowerCase()),
  "a URL's path": (text) => encodeURIComponent(text).replaceAll("%2F", "/"),
  "a form": (text) => new URLSearchParams([["", text]]).toString().slice(1),
  JSON: (text) => JSON.stringify(text),
  "JSON with escaped slashes": (text) => JSON.stringify(text).replaceAll("/", "\\/"),
  "JSON for HTML": (text) =>
    JSON.stringify(text).replace(/[<>&]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`),
  HTML: (text) =>
    text
      .replaceAll("&", "&amp;")
      .replaceAll("<", "&lt;")
      .replaceAll(">", "&gt;")
      .replaceAll('"', "&quot;")
      .replaceAll("'", "&#39;"),
  "a quoted shell word": (text) => `'${text.replaceAll("'", "'\\''")}'`,
};

describe("a secret", () => {
  it.each(Object.keys(ENCODERS))("is found in %s, wherever it lies and the stream is cut", (name) => {
    fc.assert(
      fc.property(secret, noise, noise, fc.array(fc.nat(), { maxLength: 6 }), (value, before, after, cuts) => {
        const bytes = around(before, ENCODERS[name]?.(value) ?? "", after);
        expect(formsIn(value, bytes, cuts)).not.toEqual([]);
      }),
    );
  });

  it("is found in base64 in each alignment, padded or not, for URLs or not, on one line or wrapped", () => {
    const columns = fc.constantFrom(64, 76, 1000);
    const lineEnd = fc.constantFrom("\n", "\r\n", "\n    ");
    fc.assert(
      fc.property(secret, noise, noise, columns, lineEnd, fc.boolean(), fc.boolean(), (...given) => {
        const [value, before, after, width, end, isForUrls, isPadded] = given;
        let text = around(before, value, after).toString(isForUrls ? "base64url" : "base64");
        if (!isPadded) text = text.replace(/=+$/, "");
        // The ends of a short value are mixed with its neighbours: what is left of it is too short to be sure.
        fc.pre(value.length >= 9);
        expect(formsIn(value, Buffer.from(wrapped(text, width, end)))).toEqual(
          expect.arrayContaining([expect.stringMatching(/^base64/)]),
        );
      }),
    );
  });

  it("is found where its text is wrapped, with either line end", () => {
    fc.assert(
      fc.property(secret, fc.integer({ min: 24, max: 100 }), fc.constantFrom("\n", "\r\n"), (value, width, end) => {
        // Spaces at the beginning of a line are an indentation.
        fc.pre(!value.includes(" "));
        expect(formsIn(value, Buffer.from(wrapped(value, width, end)))).toContain("raw");
      }),
    );
  });

  it("is not found in noise, nor with one character changed", () => {
    fc.assert(
      fc.property(secret, fc.uint8Array({ maxLength: 4000 }), fc.nat(), (value, bytes, at) => {
        expect(formsIn(value, bytes)).toEqual([]);
        const place = value.length > 192 ? value.length >> 1 : at % value.length;
        const changed = `${value.slice(0, place)}\u0001${value.slice(place + 1)}`;
        expect(formsIn(value, Buffer.from(changed))).toEqual([]);
      }),
    );
  });

  it("is found each time, at its place and line, in a stream longer than the search's window", () => {
    const value = "correct-horse-battery-staple";
    const places = [0, 5, 262_100, 262_144, 524_280, 900_000];
    const bytes = Buffer.alloc(1_000_000, "lorem ipsum dolor sit amet, consectetur\n");
    for (const place of places) bytes.write(`${place === 5 ? "" : value}`, place);
    const hits: { start: number; line: number | undefined }[] = [];
    const search = searched(value).stream(({ start, line }) => hits.push({ start, line }), { countsLines: true });
    for (let at = 0; at < bytes.length; at += 65_536) search.push(bytes.subarray(at, at + 65_536));
    search.end();
    const lineAt = (place: number) => bytes.subarray(0, place).toString().split("\n").length;
    expect(hits).toEqual(places.filter((place) => place !== 5).map((start) => ({ start, line: lineAt(start) })));
  });
});

describe("a set of patterns", () => {
  it("refuses a pattern that is too short to be sure of", () => {
    expect(() => new PatternSet([{ bytes: Buffer.from("seven77"), value: 0 }])).toThrow("at least eight bytes");
  });

  it("shows a text without what it finds", () => {
    const set = searched("s3cr3t-p4ssw0rd");
    expect(set.redact("RUN |1 TOKEN=s3cr3t-p4ssw0rd curl /s3cr3t-p4ssw0rd?q=1")).toBe("RUN |1 TOKEN=*** curl /***?q=1");
  });
});
