/** Entry of `codebuild-tests-run`, started by the script on the build's PATH (build-tools.ts). */
import { processIo, runTests } from "./tests-run.ts";

process.exitCode = await runTests(process.argv.slice(2), processIo());
