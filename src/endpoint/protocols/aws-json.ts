/**
 * awsJson1_1: SSM, KMS, Secrets Manager, CodeBuild, Logs, ECR. Epoch seconds and base64 on the wire become epoch
 * milliseconds and bytes inside; only modelled members pass, in and out.
 * Source: https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html
 */
import type { AwsError } from "../../core/errors.ts";
import { type Member, requireType, type Shape, serializationException } from "../../services/index.ts";
import type { Answer, WireProtocol } from "../exchange.ts";
import { EVENT_STREAM, encodeEventStream, type StreamEvent } from "./event-stream.ts";

const CONTENT_TYPE = "application/x-amz-json-1.1";

export const awsJson: WireProtocol = {
  name: "awsJson1_1",
  decode({ target }) {
    const payload = target?.payload;
    const shape = target?.model?.input;
    if (!isObject(payload)) {
      // AWS: of the bodies that are no object only a list is told what is wrong.
      if (shape && Array.isArray(payload)) requireType(shape, payload);
      throw serializationException();
    }
    return shape ? decodeStructure(shape, payload) : {};
  },
  encode({ target, requestId }, output) {
    const shape = target?.model?.output;
    if (shape?.eventStream) return streamAnswer(shape.eventStream, output, requestId);
    // AWS: an operation without output answers an empty body, not `{}`.
    return jsonAnswer(200, shape ? JSON.stringify(encodeStructure(shape, output)) : "", requestId);
  },
  encodeError({ requestId }, error) {
    return jsonAnswer(error.status, JSON.stringify(errorBody(error)), error.requestId ?? requestId);
  },
};

function jsonAnswer(status: number, body: string, requestId: string): Answer {
  return {
    status,
    headers: {
      "x-amzn-RequestId": requestId,
      "Content-Type": CONTENT_TYPE,
      "Content-Length": Buffer.byteLength(body),
    },
    body,
  };
}

function streamAnswer({ name, shape }: Member, output: object, requestId: string): Answer {
  const events = (output as Record<string, unknown>)[name] as AsyncIterable<StreamEvent>;
  return {
    status: 200,
    headers: { "x-amzn-RequestId": requestId, "Content-Type": EVENT_STREAM },
    body: encodeEventStream(shape, events, encodeValue),
    isEndless: true,
  };
}

/** `__type` and the text under the name that the service uses; errors without a text have only `__type`. */
export function errorBody(error: AwsError): Record<string, unknown> {
  const body: Record<string, unknown> = { __type: error.code };
  if (error.messageMember !== "none" && error.message !== "") body[error.messageMember] = error.message;
  return Object.assign(body, error.extra);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function decodeStructure(shape: Shape, wire: Record<string, unknown>): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const name in wire) {
    const member = shape.memberByName.get(name);
    // AWS: unknown members are ignored and null means absent.
    if (member === undefined || wire[name] === null) continue;
    value[name] = decodeValue(member.shape, wire[name]);
  }
  return value;
}

function decodeValue(shape: Shape, wire: unknown): unknown {
  switch (shape.type) {
    case "structure":
      requireType(shape, wire);
      return decodeStructure(shape, wire as Record<string, unknown>);
    case "list":
      requireType(shape, wire);
      // An item that is null is told by validation.
      return (wire as unknown[]).map((item) => (item === null ? null : decodeValue(shape.item as Shape, item)));
    case "map":
      requireType(shape, wire);
      return decodeMap(shape, wire as Record<string, unknown>);
    case "blob":
      return decodeBlob(wire);
    case "timestamp":
      return decodeTimestamp(shape, wire);
    case "integer":
    case "long":
      return decodeInteger(shape, wire);
    default:
      requireType(shape, wire);
      return wire;
  }
}

const MAX_INTEGER = 2 ** 31 - 1;

/** AWS: a fraction is cut off. What an integer cannot hold becomes its limit, so that the constraints are told (measured on Athena). */
function decodeInteger(shape: Shape, wire: unknown): unknown {
  // `+ 0` makes a negative zero positive.
  let whole = typeof wire === "number" && !Number.isInteger(wire) ? Math.trunc(wire) + 0 : wire;
  if (shape.type === "integer" && Number.isInteger(whole)) {
    whole = Math.min(Math.max(whole as number, -MAX_INTEGER - 1), MAX_INTEGER);
  }
  requireType(shape, whole);
  return whole;
}

function decodeTimestamp(shape: Shape, wire: unknown): unknown {
  const ms = typeof wire === "number" ? Math.round(wire * 1000) : wire;
  requireType(shape, ms);
  return ms;
}

function decodeMap(shape: Shape, wire: Record<string, unknown>): Record<string, unknown> {
  const entries = Object.entries(wire).filter(([, item]) => item !== null);
  // fromEntries makes `__proto__` an ordinary key.
  return Object.fromEntries(entries.map(([key, item]) => [key, decodeValue(shape.item as Shape, item)]));
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

function decodeBlob(wire: unknown): Uint8Array {
  if (typeof wire !== "string" || wire.length % 4 !== 0 || !BASE64.test(wire)) {
    throw serializationException();
  }
  return Buffer.from(wire, "base64");
}

function encodeStructure(shape: Shape, value: object): Record<string, unknown> {
  const wire: Record<string, unknown> = {};
  const members = value as Record<string, unknown>;
  for (const name in members) {
    const member = shape.memberByName.get(name);
    const memberValue = members[name];
    if (member === undefined || memberValue === undefined || memberValue === null) continue;
    wire[name] = encodeValue(member.shape, memberValue);
  }
  return wire;
}

function encodeValue(shape: Shape, value: unknown): unknown {
  switch (shape.type) {
    case "structure":
      return encodeStructure(shape, value as object);
    case "list":
      return (value as unknown[]).map((item) => encodeValue(shape.item as Shape, item));
    case "map":
      return Object.fromEntries(
        Object.entries(value as object).map(([key, item]) => [key, encodeValue(shape.item as Shape, item)]),
      );
    case "timestamp":
      return (value as number) / 1000;
    case "blob":
      return Buffer.from(value as Uint8Array).toString("base64");
    default:
      return value;
  }
}
