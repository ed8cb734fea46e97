/** `ssm:/name` as the value of a PLAINTEXT variable of the project: CodeBuild passes on the text. */
import { parameterNameIn } from "../../build/buildspec/index.ts";
import type { Rule } from "../rule.ts";

export const projectReferenceAsText: Rule = {
  id: "project/reference-as-text",
  severity: "error",
  title: "a reference in a plaintext variable of the project",
  source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_EnvironmentVariable.html",
  *run({ project }) {
    for (const { name, type, value = "" } of project.environmentVariables ?? []) {
      if ((type ?? "PLAINTEXT") !== "PLAINTEXT") continue;
      const parameter = parameterNameIn(value);
      if (parameter === undefined) continue;
      yield {
        message: `variable \`${name}\` of the project is the text \`${value}\`: a reference needs type PARAMETER_STORE and the value \`${parameter}\``,
        why: "CodeBuild resolves nothing in plaintext variables; the commands get the text as it stands",
      };
    }
  },
};
