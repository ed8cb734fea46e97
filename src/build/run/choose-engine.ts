/**
 * Which engine runs a build (`--engine auto|host|…`). `auto`: a curated image means the host's tools; any other image
 * needs a container engine, because its tools are what the build is about.
 * Gaps: the engines `sandbox`, `docker` and `podman` are not in this version; choosing them is refused by name.
 */
import { err, ok, type Result } from "../../core/result.ts";
import type { Engine, EngineName } from "../../engines/engine.ts";

/** `aws/codebuild/standard:7.0` and its kin. */
export const isCuratedImage = (image: string): boolean =>
  /^(?:aws\/codebuild\/|public\.ecr\.aws\/codebuild\/amazonlinux|aws\/eb-)/.test(image);

/** The engine for an image, or one sentence that says why there is none and what to do. */
export function chooseEngine(
  engines: readonly Engine[],
  requested: EngineName | "auto",
  image: string,
): Result<Engine, string> {
  const find = (name: EngineName): Engine | undefined => engines.find((engine) => engine.name === name);
  const known = engines.map((engine) => `\`${engine.name}\``).join(", ");
  if (requested !== "auto") {
    const engine = find(requested);
    return engine ? ok(engine) : err(`the engine \`${requested}\` is not available here; there is ${known}`);
  }
  if (isCuratedImage(image)) {
    const engine = find("sandbox") ?? find("host") ?? engines[0];
    return engine ? ok(engine) : err("no engine is available here");
  }
  const engine = find("docker") ?? find("podman") ?? find("fake");
  return engine
    ? ok(engine)
    : err(
        `the image \`${image}\` needs a container engine, and there is ${known}; run with \`--engine host\` to use this machine's tools instead, or name a curated image such as \`aws/codebuild/standard:7.0\``,
      );
}
