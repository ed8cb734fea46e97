/** S3 through unmodified AWS CLIs: buckets, copies, sync, multipart uploads, presigned URLs. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type AwsCli, findAwsClis, runAws } from "../support/aws-cli.ts";
import { type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const SLOW_MS = 60_000;
const clis = findAwsClis();
let kiln: StartedEndpoint;
let folder: string;

beforeAll(async () => {
  kiln = await startEndpoint();
  folder = await mkdtemp(join(tmpdir(), "kiln-s3-cli-"));
});

afterAll(async () => {
  await kiln.close();
  await rm(folder, { recursive: true, force: true });
});

describe.skipIf(clis.length === 0).each(clis)("$version", (cli: AwsCli) => {
  const bucket = `cli-${cli.major}`;
  const aws = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runAws(cli, kiln.url, args);
    if (exitCode !== 0) throw new Error(`aws ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  const failed = async (args: string[], env: Record<string, string> = {}): Promise<string> =>
    (await runAws(cli, kiln.url, args, env)).stderr.trim();

  it(
    "makes a bucket, copies, lists, syncs and removes",
    async () => {
      await aws("s3", "mb", `s3://${bucket}`);
      const source = join(folder, `source-${cli.major}`);
      await mkdir(join(source, "deep/er"), { recursive: true });
      await writeFile(join(source, "a.txt"), "first");
      await writeFile(join(source, "deep/er/b c+d.txt"), "second");
      // S3 keeps whole seconds: a file of this second would count as newer than its object.
      for (const file of ["a.txt", "deep/er/b c+d.txt"]) await utimes(join(source, file), 1_700_000_000, 1_700_000_000);
      await aws("s3", "sync", source, `s3://${bucket}/tree`);
      expect(await aws("s3", "ls", `s3://${bucket}/tree/`)).toMatch(/PRE deep\/\n.* 5 a\.txt\n$/);
      expect(await aws("s3", "ls", "--recursive", `s3://${bucket}`)).toMatch(/6 tree\/deep\/er\/b c\+d\.txt/);
      const back = join(folder, `back-${cli.major}`);
      await aws("s3", "sync", `s3://${bucket}/tree`, back);
      expect(await readFile(join(back, "deep/er/b c+d.txt"), "utf8")).toBe("second");
      expect(await aws("s3", "sync", source, `s3://${bucket}/tree`)).toBe("");
      await aws("s3", "cp", `s3://${bucket}/tree/a.txt`, `s3://${bucket}/copy.txt`);
      expect(await aws("s3", "cp", `s3://${bucket}/copy.txt`, "-")).toBe("first");
      await aws("s3", "mv", `s3://${bucket}/copy.txt`, `s3://${bucket}/moved.txt`);
      expect(await failed(["s3", "cp", `s3://${bucket}/copy.txt`, "-"])).toContain("404");
      await aws("s3", "rm", "--recursive", `s3://${bucket}`);
      expect(await aws("s3", "ls", "--recursive", `s3://${bucket}`).catch(() => "")).toBe("");
      await aws("s3", "rb", `s3://${bucket}`);
    },
    SLOW_MS,
  );

  it(
    "uploads and downloads a file in parts",
    async () => {
      const parts = `${bucket}-parts`;
      await aws("s3", "mb", `s3://${parts}`);
      const file = join(folder, `big-${cli.major}`);
      const bytes = randomBytes(20 * 1024 * 1024 + 13);
      await writeFile(file, bytes);
      await aws("s3", "cp", "--only-show-errors", file, `s3://${parts}/big`);
      const head = JSON.parse(await aws("s3api", "head-object", "--bucket", parts, "--key", "big"));
      expect(head).toMatchObject({ ContentLength: bytes.length, ServerSideEncryption: "AES256" });
      expect(head.ETag).toMatch(/-3"$/);
      await aws("s3", "cp", "--only-show-errors", `s3://${parts}/big`, `${file}.back`);
      expect((await readFile(`${file}.back`)).equals(bytes)).toBe(true);
    },
    SLOW_MS,
  );

  it.each(["us-east-1", "eu-west-1"])(
    "presigns URLs in %s",
    async (region) => {
      const name = `${bucket}-${region}`;
      const env = { AWS_DEFAULT_REGION: region };
      await runAws(cli, kiln.url, ["s3", "mb", `s3://${name}`], env);
      await writeFile(join(folder, "signed"), "signed body");
      await runAws(cli, kiln.url, ["s3", "cp", join(folder, "signed"), `s3://${name}/a b+c.txt`], env);
      const { stdout } = await runAws(cli, kiln.url, ["s3", "presign", `s3://${name}/a b+c.txt`], env);
      const answer = await fetch(stdout.trim());
      expect([answer.status, await answer.text()]).toEqual([200, "signed body"]);
      const forged = await fetch(stdout.trim().replace("Signature=", "Signature=0"));
      expect([forged.status, await forged.text()]).toEqual([
        403,
        expect.stringContaining("<Code>SignatureDoesNotMatch</Code>"),
      ]);
    },
    SLOW_MS,
  );

  it(
    "prints S3's errors",
    async () => {
      const name = `${bucket}-errors`;
      await aws("s3", "mb", `s3://${name}`);
      expect(await failed(["s3", "ls", "s3://nobody-has-this"])).toBe(
        "An error occurred (NoSuchBucket) when calling the ListObjectsV2 operation: The specified bucket does not exist",
      );
      expect(await failed(["s3api", "get-object", "--bucket", name, "--key", "nix", "/dev/null"])).toBe(
        "An error occurred (NoSuchKey) when calling the GetObject operation: The specified key does not exist.",
      );
      expect(await failed(["s3api", "get-bucket-lifecycle-configuration", "--bucket", name])).toMatch(
        /^An error occurred \(NotImplemented\) when calling the GetBucketLifecycleConfiguration operation: kiln does not offer `s3:GetBucketLifecycleConfiguration`; it offers these operations of Simple Storage Service: /,
      );
      expect(await failed(["s3", "ls"], { AWS_ACCESS_KEY_ID: "AKIAUNKNOWN" })).toBe(
        "An error occurred (InvalidAccessKeyId) when calling the ListBuckets operation: The AWS Access Key Id you provided does not exist in our records.",
      );
      expect(await failed(["s3", "ls"], { AWS_SECRET_ACCESS_KEY: "wrong" })).toBe(
        "An error occurred (SignatureDoesNotMatch) when calling the ListBuckets operation: The request signature we calculated does not match the signature you provided. Check your key and signing method.",
      );
    },
    SLOW_MS,
  );

  it(
    "reads and writes the settings of a bucket",
    async () => {
      const name = `${bucket}-settings`;
      const api = (operation: string, ...args: string[]) => aws("s3api", operation, "--bucket", name, ...args);
      await api("create-bucket");
      const policy = JSON.stringify({
        Version: "2012-10-17",
        Statement: [{ Effect: "Deny", Principal: "*", Action: "s3:DeleteBucket", Resource: `arn:aws:s3:::${name}` }],
      });
      await api("put-bucket-policy", "--policy", policy);
      expect(JSON.parse(await api("get-bucket-policy")).Policy).toBe(policy);
      expect(await failed(["s3", "rb", `s3://${name}`])).toContain(
        `(AccessDenied) when calling the DeleteBucket operation: User: arn:aws:iam::000000000000:root is not authorized to perform: s3:DeleteBucket on resource: "arn:aws:s3:::${name}" with an explicit deny in a resource-based policy`,
      );
      await api("delete-bucket-policy");
      expect(await failed(["s3api", "get-bucket-policy", "--bucket", name])).toContain(
        "(NoSuchBucketPolicy) when calling the GetBucketPolicy operation: The bucket policy does not exist",
      );
      await api("put-bucket-versioning", "--versioning-configuration", "Status=Enabled");
      expect(JSON.parse(await api("get-bucket-versioning"))).toEqual({ Status: "Enabled" });
      await api("put-bucket-tagging", "--tagging", "TagSet=[{Key=team,Value=web+co @ 1}]");
      expect(JSON.parse(await api("get-bucket-tagging"))).toEqual({ TagSet: [{ Key: "team", Value: "web+co @ 1" }] });
      const rule = {
        Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms" }, BucketKeyEnabled: true }],
      };
      await api("put-bucket-encryption", "--server-side-encryption-configuration", JSON.stringify(rule));
      expect(JSON.parse(await api("get-bucket-encryption"))).toEqual({ ServerSideEncryptionConfiguration: rule });
      const acl = JSON.parse(await api("get-bucket-acl"));
      expect(acl.Grants).toEqual([
        { Grantee: { ID: expect.stringMatching(/^[0-9a-f]{64}$/), Type: "CanonicalUser" }, Permission: "FULL_CONTROL" },
      ]);
      expect(await failed(["s3api", "put-bucket-acl", "--bucket", name, "--acl", "public-read"])).toContain(
        "(AccessControlListNotSupported) when calling the PutBucketAcl operation: The bucket does not allow ACLs",
      );
    },
    SLOW_MS,
  );
});
