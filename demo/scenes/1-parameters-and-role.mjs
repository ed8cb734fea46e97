export const title = "the parameters, the role and the project";
export const shows =
  "The documents' own AWS commands, run against Kiln: credentials go into an encrypted Parameter Store, a service role\n" +
  "without any policy for them is made, and a CodeBuild project that uses it.";

const TRUST = JSON.stringify({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: "sts:AssumeRole" }],
});

/** What every CodeBuild role can do when the console makes it: write its log. Nothing about Parameter Store. */
const LOGS = JSON.stringify({
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
      Resource: "arn:aws:logs:us-east-1:000000000000:log-group:/aws/codebuild/*",
    },
  ],
});

export const PASSWORD = "correct-horse-battery-staple";

export async function play(stage) {
  await stage.awsCommand(
    `aws ssm put-parameter --name "my_app_Docker_registry_URL" --value "docker.io" --type "SecureString"`,
  );
  await stage.awsCommand(
    `aws ssm put-parameter --name "my_app_Docker_credentials_username" --value "your_username" --type "SecureString"`,
  );
  await stage.awsCommand(
    `aws ssm put-parameter --name "my_app_Docker_credentials_password" --value "${PASSWORD}" --type "SecureString"`,
  );
  await stage.awsCommand(
    `aws iam create-role --role-name CodeBuildServiceRole --assume-role-policy-document '${TRUST}'`,
  );
  await stage.awsCommand(
    `aws iam put-role-policy --role-name CodeBuildServiceRole --policy-name CodeBuildLogs --policy-document '${LOGS}'`,
  );
  await stage.awsCommand(
    "aws codebuild create-project --name sample-python-flask-app" +
      ` --source type=GITHUB,location=file://${stage.appDir} --artifacts type=NO_ARTIFACTS` +
      " --environment type=LINUX_CONTAINER,image=aws/codebuild/standard:7.0,computeType=BUILD_GENERAL1_SMALL,privilegedMode=true" +
      " --service-role arn:aws:iam::000000000000:role/CodeBuildServiceRole",
  );
  await stage.kiln(["params", "tree"], { status: 0 });
}
