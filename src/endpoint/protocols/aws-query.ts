/**
 * awsQuery: IAM and STS. A form comes in (`Tags.member.1.Key=a`), XML goes out.
 * Source: https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
 */
import type { AwsError } from "../../core/errors.ts";
import { malformedInput, type Shape } from "../../services/index.ts";
import type { Answer, WireProtocol } from "../exchange.ts";
import { element, escapeText, xmlTimestamp } from "./xml-writer.ts";

const FAULT_NAMESPACE = "http://webservices.amazon.com/AWSFault/2005-15-09";

export const awsQuery: WireProtocol = {
  name: "awsQuery",
  decode({ target }) {
    const shape = target?.model?.input;
    return shape ? decodeStructure(shape, formTree(target?.payload as URLSearchParams)) : {};
  },
  encode({ target, requestId }, output) {
    const { operation, model, serviceModel } = target as NonNullable<typeof target>;
    const wrapper = model?.resultWrapper;
    const result = wrapper === undefined || !model?.output ? "" : element(wrapper, membersXml(model.output, output));
    const metadata = element("ResponseMetadata", element("RequestId", requestId));
    const namespace = serviceModel.xmlNamespace ?? "";
    return xmlAnswer(200, element(`${operation}Response`, result + metadata, namespace), requestId);
  },
  encodeError({ target, requestId }, error) {
    const id = error.requestId ?? requestId;
    // AWS: what is said before an operation is found is not in the service's namespace.
    const isFound = target?.model !== undefined && error.code !== "InvalidAction";
    const namespace = isFound ? target.serviceModel.xmlNamespace : FAULT_NAMESPACE;
    const body = element("ErrorResponse", errorXml(error) + element("RequestId", id), namespace);
    return xmlAnswer(error.status, body, id);
  },
};

function errorXml(error: AwsError): string {
  const type = element("Type", error.fault === "client" ? "Sender" : "Receiver");
  // AWS: an error without a text has no element for it; botocore prints `Unknown` then.
  const message = error.message === "" ? "" : element("Message", escapeText(error.message));
  const text = element("Code", error.code) + message;
  return element("Error", type + text);
}

function xmlAnswer(status: number, body: string, requestId: string): Answer {
  return {
    status,
    headers: {
      "x-amzn-RequestId": requestId,
      "Content-Type": "text/xml",
      "Content-Length": Buffer.byteLength(body),
    },
    body,
  };
}

/** A form as a tree: `Tags.member.1.Key=a` is at Tags → member → 1 → Key. */
interface Node {
  value: string | undefined;
  readonly children: Map<string, Node>;
}

const newNode = (): Node => ({ value: undefined, children: new Map() });

/** More than any input of the services has; what lies deeper is no member and ignored as such. */
const MAX_PARTS = 12;

function formTree(form: URLSearchParams): Node {
  const root = newNode();
  for (const [name, value] of form) {
    const parts = name.split(".", MAX_PARTS + 1);
    if (parts.length > MAX_PARTS) continue;
    let node = root;
    for (const part of parts) {
      let child = node.children.get(part);
      if (!child) {
        child = newNode();
        node.children.set(part, child);
      }
      node = child;
    }
    node.value = value;
  }
  return root;
}

function decodeStructure(shape: Shape, node: Node): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const member of shape.members) {
    const child = node.children.get(member.wireName);
    if (child) value[member.name] = decodeValue(member.shape, child, member.name);
  }
  return value;
}

function decodeValue(shape: Shape, node: Node, name: string): unknown {
  switch (shape.type) {
    case "structure":
      return decodeStructure(shape, node);
    case "list":
      // AWS: an empty list is `Name=`.
      return inOrder(node.children.get("member")).map((item) => decodeValue(shape.item as Shape, item, name));
    case "map":
      return Object.fromEntries(
        inOrder(node.children.get("entry")).map((entry) => [
          entry.children.get("key")?.value ?? "",
          decodeValue(shape.item as Shape, entry.children.get("value") ?? newNode(), name),
        ]),
      );
    default:
      return decodeText(shape, node.value ?? "", name);
  }
}

/** Children `1`, `2`, … by their number, which may have gaps. */
function inOrder(parent: Node | undefined): Node[] {
  if (!parent) return [];
  return [...parent.children].sort(([a], [b]) => Number(a) - Number(b)).map(([, node]) => node);
}

const INTEGER = /^[+-]?\d{1,15}$/;
const DECIMAL = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function decodeText(shape: Shape, text: string, name: string): unknown {
  switch (shape.type) {
    case "integer":
    case "long":
      if (!INTEGER.test(text)) throw malformedInput(`Value of ${name} is not an integer`);
      return Number(text);
    case "double":
      if (!DECIMAL.test(text)) throw malformedInput(`Value of ${name} is not a number`);
      return Number(text);
    case "boolean":
      if (text !== "true" && text !== "false") throw malformedInput(`Value of ${name} is not true or false`);
      return text === "true";
    case "timestamp":
      return decodeTimestamp(text, name);
    case "blob":
      return Buffer.from(text, "base64");
    default:
      return text;
  }
}

function decodeTimestamp(text: string, name: string): number {
  const ms = DECIMAL.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(ms)) throw malformedInput(`Value of ${name} is not a timestamp`);
  return ms;
}

function membersXml(shape: Shape, value: object): string {
  let xml = "";
  for (const member of shape.members) {
    const memberValue = (value as Record<string, unknown>)[member.name];
    if (memberValue === undefined || memberValue === null) continue;
    xml += element(member.wireName, valueXml(member.shape, memberValue));
  }
  return xml;
}

function valueXml(shape: Shape, value: unknown): string {
  const item = shape.item as Shape;
  switch (shape.type) {
    case "structure":
      return membersXml(shape, value as object);
    case "list":
      return (value as unknown[]).map((part) => element("member", valueXml(item, part))).join("");
    case "map":
      return Object.entries(value as object)
        .map(([key, part]) =>
          element("entry", element("key", escapeText(key)) + element("value", valueXml(item, part))),
        )
        .join("");
    case "timestamp":
      return xmlTimestamp(value as number);
    case "blob":
      return Buffer.from(value as Uint8Array).toString("base64");
    default:
      return escapeText(String(value));
  }
}
