/** Every output in test/fixtures/tool-output is read as its first lines say: tool, kind, place, and the line a person wants. */
import { readFileSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { toolOutputs } from "../../../test/support/tool-outputs.ts";
import { readToolFailure } from "./index.ts";
import { MAX_LINES } from "./tool-failure.ts";

const outputs = toolOutputs();

describe("tool failures", () => {
  it.each(outputs.map((output) => [output.id, output] as const))("reads %s", (_, output) => {
    const failure = readToolFailure(output);
    const place = failure?.place && [failure.place.file, failure.place.line, failure.place.column];
    expect({
      reads: failure ? `${failure.tool} ${failure.kind}` : "nothing",
      place: place?.filter((part) => part !== undefined).join(":"),
      within: failure && failure.within.length > 0 ? failure.within.join(" < ") : undefined,
    }).toEqual({ reads: output.reads, place: output.place, within: output.within });
  });

  it.each(outputs.filter(({ wants }) => wants !== undefined).map((output) => [output.id, output] as const))(
    "shows the line a person wants of %s",
    (_, output) => {
      const failure = readToolFailure(output);
      expect(failure?.lines.length).toBeLessThanOrEqual(MAX_LINES);
      expect(failure?.lines.join("\n")).toContain(output.wants);
    },
  );

  it("shows lines as they stand in the output, in its order", () => {
    for (const output of outputs) {
      const text = output.lines.map((line) => stripVTControlCharacters(line).split("\r").join("\n")).join("\n");
      for (const line of readToolFailure(output)?.lines ?? []) expect(text).toContain(line);
    }
  });

  it("says each headline in one line, lower case first, without a final full stop", () => {
    for (const output of outputs) {
      const failure = readToolFailure(output);
      if (!failure) continue;
      expect(failure.headline).not.toContain("\n");
      expect(failure.headline, output.id).toMatch(/^(?:[a-z`]|AWS|CloudFormation|Package|Cargo|Gemfile|The)/);
      expect(failure.headline, output.id).not.toMatch(/[^.…]\.$/);
    }
  });

  it("says how to make the bucket that is not there", () => {
    const line =
      "upload failed: ./f.txt to s3://my-bucket/f.txt An error occurred (NoSuchBucket) when calling the PutObject operation: The specified bucket does not exist";
    const failure = readToolFailure({ command: "aws s3 cp f.txt s3://my-bucket/f.txt", lines: [line], exitStatus: 1 });
    expect(failure?.next).toBe(
      "see whether `my-bucket` is the right name, or make the bucket: `aws s3 mb s3://my-bucket`",
    );
  });

  it("has at least three failures of the tools that builds use most", () => {
    const count = (tool: string) => outputs.filter(({ id }) => id.startsWith(`${tool}/`)).length;
    const tools =
      "aws bundler cargo cdk cloudformation composer compose curl docker dotnet git go gradle java jest kubectl";
    const more =
      "make maven mocha node npm php pip pnpm pytest python ruby ruff sam serverless shell terraform tsc unittest vitest yarn yum apt eslint gcc tar";
    for (const tool of `${tools} ${more}`.split(" ")) expect(count(tool), tool).toBeGreaterThanOrEqual(3);
  });

  it("knows nothing of an output that names no failure", () => {
    expect(readToolFailure({ lines: ["all good", "done in 3 s"] })).toBeUndefined();
    expect(readToolFailure({ lines: [] })).toBeUndefined();
  });

  it("keeps the fixtures' headers true to where they come from", () => {
    for (const { id, path } of outputs) {
      expect(readFileSync(path, "utf8"), id).toMatch(/^# (?:recorded|written from): \S/m);
    }
  });
});
