import { expectText } from "../stage.mjs";

export const title = "the wrong password: the registry refuses, the parameter and its version are named";
export const shows =
  "The password parameter is overwritten with another value. The registry knows the account and refuses.";

export async function play(stage) {
  await stage.awsCommand(
    `aws ssm put-parameter --name "my_app_Docker_credentials_password" --value "not-the-password" --type "SecureString" --overwrite`,
  );
  const failed = await stage.kiln(["run", "--project", "sample-python-flask-app"], { status: 1 });
  expectText(failed.output, "unauthorized: incorrect username or password", "the build's output");
  const explained = await stage.kiln(["explain"]);
  expectText(explained.output, "my_app_Docker_credentials_password", "the explanation");
  expectText(explained.output, "version 2", "the explanation");
}
