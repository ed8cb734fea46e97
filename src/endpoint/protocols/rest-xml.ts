/**
 * restXml: S3. Members travel in the path, the query, headers and an XML document, or are the whole body; the model says
 * which. Bodies of objects are not touched here: they pass as they come (s3-body.ts).
 * Source: https://smithy.io/2.0/aws/protocols/aws-restxml-protocol.html, S3's customizations on the same site.
 */
import type { AwsError } from "../../core/errors.ts";
import type { StreamingBlob } from "../../core/streaming-blob.ts";
import type { Member, OperationModel, Shape } from "../../services/index.ts";
import type { Answer, Exchange, WireProtocol } from "../exchange.ts";
import { s3AddressOf } from "../s3-address.ts";
import { invalidArgument, malformedXml, missingBody } from "../s3-errors.ts";
import { rootOf } from "./rest-xml-roots.ts";
import { readXml, type XmlElement } from "./xml-reader.ts";
import { document, element, escapeText } from "./xml-writer.ts";

export const restXml: WireProtocol = {
  name: "restXml",
  decode(exchange) {
    const shape = exchange.target?.model?.input;
    if (!shape) return {};
    const input: Record<string, unknown> = {};
    for (const member of shape.members) {
      const value = member.location && decodeLocated(exchange, member);
      if (value !== undefined) input[member.name] = value;
    }
    if (shape.payload) decodePayload(exchange, shape.payload, input);
    return input;
  },
  encode(exchange, output) {
    const model = exchange.target?.model;
    const headers: Record<string, string | number> = identity(exchange.requestId);
    const values = output as Record<string, unknown>;
    for (const member of model?.output?.members ?? []) addHeader(headers, member, values[member.name]);
    const body = encodeBody(exchange, model, values, headers);
    return { status: statusOf(model, values), headers, body };
  },
  encodeError({ method, requestId, request }, error) {
    const id = error.requestId ?? requestId;
    const { elements, headers } = partsOf(error);
    const hasBody = method !== "HEAD" && error.status !== 304;
    const text = element("Code", error.code) + element("Message", escapeText(error.message)) + elements;
    const ids = element("RequestId", id) + element("HostId", hostId(id));
    const body = hasBody ? document(element("Error", text + ids)) : "";
    // The whole of an object may still be on its way: a client that waits for leave need not send it.
    const closes = request.headers.expect !== undefined && !request.complete;
    return {
      status: error.status,
      headers: {
        ...identity(id),
        ...headers,
        ...(hasBody && { "Content-Type": "application/xml", "Content-Length": Buffer.byteLength(body) }),
        ...(closes && { Connection: "close" }),
      },
      body,
    };
  },
};

const identity = (requestId: string): Record<string, string | number> => ({
  "x-amz-request-id": requestId,
  "x-amz-id-2": hostId(requestId),
  "x-amzn-RequestId": requestId,
});

/** AWS: a second, longer id, which only AWS can read. Here it says the same as the first. */
const hostId = (requestId: string): string => Buffer.from(requestId).toString("base64");

/** Members of the error in lower case are headers, the others elements. */
function partsOf(error: AwsError): { readonly elements: string; readonly headers: Record<string, string> } {
  const headers: Record<string, string> = {};
  let elements = "";
  for (const [name, value] of Object.entries(error.extra)) {
    if (/^[a-z0-9-]+$/.test(name)) headers[name] = String(value);
    else elements += element(name, escapeText(String(value)));
  }
  return { elements, headers };
}

function decodeLocated(exchange: Exchange, member: Member): unknown {
  const { bucket, key, query } = s3AddressOf(exchange);
  const { request } = exchange;
  switch (member.location) {
    case "uri":
      return member.wireName === "Bucket" ? bucket : key;
    case "querystring": {
      const text = query.get(member.wireName);
      return text === undefined ? undefined : decodeText(member, text);
    }
    case "headers":
      return prefixedHeaders(request.headers, member.wireName);
    default: {
      const header = request.headers[member.wireName.toLowerCase()];
      return header === undefined ? undefined : decodeText(member, Array.isArray(header) ? header.join(",") : header);
    }
  }
}

function prefixedHeaders(headers: NodeJS.Dict<string | string[]>, prefix: string): Record<string, string> | undefined {
  const found = Object.entries(headers).filter(([name]) => name.startsWith(prefix));
  if (found.length === 0) return undefined;
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), String(value)]));
}

