/** Entry of `codebuild-glob-search`, started by the script on the build's PATH (build-tools.ts). */
import { globSearch } from "./glob-search.ts";

const patterns = process.argv.slice(2);
if (patterns.length === 0) {
  process.stderr.write("codebuild-glob-search: expected one or more glob patterns\n");
  process.exitCode = 2;
} else {
  for (const path of await globSearch(process.cwd(), patterns)) process.stdout.write(`${path}\n`);
}
