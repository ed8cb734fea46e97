import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type CrcAlgorithm, combineCrcs, createCrc } from "./crc.ts";

/** The check values of the catalogues of CRCs: of the text `123456789`. */
const CHECK: readonly (readonly [CrcAlgorithm, string])[] = [
  ["CRC32", "cbf43926"],
  ["CRC32C", "e3069283"],
  ["CRC64NVME", "ae8b14860a799888"],
];

function crcOf(algorithm: CrcAlgorithm, ...chunks: readonly Uint8Array[]): Buffer {
  const crc = createCrc(algorithm);
  for (const chunk of chunks) crc.update(chunk);
  return crc.digest();
}

describe.each(CHECK)("%s", (algorithm, check) => {
  it("has the published check value", () => {
    expect(crcOf(algorithm, Buffer.from("123456789")).toString("hex")).toBe(check);
  });

  it("does not depend on how the bytes are cut", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (a, b) => {
        expect(crcOf(algorithm, a, b)).toEqual(crcOf(algorithm, Buffer.concat([a, b])));
      }),
    );
  });

  it("combines the CRCs of parts to that of the whole", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 70 }), fc.uint8Array({ maxLength: 70 }), (a, b) => {
        const combined = combineCrcs(algorithm, crcOf(algorithm, a), crcOf(algorithm, b), b.length);
        expect(combined).toEqual(crcOf(algorithm, a, b));
      }),
    );
  });
});
