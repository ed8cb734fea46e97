/** Every real buildspec of the corpus parses. The corpus is not part of the repository: absent means skipped, said so. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parseBuildspec } from "./index.ts";

const folder =
  process.env["KILN_CORPUS"] ?? fileURLToPath(new URL("../../../../shared/corpus/buildspecs", import.meta.url));
const isHere = existsSync(folder);
if (!isHere) process.stderr.write(`skipped: no corpus at ${folder} (set KILN_CORPUS)\n`);

describe.skipIf(!isHere)("the corpus of real buildspecs", () => {
  /** Without `version`, which CodeBuild's reference requires. */
  const withoutVersion = ["026.yml", "038.yml", "090.yml"];
  const files = isHere ? readdirSync(folder).filter((name) => /^\d+\.yml$/.test(name)) : [];

  it("parses without failure", () => {
    const failed = files.flatMap((name) => {
      const { failure } = parseBuildspec(readFileSync(`${folder}/${name}`, "utf8"), name);
      return failure ? [`${name}: ${failure.message}`] : [];
    });
    expect(files.length).toBeGreaterThan(200);
    expect(failed).toEqual(
      withoutVersion.map((name) => `${name}: the buildspec has no version, expected \`version: 0.2\``),
    );
  });
});
