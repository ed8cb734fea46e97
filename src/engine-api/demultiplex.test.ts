import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Demultiplexer, type OutputName } from "./demultiplex.ts";

function frame(output: OutputName, text: string): Buffer {
  const bytes = Buffer.from(text);
  const header = Buffer.alloc(8);
  header[0] = output === "stderr" ? 2 : 1;
  header.writeUInt32BE(bytes.length, 4);
  return Buffer.concat([header, bytes]);
}

describe("the outputs of a container", () => {
  it("come apart as they went in, wherever the connection cuts them", () => {
    const pieces = fc.array(fc.tuple(fc.constantFrom<OutputName>("stdout", "stderr"), fc.string({ unit: "grapheme" })));
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 40 }), (sent, step) => {
        const all = Buffer.concat(sent.map(([output, text]) => frame(output, text)));
        const got = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
        const demultiplexer = new Demultiplexer((output, bytes) => void got[output].push(Buffer.from(bytes)));
        for (let at = 0; at < all.length; at += step) demultiplexer.push(all.subarray(at, at + step));
        for (const name of ["stdout", "stderr"] as const) {
          const expected = sent.filter(([output]) => output === name).map(([, text]) => text);
          expect(Buffer.concat(got[name]).toString("utf8")).toBe(expected.join(""));
        }
      }),
    );
  });

  it("are refused where what comes is no such output", () => {
    const demultiplexer = new Demultiplexer(() => {});
    expect(() => demultiplexer.push(Buffer.from("plain text without frames"))).toThrow(
      "the engine's output has no frames",
    );
  });
});
