/**
 * Which engine runs a build (`--engine auto|sandbox|host|docker|podman`). `auto`: a curated image means this machine's
 * tools, in the sandbox where that works, else on the machine itself; any other image needs a container engine, because its
 * tools are what the build is about. Each engine is asked whether it can; what it says is shown.
 */
import { err, ok, type Result } from "../../core/result.ts";
import type { Engine, EngineName } from "../../engines/engine.ts";

/** `aws/codebuild/standard:7.0` and its kin. */
export const isCuratedImage = (image: string): boolean =>
  /^(?:aws\/codebuild\/|public\.ecr\.aws\/codebuild\/amazonlinux|aws\/eb-)/.test(image);

export interface ChosenEngine {
  readonly engine: Engine;
  /** For people: which engine, what it does, why not one that `auto` would prefer. */
  readonly notice?: string;
}

/** What `auto` takes, in order, for this machine's tools and for an image's. */
const WITH_HOST_TOOLS: readonly EngineName[] = ["sandbox", "host", "fake"];
const WITH_IMAGE: readonly EngineName[] = ["docker", "podman", "fake"];

export interface EngineWish {
  readonly requested: EngineName | "auto";
  readonly image: string;
  /** The user has named an image of their own for this curated one. */
  readonly isMapped?: boolean;
}

/** Why there is no engine. */
export interface NoEngine {
  readonly message: string;
  readonly why: string;
  readonly fix: readonly string[];
}

/** In one sentence. */
export const noEngineText = ({ message, why, fix }: NoEngine): string => `${message}: ${why}; ${fix.join(", or ")}`;

/** The engine for an image, or why there is none and what to do. */
export async function chooseEngine(
  engines: readonly Engine[],
  { requested, image, isMapped = false }: EngineWish,
  signal: AbortSignal,
): Promise<Result<ChosenEngine, NoEngine>> {
  if (requested !== "auto") {
    const engine = engines.find(({ name }) => name === requested);
    const problem = engine ? await problemOf(engine, signal) : `there is ${listed(engines)}`;
    if (engine && problem === undefined) return ok(chosen(engine));
    return err({
      message: `the engine \`${requested}\` is not available here`,
      why: problem ?? "",
      fix: ["run with `--engine host` to use this machine's tools", "see what `kiln doctor` says of the engines"],
    });
  }
  const usesHostTools = isCuratedImage(image) && !isMapped;
  const problems: string[] = [];
  for (const name of usesHostTools ? WITH_HOST_TOOLS : WITH_IMAGE) {
    const engine = engines.find((one) => one.name === name);
    if (!engine) continue;
    const problem = await problemOf(engine, signal);
    if (problem === undefined) return ok(chosen(engine, problems));
    problems.push(`${name}: ${problem}`);
  }
  const why = problems.length > 0 ? problems.join("; ") : `there is ${listed(engines)}`;
  if (usesHostTools) return err({ message: "no engine is available here", why, fix: ["see what `kiln doctor` says"] });
  return err({
    message: `the image \`${image}\` needs a container engine, and none works here`,
    why,
    fix: [
      "start Docker or Podman",
      "run with `--engine host` to use this machine's tools instead",
      "name a curated image such as `aws/codebuild/standard:7.0`",
      "see what `kiln doctor` says of the engines",
    ],
  });
}

/** A build that was stopped before it began needs no answer. */
const problemOf = async (engine: Engine, signal: AbortSignal): Promise<string | undefined> =>
  signal.aborted ? undefined : engine.problem?.(signal);

const listed = (engines: readonly Engine[]): string => engines.map(({ name }) => `\`${name}\``).join(", ");

function chosen(engine: Engine, problems: readonly string[] = []): ChosenEngine {
  const text = engine.describe?.();
  if (text === undefined) return { engine };
  const instead = problems.length === 0 ? "" : ` (${problems.join("; ")})`;
  return { engine, notice: `engine ${text}${instead}` };
}
