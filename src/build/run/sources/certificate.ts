/**
 * `environment.certificate`: a certificate in S3 that git trusts besides the ones everybody trusts, while the sources are
 * downloaded and in the build. Read as the service role; a PEM file, or a zip archive with such files in it.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html (certificate),
 * https://docs.aws.amazon.com/codebuild/latest/userguide/sample-github-enterprise.html, and for the text of a failed
 * download troubleshooting.html. Not published: how a build is given it; here by git's own variable, GIT_SSL_CAINFO.
 */
import { X509Certificate } from "node:crypto";
import { mkdir, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import type { AwsCaller } from "../../../core/aws.ts";
import { AwsError } from "../../../core/errors.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import { chunksOf, type StreamingBlob } from "../../../core/streaming-blob.ts";
import type { PhaseContext } from "../events.ts";
import { extractZip } from "./extract-zip.ts";
import { parseS3Location } from "./s3-source.ts";
import { clientError } from "./source-failures.ts";

/** Many times what a bundle of every public authority has. */
const MAX_CERTIFICATE_BYTES = 8 * 2 ** 20;
const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** Where systems keep the certificates that they trust. */
const SYSTEM_BUNDLES = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

interface CertificateInput {
  /** `bucket/key`, or the ARN of the object. */
  readonly location: string;
  readonly role: AwsCaller;
  /** Folder of the build for it; does not exist yet. */
  readonly folder: string;
  /** The user's own environment, which may name a bundle. */
  readonly machine: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** The file of everything that git is to trust. */
export async function takeCertificate(input: CertificateInput): Promise<Result<string, PhaseContext>> {
  const { location, folder, signal } = input;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "downloaded");
  const unpacked = join(folder, "unpacked");
  try {
    const failure = await download(input, file);
    if (failure !== undefined) return err(clientError(`Unable to download certificate from S3. ${failure}`));
    const isArchive = (await firstBytes(file, 4)) === "PK\u0003\u0004";
    if (isArchive) {
      const files = await extractZip(file, unpacked, signal);
      if (!files.ok) return err(unusable(location, files.error));
    }
    const certificates = (isArchive ? await textsBelow(unpacked) : [await readFile(file, "latin1")])
      .flatMap((text) => text.match(PEM) ?? [])
      .filter(isCertificate);
    if (certificates.length === 0) return err(unusable(location, "there is no certificate in PEM form in it"));
    const bundle = join(folder, "ca-bundle.pem");
    await writeFile(bundle, `${[await trustedByAll(input.machine), ...certificates].join("\n")}\n`);
    return ok(bundle);
  } finally {
    await rm(file, { force: true });
    await rm(unpacked, { recursive: true, force: true });
  }
}

const unusable = (location: string, why: string): PhaseContext =>
  clientError(`the certificate \`${location}\` cannot be used: ${why}`);

/** Resolves with what went wrong: S3's code, or a reason. */
async function download({ location, role, signal }: CertificateInput, file: string): Promise<string | undefined> {
  const place = parseS3Location(location);
  if (!place || place.key === "" || place.key.endsWith("/")) {
    return `\`${location}\` is not \`bucket/key\` and not the ARN of an object`;
  }
  const target = await open(file, "w", 0o600);
  try {
    const { Body } = await role.call<{ Body: StreamingBlob }>("s3", "GetObject", {
      Bucket: place.bucket,
      Key: place.key,
    });
    let bytes = 0;
    for await (const chunk of chunksOf(Body)) {
      signal.throwIfAborted();
      bytes += chunk.length;
      if (bytes > MAX_CERTIFICATE_BYTES) return `the object has more than ${MAX_CERTIFICATE_BYTES} bytes`;
      await target.writeFile(chunk);
    }
    return undefined;
  } catch (error) {
    if (error instanceof AwsError) return error.code;
    throw error;
  } finally {
    await target.close();
  }
}

async function firstBytes(file: string, length: number): Promise<string> {
  const opened = await open(file);
  try {
    const { buffer, bytesRead } = await opened.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead).toString("latin1");
  } finally {
    await opened.close();
  }
}

async function textsBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), "latin1")));
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** What git trusts on this machine: it is told of one file only, which then takes the place of all others. */
async function trustedByAll(machine: CertificateInput["machine"]): Promise<string> {
  for (const file of [machine["GIT_SSL_CAINFO"], machine["SSL_CERT_FILE"], ...SYSTEM_BUNDLES]) {
    const text = file ? await readFile(file, "utf8").catch(() => "") : "";
    if (text !== "") return text;
  }
  return rootCertificates.join("\n");
}
