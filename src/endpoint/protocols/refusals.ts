/**
 * Error shapes of protocols that are recognised only to be refused: REST services other than S3, and Smithy RPC v2 CBOR
 * (https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html). Their clients decode the refusal. And of what is
 * sent to a JSON service and is no JSON.
 */
import type { WireProtocol } from "../exchange.ts";
import { errorBody } from "./aws-json.ts";

const neverDecodes = (): never => {
  throw new Error("this protocol is only refused");
};

/** JSON with the code in a header too, where the REST services' clients look for it. */
export const restJson: WireProtocol = {
  name: "restJson",
  decode: neverDecodes,
  encode: neverDecodes,
  encodeError({ requestId }, error) {
    const body = JSON.stringify({ message: error.message });
    const id = error.requestId ?? requestId;
    return {
      status: error.status,
      headers: {
        "x-amzn-RequestId": id,
        "x-amzn-errortype": error.code,
        "Content-Type": "application/json",
        "Content-Length": Buffer.byteLength(body),
      },
      body,
    };
  },
};

/** AWS: what is no JSON gets none back, nor a type. */
export const unknownXml: WireProtocol = {
  name: "unknown",
  decode: neverDecodes,
  encode: neverDecodes,
  encodeError({ requestId }, error) {
    const body = `<${error.code}/>\n`;
    const headers = { "x-amzn-RequestId": error.requestId ?? requestId, "Content-Length": Buffer.byteLength(body) };
    return { status: error.status, headers, body };
  },
};

export const cbor: WireProtocol = {
  name: "cbor",
  decode: neverDecodes,
  encode: neverDecodes,
  encodeError({ requestId }, error) {
    const body = cborMap(errorBody(error));
    const id = error.requestId ?? requestId;
    return {
      status: error.status,
      headers: {
        "x-amzn-RequestId": id,
        "smithy-protocol": "rpc-v2-cbor",
        "Content-Type": "application/cbor",
        "Content-Length": body.byteLength,
      },
      body,
    };
  },
};

const CBOR_TEXT = 3;
const CBOR_MAP = 5;

/** A map of texts in CBOR (RFC 8949, section 3). */
function cborMap(entries: Readonly<Record<string, unknown>>): Buffer {
  const texts = Object.entries(entries).flat().map(String);
  return Buffer.concat([cborHead(CBOR_MAP, texts.length / 2), ...texts.map(cborText)]);
}

function cborText(text: string): Buffer {
  const bytes = Buffer.from(text, "utf8");
  return Buffer.concat([cborHead(CBOR_TEXT, bytes.byteLength), bytes]);
}

function cborHead(majorType: number, size: number): Buffer {
  if (size < 24) return Buffer.from([(majorType << 5) | size]);
  if (size < 256) return Buffer.from([(majorType << 5) | 24, size]);
  const head = Buffer.from([(majorType << 5) | 25, 0, 0]);
  head.writeUInt16BE(Math.min(size, 0xffff), 1);
  return head;
}
