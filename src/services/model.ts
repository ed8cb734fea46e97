/**
 * The model tables: what operations a service has on AWS and the shape of every input and output, as facts generated
 * by scripts/generate-models.mjs. Read by validation and by the protocols; loaded when a service is first called.
 * A table is linked once into objects that point at each other, so that a request walks no names.
 */
import { readFileSync } from "node:fs";
import type { ServiceName } from "../core/aws.ts";

export type ShapeType =
  | "structure"
  | "list"
  | "map"
  | "string"
  | "integer"
  | "long"
  | "double"
  | "boolean"
  | "blob"
  | "timestamp";

export interface Member {
  readonly name: string;
  /** Name on the wire where it differs (awsQuery, XML). */
  readonly wireName: string;
  readonly isRequired: boolean;
  readonly shape: Shape;
  /** restXml: where it travels when not in the body. */
  readonly location: MemberLocation | undefined;
  /** restXml: an attribute of the element, not a child. */
  readonly isAttribute: boolean;
}

/** `headers`: all headers that start with the wire name. */
export type MemberLocation = "uri" | "querystring" | "header" | "headers";

export interface Shape {
  readonly name: string;
  readonly type: ShapeType;
  /** Members of a structure, in the model's order. */
  readonly members: readonly Member[];
  readonly memberByName: ReadonlyMap<string, Member>;
  /** Items of a list, values of a map. */
  readonly item: Shape | undefined;
  /** Keys of a map. */
  readonly key: Shape | undefined;
  /** restXml: the member that is the whole body. */
  readonly payload: Member | undefined;
  /** restXml: items stand in the parent without an element around them. */
  readonly isFlattened: boolean;
  /** restXml: element of an item, default `member`. */
  readonly itemName: string;
  readonly timestampFormat: "iso8601" | "rfc822" | undefined;
  /** restXml: a namespace of its own, with a prefix. */
  readonly xmlNamespace: { readonly prefix: string; readonly uri: string } | undefined;
  /** The member that is an event stream: the answer goes on after it began (endpoint/protocols/event-stream.ts). */
  readonly eventStream: Member | undefined;
  /** A blob that may come in chunks (core/streaming-blob.ts). */
  readonly isStreaming: boolean;
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** AWS's regular expression, as text. */
  readonly pattern: string | undefined;
  readonly enum: readonly string[] | undefined;
  /** True when it, or anything inside it, must not be printed: sensitive shapes and blobs. */
  readonly isSensitive: boolean;
  /** True when the whole value matches `pattern`, or there is none. */
  matches(text: string): boolean;
}

export interface OperationModel {
  readonly name: string;
  readonly input: Shape | undefined;
  readonly output: Shape | undefined;
  /** awsQuery: element around the output, e.g. `CreateUserResult`. */
  readonly resultWrapper: string | undefined;
  /** restXml: HTTP status of success where it is not 200. */
  readonly status: number | undefined;
}

/** How a request of a REST service is recognised. */
export interface OperationRoute {
  readonly operation: string;
  readonly method: string;
  /** e.g. `/{Bucket}/{Key+}?uploads` */
  readonly uri: string;
  /** Parameters (`?name`, or a header) that tell it apart from others of this method and URI. */
  readonly needs: readonly string[];
}

export interface ServiceModel {
  readonly service: ServiceName;
  readonly apiVersion: string;
  readonly targetPrefix: string | undefined;
  readonly xmlNamespace: string | undefined;
  /** Operations with shapes; undefined for those outside the scope and those AWS does not have. */
  operation(name: string): OperationModel | undefined;
  readonly operations: ReadonlyMap<string, OperationModel>;
  /** Operations that AWS has and this project does not mean to offer. */
  readonly outsideScope: ReadonlySet<string>;
  /** REST services only: every operation AWS has, those outside the scope included. */
  readonly routes: readonly OperationRoute[];
}

interface RawMember {
  readonly shape: string;
  readonly wireName?: string;
  readonly location?: MemberLocation;
  readonly isAttribute?: boolean;
  readonly isStreaming?: boolean;
}

interface RawShape {
  readonly type: ShapeType;
  readonly members?: Readonly<Record<string, RawMember>>;
  readonly required?: readonly string[];
  readonly member?: string;
  readonly key?: string;
  readonly value?: string;
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
  readonly sensitive?: boolean;
  readonly eventstream?: boolean;
  readonly payload?: string;
  readonly flattened?: boolean;
  readonly itemName?: string;
  readonly timestampFormat?: "iso8601" | "rfc822";
  readonly xmlNamespace?: { readonly prefix: string; readonly uri: string };
}

interface RawOperation {
  readonly input?: string;
  readonly output?: string;
  readonly resultWrapper?: string;
  readonly status?: number;
}

interface RawRoute {
  readonly method: string;
  readonly uri: string;
  readonly needs?: readonly string[];
}

interface RawModel {
  readonly service: ServiceName;
  readonly apiVersion: string;
  readonly targetPrefix?: string;
  readonly xmlNamespace?: string;
  readonly outsideScope: readonly string[];
  readonly operations: Readonly<Record<string, RawOperation>>;
  readonly routes?: Readonly<Record<string, RawRoute>>;
  readonly shapes: Readonly<Record<string, RawShape>>;
}

const loaded = new Map<ServiceName, ServiceModel>();

/** The model of a service; read from `data/models/` on the first call. Throws when there is no table for it. */
export function loadModel(service: ServiceName): ServiceModel {
  const known = loaded.get(service);
  if (known) return known;
  // The same relative path from src/services and from dist/services.
  const file = new URL(`../../data/models/${service}.json`, import.meta.url);
  const model = linkModel(JSON.parse(readFileSync(file, "utf8")) as RawModel);
  loaded.set(service, model);
  return model;
}

