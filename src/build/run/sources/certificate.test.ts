/** A git server with a self-signed certificate: refused, trusted through `environment.certificate`, or not checked. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GitServer, serveGit, TestRepository } from "../../../../test/support/git-repository.ts";
import { denied, type RoleScript, testBuild } from "../../../../test/support/run-test-build.ts";
import { s3Error } from "../../../../test/support/scripted-s3.ts";
import { makeSelfSigned, type TestCertificate } from "../../../../test/support/self-signed.ts";
import { SourceBench } from "../../../../test/support/take-test-sources.ts";
import { zipOf } from "../../../../test/support/zip-fixture.ts";
import { createHostEngine } from "../../../engines/index.ts";

const bench = new SourceBench();
let server: GitServer;
let certificate: TestCertificate;
let commit = "";
beforeAll(async () => {
  const root = await bench.folder();
  commit = new TestRepository(join(root, "app")).commit({ file: "x\n" });
  certificate = makeSelfSigned();
  server = await serveGit(root, { tls: certificate });
});
afterAll(async () => {
  await server.close();
  await bench.remove();
});

const source = (more: object = {}) => ({ type: "GITHUB_ENTERPRISE", location: `${server.url}/app`, ...more });
const bucketWith = (Body: Buffer | string, asked: object[] = []): RoleScript => ({
  GetObject: (input: object) => {
    asked.push(input);
    return { Body: Buffer.from(Body) };
  },
});

describe("a server with a self-signed certificate", () => {
  it("is refused with CodeBuild's text", async () => {
    const { failure } = await bench.take({ source: source() });
    expect(failure).toEqual({
      statusCode: "CLIENT_ERROR",
      message: expect.stringMatching(
        new RegExp(
          `^Git clone failed: Unable to access '${server.url}/app/?': SSL certificate problem: Self signed certificate$`,
        ),
      ),
    });
  });

  it("is not checked with insecureSsl", async () => {
    expect((await bench.take({ source: source({ insecureSsl: true }) })).taken?.resolvedVersion).toBe(commit);
  });

  it.each(["certs/dir/ca.pem", "arn:aws:s3:::certs/dir/ca.pem"])("is trusted with the certificate %s", async (name) => {
    const asked: object[] = [];
    for (const gitCloneDepth of [0, 1]) {
      const { taken, failure } = await bench.take({
        source: source({ gitCloneDepth }),
        certificate: name,
        role: bucketWith(certificate.cert, asked),
      });
      expect(failure).toBeUndefined();
      expect(taken?.resolvedVersion).toBe(commit);
    }
    expect(asked[0]).toEqual({ Bucket: "certs", Key: "dir/ca.pem" });
  });

  it("is trusted with the certificate in an archive, beside others", async () => {
    const archive = await zipOf([
      { name: "README", text: "no certificate" },
      { name: "a/other.pem", text: makeSelfSigned().cert },
      { name: "a/ours.crt", text: `text before\n${certificate.cert}` },
    ]);
    const { taken } = await bench.take({ source: source(), certificate: "certs/all.zip", role: bucketWith(archive) });
    expect(taken?.resolvedVersion).toBe(commit);
  });

  it("is refused with the certificate of another server", async () => {
    const role = bucketWith(makeSelfSigned().cert);
    const { failure } = await bench.take({ source: source(), certificate: "certs/ca.pem", role });
    expect(failure?.message).toContain("SSL certificate problem: ");
  });

  it("is trusted by git in the build, which trusts all others as before", async () => {
    const { folder } = new TestRepository(join(await bench.folder(), "own"));
    const command = `git ls-remote ${server.url}/app HEAD && cat "$GIT_SSL_CAINFO" > bundle.pem && tail -c 30 bundle.pem`;
    const { log, result } = await testBuild({
      engine: createHostEngine({ graceMs: 100 }),
      request: {
        source: source({ buildspec: `version: 0.2\nphases: {build: {commands: [${JSON.stringify(command)}]}}\n` }),
        certificate: "certs/ca.pem",
      },
      dependencies: { machine: { ...process.env, GIT_SSL_CAINFO: join(folder, "none"), SSL_CERT_FILE: "" } },
      role: bucketWith(certificate.cert),
    });
    expect(result.buildStatus).toBe("SUCCEEDED");
    expect(log).toContain(`${commit}\tHEAD\n`);
    expect(log).toContain("-----END CERTIFICATE-----");
  });

  it("keeps what the user's own bundle trusts", async () => {
    const mine = makeSelfSigned().cert;
    const folder = await bench.folder();
    new TestRepository(join(folder, "x")).commit({ "mine.pem": mine });
    const { taken } = await bench.take({
      source: source(),
      certificate: "certs/ca.pem",
      role: bucketWith(certificate.cert),
      dependencies: { machine: { GIT_SSL_CAINFO: join(folder, "x", "mine.pem") } },
    });
    const bundle = readFileSync(taken?.gitVariables["GIT_SSL_CAINFO"] ?? "", "utf8");
    expect(bundle).toBe(`${mine}\n${certificate.cert.trimEnd()}\n`);
  });
});

describe("a certificate", () => {
  const failureWith = async (role: RoleScript, name = "certs/ca.pem") =>
    (await bench.take({ source: { type: "NO_SOURCE" }, certificate: name, role })).failure;

  it("that cannot be downloaded fails the phase with S3's code", async () => {
    const GetObject = () => {
      throw s3Error("AccessDenied", 403, "Access Denied");
    };
    expect(await failureWith({ GetObject })).toEqual({
      statusCode: "CLIENT_ERROR",
      message: "Unable to download certificate from S3. AccessDenied",
    });
    const bug = () => {
      throw denied("s3:GetObject", "arn:aws:s3:::certs/ca.pem");
    };
    expect((await failureWith({ GetObject: bug }))?.message).toMatch(/^Unable to download certificate from S3\. /);
  });

  it.each(["certs", "certs/", "/ca.pem"])("named %s is no object", async (name) => {
    expect((await failureWith({}, name))?.message).toBe(
      `Unable to download certificate from S3. \`${name}\` is not \`bucket/key\` and not the ARN of an object`,
    );
  });

  it("must be one", async () => {
    const text = "the certificate `certs/ca.pem` cannot be used: there is no certificate in PEM form in it";
    for (const body of [
      "",
      "hello",
      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      await zipOf([{ name: "x", text: "hello" }]),
    ]) {
      expect((await failureWith(bucketWith(body)))?.message).toBe(text);
    }
    expect((await failureWith(bucketWith(Buffer.alloc(9 * 2 ** 20))))?.message).toBe(
      "Unable to download certificate from S3. the object has more than 8388608 bytes",
    );
  });
});
