/**
 * `logsConfig.s3Logs`: where the log of a build goes in S3, what BatchGetBuilds shows of it, and what happens when the role
 * may not write it.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_S3LogsConfig.html, API_LogsLocation.html.
 * Chosen where AWS says nothing: the build fails in FINALIZING, with a text of the form of UPLOAD_ARTIFACTS'. A stopped or
 * timed-out build keeps its status and gets a notice.
 */
import { createS3LogSink, type S3LogSink } from "../../../build/report/s3-log-sink.ts";
import type { PhaseContext } from "../../../build/run/events.ts";
import {
  type BuildRequest,
  bucketAndPrefix,
  bucketArn,
  encryptionOf,
  s3FailureText,
} from "../../../build/run/index.ts";
import type { AwsScope } from "../../../core/arn.ts";
import type { LogsLocation, S3LogsConfig } from "../shapes.gen.ts";
import type { RoleSession } from "./role-session.ts";

const placeOf = (location: string, uuid: string): { readonly bucket: string; readonly key: string } => {
  const { bucket, prefix } = bucketAndPrefix(location);
  return { bucket, key: `${prefix === "" ? "" : `${prefix}/`}${uuid}.gz` };
};

/** The S3 members of a build's `logs`. */
export function s3LogsOf(config: S3LogsConfig | undefined, uuid: string, scope: AwsScope): LogsLocation {
  if (config === undefined) return {};
  if (config.status !== "ENABLED" || (config.location ?? "") === "") return { s3Logs: config };
  const { bucket, key } = placeOf(config.location ?? "", uuid);
  return {
    s3Logs: { encryptionDisabled: false, ...config },
    s3LogsArn: bucketArn(bucket, key, scope.partition),
    s3DeepLink: `https://s3.console.aws.amazon.com/s3/object/${bucket}/${key}?region=${scope.region}`,
  };
}

export interface S3Log extends Pick<S3LogSink, "write" | "close"> {
  /** Stores the log; what the build fails with when that is not possible. Once is enough. */
  store(): Promise<PhaseContext | undefined>;
}

/** The S3 log of a build, if its project has one. */
export function openS3Log(request: BuildRequest, session: RoleSession, file: string): S3Log | undefined {
  const { s3Logs: config, uuid } = request;
  if (config === undefined || (config.location ?? "") === "") return undefined;
  const { bucket, key } = placeOf(config.location ?? "", uuid);
  const sink = createS3LogSink({
    caller: session.caller,
    bucket,
    key,
    options: { ContentType: "application/gzip", ...encryptionOf(config, request) },
    file,
  });
  let isStored = false;
  return {
    write: (event) => sink.write(event),
    close: () => sink.close(),
    async store() {
      if (isStored) return undefined;
      isStored = true;
      try {
        if ((config.bucketOwnerAccess ?? "NONE") !== "NONE") {
          const resource = bucketArn(bucket, "", request.scope.partition);
          const about = { service: "s3", operation: "PutBucketAcl", requestId: uuid };
          const resourceText = `on resource: "${resource}"`;
          await session.authorize([{ action: "s3:PutBucketAcl", resource, resourceText }], about);
        }
        await sink.store();
        return undefined;
      } catch (error) {
        return { statusCode: "CLIENT_ERROR", message: `Error in FINALIZING phase: ${s3FailureText(error)}` };
      }
    },
  };
}
