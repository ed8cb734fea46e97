/** Entry of the small docker CLI, started by the wrapper on the build's PATH. */
import { runDockerCli } from "./docker-cli.ts";

process.exitCode = await runDockerCli(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  environment: process.env,
  workingDirectory: process.cwd(),
});
