import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { memoryIo } from "./io.ts";
import { runCli } from "./run-cli.ts";

it("prints what the package publishes", async () => {
  const io = memoryIo();
  expect(await runCli(["schema"], io)).toBe(0);
  const published = fileURLToPath(new URL("../../data/buildspec.schema.json", import.meta.url));
  expect(io.written()).toBe(readFileSync(published, "utf8"));
});
