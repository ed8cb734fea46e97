/** Turns what goes wrong in a build into the error that its client sees: docker's words and the Dockerfile's lines. */

import { DockerfileError, type Lines } from "../../../dockerfile/instruction.ts";
import { ExpansionError } from "../../../dockerfile/words.ts";
import { NotADirectory } from "../../../images/layer-writer.ts";
import { TooManyLinks } from "../../../images/layered-root.ts";
import { MountRefusal } from "../mount-points.ts";
import { BuildError, type BuildStyle, type SourceExcerpt } from "./build-request.ts";
import { enginePath } from "./copy-files.ts";
import { CopyError } from "./copy-sources.ts";

export interface Script {
  readonly style: BuildStyle;
  /** The Dockerfile's name and text. */
  readonly file: string;
  readonly text: string;
}

/** `at` is the instruction that was being done. Bugs come back as they are. */
export function asBuildError(error: unknown, script: Script, at: Lines | undefined): unknown {
  if (error instanceof BuildError)
    return error.source || !at
      ? error
      : new BuildError(error.message, error.exitCode, { source: excerpt(script, at), vertex: error.vertex });
  if (error instanceof DockerfileError)
    return new BuildError(wordsOf(error, script), 1, { source: excerpt(script, error.at ?? at) });
  if (error instanceof NotADirectory)
    return new BuildError(`mkdir ${enginePath(error.path)}: not a directory`, 1, { source: excerpt(script, at) });
  const isUsers =
    error instanceof CopyError ||
    error instanceof TooManyLinks ||
    error instanceof ExpansionError ||
    error instanceof MountRefusal;
  if (isUsers) return new BuildError(error.message, 1, { source: excerpt(script, at) });
  const { code, path = "" } = error as NodeJS.ErrnoException;
  const inLayer = /\/layers\/[0-9a-f]+\/d(\/.*)$/.exec(path)?.[1];
  if (code === "EACCES" && inLayer !== undefined)
    return new BuildError(
      `kiln, run as an ordinary user, cannot read what the image gives to another user: ${inLayer}; run kiln as root`,
      1,
      { source: excerpt(script, at) },
    );
  if (code === "ENOSPC")
    return new BuildError("no space left on device: the build's layers do not fit on this machine", 1, {
      source: excerpt(script, at),
    });
  return error;
}

function wordsOf({ message, isUnreadable }: DockerfileError, { style, file }: Script): string {
  if (style === "buildkit") return message;
  if (message === "the Dockerfile cannot be empty") return `the Dockerfile (${file}) cannot be empty`;
  if (message === "dockerfile contains no stages to build") return "no build stage in current context";
  return isUnreadable ? `failed to parse ${file}: ${message}` : message;
}

function excerpt({ file, text }: Script, at: Lines | undefined): SourceExcerpt | undefined {
  return at && { file, text, startLine: at.line, endLine: at.endLine };
}
