/** S3 in memory for a scripted role: objects of any bucket by `bucket/key`, in the shapes of the in-process service. */
import { type AwsErrorType, awsError } from "../../src/core/errors.ts";
import type { RoleScript } from "./run-test-build.ts";

export interface ScriptedObject {
  readonly body: Buffer;
  /** PutObject's input without its body. */
  readonly input: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

const error = (code: string, status: number): AwsErrorType<readonly [string]> =>
  awsError({ code, status, fault: "client", source: "test", message: (text: string) => text });

/** An error of S3 with the ids that its texts carry. */
export function s3Error(code: string, status: number, text: string): Error {
  const made = awsError({
    code,
    status,
    fault: "client",
    source: "test",
    message: () => text,
    extra: () => ({ HostId: "HOST" }),
  })();
  made.requestId = "REQUEST";
  return made;
}

export const noSuchKey = (): Error => s3Error("NoSuchKey", 404, "The specified key does not exist.");

interface Input {
  readonly Bucket: string;
  readonly Key: string;
  readonly Prefix?: string;
  readonly IfNoneMatch?: string;
  readonly Body?: AsyncIterable<Uint8Array> | Uint8Array;
}

export function scriptedS3(): { readonly objects: Map<string, ScriptedObject>; readonly role: RoleScript } {
  const objects = new Map<string, ScriptedObject>();
  let atMs = 0;
  const found = ({ Bucket, Key }: Input): ScriptedObject => {
    const object = objects.get(`${Bucket}/${Key}`);
    if (!object) throw noSuchKey();
    return object;
  };
  const role: RoleScript = {
    PutObject: async (input: Input) => {
      const { Body = new Uint8Array(), ...rest } = input;
      const chunks: Uint8Array[] = [];
      if (Body instanceof Uint8Array) chunks.push(Body);
      else for await (const chunk of Body) chunks.push(chunk);
      const name = `${input.Bucket}/${input.Key}`;
      if (input.IfNoneMatch === "*" && objects.has(name)) throw error("PreconditionFailed", 412)("it is there");
      objects.set(name, { body: Buffer.concat(chunks), input: rest, atMs: ++atMs });
      return { ETag: '"x"' };
    },
    GetObject: (input: Input) => {
      const { body } = found(input);
      return { Body: inPieces(body), ContentLength: body.length, ETag: '"x"', Metadata: {} };
    },
    HeadObject: (input: Input) => ({ ContentLength: found(input).body.length }),
    ListObjectsV2: ({ Bucket, Prefix = "" }: Input) => ({
      Contents: [...objects].flatMap(([name, object]) =>
        name.startsWith(`${Bucket}/${Prefix}`)
          ? [{ Key: name.slice(Bucket.length + 1), LastModified: object.atMs, Size: object.body.length }]
          : [],
      ),
      IsTruncated: false,
    }),
  };
  return { objects, role };
}

async function* inPieces(body: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += 1000) yield body.subarray(at, at + 1000);
}
