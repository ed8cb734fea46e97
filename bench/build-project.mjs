/** A project named `bench` whose source is a folder of this machine, with a role that may write its log. */

/** Makes the project once; a later build reads the folder anew. */
export async function ensureBenchProject(kiln, folder) {
  const exists = await kiln.root.call("codebuild", "BatchGetProjects", { names: ["bench"] });
  if (exists.projects.length > 0) return;
  const principal = { Service: "codebuild.amazonaws.com" };
  const trust = {
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: principal, Action: "sts:AssumeRole" },
  };
  const logs = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "logs:*", Resource: "*" } };
  await kiln.root.call("iam", "CreateRole", { RoleName: "bench", AssumeRolePolicyDocument: JSON.stringify(trust) });
  await kiln.root.call("iam", "PutRolePolicy", {
    RoleName: "bench",
    PolicyName: "logs",
    PolicyDocument: JSON.stringify(logs),
  });
  await kiln.root.call("codebuild", "CreateProject", {
    name: "bench",
    source: { type: "S3", location: `file://${folder}` },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: { type: "LINUX_CONTAINER", image: "aws/codebuild/standard:7.0", computeType: "BUILD_GENERAL1_SMALL" },
    serviceRole: `arn:aws:iam::${kiln.scope.accountId}:role/bench`,
  });
}

/** One build from StartBuild to its end, in milliseconds. Throws unless it succeeded. */
export async function timedBuild(kiln) {
  const startedMs = performance.now();
  const { build } = await kiln.root.call("codebuild", "StartBuild", { projectName: "bench" });
  let status;
  for await (const event of kiln.events(build.id)) if (event.type === "build-finished") status = event.buildStatus;
  if (status !== "SUCCEEDED") throw new Error(`the build ended ${status}`);
  return performance.now() - startedMs;
}
