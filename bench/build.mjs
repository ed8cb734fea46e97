/** A build of four phases with one `true` each, and output through masking, against the bare `sh` script. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startKiln } from "../dist/index.js";
import { median, row } from "./report.mjs";

const PHASES = ["install", "pre_build", "build", "post_build"];
const MEBIBYTE = 1024 * 1024;

export async function run({ smoke }) {
  const stateDir = mkdtempSync(join(tmpdir(), "kiln-bench-"));
  const kiln = await startKiln({ stateDir, port: 0 });
  try {
    const rounds = smoke ? 1 : 7;
    const measure = async (commandsAPhase, command) => {
      const times = [];
      await makeProject(kiln, commandsAPhase, command);
      for (let round = 0; round < rounds; round++) {
        const startedMs = performance.now();
        const { build } = await kiln.root.call("codebuild", "StartBuild", { projectName: "bench" });
        let status;
        for await (const event of kiln.events(build.id))
          if (event.type === "build-finished") status = event.buildStatus;
        if (status !== "SUCCEEDED") throw new Error(`the build ended ${status}`);
        times.push(performance.now() - startedMs);
      }
      return median(times);
    };
    const script = (commands, command) => {
      const times = [];
      for (let round = 0; round < rounds; round++) {
        const startedMs = performance.now();
        spawnSync("sh", ["-c", Array(commands).fill(command).join("\n")]);
        times.push(performance.now() - startedMs);
      }
      return median(times);
    };
    const [one, many] = [await measure(1, "true"), await measure(11, "true")];
    const bare = script(4, "true");
    row("bare sh script, 4 x true", `${bare.toFixed(0)} ms`);
    row(
      "build, four phases of one `true`",
      `${one.toFixed(0)} ms`,
      `+${(one - bare).toFixed(0)} ms over baseline (bar +200 ms)`,
    );
    row("a further command", `${((many - one) / 40).toFixed(1)} ms`, "(bar 8 ms)");
    const bytes = (smoke ? 8 : 128) * MEBIBYTE;
    const print = `head -c ${bytes} /dev/zero | tr '\\0' 'x' | fold -w 100`;
    const printed = await measure(1, print);
    const barePrinted = script(4, print);
    row(
      "build output, masked and stored",
      `${((4 * bytes) / MEBIBYTE / (printed / 1000)).toFixed(0)} MiB/s`,
      `${(printed / barePrinted).toFixed(1)} x the time of the bare script (bar 100 MB/s)`,
    );
  } finally {
    await kiln.close();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

async function makeProject(kiln, commandsAPhase, command) {
  const folder = join(kiln.stateDir, "bench-source");
  mkdirSync(folder, { recursive: true });
  const phases = PHASES.map(
    (p) => `  ${p}:\n    commands:\n${`      - ${JSON.stringify(command)}\n`.repeat(commandsAPhase)}`,
  );
  writeFileSync(join(folder, "buildspec.yml"), `version: 0.2\nphases:\n${phases.join("")}`);
  const principal = { Service: "codebuild.amazonaws.com" };
  const trust = {
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: principal, Action: "sts:AssumeRole" },
  };
  const logs = { Version: "2012-10-17", Statement: { Effect: "Allow", Action: "logs:*", Resource: "*" } };
  const project = {
    name: "bench",
    source: { type: "S3", location: `file://${folder}` },
    artifacts: { type: "NO_ARTIFACTS" },
    environment: { type: "LINUX_CONTAINER", image: "aws/codebuild/standard:7.0", computeType: "BUILD_GENERAL1_SMALL" },
    serviceRole: `arn:aws:iam::${kiln.scope.accountId}:role/bench`,
  };
  const exists = await kiln.root.call("codebuild", "BatchGetProjects", { names: ["bench"] });
  if (exists.projects.length > 0) return;
  await kiln.root.call("iam", "CreateRole", { RoleName: "bench", AssumeRolePolicyDocument: JSON.stringify(trust) });
  await kiln.root.call("iam", "PutRolePolicy", {
    RoleName: "bench",
    PolicyName: "logs",
    PolicyDocument: JSON.stringify(logs),
  });
  await kiln.root.call("codebuild", "CreateProject", project);
}
