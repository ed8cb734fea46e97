/**
 * The environments that builds of this buildspec run in: the project's, and those that the tasks of its batch make of it.
 * What the rules about images, compute types and Lambda look at.
 */
import { planBatch } from "../../build/batch/index.ts";
import type { Located } from "../../build/buildspec/index.ts";
import type { Span } from "../../core/diagnostics.ts";
import type { CheckContext } from "../rule.ts";

export interface CheckedEnvironment {
  /** For people: `the project`, `project \`shop\``, `task \`linux\``. */
  readonly label: string;
  readonly isTask: boolean;
  readonly type: string | undefined;
  readonly image: string | undefined;
  readonly computeType: string | undefined;
  readonly privilegedMode: boolean | undefined;
  /** A fleet decides about host and type. */
  readonly hasFleet: boolean;
  /** Where the buildspec says it; undefined for what the project says. */
  readonly spans: {
    readonly type?: Span;
    readonly image?: Span;
    readonly computeType?: Span;
    readonly privileged?: Span;
  };
}

/** The project's first. A task that says nothing of its own is the project's again, and is left out. */
export function environmentsOf(context: CheckContext): CheckedEnvironment[] {
  const { project } = context;
  const own: CheckedEnvironment = {
    label: project.name === undefined ? "the project" : `project \`${project.name}\``,
    isTask: false,
    type: project.type,
    image: project.image,
    computeType: project.computeType,
    privilegedMode: project.privilegedMode,
    hasFleet: project.fleet?.fleetArn !== undefined,
    spans: {},
  };
  return [own, ...ofTasks(context, own), ...ofMatrix(context, own)];
}

function ofTasks({ buildspec }: CheckContext, own: CheckedEnvironment): CheckedEnvironment[] {
  const tasks = [...(buildspec.batch?.list ?? []), ...(buildspec.batch?.graph ?? [])];
  return tasks.flatMap(({ identifier, env }) => {
    const { type, image, computeType, privilegedMode, fleet } = env;
    if (!type && !image && !computeType && !privilegedMode && !fleet) return [];
    return [
      {
        label: identifier ? `task \`${identifier.value}\`` : "a task",
        isTask: true,
        type: valueOr(type, own.type),
        image: valueOr(image, own.image),
        computeType: valueOr(computeType, own.computeType),
        privilegedMode: privilegedMode?.value ?? own.privilegedMode,
        hasFleet: fleet !== undefined || (own.hasFleet && !computeType),
        spans: {
          ...(type && { type: type.span }),
          ...(image && { image: image.span }),
          ...(computeType && { computeType: computeType.span }),
          ...(privilegedMode && { privileged: privilegedMode.span }),
        },
      },
    ];
  });
}

/** The builds of a matrix, each combination of image and compute type once. */
function ofMatrix({ buildspec, file }: CheckContext, own: CheckedEnvironment): CheckedEnvironment[] {
  const { batch } = buildspec;
  const { matrix } = batch ?? {};
  if (!batch || !matrix) return [];
  const { plan } = planBatch({ batch, buildspecFile: file });
  const spanIn = (of: "image" | "compute-type", value: string | undefined): Span | undefined =>
    matrix.dimensions.find((one) => one.of === of)?.values.find((one) => one.value === value)?.span;
  const seen = new Set<string>();
  return (plan?.tasks ?? []).flatMap(({ environment: { type, image, computeType, privilegedMode } }) => {
    const key = [type, image, computeType].join(" ");
    if (seen.has(key)) return [];
    seen.add(key);
    const [ofImage, ofCompute] = [spanIn("image", image), spanIn("compute-type", computeType)];
    return [
      {
        label: "a build of the matrix",
        isTask: true,
        type: known(type) ?? own.type,
        image: known(image) ?? own.image,
        computeType: known(computeType) ?? own.computeType,
        privilegedMode: privilegedMode ?? own.privilegedMode,
        hasFleet: own.hasFleet && !computeType,
        spans: {
          ...(matrix.type && { type: matrix.type.span }),
          ...(ofImage && { image: ofImage }),
          ...(ofCompute && { computeType: ofCompute }),
          ...(matrix.privilegedMode && { privileged: matrix.privilegedMode.span }),
        },
      },
    ];
  });
}

/** The text, unless it names a variable: then nobody knows, and the project's is certain to be wrong. */
const valueOr = (located: Located<string> | undefined, otherwise: string | undefined): string | undefined =>
  located === undefined ? otherwise : known(located.value);

const known = (text: string | undefined): string | undefined =>
  text === undefined || /[$]/.test(text) ? undefined : text;

/** The first place of the buildspec that says any of it. */
export const spanOfEnvironment = ({ spans }: CheckedEnvironment): Span | undefined =>
  spans.image ?? spans.computeType ?? spans.type ?? spans.privileged;

/** `x86_64`, `aarch64` or undefined: what an environment type runs on. */
export function architectureOfType(type: string | undefined): "x86_64" | "aarch64" | undefined {
  if (type === undefined) return undefined;
  return /^ARM_|_ARM$/.test(type) ? "aarch64" : "x86_64";
}

/** What a curated image is made for; undefined for other images. */
export function architectureOfImage(image: string | undefined): "x86_64" | "aarch64" | undefined {
  if (image === undefined || !image.startsWith("aws/codebuild/")) return undefined;
  return /aarch64|arm/.test(image) ? "aarch64" : "x86_64";
}

export const isLambda = (type: string | undefined): boolean => /_LAMBDA_CONTAINER$/.test(type ?? "");