const INTEGER = /^[+-]?\d{1,15}$/;

/** Texts of the query and of headers, where wrong ones have S3's sentences. */
function decodeText(member: Member, text: string): unknown {
  const { shape, wireName } = member;
  switch (shape.type) {
    case "integer":
    case "long":
      if (INTEGER.test(text)) return Number(text);
      throw invalidArgument(
        wireName === "partNumber"
          ? "Part number must be an integer between 1 and 10000, inclusive"
          : `Provided ${wireName} not an integer or within integer range`,
        wireName,
        text,
      );
    case "boolean":
      return text.toLowerCase() === "true";
    case "timestamp": {
      // HTTP: a date that is none does not count.
      const ms = Date.parse(text);
      return Number.isNaN(ms) ? undefined : ms;
    }
    case "list":
      return text.split(",").map((item) => item.trim());
    default:
      if (shape.enum && !shape.enum.includes(text)) {
        // AWS: an empty one counts as absent.
        if (text === "") return undefined;
        const isEncoding = wireName === "encoding-type";
        throw invalidArgument(isEncoding ? "Invalid Encoding Method specified in Request" : "", wireName, text);
      }
      return text;
  }
}

function decodePayload(exchange: Exchange, payload: Member, input: Record<string, unknown>): void {
  const { shape } = payload;
  if (shape.isStreaming) {
    if (exchange.stream) {
      input[payload.name] = exchange.stream.bytes;
      input["ContentLength"] = exchange.stream.length;
    }
    return;
  }
  if (exchange.body.byteLength === 0) {
    if (payload.isRequired) throw missingBody();
    return;
  }
  if (shape.type !== "structure") {
    input[payload.name] = shape.type === "blob" ? exchange.body : exchange.body.toString("utf8");
    return;
  }
  const root = readXml(exchange.body.toString("utf8"));
  if (root?.name !== payload.wireName) throw malformedXml();
  input[payload.name] = decodeElement(shape, root);
}

function decodeElement(shape: Shape, node: XmlElement): unknown {
  switch (shape.type) {
    case "structure":
      return decodeStructure(shape, node);
    case "list":
      return node.children
        .filter(({ name }) => name === shape.itemName)
        .map((item) => decodeElement(shape.item as Shape, item));
    default:
      return decodeContent(shape, node.text);
  }
}

function decodeStructure(shape: Shape, node: XmlElement): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const member of shape.members) {
    const { shape: target, wireName } = member;
    if (member.isAttribute) {
      const text = node.attributes[wireName];
      if (text !== undefined) value[member.name] = decodeContent(target, text);
      continue;
    }
    const found = node.children.filter(({ name }) => name === wireName);
    if (target.type === "list" && target.isFlattened) {
      if (found.length > 0) value[member.name] = found.map((item) => decodeElement(target.item as Shape, item));
    } else if (found.length > 1) throw malformedXml();
    else if (found[0]) value[member.name] = decodeElement(target, found[0]);
    if (member.isRequired && value[member.name] === undefined) throw malformedXml();
  }
  return value;
}

function decodeContent(shape: Shape, text: string): unknown {
  switch (shape.type) {
    case "integer":
    case "long":
      if (!INTEGER.test(text.trim())) throw malformedXml();
      return Number(text);
    case "boolean":
      if (!/^(?:true|false)$/i.test(text.trim())) throw malformedXml();
      return text.trim().toLowerCase() === "true";
    case "timestamp": {
      const ms = Date.parse(text);
      if (Number.isNaN(ms)) throw malformedXml();
      return ms;
    }
    case "blob":
      return Buffer.from(text, "base64");
    default:
      if (shape.enum && !shape.enum.includes(text)) throw malformedXml();
      return text;
  }
}

function statusOf(model: OperationModel | undefined, output: Record<string, unknown>): number {
  // A part of an object, not the whole.
  return output["ContentRange"] === undefined ? (model?.status ?? 200) : 206;
}

function addHeader(headers: Record<string, string | number>, member: Member, value: unknown): void {
  if (value === undefined || value === null) return;
  if (member.location === "headers") {
    for (const [name, text] of Object.entries(value)) headers[member.wireName + name] = headerText(String(text));
  } else if (member.location === "header") headers[member.wireName] = headerText(textOf(member.shape, value, "rfc822"));
}

