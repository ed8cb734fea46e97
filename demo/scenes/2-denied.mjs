import { setTimeout as sleep } from "node:timers/promises";
import { expectText, expectThat, say } from "../stage.mjs";

export const title = "the build is denied: the role may not read the parameters";
export const shows = "StartBuild and BatchGetBuilds as on AWS, with AWS's status code and text; then the explanation.";

export async function play(stage) {
  const { build } = await stage.awsCommand("aws codebuild start-build --project-name sample-python-flask-app");
  let current = build;
  for (let tries = 0; current.buildStatus === "IN_PROGRESS" && tries < 150; tries++) {
    await sleep(200);
    const { stdout } = await quietly(stage, build.id);
    current = stdout.builds[0];
  }
  expectThat(current.buildStatus === "FAILED", `expected buildStatus FAILED, got ${current.buildStatus}`);
  const phase = current.phases.find((p) => p.phaseType === "DOWNLOAD_SOURCE");
  const context = phase.contexts[0];
  say(
    `\nbuildStatus ${current.buildStatus}, phase ${phase.phaseType} ${phase.phaseStatus}\n  statusCode ${context.statusCode}\n  message    ${context.message}`,
  );
  expectThat(context.statusCode === "Decrypted Variables Error", `unexpected statusCode ${context.statusCode}`);
  const uuid = build.id.split(":")[1];
  expectText(
    context.message,
    `AccessDeniedException: User: arn:aws:sts::000000000000:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${uuid} is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-east-1:000000000000:parameter/my_app_Docker_`,
    "the phase context",
  );
  expectText(
    context.message,
    "because no identity-based policy allows the ssm:GetParameters action\n\tstatus code: 400, request id: ",
    "the phase context",
  );

  const log = await stage.awsCommand(
    `aws logs get-log-events --log-group-name /aws/codebuild/sample-python-flask-app --log-stream-name ${uuid}`,
  );
  const lines = log.events.map((event) => event.message).join("");
  expectText(
    lines,
    "Phase context status code: Decrypted Variables Error Message: AccessDeniedException: User: ",
    "the log",
  );

  const { output } = await stage.kiln(["explain", build.id]);
  expectText(output, "ssm:GetParameters", "the explanation");
  expectText(
    output,
    "arn:aws:ssm:us-east-1:000000000000:parameter/my_app_Docker_credentials_password",
    "the explanation",
  );
  expectText(output, "aws iam put-role-policy", "the explanation");
}

async function quietly(stage, id) {
  const { runAwsCommand } = await import("../aws-commands.mjs");
  const answer = await runAwsCommand(stage.aws, `aws codebuild batch-get-builds --ids ${id}`, {
    url: stage.url,
    environment: stage.environment,
    cwd: stage.appDir,
  });
  if (!answer.ok) throw new Error(answer.text);
  return { stdout: answer.json };
}
