import fc from "fast-check";
import { expect, it } from "vitest";
import { bytes, flag, integer, many, mapOf, message, nested, ProtobufError, text } from "./protobuf.ts";

const Inner = message({ name: text(1), size: integer(2) });
const Outer = message({
  title: text(1),
  data: bytes(2),
  count: integer(3),
  isOn: flag(4),
  names: many(text(5)),
  inner: nested(6, Inner),
  all: many(nested(7, Inner)),
  labels: mapOf(8, text),
});

it("writes the bytes that the encoding's documentation shows", () => {
  expect(message({ a: integer(1) }).encode({ a: 150 })).toEqual(Buffer.from("089601", "hex"));
  expect(message({ b: text(2) }).encode({ b: "testing" })).toEqual(Buffer.from("120774657374696e67", "hex"));
  expect(message({ a: integer(1) }).encode({ a: -2 })).toEqual(Buffer.from("08feffffffffffffffff01", "hex"));
  expect(message({ all: many(text(1)) }).encode({ all: [""] })).toEqual(Buffer.from("0a00", "hex"));
});

it("reads back what it writes", () => {
  const inner = fc.record({ name: fc.string(), size: fc.maxSafeInteger() });
  const value = fc.record({
    title: fc.string(),
    data: fc.uint8Array().map((given) => Buffer.from(given)),
    count: fc.maxSafeInteger(),
    isOn: fc.boolean(),
    names: fc.array(fc.string()),
    inner: fc.option(inner, { nil: undefined }),
    all: fc.array(inner),
    labels: fc.dictionary(
      fc.string().filter((key) => key !== "__proto__"),
      fc.string(),
    ),
  });
  fc.assert(
    fc.property(value, (given) => {
      const read = Outer.decode(Outer.encode(given));
      expect({ ...read, labels: { ...read.labels } }).toEqual({ ...given, labels: { ...given.labels } });
    }),
  );
});

it("skips fields it does not know", () => {
  const known = message({ a: integer(1) });
  const more = message({ a: integer(1), b: text(2), c: integer(200), d: nested(9, Inner) });
  expect(known.decode(more.encode({ a: 1, b: "x", c: 7, d: { name: "n", size: 1 } }))).toEqual({ a: 1 });
  expect(known.decode(Buffer.from("19000000000000000025000000000805", "hex"))).toEqual({ a: 5 });
});

it("keeps a key named __proto__ as a key", () => {
  const { labels } = Outer.decode(Outer.encode({ labels: JSON.parse('{"__proto__":"x"}') as Record<string, string> }));
  expect(Object.entries(labels)).toEqual([["__proto__", "x"]]);
  expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

it.each([
  ["08", "a message ends inside a number"],
  ["08ffffffffffffffffffffff01", "a number in a message is too long"],
  ["0a05ab", "a message ends inside a field"],
  ["0affffffffffffffff7f", "a message ends inside a field"],
  ["00", "a message has a field without a number"],
  ["0b", "a message has a field of wire type 3"],
  ["0801", "a message has a number where text or bytes belong"],
  ["1a00", "a message has bytes where a number belongs"],
])("refuses %s", (hex, text) => {
  expect(() => Outer.decode(Buffer.from(hex, "hex"))).toThrow(new ProtobufError(text));
});

it("never throws anything but its own error, whatever the bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (given) => {
      try {
        Outer.decode(given);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtobufError);
      }
    }),
  );
});
