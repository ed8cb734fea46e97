/**
 * A build's whole log for S3: CodeBuild's lines, gzipped into a file while the build runs, stored as the service role in
 * one object at its end. The file lies where commands could replace it, so it loses its name as soon as it is open.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_S3LogsConfig.html; the object's name from the
 * CLI's samples. AWS does not say when it stores the object; here it is after the last line.
 */
import { type FileHandle, open, rm } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { AwsCaller } from "../../core/aws.ts";
import type { BuildEvent } from "../run/events.ts";
import { awsLines } from "./aws-lines.ts";

export interface S3LogSink {
  /** A returned promise asks the caller to wait. */
  write(event: BuildEvent): void | Promise<void>;
  /** Stores the object; a second call does nothing. Throws AwsError, or the file system's error. */
  store(): Promise<void>;
  /** Ends the file. */
  close(): Promise<void>;
}

export function createS3LogSink(input: {
  readonly caller: AwsCaller;
  readonly bucket: string;
  readonly key: string;
  /** Further members of PutObject: encryption. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Does not exist yet. */
  readonly file: string;
}): S3LogSink {
  const gzip = createGzip();
  const opened = openNameless(input.file);
  const written = opened.then((file) =>
    pipeline(gzip, async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await file.writeFile(chunk);
    }),
  );
  let failure: unknown;
  written.catch((error: unknown) => {
    failure = error;
  });
  let isStored = false;
  let isEnded = false;
  return {
    write(event) {
      if (isEnded || failure !== undefined) return;
      const lines = awsLines(event);
      if (lines.length === 0) return;
      if (gzip.write(`${lines.join("\n")}\n`)) return;
      return new Promise((resolve) => {
        gzip.once("drain", resolve);
        gzip.once("close", resolve);
      });
    },
    async store() {
      if (isStored) return;
      isStored = true;
      isEnded = true;
      gzip.end();
      await written;
      const file = await opened;
      await input.caller.call("s3", "PutObject", {
        Bucket: input.bucket,
        Key: input.key,
        Body: chunksOf(file),
        ContentLength: (await file.stat()).size,
        ...input.options,
      });
    },
    async close() {
      isEnded = true;
      gzip.destroy();
      await written.catch(() => {});
      await opened.then((file) => file.close()).catch(() => {});
    },
  };
}

async function openNameless(path: string): Promise<FileHandle> {
  const file = await open(path, "wx+", 0o600);
  await rm(path, { force: true });
  return file;
}

/** Opened when the first is asked for: a stream that nobody listens to would end the process with its error. */
async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  yield* file.createReadStream({ start: 0, autoClose: false }) as AsyncIterable<Buffer>;
}
