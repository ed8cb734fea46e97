/**
 * What a compute type gives a build.
 * Source: https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html
 */

export interface ComputeLimits {
  /** Absent: as many as there are. */
  readonly cpus?: number;
  readonly memoryBytes: number;
}

const GIB = 1024 ** 3;

type Size = readonly [cpus: number, memoryGib: number];

const LINUX: Readonly<Record<string, Size>> = {
  BUILD_GENERAL1_SMALL: [2, 4],
  BUILD_GENERAL1_MEDIUM: [4, 8],
  BUILD_GENERAL1_LARGE: [8, 16],
  BUILD_GENERAL1_XLARGE: [36, 72],
  BUILD_GENERAL1_2XLARGE: [72, 144],
};
const GPU: Readonly<Record<string, Size>> = { BUILD_GENERAL1_SMALL: [4, 16], BUILD_GENERAL1_LARGE: [32, 255] };

/** Undefined for types whose size is a fleet's or is not published. */
export function limitsOf(environmentType: string, computeType: string): ComputeLimits | undefined {
  const sizes = environmentType.includes("GPU") ? GPU : LINUX;
  const size = sizes[computeType];
  if (size) return { cpus: size[0], memoryBytes: size[1] * GIB };
  // AWS: processors of Lambda compute come with its memory; how many is not said.
  const lambdaGib = /^BUILD_LAMBDA_(\d+)GB$/.exec(computeType)?.[1];
  return lambdaGib === undefined ? undefined : { memoryBytes: Number(lambdaGib) * GIB };
}
