/** Rows that a log from AWS shows. */
import { awsBuild, awsLog } from "./aws-log.ts";
import type { SavedRow } from "./rows.ts";

const spec = (build: string, rest = ""): Readonly<Record<string, string>> => ({
  "buildspec.yml": `version: 0.2\n${rest}phases:\n  build:\n    commands:\n      - ${build}\n`,
});
const NO_VPC = "Kiln's builds have no VPC and no proxy of their own";

export const logRows: readonly SavedRow[] = [
  {
    id: "T01",
    shown: "log",
    notReal: "the `settings.xml` is in AWS's images only",
    code: "maven/settings-of-the-image",
    says: "Maven looked in Maven Central and not in `https://nexus.shop.example/repository/maven`",
    line: 5,
    fix: "command",
    log: awsLog({
      build: [
        {
          text: "mvn -B package",
          exit: 1,
          output: `[INFO] Scanning for projects...
[INFO] Downloading from securecentral: https://repo.maven.apache.org/maven2/com/shop/core/1.4.0/core-1.4.0.pom
[WARNING] The POM for com.shop:core:jar:1.4.0 is missing, no dependency information available
[INFO] ------------------------------------------------------------------------
[INFO] BUILD FAILURE
[INFO] ------------------------------------------------------------------------
[ERROR] Failed to execute goal on project shop: Could not resolve dependencies for project com.shop:shop:jar:1.0: Could not find artifact com.shop:core:jar:1.4.0 in securecentral (https://repo.maven.apache.org/maven2) -> [Help 1]`,
        },
      ],
    }),
    files: {
      ...spec("mvn -B package"),
      "pom.xml":
        "<project><repositories><repository><id>shop</id><url>https://nexus.shop.example/repository/maven</url></repository></repositories></project>",
    },
  },
  {
    id: "T02",
    shown: "log",
    notReal: "the user of an image needs a container engine with a daemon",
    code: "run-as/root-refused",
    says: "CodeBuild runs commands as root, whatever `USER` the image names",
    line: 5,
    fix: "next",
    build: awsBuild(
      "BUILD",
      "COMMAND_EXECUTION_ERROR",
      "Error while executing command: ./run-db-tests.sh. Reason: exit status 1",
      {
        environment: { image: "ghcr.io/example/postgres-tools:16" },
      },
    ),
    log: awsLog({
      build: [
        {
          text: "./run-db-tests.sh",
          exit: 1,
          output:
            'initdb: error: cannot be run as root\ninitdb: hint: Please log in (using, e.g., "su") as the (unprivileged) user that will own the server process.',
        },
      ],
    }),
    files: spec("./run-db-tests.sh"),
  },
  {
    id: "T03",
    shown: "log",
    notReal: "this machine's locale is used",
    code: "env/locale-not-utf8",
    says: "the build's locale is POSIX",
    line: 5,
    fix: "command",
    log: awsLog({
      build: [
        {
          text: "python tools/pack.py assets",
          exit: 1,
          output: `Traceback (most recent call last):
  File "tools/pack.py", line 41, in <module>
    print("packing", name)
UnicodeEncodeError: 'ascii' codec can't encode characters in position 8-10: ordinal not in range(128)`,
        },
      ],
    }),
    files: spec("python tools/pack.py assets"),
  },
  {
    id: "T15",
    shown: "log",
    notReal: "Kiln compares no owners of buckets",
    code: "s3/bucket-acl-unreadable",
    says: "may not look whom the bucket belongs to, or its owner has changed",
    field: "source.location",
    fix: "policy",
    log: awsLog({
      downloadFails: [
        "CLIENT_ERROR",
        "Error calling GetBucketAcl: Either the bucket owner has changed or the service role no longer has permission to called s3:GetBucketAcl",
      ],
    }),
    build: awsBuild("DOWNLOAD_SOURCE", "CLIENT_ERROR", "", {
      source: { type: "S3", location: "shop-sources/shop.zip" },
    }),
  },
  {
    id: "T16",
    shown: "log",
    notReal: "a bucket of Kiln's answers in every region",
    code: "s3/other-region",
    says: "the artifacts' bucket `shop-artifacts` is in another region than the build",
    field: "artifacts.location",
    fix: "command",
    log: awsLog({
      build: [{ text: "make dist" }],
      upload: ["Expanding base directory path: .", "Assembling file list", "Expanding dist/app.zip", "Found 1 file(s)"],
      uploadFails: ["CLIENT_ERROR", "Failed to upload artifacts: Invalid arn"],
    }),
    build: awsBuild("UPLOAD_ARTIFACTS", "CLIENT_ERROR", "Failed to upload artifacts: Invalid arn", {
      artifacts: { location: "arn:aws:s3:::shop-artifacts/shop" },
    }),
  },
  {
    id: "T18",
    shown: "log",
    notReal: "a bucket of Kiln's answers in every region",
    code: "s3/other-region",
    says: "the source's bucket `shop-sources` is in another region than the build",
    field: "source.location",
    fix: "command",
    log: awsLog({
      downloadFails: [
        "CLIENT_ERROR",
        "The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint",
      ],
    }),
    build: awsBuild("DOWNLOAD_SOURCE", "CLIENT_ERROR", "", {
      source: { type: "S3", location: "shop-sources/shop.zip" },
    }),
  },
  {
    id: "T22",
    shown: "log",
    notReal: "Kiln reads the cache itself, whatever the image has",
    code: "cache/no-root-certificates",
    isBeside: true,
    says: "the build's image has no root certificates",
    field: "cache.location",
    fix: "next",
    log: awsLog({
      download: [
        "Processing environment variables",
        "Unable to download cache: RequestError: Send request failed caused by: x509: Failed to load system roots and no roots provided",
      ],
      build: [{ text: "make" }],
    }),
  },
  {
    id: "T24",
    shown: "log",
    notReal: "a Kiln build's credentials reach every tool of this machine",
    code: "aws/no-credentials",
    says: "the container has no credentials",
    line: 5,
    fix: "command",
    log: awsLog({
      build: [
        {
          text: "docker run --rm shop:test aws s3 cp s3://shop-fixtures/data.json .",
          exit: 1,
          output: "fatal error: Unable to locate credentials",
        },
      ],
    }),
    files: spec("docker run --rm shop:test aws s3 cp s3://shop-fixtures/data.json ."),
  },
  {
    id: "T25",
    shown: "log",
    notReal: NO_VPC,
    code: "network/aws-unreachable",
    says: "its artifacts were not uploaded: the connection was refused",
    line: 1,
    fix: "edit",
    log: awsLog({
      build: [{ text: "make dist" }],
      upload: ["Expanding base directory path: .", "Found 1 file(s)"],
      uploadFails: [
        "CLIENT_ERROR",
        "Error uploading artifacts: RequestError: send request failed caused by: Put https://shop-artifacts.s3.us-east-1.amazonaws.com/*: dial tcp 52.216.0.1:443: connect: connection refused",
      ],
    }),
    files: spec("make dist"),
  },
  {
    id: "T27",
    shown: "log",
    notReal: "an image that is not CodeBuild's needs a container engine with a daemon",
    code: "runtime/not-supported-by-image",
    field: "environment.image",
    isBeside: true,
    says: "`runtime-versions` of the buildspec does nothing",
    line: 5,
    fix: "next",
    log: awsLog({
      download: [
        "Processing environment variables",
        "Skipping install of runtimes. Runtime version selection is not supported by this build image.",
      ],
      build: [{ text: "make" }],
    }),
    files: {
      "buildspec.yml":
        "version: 0.2\nphases:\n  install:\n    runtime-versions:\n      python: 3.12\n  build:\n    commands:\n      - make\n",
    },
  },
  {
    id: "T30",
    shown: "log",
    notReal: "Kiln's local source cache keeps `.git` a folder",
    code: "source/git-folder-is-a-file",
    field: "cache.modes",
    says: "with a local source cache it is a text file",
    line: 5,
    fix: "command",
    log: awsLog({
      build: [{ text: "cat .git/HEAD > version.txt", exit: 1, output: "cat: .git/HEAD: Not a directory" }],
    }),
    files: spec("cat .git/HEAD > version.txt"),
  },
  {
    id: "T33",
    shown: "log",
    notReal: "GPU images are AWS's",
    code: "gpu/toolkit-in-image",
    field: "environment.image",
    says: "is in the GPU image already",
    line: 5,
    fix: "next",
    log: awsLog({
      install: [
        {
          text: "curl -fsSL https://nvidia.github.io/libnvidia-container/gpgkey | gpg --dearmor -o /usr/share/keyrings/nvidia-container-toolkit-keyring.gpg",
          exit: 2,
          output: "gpg: Sorry, no terminal at all requested - can't get input\ncurl: (23) Failed writing body",
        },
      ],
    }),
    files: {
      "buildspec.yml":
        "version: 0.2\nphases:\n  install:\n    commands:\n      - curl -fsSL https://nvidia.github.io/libnvidia-container/gpgkey | gpg --dearmor -o /usr/share/keyrings/nvidia-container-toolkit-keyring.gpg\n",
    },
  },
  {
    id: "R12",
    shown: "log",
    notReal: NO_VPC,
    code: "s3/source-unreachable",
    says: "S3 cannot be reached from where the build runs",
    field: "source.location",
    fix: "next",
    log: awsLog({
      downloadFails: [
        "CLIENT_ERROR",
        'error while downloading key shop.zip, error: RequestError: send request failed\ncaused by: Get "https://shop-sources.s3.us-east-1.amazonaws.com/shop.zip": dial tcp 52.216.8.99:443: i/o timeout for primary source and source version ',
      ],
    }),
    build: awsBuild("DOWNLOAD_SOURCE", "CLIENT_ERROR", "", {
      source: { type: "S3", location: "shop-sources/shop.zip" },
      vpcConfig: { vpcId: "vpc-0a1b2c3d", subnets: ["subnet-0aa11bb22"] },
    }),
  },
  {
    id: "R23",
    shown: "log",
    notReal: "Kiln's registry stands in for Docker Hub and limits nobody",
    code: "docker/base-image-unavailable",
    says: "the base image `python:3.12-slim` was not pulled: Docker Hub limits pulls without a login",
    line: 5,
    fix: "command",
    log: awsLog({
      build: [
        {
          text: "docker build -t shop:latest .",
          exit: 1,
          output: `Sending build context to Docker daemon  18.43kB
Step 1/6 : FROM python:3.12-slim
toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit`,
        },
      ],
    }),
    files: { ...spec("docker build -t shop:latest ."), Dockerfile: "FROM python:3.12-slim\nCOPY . /app\n" },
  },
];
