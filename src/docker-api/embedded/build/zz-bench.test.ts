import { createReadStream } from "node:fs";
import { expect, it } from "vitest";
import { execFileSync } from "node:child_process";
import { BuildFixture } from "../../../../test/support/build-fixture.ts";
it("bench", async () => {
  const at = await BuildFixture.open();
  const t = async (n: string, f: () => Promise<unknown>) => { const s = performance.now(); const r = await f(); console.log(n, (performance.now() - s).toFixed(0), "ms"); return r as any; };
  execFileSync("sh", ["-c", `[ -e /tmp/c-builder/big.tgz ] || tar c -C / usr/lib/python3 usr/lib/python3.11 usr/share/doc | gzip -6 > /tmp/c-builder/big.tgz; ls -la /tmp/c-builder/big.tgz; tar tzf /tmp/c-builder/big.tgz | wc -l; gzip -dc /tmp/c-builder/big.tgz | wc -c`], { stdio: "inherit" });
  const layer = await t("unpack big", () => at.store.add([], createReadStream(`/tmp/c-builder/big.tgz`)));
  at.images.set("big", { id: "sha256:0", config: { architecture: "amd64", os: "linux", created: "", config: {}, history: [], rootfs: { type: "layers", diff_ids: [layer.diffId] } }, layers: [layer] } as any);
  const b = await t("big COPY+RUN", () => at.build("FROM big\nCOPY busybox /bin/busybox\nRUN [\"/bin/busybox\", \"touch\", \"/x\"]\n"));
  await t("pack new", () => at.store.packed(b.image.layers));
  await at.close();
  expect(1).toBe(1);
}, 600_000);
