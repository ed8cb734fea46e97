/**
 * From a model table, requests that break one constraint each, with the sentence that AWS answers: worked out from the
 * table's JSON alone, by other code than src/services/validate.ts. Every member of every input is visited, those of nested
 * structures, lists and maps included.
 */
import { readFileSync } from "node:fs";

interface RawShape {
  readonly type: string;
  readonly members?: Readonly<Record<string, { readonly shape: string }>>;
  readonly required?: readonly string[];
  readonly member?: string;
  readonly key?: string;
  readonly value?: string;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly sensitive?: boolean;
}

interface RawModel {
  readonly operations: Readonly<Record<string, { readonly input?: string }>>;
  readonly shapes: Readonly<Record<string, RawShape>>;
}

export interface ConstraintCase {
  readonly operation: string;
  /** Which constraint of which member, for people. */
  readonly about: string;
  readonly body: object;
  /** The parts of the message, in the model's order. */
  readonly failures: readonly string[];
}

/** Where in an input something is: what stands around a value of `shape`. */
interface Place {
  readonly shape: string;
  readonly path: string;
  /** The whole input with `value` there. */
  readonly around: (value: unknown) => object;
}

const LONGEST = 200_000;
/** Texts that satisfy or break the patterns of the tables. */
const TEXTS = [
  "a",
  "1",
  "abcdefghijklmnopqrstuvwxyz0123456789",
  "us-east-1",
  "111122223333",
  "/a",
  "alias/a",
  "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
  "12345678-1234-1234-1234-123456789012",
  "/kms/xks/v1",
  "tag:a",
  "https://example.com",
  "com.amazonaws.vpce.us-east-1.vpce-svc-a",
  "0".repeat(64),
  "",
  " ",
  "\n",
  "a b",
  "\u20ac",
  "a:*",
  "!",
  "é\u0000",
];

