/** Two builds of one project at once, from two processes on one state folder. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { isBuilt, kiln, temporaryFolder } from "./kiln-process.ts";

describe.skipIf(!isBuilt)("two kiln run on one state folder", () => {
  it("have numbers of their own, and each its own log", async () => {
    const folder = temporaryFolder();
    const commands = ["echo number=$CODEBUILD_BUILD_NUMBER id=$CODEBUILD_BUILD_ID", "sleep 0.3", "seq 1 3000"];
    writeFileSync(
      join(folder.path, "buildspec.yml"),
      `version: 0.2\nphases:\n  build:\n    commands:\n${commands.map((text) => `      - ${text}\n`).join("")}`,
    );
    expect((await kiln(folder.path, ["run", "-q"])).exitCode).toBe(0);
    for (let round = 0; round < 2; round++) {
      const both = await Promise.all([1, 2].map(() => kiln(folder.path, ["run", "--format", "aws"])));
      expect(both.map(({ exitCode, err }) => (exitCode === 0 ? 0 : err))).toEqual([0, 0]);
      const numbers = both.map(({ out }) => Number(/^number=(\d+) /m.exec(out)?.[1]));
      expect(numbers.sort((a, b) => a - b)).toEqual([round * 2 + 2, round * 2 + 3]);
      for (const { out } of both) {
        const id = /^number=\d+ id=(\S+)$/m.exec(out)?.[1] ?? "";
        const log = (await kiln(folder.path, ["builds", "logs", id])).out;
        expect(log.split("\n").filter((line) => /^\d+$/.test(line)).length).toBe(3000);
      }
    }
    folder.remove();
  });
});
