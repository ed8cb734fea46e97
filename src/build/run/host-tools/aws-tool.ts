/**
 * `aws` in a build on this machine: versions before 1.29 and 2.13 (Debian 12 has 2.9) do not know `AWS_ENDPOINT_URL` and
 * would call AWS itself with the build's credentials. A script of that name on the build's PATH gives them
 * `--endpoint-url` and runs the next `aws` of the PATH; newer ones behave the same with both.
 * Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html. Gap: an old `aws` called by its path.
 */
import { accessSync, constants } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { shellQuote } from "../../../core/shell-quote.ts";

/** Makes the script where the machine has an `aws`; the folder for the PATH, if any. */
export async function prepareAwsTool(workDir: string, path: string | undefined): Promise<readonly string[]> {
  if (!(path ?? "").split(delimiter).some((folder) => folder !== "" && isProgram(join(folder, "aws")))) return [];
  const folder = join(workDir, "aws-tool");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "aws"), script(folder), { mode: 0o755 });
  return [folder];
}

const script = (ownFolder: string): string => `#!/bin/sh
aws=
IFS=:
for folder in $PATH; do
  if [ "$folder" != ${shellQuote(ownFolder)} ] && [ -f "$folder/aws" ] && [ -x "$folder/aws" ]; then
    aws=$folder/aws
    break
  fi
done
unset IFS
if [ -z "$aws" ]; then
  echo "aws: not found" >&2
  exit 127
fi
[ "$AWS_IGNORE_CONFIGURED_ENDPOINT_URLS" = true ] && exec "$aws" "$@"
for word; do
  case $word in --endpoint-url | --endpoint-url=*) exec "$aws" "$@" ;; esac
done
exec "$aws" \${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"
`;

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