/** Turns a table into shapes that point at each other. */
function linkModel(raw: RawModel): ServiceModel {
  const shapes = new Map<string, LinkedShape>();
  for (const [name, facts] of Object.entries(raw.shapes)) shapes.set(name, new LinkedShape(name, facts));
  const find = (name: string): LinkedShape => {
    const shape = shapes.get(name);
    if (!shape) throw new Error(`model of ${raw.service} lacks the shape ${name}`);
    return shape;
  };
  for (const [name, facts] of Object.entries(raw.shapes)) find(name).link(facts, find);
  for (const shape of shapes.values()) shape.isSensitive = holdsSensitive(shape, new Set());
  const operations = new Map<string, OperationModel>();
  for (const [name, facts] of Object.entries(raw.operations)) {
    operations.set(name, {
      name,
      input: facts.input === undefined ? undefined : find(facts.input),
      output: facts.output === undefined ? undefined : find(facts.output),
      resultWrapper: facts.resultWrapper,
      status: facts.status,
    });
  }
  return {
    service: raw.service,
    apiVersion: raw.apiVersion,
    targetPrefix: raw.targetPrefix,
    xmlNamespace: raw.xmlNamespace,
    operation: (name) => operations.get(name),
    operations,
    outsideScope: new Set(raw.outsideScope),
    routes: Object.entries(raw.routes ?? {}).map(([operation, route]) => ({ needs: [], ...route, operation })),
  };
}

function holdsSensitive(shape: Shape, seen: Set<Shape>): boolean {
  if (seen.has(shape)) return false;
  seen.add(shape);
  if (shape.isSensitive || shape.type === "blob") return true;
  if (shape.item && holdsSensitive(shape.item, seen)) return true;
  return shape.members.some((member) => holdsSensitive(member.shape, seen));
}

class LinkedShape implements Shape {
  readonly name: string;
  readonly type: ShapeType;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly pattern: string | undefined;
  readonly enum: readonly string[] | undefined;
  readonly isFlattened: boolean;
  readonly itemName: string;
  readonly timestampFormat: "iso8601" | "rfc822" | undefined;
  readonly xmlNamespace: { readonly prefix: string; readonly uri: string } | undefined;
  isSensitive: boolean;
  isStreaming = false;
  readonly isEventStream: boolean;
  eventStream: Member | undefined = undefined;
  payload: Member | undefined = undefined;
  members: Member[] = [];
  memberByName = new Map<string, Member>();
  item: Shape | undefined = undefined;
  key: Shape | undefined = undefined;
  #compiled: RegExp | undefined;

  constructor(name: string, facts: RawShape) {
    this.name = name;
    this.type = facts.type;
    this.min = facts.min;
    this.max = facts.max;
    this.pattern = facts.pattern;
    this.enum = facts.enum;
    this.isSensitive = facts.sensitive === true;
    this.isEventStream = facts.eventstream === true;
    this.isFlattened = facts.flattened === true;
    this.itemName = facts.itemName ?? "member";
    this.timestampFormat = facts.timestampFormat;
    this.xmlNamespace = facts.xmlNamespace;
  }

  link(facts: RawShape, find: (name: string) => LinkedShape): void {
    const required = new Set(facts.required);
    for (const [name, member] of Object.entries(facts.members ?? {})) {
      const shape = find(member.shape);
      if (member.isStreaming) shape.isStreaming = true;
      this.members.push({
        name,
        wireName: member.wireName ?? name,
        isRequired: required.has(name),
        shape,
        location: member.location,
        isAttribute: member.isAttribute === true,
      });
      if (shape.isEventStream) this.eventStream = this.members.at(-1);
    }
    for (const member of this.members) this.memberByName.set(member.name, member);
    if (facts.payload !== undefined) this.payload = this.memberByName.get(facts.payload);
    const item = facts.member ?? facts.value;
    if (item !== undefined) this.item = find(item);
    if (facts.key !== undefined) this.key = find(facts.key);
  }

  matches(text: string): boolean {
    if (this.pattern === undefined) return true;
    this.#compiled ??= compileWhole(this.pattern);
    return this.#compiled.test(text);
  }
}

const JAVA_SPACES = " \\t\\n\\x0B\\f\\r";

/** Patterns that would take a JavaScript engine for ever, in a form that means the same. */
const LINEAR_FORMS: Readonly<Record<string, string>> = {
  "^[a-z0-9*](?:[._\\-/a-z0-9*]?[a-z0-9*]+)*$": "^[a-z0-9*]+(?:[._\\-/][a-z0-9*]+)*$",
};

/**
 * AWS's patterns are Java's and match the whole value, but for one that only says how a value does not begin (a policy, which
 * may have several lines). Java's white space is ASCII. Most compile with `u`; a dozen only without.
 */
function compileWhole(pattern: string): RegExp {
  const ignoresCase = pattern.startsWith("(?i)");
  const text = LINEAR_FORMS[pattern] ?? (ignoresCase ? pattern.slice(4) : pattern);
  const isOpen = text.startsWith("^(?!") && !text.endsWith("$");
  const source = `^(?:${withJavaSpaces(text)})${isOpen ? "" : "$"}`;
  const flags = ignoresCase ? "i" : "";
  try {
    return new RegExp(source, `${flags}u`);
  } catch {
    return new RegExp(source, flags);
  }
}

/** `\s` in brackets or alone. */
function withJavaSpaces(pattern: string): string {
  let isInBrackets = false;
  return pattern.replace(/\\.|[[\]]/g, (part) => {
    if (part === "\\s") return isInBrackets ? JAVA_SPACES : `[${JAVA_SPACES}]`;
    if (part === "[" || part === "]") isInBrackets = part === "[";
    return part;
  });
}
