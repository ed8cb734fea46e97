/** The build cache goes by contents; builds with SOURCE_DATE_EPOCH give the same image twice. */
import { createReadStream } from "node:fs";
import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE, BuildFixture, type Built } from "../../../../test/support/build-fixture.ts";
import { staticBusybox } from "../../../../test/support/docker-fixture.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";

const cached = (built: Built): string[] =>
  [...built.ends].filter(([, end]) => end.isCached).map(([name]) => name.replace(/^\[.*?\] /, ""));

describe.skipIf((await staticBusybox()) === undefined)("the build cache", () => {
  let at: BuildFixture;
  beforeAll(async () => {
    at = await BuildFixture.open();
    at.images.set("base", (await at.build(BASE)).image);
  });
  afterAll(() => at.close());

  it("gives the same image for the same files, whatever their times and the labels in between", async () => {
    const dockerfile = "FROM base\nLABEL a=1\nCOPY a /a\nRUN cat /a > /b\n";
    const first = await at.build(dockerfile, { a: "one" });
    const dir = await at.context({ a: "one" });
    await utimes(join(dir, "a"), 1, 1);
    const second = await at.build(dockerfile, {}, { context: { dir } });
    expect(cached(second)).toEqual(["COPY a /a", "RUN cat /a > /b"]);
    expect(second.image.id).toBe(first.image.id);
    const relabelled = await at.build(dockerfile.replace("a=1", "a=2"), { a: "one" });
    expect(cached(relabelled)).toEqual(["COPY a /a", "RUN cat /a > /b"]);
  });

  it("is not used for other files, modes, arguments, mounts, users or folders", async () => {
    const tail = "COPY a /a\nARG V\nRUN echo $V > /v\n";
    await at.build(`FROM base\n${tail}`, { a: "one" }, { buildArgs: { V: "1" } });
    const again = async (
      dockerfile: string,
      a: string | { text: string; mode: number },
      V: string,
    ): Promise<string[]> => cached(await at.build(dockerfile, { a }, { buildArgs: { V } }));
    expect(await again(`FROM base\n${tail}`, "one", "1")).toEqual(["COPY a /a", "RUN echo 1 > /v"]);
    expect(await again(`FROM base\n${tail}`, "two", "1")).toEqual([]);
    expect(await again(`FROM base\n${tail}`, { text: "one", mode: 0o600 }, "1")).toEqual([]);
    expect(await again(`FROM base\n${tail}`, "one", "2")).toEqual(["COPY a /a"]);
    expect(await again(`FROM base\nUSER 0\n${tail}`, "one", "1")).toEqual(["COPY a /a"]);
    expect(await again(`FROM base\nENV X=1\n${tail}`, "one", "1")).toEqual(["COPY a /a"]);
  });

  it("is left aside for all stages or for those named", async () => {
    const dockerfile = "FROM base AS one\nRUN echo 1 > /1\nFROM base AS two\nRUN echo 2 > /2\nCOPY --from=one /1 /1\n";
    await at.build(dockerfile);
    expect(cached(await at.build(dockerfile))).toHaveLength(3);
    expect(cached(await at.build(dockerfile, {}, { noCache: true }))).toEqual([]);
    expect(cached(await at.build(dockerfile, {}, { noCache: ["two"] }))).toEqual(["RUN echo 1 > /1"]);
  });

  it("takes layers of an image given by --cache-from, but for times", async () => {
    const dockerfile = "FROM base\nCOPY a /cf\nRUN date +%N > /when\n";
    const first = await at.build(dockerfile, { a: "cf" });
    const elsewhere = await BuildFixture.open();
    try {
      elsewhere.images.set("base", (await moved(elsewhere, at)).base);
      elsewhere.images.set("earlier", (await moved(elsewhere, at, first)).base);
      const second = await elsewhere.build(dockerfile, { a: "cf" }, { cacheFrom: ["earlier", "missing"] });
      expect(second.names).toContain("importing cache manifest from earlier");
      expect(await second.file("/when")).toBe(await first.file("/when"));
    } finally {
      await elsewhere.close();
    }
  });

  it("and SOURCE_DATE_EPOCH give the same digests twice, times no later than it", async () => {
    const dockerfile = "FROM base\nCOPY a /new/a\nRUN echo x > /x\nWORKDIR /made\nLABEL b=c\n";
    const options = { noCache: true, buildArgs: { SOURCE_DATE_EPOCH: "1577934245" } };
    const first = await at.build(dockerfile, { a: "one" }, options);
    const second = await at.build(dockerfile, { a: "one" }, options);
    expect(second.image.id).toBe(first.image.id);
    expect(first.image.config.created).toBe("2020-01-02T03:04:05.000Z");
    expect(new Set(first.image.config.history.slice(3).map(({ created }) => created))).toEqual(
      new Set(["2020-01-02T03:04:05.000Z"]),
    );
    const [own] = await at.store.packed(first.image.layers.slice(-1));
    expect(own?.latestSeconds).toBe(1577934245);
    expect((await at.failure(dockerfile, { a: "" }, { buildArgs: { SOURCE_DATE_EPOCH: "soon" } })).message).toBe(
      "invalid SOURCE_DATE_EPOCH: soon",
    );
  });
});

/** An image as another machine would get it: packed, sent, unpacked. */
async function moved(to: BuildFixture, from: BuildFixture, built?: Built): Promise<{ base: Built["image"] }> {
  const image = built?.image ?? from.images.get("base");
  if (!image) throw new Error("there is no base");
  const layers: LayerRecord[] = [];
  for (const layer of await from.store.packed(image.layers))
    layers.push(await to.store.add(layers, createReadStream(from.store.blobPath(layer.blob.digest)), layer.diffId));
  return { base: { ...image, layers } };
}
