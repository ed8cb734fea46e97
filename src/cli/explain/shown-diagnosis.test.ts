import { describe, expect, it } from "vitest";
import type { Diagnosis } from "../../explain/index.ts";
import { memoryIo } from "../io.ts";
import { settingsOf } from "../settings.ts";
import { shownDiagnosis } from "./shown-diagnosis.ts";

const diagnosis: Diagnosis = {
  outcome: "problem",
  cause: "the ECR repository `web` does not exist",
  code: "docker/repository-missing",
  evidence: [],
  fix: { kind: "command", title: "create it", commands: ["aws ecr create-repository --repository-name web"] },
  alternatives: [],
  consequences: [],
  alsoSeen: [],
  confidence: "certain",
  prove: "`aws ecr describe-repositories --repository-names web` finds it",
  sources: [],
};

function shown(env: Record<string, string>, isOnAws?: boolean): string[] {
  const io = memoryIo({ env });
  const text = shownDiagnosis({ io, settings: settingsOf({}, io) }, diagnosis, () => undefined, isOnAws);
  return text.split("\n").filter((line) => line.includes("aws "));
}

describe("the aws commands of a diagnosis", () => {
  it("go to Kiln in a shell that nothing points at it", () => {
    expect(shown({})).toEqual([
      "    $ kiln aws ecr create-repository --repository-name web",
      "  prove: `kiln aws ecr describe-repositories --repository-names web` finds it",
    ]);
  });

  it("stay what they are after `kiln env`, and for a build on AWS", () => {
    const asTheyAre = [
      "    $ aws ecr create-repository --repository-name web",
      "  prove: `aws ecr describe-repositories --repository-names web` finds it",
    ];
    expect(shown({ AWS_ENDPOINT_URL: "http://127.0.0.1:4566" })).toEqual(asTheyAre);
    expect(shown({}, true)).toEqual(asTheyAre);
  });
});
