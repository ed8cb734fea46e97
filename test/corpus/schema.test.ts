/** Every buildspec of the corpus against the published schema: those that are not valid are printed, with why that is right. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { corpusNumbers, isCorpusHere, readCorpusFile } from "./corpus.ts";

const schema: object = JSON.parse(
  readFileSync(fileURLToPath(new URL("../../data/buildspec.schema.json", import.meta.url)), "utf8"),
);
const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);

/** Number of a file, where it is wrong, and what it gets wrong. */
const MISTAKEN: Readonly<Record<string, readonly [place: string, reason: string]>> = {
  "026": ["", "has no `version`, which the reference requires"],
  "038": ["", "has no `version`, which the reference requires"],
  "090": ["", "has no `version`, which the reference requires"],
  "096": ["", "`build` stands beside `phases`, so CodeBuild ignores it"],
  "168": ["", "`build-matrix` stands outside `batch`, so CodeBuild ignores it"],
  "198": ["/reports/test-reports/file-format", "a report format that CodeBuild does not read"],
  "235": ["/batch/build-list/0/env", "`exported-variables` in the environment of a batch task, where it does nothing"],
};

describe.skipIf(!isCorpusHere)("the corpus and the schema", () => {
  it("agree but for the files with a mistake", () => {
    const wrong = corpusNumbers().flatMap((number) => {
      if (validate(parse(readCorpusFile(number).text, { merge: true }))) return [];
      const places = new Set((validate.errors ?? []).map(({ instancePath }) => instancePath));
      return [{ number, places: [...places] }];
    });
    for (const { number, places } of wrong) {
      process.stdout.write(
        `${number} ${places.filter(Boolean).join(" ")}: ${MISTAKEN[number]?.[1] ?? "not explained"}\n`,
      );
    }
    expect(wrong.map(({ number }) => number)).toEqual(Object.keys(MISTAKEN).sort());
    for (const { number, places } of wrong) expect(places).toContain(MISTAKEN[number]?.[0]);
  });
});
