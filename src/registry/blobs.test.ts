import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pushBlob, type RegistryFixture, sha256, sha512, startRegistry } from "../../test/support/registry-fixture.ts";

let at: RegistryFixture;
beforeAll(async () => {
  at = await startRegistry();
});
afterAll(() => at.close());

describe.each([
  ["sha256", sha256],
  ["sha512", sha512],
] as const)("blobs under %s", (algorithm, digestOf) => {
  const repository = `blobs-${algorithm}`;
  const uploads = `/v2/${repository}/blobs/uploads/`;

  const begin = async (): Promise<string> => {
    const reply = await at.send("POST", uploads);
    expect(reply.status).toBe(202);
    expect(reply.headers["docker-upload-uuid"]).toMatch(/^[0-9a-f-]{36}$/);
    return String(reply.headers.location);
  };

  const expectPullable = async (location: string, content: string): Promise<void> => {
    const get = await at.send("GET", location);
    expect(get.status).toBe(200);
    expect(get.text).toBe(content);
    expect(get.headers["docker-content-digest"]).toBe(digestOf(content));
    const head = await at.send("HEAD", location);
    expect(head.status).toBe(200);
    expect(head.headers["content-length"]).toBe(String(content.length));
    expect(head.body).toHaveLength(0);
  };

  it("answers 404 BLOB_UNKNOWN for a blob that is not there", async () => {
    const reply = await at.send("GET", `/v2/${repository}/blobs/${digestOf("nobody pushed this")}`);
    expect(reply.status).toBe(404);
    expect(reply.json.errors[0].code).toBe("BLOB_UNKNOWN");
    expect(reply.json.errors[0].message).toBe("blob unknown to registry");
  });

  it("takes a whole blob in the POST", async () => {
    const content = "in one request";
    const reply = await at.send("POST", `${uploads}?digest=${digestOf(content)}`, { body: content });
    expect(reply.status).toBe(201);
    await expectPullable(String(reply.headers.location), content);
  });

  it("takes a whole blob in the PUT after a POST", async () => {
    const content = "in two requests";
    const location = await begin();
    const reply = await at.send("PUT", `${location}?digest=${digestOf(content)}`, { body: content });
    expect(reply.status).toBe(201);
    await expectPullable(String(reply.headers.location), content);
  });

  it.each([
    ["one chunk", ["the only chunk"], ""],
    ["several chunks", ["first ", "second ", "third"], ""],
    ["several chunks, the last with the PUT", ["first ", "second "], "and last"],
  ])("takes %s", async (_name, chunks, last) => {
    let location = await begin();
    let start = 0;
    for (const chunk of chunks) {
      const reply = await at.send("PATCH", location, {
        body: chunk,
        headers: {
          "content-range": `${start}-${start + chunk.length - 1}`,
          "content-type": "application/octet-stream",
        },
      });
      expect(reply.status).toBe(202);
      start += chunk.length;
      expect(reply.headers["range"]).toBe(`0-${start - 1}`);
      location = String(reply.headers.location);
    }
    const content = chunks.join("") + last;
    const reply = await at.send("PUT", `${location}?digest=${digestOf(content)}`, {
      ...(last && { body: last, headers: { "content-range": `${start}-${start + last.length - 1}` } }),
    });
    expect(reply.status).toBe(201);
    await expectPullable(String(reply.headers.location), content);
  });

  it("takes a stream without Content-Length and Content-Range", async () => {
    const location = await begin();
    async function* stream() {
      yield Buffer.from("streamed ");
      yield Buffer.from("in pieces");
    }
    const patched = await at.send("PATCH", location, { body: stream() });
    expect(patched.status).toBe(202);
    const content = "streamed in pieces";
    const reply = await at.send("PUT", `${patched.headers.location}?digest=${digestOf(content)}`);
    expect(reply.status).toBe(201);
    await expectPullable(String(reply.headers.location), content);
  });

  it("takes the empty blob", async () => {
    const location = await begin();
    const reply = await at.send("PUT", `${location}?digest=${digestOf("")}`);
    expect(reply.status).toBe(201);
    await expectPullable(String(reply.headers.location), "");
  });

  it.each([
    ["POST with digest", async (digest: string) => at.send("POST", `${uploads}?digest=${digest}`, { body: "x" })],
    ["PUT", async (digest: string) => at.send("PUT", `${await begin()}?digest=${digest}`, { body: "x" })],
    [
      "PATCH and PUT",
      async (digest: string) => {
        const location = await begin();
        await at.send("PATCH", location, { body: "x" });
        return at.send("PUT", `${location}?digest=${digest}`);
      },
    ],
    [
      "PATCH and PUT with the last chunk",
      async (digest: string) => {
        const location = await begin();
        await at.send("PATCH", location, { body: "x" });
        return at.send("PUT", `${location}?digest=${digest}`, { body: "y" });
      },
    ],
    [
      "a stream and PUT",
      async (digest: string) => {
        const location = await begin();
        const body = (async function* () {
          yield Buffer.from("x");
        })();
        await at.send("PATCH", location, { body });
        return at.send("PUT", `${location}?digest=${digest}`);
      },
    ],
  ])("refuses content that does not match its digest (%s)", async (_name, push) => {
    const reply = await push(digestOf("something else"));
    expect(reply.status).toBe(400);
    expect(reply.json.errors[0]).toMatchObject({
      code: "DIGEST_INVALID",
      message: "provided digest did not match uploaded content",
    });
  });

  it("refuses a chunk out of order with 416, tells the offset, and lets the client go on", async () => {
    const location = await begin();
    await at.send("PATCH", location, { body: "0123456789", headers: { "content-range": "0-9" } });
    const early = await at.send("PATCH", location, { body: "xxxxx", headers: { "content-range": "15-19" } });
    expect(early.status).toBe(416);
    expect(early.headers.location).toBe(location);
    expect(early.headers["range"]).toBe("0-9");
    const status = await at.send("GET", location);
    expect(status.status).toBe(204);
    expect(status.headers["range"]).toBe("0-9");
    expect(status.headers.location).toBe(location);
    const resumed = await at.send("PATCH", location, { body: "abcde", headers: { "content-range": "10-14" } });
    expect(resumed.status).toBe(202);
    const done = await at.send("PUT", `${location}?digest=${digestOf("0123456789abcde")}`);
    expect(done.status).toBe(201);
  });

  it.each([false, true])(
    "recovers from each chunk being sent out of order first (last one with PUT: %s)",
    async (isPut) => {
      const content = "the first chunk, the second chunk, the last";
      const chunkSize = 15;
      const digest = digestOf(content);
      let location = await begin();
      for (let start = 0; start < content.length; start += chunkSize) {
        const wrong = start + chunkSize < content.length ? start + chunkSize : 0;
        const send = (from: number) => {
          const chunk = content.slice(from, from + chunkSize);
          const isLast = from + chunkSize >= content.length;
          const [method, path] = isLast && isPut ? ["PUT", `${location}?digest=${digest}`] : ["PATCH", location];
          const headers = { "content-range": `${from}-${from + chunk.length - 1}` };
          return at.send(method ?? "", path ?? "", { body: chunk, headers });
        };
        const refused = await send(wrong);
        expect([refused.status, typeof refused.headers.location]).toEqual([416, "string"]);
        const status = await at.send("GET", String(refused.headers.location));
        expect([status.status, status.headers["range"]]).toEqual([204, `0-${Math.max(0, start - 1)}`]);
        location = String(status.headers.location);
        const isDone = isPut && start + chunkSize >= content.length;
        expect((await send(start)).status).toBe(isDone ? 201 : 202);
      }
      if (!isPut) expect((await at.send("PUT", `${location}?digest=${digest}`)).status).toBe(201);
      await expectPullable(`/v2/${repository}/blobs/${digest}`, content);
    },
  );

  it("refuses a chunk whose range and length differ", async () => {
    const reply = await at.send("PATCH", await begin(), { body: "abc", headers: { "content-range": "0-9" } });
    expect(reply.status).toBe(400);
    expect(reply.json.errors[0].code).toBe("SIZE_INVALID");
  });

  it("forgets a cancelled upload", async () => {
    const location = await begin();
    expect((await at.send("DELETE", location)).status).toBe(204);
    const reply = await at.send("GET", location);
    expect(reply.status).toBe(404);
    expect(reply.json.errors[0].code).toBe("BLOB_UPLOAD_UNKNOWN");
  });

  it("mounts a blob from another repository, and starts an upload when there is none to mount", async () => {
    const digest = await pushBlob(at, `${repository}/source`, "shared", digestOf("shared"));
    const mounted = await at.send(
      "POST",
      `/v2/${repository}/target/blobs/uploads/?mount=${digest}&from=${repository}/source`,
    );
    expect(mounted.status).toBe(201);
    await expectPullable(String(mounted.headers.location), "shared");
    const anonymous = await at.send("POST", `/v2/${repository}/third/blobs/uploads/?mount=${digest}`);
    expect(anonymous.status).toBe(201);
    await expectPullable(String(anonymous.headers.location), "shared");
    const missing = digestOf("missing");
    for (const query of [`mount=${missing}&from=${repository}/source`, `mount=${missing}`, "mount=sha256:x"]) {
      const reply = await at.send("POST", `/v2/${repository}/target/blobs/uploads/?${query}`);
      expect(reply.status).toBe(202);
      expect(reply.headers.location).toContain("/blobs/uploads/");
    }
  });

  it("deletes a blob from its repository only", async () => {
    const digest = await pushBlob(at, `${repository}/one`, "kept elsewhere", digestOf("kept elsewhere"));
    await pushBlob(at, `${repository}/two`, "kept elsewhere", digestOf("kept elsewhere"));
    expect((await at.send("DELETE", `/v2/${repository}/one/blobs/${digest}`)).status).toBe(202);
    expect((await at.send("GET", `/v2/${repository}/one/blobs/${digest}`)).status).toBe(404);
    expect((await at.send("GET", `/v2/${repository}/two/blobs/${digest}`)).text).toBe("kept elsewhere");
  });
});

