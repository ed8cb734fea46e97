/**
 * Folders of a build's container for containers beside it (`docker run -v $CODEBUILD_SRC_DIR:/src`): the engine's own path
 * of what lies in the volume at `/codebuild/output`. The container's shell resolves links, so that nothing but the volume
 * is ever named, on whatever machine the engine is.
 * Source: the member `Mounts` of https://docs.docker.com/reference/api/engine/version/v1.43/#tag/Container/operation/ContainerInspect
 */

import { posix } from "node:path";
import { shellQuote } from "../../core/shell-quote.ts";
import type { ProvisionedEnvironment } from "../engine.ts";
import { CONTAINER_OUTPUT } from "./container-paths.ts";
import type { ExecShell } from "./exec-shell.ts";

type Question = Parameters<NonNullable<ProvisionedEnvironment["sharedPath"]>>[0];

export async function sharedPath(
  asked: Question,
  { control, outputFolder }: { readonly control: ExecShell; readonly outputFolder: string | undefined },
): Promise<string | undefined> {
  if (outputFolder === undefined) return undefined;
  if ("path" in asked) return placeIn(outputFolder, await realPath(posix.normalize(asked.path), asked.makes, control));
  if (!isBelow(asked.enginePath, outputFolder)) return undefined;
  const path = CONTAINER_OUTPUT + asked.enginePath.slice(outputFolder.length);
  return placeIn(outputFolder, await realPath(path, false, control));
}

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

const placeIn = (outputFolder: string, path: string | undefined): string | undefined =>
  path !== undefined && isBelow(path, CONTAINER_OUTPUT)
    ? outputFolder + path.slice(CONTAINER_OUTPUT.length)
    : undefined;

/** Where a path leads; a file that is a link leads nowhere, and nor does a path with a line break. */
async function realPath(path: string, makes: boolean, control: ExecShell): Promise<string | undefined> {
  if (!path.startsWith("/") || path.includes("\n")) return undefined;
  const said = await control.evaluate(
    `( kiln_at=${shellQuote(path)}
while [ ! -e "$kiln_at" ] && [ ! -L "$kiln_at" ]; do kiln_at=\${kiln_at%/*}; : "\${kiln_at:=/}"; done
if [ -d "$kiln_at" ]; then cd -P "$kiln_at" && pwd -P
elif [ -e "$kiln_at" ] && [ ! -L "$kiln_at" ]; then cd -P "\${kiln_at%/*}/" && printf '%s/%s\\n' "$(pwd -P)" "\${kiln_at##*/}"; fi
printf '%s' "$kiln_at" )`,
  );
  const [real = "", found = ""] = said?.split("\n") ?? [];
  if (real === "" || found === "") return undefined;
  const missing = found === "/" ? path : path.slice(found.length);
  if (missing === "" || missing === "/") return real;
  const whole = `${real}${missing}`;
  if (!makes || !isBelow(real, CONTAINER_OUTPUT)) return undefined;
  return (await control.evaluate(`umask 022; mkdir -p ${shellQuote(whole)} && printf made; umask 077`)) === "made"
    ? whole
    : undefined;
}