/** Headers carry Latin-1; AWS encodes what does not fit as a mail header would. */
function headerText(text: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) return text;
  return `=?UTF-8?B?${Buffer.from(text, "utf8").toString("base64")}?=`;
}

/**
 * differs: on AWS a bucket has a host of its own; here an object at `/bucket/key` shares the origin of every service, so a
 * page that a build made must not act as the person who opens it (docs/differences.md#s3).
 */
const SANDBOX = "sandbox allow-scripts allow-popups allow-downloads";
const isForBrowser = (exchange: Exchange): boolean =>
  exchange.request.headers["sec-fetch-dest"] !== undefined && !s3AddressOf(exchange).isVirtualHost;

function encodeBody(
  exchange: Exchange,
  model: OperationModel | undefined,
  output: Record<string, unknown>,
  headers: Record<string, string | number>,
): Answer["body"] {
  const shape = model?.output;
  const payload = shape?.payload;
  if (!model || !shape) return "";
  if (payload && payload.shape.type !== "structure") {
    const body = output[payload.name] as string | StreamingBlob | undefined;
    if (typeof body === "string") {
      headers["Content-Type"] = "application/json";
      headers["Content-Length"] = Buffer.byteLength(body);
    } else if (isForBrowser(exchange)) headers["Content-Security-Policy"] = SANDBOX;
    return body ?? "";
  }
  const inner = payload ? payload.shape : shape;
  const value = payload ? (output[payload.name] as Record<string, unknown> | undefined) : output;
  if (value === undefined || !inner.members.some(({ location }) => location === undefined)) return "";
  const body = document(rootElement(exchange, model.name, payload, inner, value));
  headers["Content-Type"] = "application/xml";
  headers["Content-Length"] = Buffer.byteLength(body);
  return body;
}

function rootElement(
  { target }: Exchange,
  operation: string,
  payload: Member | undefined,
  shape: Shape,
  value: Record<string, unknown>,
): string {
  const root = rootOf(operation, payload);
  const namespace = target?.serviceModel.xmlNamespace;
  const [only] = shape.members;
  // AWS: the location is the root itself.
  if (root.isUnwrapped && only) return element(root.name, escapeText(String(value[only.name] ?? "")), namespace);
  return element(root.name, membersXml(shape, value), namespace);
}

function membersXml(shape: Shape, value: Record<string, unknown>): string {
  let xml = "";
  for (const member of shape.members) {
    if (member.location !== undefined || member.isAttribute) continue;
    const memberValue = value[member.name];
    if (memberValue === undefined || memberValue === null) continue;
    xml += memberXml(member.wireName, member.shape, memberValue);
  }
  return xml;
}

function memberXml(name: string, shape: Shape, value: unknown): string {
  switch (shape.type) {
    case "structure":
      return structureXml(name, shape, value as Record<string, unknown>);
    case "list": {
      const item = shape.item as Shape;
      const itemName = shape.isFlattened ? name : shape.itemName;
      const items = (value as unknown[]).map((one) => memberXml(itemName, item, one)).join("");
      return shape.isFlattened ? items : element(name, items);
    }
    default:
      return element(name, escapeText(textOf(shape, value, "iso8601")));
  }
}

/** With the namespace and the attributes that some shapes have. */
function structureXml(name: string, shape: Shape, value: Record<string, unknown>): string {
  const content = membersXml(shape, value);
  if (!shape.xmlNamespace) return element(name, content);
  const attributes = shape.members
    .filter((member) => member.isAttribute && value[member.name] !== undefined)
    .map((member) => ` ${member.wireName}="${escapeText(String(value[member.name]))}"`);
  const { prefix, uri } = shape.xmlNamespace;
  return `<${name} xmlns:${prefix}="${uri}"${attributes.join("")}>${content}</${name}>`;
}

function textOf(shape: Shape, value: unknown, usual: "iso8601" | "rfc822"): string {
  switch (shape.type) {
    case "timestamp": {
      const date = new Date(value as number);
      // AWS: documents have milliseconds, always zero.
      return (shape.timestampFormat ?? usual) === "rfc822"
        ? date.toUTCString()
        : `${date.toISOString().slice(0, 19)}.000Z`;
    }
    case "blob":
      return Buffer.from(value as Uint8Array).toString("base64");
    default:
      return String(value);
  }
}
