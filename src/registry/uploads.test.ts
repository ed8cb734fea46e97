import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { basic, type RegistryFixture, sha256, sha512, startRegistry } from "../../test/support/registry-fixture.ts";
import { loadSqliteDriver } from "../store/sqlite-driver.ts";

let at: RegistryFixture;
beforeAll(async () => {
  at = await startRegistry();
});
afterAll(() => at.close());

const begin = async (name: string): Promise<string> =>
  String((await at.send("POST", `/v2/${name}/blobs/uploads/`)).headers.location);

/** Sends part of a chunk that announces more, then cuts the connection. */
function cutOff(location: string, part: Buffer, announced: number): Promise<void> {
  return new Promise((resolve) => {
    const request = httpRequest(new URL(location, at.url), {
      method: "PATCH",
      headers: { authorization: basic("test:test"), "content-length": announced },
    });
    request.on("error", () => resolve());
    request.on("close", () => resolve());
    request.write(part, () => request.destroy());
  });
}

describe("an upload", () => {
  it("is known as soon as its client is, however long the record of it waits to be written", async () => {
    const dir = await mkdtemp(join(tmpdir(), "kiln-uploads-"));
    const own = await startRegistry({ stateDir: dir });
    // What another process does, as far as SQLite can tell.
    const other = (await loadSqliteDriver())(join(dir, "kiln.db"));
    try {
      other.exec("BEGIN IMMEDIATE");
      const location = String((await own.send("POST", "/v2/waits/blobs/uploads/")).headers.location);
      expect((await own.send("GET", location)).status).toBe(204);
      expect((await own.send("PATCH", location, { body: "content" })).status).toBe(202);
      other.exec("COMMIT");
      const done = await own.send("PUT", `${location}?digest=${sha256("content")}`);
      expect(done.status).toBe(201);
      await expect.poll(async () => (await own.send("GET", location)).status).toBe(404);
    } finally {
      other.close();
      await own.close();
      await rm(dir, { recursive: true, force: true });
    }
  });

  it("whose connection breaks goes on where it ended", async () => {
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 253));
    const location = await begin("resumed");
    await cutOff(location, content.subarray(0, 100_000), content.length);
    let received = 0;
    for (let tries = 0; tries < 1000 && received === 0; tries++) {
      await setImmediate();
      received = Number(String((await at.send("GET", location)).headers["range"]).split("-")[1]) + 1;
      if (received === 1) received = 0;
    }
    expect(received).toBeGreaterThan(0);
    expect(received).toBeLessThanOrEqual(100_000);
    const rest = content.subarray(received);
    const patched = await at.send("PATCH", location, {
      body: rest,
      headers: { "content-range": `${received}-${content.length - 1}` },
    });
    expect(patched.status).toBe(202);
    expect((await at.send("PUT", `${location}?digest=${sha256(content)}`)).status).toBe(201);
  });

  it("belongs to its repository", async () => {
    const location = await begin("owner");
    expect((await at.send("GET", location.replace("/owner/", "/thief/"))).status).toBe(404);
    expect((await at.send("GET", "/v2/owner/blobs/uploads/..%2f..%2fkiln.db")).status).toBe(404);
  });

  it("needs a digest to end", async () => {
    const reply = await at.send("PUT", await begin("digestless"));
    expect(reply.status).toBe(400);
    expect(reply.json.errors[0].code).toBe("DIGEST_INVALID");
  });

  it("that a killed process had stored already can be finished, but not made longer", async () => {
    const location = await begin("whole");
    await at.send("PATCH", location, { body: "all of it" });
    // What is there after a kill between the publishing of a blob and its linking.
    await (await at.store.blobs.upload(location.split("/").at(-1) ?? "")).publish(sha256("all of it"));
    const longer = await at.send("PATCH", location, { body: "more" });
    expect(longer.status).toBe(400);
    expect(longer.json.errors[0]).toMatchObject({
      code: "BLOB_UPLOAD_INVALID",
      message: "the upload is complete; finish it with its digest",
    });
    expect((await at.send("GET", location)).headers["range"]).toBe("0-8");
    expect((await at.send("PUT", `${location}?digest=${sha256("all of it")}`)).status).toBe(201);
    expect((await at.send("GET", `/v2/whole/blobs/${sha256("all of it")}`)).text).toBe("all of it");
  });

  it("nobody finished is dropped after a week", async () => {
    const location = await begin("stale");
    at.clock.advance(8 * 24 * 60 * 60 * 1000);
    await begin("stale");
    expect((await at.send("GET", location)).status).toBe(404);
  });

  it("may run beside others, also of the same content", async () => {
    const content = Buffer.alloc(200_000, "same");
    const replies = await Promise.all(
      Array.from({ length: 8 }, async (_, index) =>
        at.send("PUT", `${await begin(`parallel-${index % 2}`)}?digest=${sha256(content)}`, { body: content }),
      ),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect((await at.send("GET", `/v2/parallel-0/blobs/${sha256(content)}`)).body.equals(content)).toBe(true);
  });

  it("gives back what was sent, however it is cut into chunks", async () => {
    const digests = { sha256, sha512 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 5000 }), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 2000 }),
        fc.constantFrom("sha256" as const, "sha512" as const),
        fc.boolean(),
        async (chunks, last, algorithm, withRanges) => {
          const location = await begin("property");
          let size = 0;
          for (const chunk of chunks) {
            const range = `${size}-${size + chunk.length - 1}`;
            const headers = withRanges && chunk.length > 0 ? { "content-range": range } : {};
            const reply = await at.send("PATCH", location, { body: chunk, headers });
            size += chunk.length;
            expect(reply.headers["range"]).toBe(`0-${Math.max(0, size - 1)}`);
            const wrong = await at.send("PATCH", location, {
              body: "x",
              headers: { "content-range": `${size + 1}-${size + 1}` },
            });
            expect(wrong.status).toBe(416);
          }
          const content = Buffer.concat([...chunks, last]);
          const digest = digests[algorithm](content);
          const done = await at.send("PUT", `${location}?digest=${digest}`, { body: last });
          expect(done.status).toBe(201);
          expect((await at.send("GET", String(done.headers.location))).body.equals(content)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });
});
