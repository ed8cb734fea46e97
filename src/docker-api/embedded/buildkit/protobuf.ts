/**
 * Protocol buffers by field tables: as much of proto3 as BuildKit's messages use (text, bytes, integers, flags, nested
 * messages, repeated fields, maps). A message is an object with a field for each member; unknown fields are skipped.
 * Written here rather than taken from a library: the tables are small, and every byte comes from a build's client.
 * Source: https://protobuf.dev/programming-guides/encoding/
 */

/** The bytes are no message of that kind. */
export class ProtobufError extends Error {
  override readonly name = "ProtobufError";
}

type Wire = { readonly kind: "varint"; readonly value: bigint } | { readonly kind: "bytes"; readonly value: Buffer };

/** One member: its number on the wire and how its values are read and written. */
export interface Field<T> {
  readonly number: number;
  /** What an absent field means. */
  empty(): T;
  /** `previous` is what was read of this field before: lists and maps grow. */
  read(previous: T, wire: Wire): T;
  /** Whole fields with their tags; nothing for the value that absence means. */
  write(value: T): Buffer[];
}

export interface MessageType<T> {
  decode(bytes: Uint8Array): T;
  /** Members left out are absent on the wire. */
  encode(value: Partial<T>): Buffer;
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds fields of every type; `MessageOf` gives each its own.
type Table = Readonly<Record<string, Field<any>>>;
type ValuesOf<F extends Table> = { -readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };
export type MessageOf<M> = M extends MessageType<infer T> ? T : never;

export function message<F extends Table>(fields: F): MessageType<ValuesOf<F>> {
  const names = Object.keys(fields);
  const nameOf = new Map(names.map((name) => [fields[name]?.number ?? 0, name]));
  return {
    decode(bytes) {
      const value: Record<string, unknown> = Object.fromEntries(names.map((name) => [name, fields[name]?.empty()]));
      for (const { number, wire } of readFields(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))) {
        const name = nameOf.get(number);
        if (name !== undefined && wire) value[name] = fields[name]?.read(value[name], wire);
      }
      return value as ValuesOf<F>;
    },
    encode(value) {
      const parts: Buffer[] = [];
      for (const name of names) {
        const given = (value as Record<string, unknown>)[name];
        if (given !== undefined) parts.push(...(fields[name]?.write(given) ?? []));
      }
      return Buffer.concat(parts);
    },
  };
}

export const text = (number: number): Field<string> => ({
  number,
  empty: () => "",
  read: (_, wire) => bytesOf(wire).toString("utf8"),
  write: (value) => (value === "" ? [] : delimited(number, Buffer.from(value, "utf8"))),
});

export const bytes = (number: number): Field<Uint8Array> => ({
  number,
  empty: () => Buffer.alloc(0),
  read: (_, wire) => bytesOf(wire),
  write: (value) => (value.length === 0 ? [] : delimited(number, value)),
});

/** Of any integer type; values beyond 2^53 lose their last digits. */
export const integer = (number: number): Field<number> => ({
  number,
  empty: () => 0,
  read: (_, wire) => Number(BigInt.asIntN(64, integerOf(wire))),
  write: (value) => (value === 0 ? [] : [tag(number, 0), varint(BigInt.asUintN(64, BigInt(Math.trunc(value))))]),
});

export const flag = (number: number): Field<boolean> => ({
  number,
  empty: () => false,
  read: (_, wire) => integerOf(wire) !== 0n,
  write: (value) => (value ? [tag(number, 0), varint(1n)] : []),
});

export const nested = <T>(number: number, type: MessageType<T>): Field<T | undefined> => ({
  number,
  empty: () => undefined,
  read: (_, wire) => type.decode(bytesOf(wire)),
  write: (value) => (value === undefined ? [] : delimited(number, type.encode(value))),
});

/** A repeated field of text, bytes or messages. */
export const many = <T>(field: Field<T>): Field<NonNullable<T>[]> => ({
  number: field.number,
  empty: () => [],
  read: (previous, wire) => {
    previous.push(field.read(field.empty(), wire) as NonNullable<T>);
    return previous;
  },
  write: (values) =>
    values.flatMap((value) => {
      const written = field.write(value);
      return written.length > 0 ? written : delimited(field.number, Buffer.alloc(0));
    }),
});

/** `map<string, …>`. Its object has no prototype: keys come from outside. */
export const mapOf = <T>(number: number, valueField: (number: number) => Field<T>): Field<Record<string, T>> => {
  const value = valueField(2);
  const entry = message({ key: text(1), value });
  return {
    number,
    empty: () => Object.create(null) as Record<string, T>,
    read: (previous, wire) => {
      const read = entry.decode(bytesOf(wire));
      previous[read.key] = read.value as T;
      return previous;
    },
    write: (map) =>
      Object.entries(map).flatMap(([key, item]) =>
        delimited(number, entry.encode({ key, value: item } as Partial<MessageOf<typeof entry>>)),
      ),
  };
};

function* readFields(buffer: Buffer): Generator<{ number: number; wire: Wire | undefined }> {
  let at = 0;
  const readVarint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = buffer[at++];
      if (byte === undefined) throw new ProtobufError("a message ends inside a number");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new ProtobufError("a number in a message is too long");
  };
  const take = (length: number): Buffer => {
    if (length > buffer.length - at) throw new ProtobufError("a message ends inside a field");
    at += length;
    return buffer.subarray(at - length, at);
  };
  while (at < buffer.length) {
    const key = Number(readVarint());
    const number = Math.floor(key / 8);
    if (number === 0) throw new ProtobufError("a message has a field without a number");
    if (key % 8 === 0) yield { number, wire: { kind: "varint", value: readVarint() } };
    else if (key % 8 === 2) yield { number, wire: { kind: "bytes", value: take(Number(readVarint())) } };
    else if (key % 8 === 1) yield { number, wire: void take(8) };
    else if (key % 8 === 5) yield { number, wire: void take(4) };
    else throw new ProtobufError(`a message has a field of wire type ${key % 8}`);
  }
}

function bytesOf(wire: Wire): Buffer {
  if (wire.kind !== "bytes") throw new ProtobufError("a message has a number where text or bytes belong");
  return wire.value;
}

function integerOf(wire: Wire): bigint {
  if (wire.kind !== "varint") throw new ProtobufError("a message has bytes where a number belongs");
  return wire.value;
}

function varint(value: bigint): Buffer {
  const out: number[] = [];
  let rest = value;
  while (rest > 0x7fn) {
    out.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Buffer.from(out);
}

const tag = (number: number, wireType: number): Buffer => varint(BigInt(number * 8 + wireType));

const delimited = (number: number, value: Uint8Array): Buffer[] => [
  tag(number, 2),
  varint(BigInt(value.length)),
  Buffer.from(value.buffer, value.byteOffset, value.byteLength),
];