export function constraintCases(service: string, operations: ReadonlySet<string>): ConstraintCase[] {
  const file = new URL(`../../data/models/${service}.json`, import.meta.url);
  const { shapes, operations: all } = JSON.parse(readFileSync(file, "utf8")) as RawModel;
  const shapeOf = (name: string): RawShape => shapes[name] as RawShape;
  const cases: ConstraintCase[] = [];

  for (const [operation, { input }] of Object.entries(all)) {
    if (!operations.has(operation) || input === undefined) continue;
    visit(operation, { shape: input, path: "", around: (value) => value as object }, []);
  }
  return cases;

  function visit(operation: string, place: Place, above: readonly string[]): void {
    const shape = shapeOf(place.shape);
    const add = (about: string, value: unknown, failures: readonly string[]): void => {
      cases.push({ operation, about: `${place.path} ${about}`, body: place.around(value), failures });
    };
    if (shape.type === "structure") visitStructure(operation, place, above, shape);
    else if (shape.type === "list") visitList(operation, place, above, shape, add);
    else if (shape.type === "map") visitMap(place, shape, add);
    else for (const [about, value] of brokenValues(shape)) add(about, toWire(shape, value), failuresOf(place, value));
  }

  function visitStructure(operation: string, place: Place, above: readonly string[], shape: RawShape): void {
    if (above.includes(place.shape)) return;
    const whole = sample(place.shape) as Record<string, unknown>;
    for (const [name, member] of Object.entries(shape.members ?? {})) {
      const path = pathOf(place.path, name);
      if (shape.required?.includes(name)) {
        for (const [about, body] of [
          ["left out", Object.fromEntries(Object.entries(whole).filter(([key]) => key !== name))],
          ["null", { ...whole, [name]: null }],
        ] as const) {
          // KMS hides plaintexts and messages also where there are none.
          const value = service === "kms" && member.shape === "PlaintextType" ? "" : " null";
          const failures = [`Value${value} at '${path}' failed to satisfy constraint: Member must not be null`];
          cases.push({ operation, about: `${path} ${about}`, body: place.around(body), failures });
        }
      }
      const around = (value: unknown): object => place.around({ ...whole, [name]: value });
      visit(operation, { shape: member.shape, path, around }, [...above, place.shape]);
    }
  }

  function visitList(
    operation: string,
    place: Place,
    above: readonly string[],
    shape: RawShape,
    add: (about: string, value: unknown, failures: readonly string[]) => void,
  ): void {
    const { min = 0, max } = shape;
    const [itemName, item] = [shape.member as string, shapeOf(shape.member as string)];
    const items = (count: number): unknown[] => Array.from({ length: count }, () => sample(itemName));
    if (min > 0) add("too few", items(min - 1), failuresOf(place, items(min - 1)));
    if (max !== undefined && max <= 2_000) add("too many", items(max + 1), failuresOf(place, items(max + 1)));
    const rest = items(Math.max(min, 1) - 1);
    if (["structure", "list", "map"].includes(item.type)) {
      const around = (value: unknown): object => place.around([...rest, value]);
      visit(operation, { shape: itemName, path: `${place.path}.${rest.length + 1}.member`, around }, above);
      return;
    }
    for (const [about, value] of brokenValues(item)) {
      const list = [...rest, value];
      const rule = `Member must satisfy constraint: [${sentences(item).join(", ")}]`;
      add(`item ${about}`, list, [sentence(place, list, rule)]);
    }
    const withNull = [...rest, null];
    const rule = `Member must satisfy constraint: [${[...sentences(item), "Member must not be null"].join(", ")}]`;
    add("item null", withNull, [sentence(place, withNull, rule)]);
  }

  function visitMap(
    place: Place,
    shape: RawShape,
    add: (about: string, value: unknown, failures: readonly string[]) => void,
  ): void {
    const { min = 0, max } = shape;
    const [key, item] = [shapeOf(shape.key as string), shapeOf(shape.value as string)];
    const entries = (count: number): Record<string, unknown> =>
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`key${n}`, sample(shape.value as string)]));
    if (min > 0) add("too few", entries(min - 1), failuresOf(place, entries(min - 1)));
    if (max !== undefined) add("too many", entries(max + 1), failuresOf(place, entries(max + 1)));
    for (const [about, name] of brokenValues(key)) {
      const value = { ...entries(Math.max(min, 1) - 1), [name as string]: sample(shape.value as string) };
      add(`key ${about}`, value, [
        sentence(place, value, `Map keys must satisfy constraint: [${sentences(key).join(", ")}]`),
      ]);
    }
    for (const [about, one] of brokenValues(item)) {
      const value = { ...entries(Math.max(min, 1) - 1), zz: one };
      add(`value ${about}`, value, [
        sentence(place, value, `Map value must satisfy constraint: [${sentences(item).join(", ")}]`),
      ]);
    }
  }

  /** The smallest valid value of a shape. */
  function sample(name: string): unknown {
    const shape = shapeOf(name);
    switch (shape.type) {
      case "structure":
        return Object.fromEntries(
          (shape.required ?? []).map((member) => [member, sample(shape.members?.[member]?.shape as string)]),
        );
      case "list":
        return Array.from({ length: shape.min ?? 0 }, () => sample(shape.member as string));
      case "map":
        return Object.fromEntries(
          Array.from({ length: shape.min ?? 0 }, (_, n) => [`key${n}`, sample(shape.value as string)]),
        );
      case "string":
        return shape.enum?.[0] ?? goodText(name, shape);
      case "blob":
        return toWire(shape, new Uint8Array(shape.min ?? 0));
      case "boolean":
        return true;
      default:
        return shape.min ?? 0;
    }
  }

  /** What a broken value of a place is told. */
  function failuresOf(place: Place, value: unknown): string[] {
    return brokenSentences(shapeOf(place.shape), value).map((rule) => sentence(place, value, rule));
  }

  function sentence(place: Place, value: unknown, rule: string): string {
    const hidden = isHidden(place.shape, []) || (service === "logs" && typeof value === "string");
    const text = hidden ? "" : ` '${print(place.shape, value)}'`;
    return `Value${text} at '${place.path}' failed to satisfy constraint: ${rule}`;
  }

  function isHidden(name: string, above: readonly string[]): boolean {
    if (above.includes(name)) return false;
    const shape = shapeOf(name);
    const inner = [...Object.values(shape.members ?? {}).map((member) => member.shape), shape.member, shape.value];
    const below = inner.some((one) => one !== undefined && isHidden(one, [...above, name]));
    return shape.sensitive === true || shape.type === "blob" || below;
  }

  function print(name: string, value: unknown): string {
    const shape = shapeOf(name);
    if (value === undefined || value === null) return "null";
    if (shape.type === "list")
      return `[${(value as unknown[]).map((one) => print(shape.member as string, one)).join(", ")}]`;
    if (shape.type === "map")
      return `{${Object.entries(value)
        .map(([key, one]) => `${key}=${one}`)
        .join(", ")}}`;
    if (shape.type !== "structure") return asPrinted(shape, value);
    const members = Object.entries(shape.members ?? {}).map(
      ([member, of]) => `${pathOf("", member)}=${print(of.shape, (value as Record<string, unknown>)[member])}`,
    );
    return `${name}(${members.join(", ")})`;
  }
}

