/**
 * Builds that follow a failed one by themselves: the project's `autoRetryLimit`, and `on-failure: RETRY…` of the phase
 * that failed. AWS: CodeBuild calls RetryBuild with the service role, so the role needs `codebuild:RetryBuild`; the builds
 * are linked by `autoRetryConfig`. Only a build that FAILED is followed by another, and none under CodePipeline or in a
 * batch.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/auto-retry-build.html,
 * https://docs.aws.amazon.com/codebuild/latest/APIReference/API_AutoRetryConfig.html. Not published: what counts when both
 * are set; here the larger number.
 */
import type { BuildResult } from "../../../build/run/index.ts";
import type { AwsCaller } from "../../../core/aws.ts";
import { AwsError } from "../../../core/errors.ts";
import type { AutoRetry, BuildRecord, BuildSettings } from "../records.ts";
import type { AutoRetryConfig, RetryBuildInput, RetryBuildOutput } from "../shapes.gen.ts";

/** Retries under way: RetryBuild takes its link from here, by the token it is called with. */
export class AutoRetries {
  readonly #byToken = new Map<string, AutoRetry>();

  async with<T>(token: string, retry: AutoRetry, call: () => Promise<T>): Promise<T> {
    this.#byToken.set(token, retry);
    try {
      return await call();
    } finally {
      this.#byToken.delete(token);
    }
  }

  /** The link of a RetryBuild that came from here; undefined for somebody else's. */
  find(token: string | undefined): AutoRetry | undefined {
    return token === undefined ? undefined : this.#byToken.get(token);
  }
}

/** `autoRetryConfig` of a new build. */
export function autoRetryConfigOf(
  { autoRetryLimit }: Pick<BuildSettings, "autoRetryLimit">,
  retry: AutoRetry | undefined,
): AutoRetryConfig | undefined {
  if (retry) return { autoRetryLimit: retry.limit, autoRetryNumber: retry.number, previousAutoRetry: retry.previous };
  return autoRetryLimit === undefined ? undefined : { autoRetryLimit, autoRetryNumber: 0 };
}

export interface RetryOutcome {
  /** `autoRetryConfig` of the build that failed, when another follows it. */
  readonly config?: AutoRetryConfig;
  readonly notice?: { readonly level: "info" | "warning"; readonly text: string };
}

/** Starts the build that follows a failed one. Says so, or why there is none; nothing when none was asked for. */
export async function retryAfter(
  record: BuildRecord,
  result: BuildResult,
  { role, retries, token }: { readonly role: AwsCaller; readonly retries: AutoRetries; readonly token: string },
): Promise<RetryOutcome> {
  if (result.buildStatus !== "FAILED" || record.origin.buildBatchArn !== undefined) return {};
  if (record.settings.source.type === "CODEPIPELINE") return {};
  const limit = Math.max(record.settings.autoRetryLimit ?? 0, result.retry?.maximum ?? 0);
  if (limit === 0) return {};
  const done = record.origin.autoRetry?.number ?? 0;
  if (done >= limit) {
    return { notice: { level: "info", text: `the build is not started again: retry ${done} of ${limit} failed, too` } };
  }
  const { id = "", arn = "" } = record.build;
  const input: RetryBuildInput = { id, idempotencyToken: token };
  try {
    const { build } = await retries.with(token, { limit, number: done + 1, previous: arn }, () =>
      role.call<RetryBuildOutput>("codebuild", "RetryBuild", input),
    );
    return {
      config: {
        ...record.build.autoRetryConfig,
        autoRetryLimit: limit,
        autoRetryNumber: done,
        nextAutoRetry: build?.arn,
      },
      notice: {
        level: "info",
        text: `the build failed and is started again as \`${build?.id}\` (retry ${done + 1} of ${limit})`,
      },
    };
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    const fix = error.code.startsWith("AccessDenied")
      ? `; allow \`codebuild:RetryBuild\` on the project to the service role ${record.settings.serviceRole}`
      : "";
    return {
      notice: { level: "warning", text: `the build is not started again: ${error.code}: ${error.message}${fix}` },
    };
  }
}