describe("blob ranges", () => {
  const content = Buffer.from(Array.from({ length: 2048 }, (_, index) => index % 251));
  let path = "";
  beforeAll(async () => {
    path = `/v2/ranges/blobs/${await pushBlob(at, "ranges", content)}`;
  });

  it.each([
    ["bytes=500-1499", 500, 1500],
    ["bytes=500-", 500, 2048],
    ["bytes=-500", 1548, 2048],
    ["bytes=2000-5000", 2000, 2048],
    ["bytes=0-0", 0, 1],
  ])("answers %s with 206", async (range, start, end) => {
    const reply = await at.send("GET", path, { headers: { range } });
    expect(reply.status).toBe(206);
    expect(reply.headers["content-length"]).toBe(String(end - start));
    expect(reply.headers["content-range"]).toBe(`bytes ${start}-${end - 1}/2048`);
    expect(reply.body.equals(content.subarray(start, end))).toBe(true);
  });

  it.each(["bytes=500-0", "bytes=5000-10000", "bytes=-0"])("answers %s with 416", async (range) => {
    const reply = await at.send("GET", path, { headers: { range } });
    expect(reply.status).toBe(416);
    expect(reply.headers["content-range"]).toBe("bytes */2048");
  });

  it("ignores ranges it does not know", async () => {
    const reply = await at.send("GET", path, { headers: { range: "bytes=0-1,5-6" } });
    expect(reply.status).toBe(200);
    expect(reply.body).toHaveLength(2048);
  });
});
