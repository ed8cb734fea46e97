/** Entry of `codebuild-hash-files`, started by the script on the build's PATH (build-tools.ts). */
import { hashFiles } from "./hash-files.ts";

const patterns = process.argv.slice(2);
const hash = await hashFiles(process.env["CODEBUILD_SRC_DIR"] ?? process.cwd(), patterns);
if (hash !== undefined) process.stdout.write(`${hash}\n`);
else {
  const what = patterns.length === 0 ? "expected one or more glob patterns" : `no file matches ${patterns.join(" ")}`;
  process.stderr.write(`codebuild-hash-files: ${what}\n`);
  process.exitCode = 1;
}
