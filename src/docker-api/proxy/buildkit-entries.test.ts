import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BuildKitEntries } from "./buildkit-entries.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

function frame(type: number, stream: number, payload: Buffer, flags = 0): Buffer {
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** A field of a protobuf message with a length. */
function field(number: number, bytes: Buffer): Buffer {
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
  return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), bytes]);
}

const attribute = (key: string, value: string): Buffer =>
  field(4, Buffer.concat([field(1, Buffer.from(key)), field(2, Buffer.from(value))]));

const solve = (...attributes: Buffer[]): Buffer => {
  const message = Buffer.concat([field(1, Buffer.from("ref")), field(3, Buffer.from("moby")), ...attributes]);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

function namesIn(bytes: Buffer, cuts: readonly number[] = []): string[] {
  const found: string[] = [];
  const names = new BuildKitEntries(["name"], (name) => void found.push(name));
  let at = 0;
  for (const cut of [...cuts.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    names.push(bytes.subarray(at, cut));
    at = cut;
  }
  return found;
}

describe("names that BuildKit is told to give", () => {
  const request = solve(attribute("unpack", "true"), attribute("name", "docker.io/me/app:1,docker.io/me/app:latest"));
  const connection = Buffer.concat([
    PREFACE,
    frame(4, 0, Buffer.alloc(6)),
    frame(1, 1, Buffer.alloc(40, 7)),
    frame(0, 1, request.subarray(0, 20)),
    frame(0, 3, Buffer.alloc(100_000, 1)),
    frame(0, 1, request.subarray(20)),
  ]);

  it("are found however the bytes come", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => {
        expect(namesIn(connection, cuts)).toEqual(["docker.io/me/app:1", "docker.io/me/app:latest"]);
      }),
      { numRuns: 200 },
    );
  });

  it("are found behind padding, and said once", () => {
    const padded = Buffer.concat([Buffer.from([4]), request, Buffer.alloc(4)]);
    const bytes = Buffer.concat([PREFACE, frame(0, 5, padded, 0x8), frame(0, 7, request)]);
    expect(namesIn(bytes)).toEqual(["docker.io/me/app:1", "docker.io/me/app:latest"]);
  });

  it("are none where nothing is named", () => {
    expect(namesIn(Buffer.concat([PREFACE, frame(0, 1, solve(attribute("other", "name")))]))).toEqual([]);
    expect(namesIn(Buffer.from("GET / HTTP/1.1\r\n\r\n"))).toEqual([]);
  });

  it("and the ids that the engine answers with, behind its answer to the upgrade", () => {
    const id = `sha256:${"a".repeat(64)}`;
    const bytes = Buffer.concat([
      Buffer.from("HTTP/1.1 101 UPGRADED\r\nUpgrade: h2c\r\n\r\n"),
      frame(4, 0, Buffer.alloc(0)),
      frame(0, 1, solve(attribute("containerimage.digest", id), attribute("other", "x"))),
    ]);
    const found: string[] = [];
    const ids = new BuildKitEntries(["containerimage.digest"], (value) => void found.push(value));
    for (const byte of bytes) ids.push(Buffer.from([byte]));
    expect(found).toEqual([id]);
  });
});