const pathOf = (parent: string, name: string): string =>
  `${parent}${parent && "."}${(name[0] as string).toLowerCase()}${name.slice(1)}`;

function isMatch(pattern: string, text: string): boolean {
  // A policy may have several lines: only its beginning counts.
  const whole = pattern.startsWith("^(?!") ? pattern : `^(?:${pattern})$`;
  try {
    return new RegExp(whole, "u").test(text);
  } catch {
    return new RegExp(whole).test(text);
  }
}

/** Numbers with a point are printed with one. */
const asPrinted = ({ type }: RawShape, value: unknown): string => `${value}${type === "double" ? ".0" : ""}`;

const sizeOf = (value: unknown): number =>
  typeof value === "number"
    ? value
    : value instanceof Uint8Array || typeof value === "string" || Array.isArray(value)
      ? value.length
      : Object.keys(value as object).length;

const measureOf = ({ type }: RawShape): string => (["integer", "long", "double"].includes(type) ? "value" : "length");

/** As an old Java hash table of 32 chains gives them back: what is added goes to the head of its chain. */
function byHash(values: readonly string[]): string[] {
  const chains: string[][] = Array.from({ length: 32 }, () => []);
  for (const value of values) {
    const hash = [...value].reduce((sum, one) => sum * 31n + BigInt(one.charCodeAt(0)), 0n);
    chains[Number(hash % 32n)]?.unshift(value);
  }
  return chains.flat();
}

/** The sentences of all constraints of a shape. */
function sentences(shape: RawShape): string[] {
  const measure = `Member must have ${measureOf(shape)}`;
  return [
    ...(shape.max === undefined ? [] : [`${measure} less than or equal to ${asPrinted(shape, shape.max)}`]),
    ...(shape.min === undefined ? [] : [`${measure} greater than or equal to ${asPrinted(shape, shape.min)}`]),
    ...(shape.pattern === undefined ? [] : [`Member must satisfy regular expression pattern: ${shape.pattern}`]),
    ...(shape.enum === undefined ? [] : [`Member must satisfy enum value set: [${byHash(shape.enum).join(", ")}]`]),
  ];
}

function brokenSentences(shape: RawShape, value: unknown): string[] {
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, pattern } = shape;
  const size = sizeOf(value);
  return sentences(shape).filter((text) => {
    if (text.includes(" less than ")) return size > max;
    if (text.includes(" greater than ")) return size < min;
    if (text.includes(" pattern: ")) return !isMatch(pattern as string, value as string);
    return !shape.enum?.includes(value as string);
  });
}

/** Values that break each constraint of a shape that holds no others. */
function brokenValues(shape: RawShape): [string, unknown][] {
  const { type, min, max, pattern } = shape;
  const broken: [string, unknown][] = [];
  if (type === "string") {
    if (min !== undefined && min > 0) broken.push(["too short", "a".repeat(min - 1)]);
    if (max !== undefined && max <= LONGEST) broken.push(["too long", "a".repeat(max + 1)]);
    if (shape.enum)
      broken.push(["not in the set", "no-such"], ["empty", ""], ["in other letters", flip(shape.enum[0] as string)]);
    for (const text of pattern === undefined ? [] : TEXTS) {
      if (!isMatch(pattern as string, text)) broken.push([`pattern ${JSON.stringify(text)}`, text]);
    }
  } else if (type === "blob") {
    if (min !== undefined && min > 0) broken.push(["too short", new Uint8Array(min - 1)]);
    if (max !== undefined && max <= 1_000_000) broken.push(["too long", new Uint8Array(max + 1)]);
  } else if (type !== "boolean" && type !== "timestamp") {
    if (min !== undefined) broken.push(["too small", min - 1]);
    if (max !== undefined && max < 2 ** 31 - 1) broken.push(["too large", max + 1]);
  }
  return broken.filter(([, value]) => brokenSentences(shape, value).length > 0);
}

const flip = (text: string): string => (text === text.toLowerCase() ? text.toUpperCase() : text.toLowerCase());

function goodText(name: string, { min = 0, max = Number.POSITIVE_INFINITY, pattern = "[^]*" }: RawShape): string {
  const texts = [...TEXTS, "a".repeat(min), "arn:aws:iam::111122223333:role/abcdefghi"];
  const good = texts.find((text) => text.length >= min && text.length <= max && isMatch(pattern, text));
  if (good === undefined) throw new Error(`no text fits ${name}: ${pattern}`);
  return good;
}

const toWire = (shape: RawShape, value: unknown): unknown =>
  shape.type === "blob" ? Buffer.from(value as Uint8Array).toString("base64") : value;
