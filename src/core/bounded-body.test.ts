import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { bytesWithin, requestBody } from "./bounded-body.ts";
import { TestClock } from "./clock.ts";

async function* chunks(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

describe("a body in chunks", () => {
  it("is given whole up to its limit", async () => {
    expect(await bytesWithin(chunks("ab", "cd"), 4)).toEqual(Buffer.from("abcd"));
    expect(await bytesWithin(chunks(), 0)).toEqual(Buffer.alloc(0));
  });

  it("is read no further than its limit", async () => {
    const read: string[] = [];
    async function* counted(): AsyncGenerator<Uint8Array> {
      for (const text of ["ab", "cd", "ef"]) {
        read.push(text);
        yield Buffer.from(text);
      }
    }
    expect(await bytesWithin(counted(), 3)).toBeUndefined();
    expect(read).toEqual(["ab", "cd"]);
  });
});

describe("the body of a request", () => {
  const started = () => {
    const clock = new TestClock();
    const request = new IncomingMessage(new Socket());
    return { clock, request, body: requestBody(request, { maxBytes: 4, timeoutMs: 1000, clock }) };
  };

  it("is given whole up to its limit", async () => {
    const { request, body } = started();
    for (const piece of [Buffer.from("ab"), Buffer.from("cd"), null]) request.push(piece);
    expect(await body).toEqual(Buffer.from("abcd"));
  });

  it("is refused with 413 when it is larger", async () => {
    const { request, body } = started();
    request.push(Buffer.from("abcde"));
    expect(await body).toBe(413);
  });

  it("is refused with 408 when it is not there in time, however lively it comes", async () => {
    const { clock, request, body } = started();
    request.push(Buffer.from("a"));
    clock.advance(999);
    request.push(Buffer.from("b"));
    clock.advance(1);
    expect(await body).toBe(408);
  });

  it("is an error when the client goes away", async () => {
    const { request, body } = started();
    request.destroy();
    await expect(body).rejects.toThrow("the client went away");
  });
});
