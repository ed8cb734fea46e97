/** Every diagnosis says how to see that its cause is gone. */
import { describe, expect, it } from "vitest";
import { denialMessage, FLASK_BUILDSPEC, factsOf } from "../../test/support/build-facts.ts";
import { make } from "../../test/support/explain-cases.ts";
import { explainBuild, renderDiagnosis } from "./index.ts";

const ARN = "arn:aws:ssm:us-east-1:000000000000:parameter/my_app_Docker_registry_URL";
const denied = {
  buildspec: FLASK_BUILDSPEC,
  phase: "DOWNLOAD_SOURCE" as const,
  statusCode: "Decrypted Variables Error",
  message: denialMessage("ssm:GetParameters", ARN),
};

describe("how to prove that the cause is gone", () => {
  it("asks Kiln's policy engine about the statement of the fix", () => {
    const diagnosis = explainBuild(factsOf(denied));
    expect(diagnosis.prove).toBe(
      "`kiln iam can CodeBuildServiceRole ssm:GetParameters arn:aws:ssm:us-east-1:000000000000:parameter/my_app_Docker_credentials_password` answers allowed",
    );
    expect(renderDiagnosis(diagnosis)).toContain("\n  prove: `kiln iam can CodeBuildServiceRole ssm:GetParameters ");
  });

  it("asks AWS's simulator about a build of AWS's", () => {
    expect(explainBuild(factsOf({ ...denied, isSaved: true })).prove).toBe(
      "`aws iam simulate-principal-policy --policy-source-arn arn:aws:iam::000000000000:role/CodeBuildServiceRole --action-names ssm:GetParameters --resource-arns 'arn:aws:ssm:us-east-1:000000000000:parameter/my_app_Docker_credentials_password' --query 'EvaluationResults[].EvalDecision'` prints allowed",
    );
  });

  it("asks Parameter Store for a parameter that was not there", () => {
    const message = "parameter does not exist: my_app_Docker_registry_URL";
    expect(explainBuild(factsOf({ ...denied, message })).prove).toBe(
      "`aws ssm get-parameters --names my_app_Docker_registry_URL --query InvalidParameters` prints an empty list",
    );
  });

  it("asks the checker after an edit, and runs the build after anything else", () => {
    const spec = "version: 0.2\nphases:\n  build:\n    commands:\n      - pip install -r app/requirements.txt\n";
    const wrongPath = {
      buildspec: spec,
      phase: "BUILD" as const,
      command: "pip install -r app/requirements.txt",
      output: ["ERROR: Could not open requirements file: [Errno 2] No such file or directory: 'app/requirements.txt'"],
      files: ["requirements.txt", "buildspec.yml"],
    };
    expect(explainBuild(factsOf(wrongPath)).prove).toBe("`kiln check` is silent about it, and `kiln run` goes on");
    const absent = { ...make, exitStatus: 127, output: ["/x/script.sh: 4: make: not found"] };
    expect(explainBuild(factsOf(absent)).prove).toBe("`kiln run` gets past this point");
    expect(explainBuild(factsOf({ ...absent, isSaved: true })).prove).toBe(
      "`aws codebuild start-build --project-name flask` gets past this point",
    );
  });

  it("shows the setting of the project that was changed", () => {
    const diagnosis = explainBuild(
      factsOf({
        ...make,
        privilegedMode: false,
        output: ["Cannot connect to the Docker daemon at unix:///var/run/docker.sock."],
      }),
    );
    expect(diagnosis.prove).toBe(
      "`aws codebuild batch-get-projects --names flask --query 'projects[0].environment.privilegedMode'` prints the new value, and `kiln run` goes on",
    );
  });

  it("has nothing to prove without a problem", () => {
    expect(
      explainBuild({ build: { buildStatus: "SUCCEEDED" }, events: [], decisions: [], parameters: [] }).prove,
    ).toBeUndefined();
  });
});
