import { expect, it } from "vitest";
import { TAR_END, tarHeader, tarPadding } from "../images/tar.ts";
import { ContentSearch } from "./content-search.ts";
import { ImageSearch } from "./image-search.ts";
import { PatternSet } from "./pattern-search.ts";

it("keeps a bounded number of hits of a layer that is full of the secret", async () => {
  const secret = "SuperSecretValue123";
  const body = Buffer.from(`${secret}\n`.repeat(50_000));
  const entry = { type: "file", mode: 0o644, uid: 0, gid: 0, mtimeSeconds: 0, linkName: "" } as const;
  const header = tarHeader({ ...entry, name: "app/log.txt", sizeBytes: body.length });
  const blobs: Readonly<Record<string, Buffer>> = {
    "sha256:m": Buffer.from(JSON.stringify({ config: { digest: "sha256:c" }, layers: [{ digest: "sha256:l" }] })),
    "sha256:c": Buffer.from("{}"),
    "sha256:l": Buffer.concat([header, body, tarPadding(body.length), TAR_END]),
  };
  const patterns = new PatternSet([{ bytes: Buffer.from(secret), value: "it" }]);
  const { signal } = new AbortController();
  const places: (string | undefined)[] = [];
  const search = new ImageSearch<string>({
    patterns,
    words: [],
    signal,
    async blob(digest) {
      const bytes = blobs[digest];
      return (
        bytes &&
        (async function* () {
          yield bytes;
        })()
      );
    },
    content: (told) => new ContentSearch({ patterns, signal, ...told }),
    onHit: ({ path }) => places.push(path),
    onSkipped: () => {},
  });
  await search.image({ reference: "app:1", digest: "sha256:m" });
  expect(places).toHaveLength(20_000);
  expect(new Set(places)).toEqual(new Set(["app/log.txt"]));
});
