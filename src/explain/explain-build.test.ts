/** The explanation as a whole: first cause, consequences, what is no failure. The causes' own cases are beside them. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { denialMessage, FLASK_BUILDSPEC, factsOf } from "../../test/support/build-facts.ts";
import { make } from "../../test/support/explain-cases.ts";
import { causes } from "./causes/index.ts";
import { explainBuild } from "./index.ts";

describe("explainBuild", () => {
  it("has a case for every cause", () => {
    const textsIn = (folder: URL, ending: string) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" })
        .filter((name) => name.endsWith(ending))
        .map((name) => readFileSync(new URL(name, folder), "utf8"));
    const texts = [
      ...textsIn(new URL("./", import.meta.url), ".test.ts"),
      ...textsIn(new URL("../../test/acceptance/", import.meta.url), ".ts"),
    ].join("\n");
    expect(causes.map((cause) => cause.id).filter((id) => !texts.includes(`code: "${id}"`))).toEqual([]);
  });

  it("calls a generic exit status undiagnosed, with the last lines as evidence", () => {
    const diagnosis = explainBuild(factsOf({ ...make, exitStatus: 3, output: ["a", "1 test failed", ""] }));
    expect(diagnosis).toMatchObject({
      outcome: "undiagnosed",
      evidence: ["a", "1 test failed"],
      confidence: "possible",
    });
  });

  it("has nothing to say about a build that succeeded", () => {
    expect(
      explainBuild({ build: { buildStatus: "SUCCEEDED", phases: [] }, events: [], decisions: [], parameters: [] }),
    ).toMatchObject({ outcome: "no-problem", cause: "the build succeeded: nothing to explain" });
  });

  it("names later failures as consequences of the first", () => {
    const facts = factsOf({ ...make, exitStatus: 127, output: ["/x/script.sh: 4: make: not found"] });
    const later = {
      phaseType: "UPLOAD_ARTIFACTS",
      phaseStatus: "FAILED",
      contexts: [{ statusCode: "CLIENT_ERROR", message: "no matching artifact paths found" }],
    };
    const diagnosis = explainBuild({
      ...facts,
      build: { ...facts.build, phases: [...(facts.build.phases ?? []), later] },
    });
    expect(diagnosis.code).toBe("commands/not-found");
    expect(diagnosis.consequences).toEqual([
      "UPLOAD_ARTIFACTS failed too, after BUILD: nothing matches `artifacts.files` (`dist/app.zip`) after the build",
    ]);
  });

  it("adds the login from the build's own parameters before a push", () => {
    const buildspec = FLASK_BUILDSPEC.replace(/ {2}pre_build:\n.*\n.*\n/, "");
    const diagnosis = explainBuild(
      factsOf({
        buildspec,
        phase: "BUILD",
        command: "docker push $DOCKER_REGISTRY_URL/$DOCKER_USERNAME/sample-python-flask-app:latest",
        output: ["denied: requested access to the resource is denied"],
      }),
    );
    expect(diagnosis.fix).toMatchObject({
      edits: [
        {
          newText:
            '      - echo "$DOCKER_PASSWORD" | docker login --username "$DOCKER_USERNAME" --password-stdin "$DOCKER_REGISTRY_URL"\n',
        },
      ],
    });
  });

  it("calls the interactive login a consequence of the denied token", () => {
    const denied = `An error occurred (AccessDeniedException) when calling the GetAuthorizationToken operation: ${denialMessage("ecr:GetAuthorizationToken", "*").replace("AccessDeniedException: ", "").split("\n", 1)[0]}`;
    const diagnosis = explainBuild(
      factsOf({ ...make, output: [denied, "Error: Cannot perform an interactive login from a non TTY device"] }),
    );
    expect(diagnosis.code).toBe("iam/ecr-denied");
    expect(diagnosis.consequences).toEqual([
      "`Error: Cannot perform an interactive login from a non TTY device` follows: the command before the pipe printed no password",
    ]);
    expect(diagnosis.fix).toMatchObject({
      policy: { Statement: [{ Sid: "LogInToEcr", Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] }] },
    });
  });
});
