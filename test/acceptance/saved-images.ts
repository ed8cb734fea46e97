/** Rows about the build's image and its network: they end in QUEUED and PROVISIONING, which have no log. */
import { ACCOUNT, awsBuild, ROLE, SESSION } from "./aws-log.ts";
import type { SavedRow } from "./rows.ts";

const PULL = "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE";
const unable = (text: string) => `Unable to pull customer's container image. CannotPullContainerError: ${text}`;
const ECR = `${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/build-tools:3`;
const NO_ENGINE = "needs a container engine with a daemon, and AWS's own hosts";
const pulled = { shown: "build", notReal: NO_ENGINE, field: "environment.image" } as const;
const VPC = {
  vpcConfig: {
    vpcId: "vpc-0a1b2c3d",
    subnets: ["subnet-0aa11bb22", "subnet-0cc33dd44"],
    securityGroupIds: ["sg-0ee55ff66"],
  },
};
const EFS = {
  ...VPC,
  fileSystemLocations: [
    {
      type: "EFS",
      location: "fs-0123456789abcdef0.efs.us-east-1.amazonaws.com:/cache",
      mountPoint: "/mnt/efs",
      identifier: "efs1",
    },
  ],
};

export const imageRows: readonly SavedRow[] = [
  {
    ...pulled,
    id: "T11a",
    code: "image/too-large",
    says: "is larger, unpacked, than the disk of the compute type `BUILD_GENERAL1_SMALL`",
    field: "environment.computeType",
    fix: "command",
    build: awsBuild(
      "PROVISIONING",
      PULL,
      unable(
        "failed to register layer: Error processing tar file(exit status 1): write /opt/android/system.img: no space left on device",
      ),
      { environment: { image: ECR } },
    ),
  },
  {
    ...pulled,
    id: "T11b",
    code: "image/ecr-denied",
    says: "the service role `codebuild-shop-service-role` may not pull the build's image",
    fix: "policy",
    build: awsBuild(
      "PROVISIONING",
      PULL,
      unable(
        `Error response from daemon: pull access denied for ${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/build-tools, repository does not exist or may require 'docker login': denied: User: ${SESSION} is not authorized to perform: ecr:BatchGetImage on resource: arn:aws:ecr:us-east-1:${ACCOUNT}:repository/build-tools because no identity-based policy allows the ecr:BatchGetImage action`,
      ),
      { environment: { image: ECR, imagePullCredentialsType: "SERVICE_ROLE" } },
    ),
  },
  {
    ...pulled,
    id: "T11c",
    code: "image/other-region",
    says: "is in ECR in `eu-west-1`, and the build runs in `us-east-1`",
    fix: "command",
    build: awsBuild(
      "PROVISIONING",
      PULL,
      unable(
        `Error response from daemon: pull access denied for ${ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com/build-tools, repository does not exist or may require 'docker login'`,
      ),
      { environment: { image: ECR.replace("us-east-1", "eu-west-1") } },
    ),
  },
  {
    ...pulled,
    id: "T11d",
    code: "image/registry-unreachable",
    says: "the registry `registry.shop.example:5000` of the build's image cannot be reached",
    fix: "next",
    build: awsBuild(
      "PROVISIONING",
      PULL,
      unable(
        'Error response from daemon: Get "https://registry.shop.example:5000/v2/": dial tcp 10.0.12.7:5000: i/o timeout',
      ),
      {
        environment: { image: "registry.shop.example:5000/build-tools:3", imagePullCredentialsType: "SERVICE_ROLE" },
        ...VPC,
      },
    ),
  },
  {
    ...pulled,
    id: "T11e",
    code: "image/rate-limited",
    says: "Docker Hub's limit for pulls without a login was reached",
    fix: "command",
    build: awsBuild(
      "PROVISIONING",
      PULL,
      unable(
        "Error response from daemon: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit",
      ),
      { environment: { image: "python:3.12" } },
    ),
  },
  {
    ...pulled,
    id: "T12",
    code: "docker/build-container-dead",
    says: "its system is not supported, a proxy is set in the image, or memory ran out",
    fix: "command",
    build: awsBuild(
      "PROVISIONING",
      "BUILD_CONTAINER_DIED",
      "Build container found dead before completing the build. build container died because it was out of memory, or the Docker image is not supported. ErrorCode: 500",
      { environment: { image: ECR } },
    ),
  },
  {
    ...pulled,
    id: "T26",
    code: "docker/build-container-dead",
    says: "the image has no `sh` to run commands with",
    fix: "command",
    build: awsBuild("PROVISIONING", "CLIENT_ERROR", "Build container found dead before completing the build.", {
      environment: { image: "gcr.io/distroless/static" },
    }),
  },
  {
    ...pulled,
    id: "T34",
    code: "image/windows-version",
    says: "is made for Windows 10.0.17763",
    field: "environment.type",
    fix: "command",
    build: awsBuild(
      "PROVISIONING",
      PULL,
      unable("a Windows version 10.0.17763-based image is incompatible with a 10.0.14393 host"),
      { environment: { type: "WINDOWS_CONTAINER", image: "mcr.microsoft.com/windows/servercore:ltsc2019" } },
    ),
  },
  {
    ...pulled,
    id: "R27",
    code: "image/ecr-denied",
    says: "the policy of the ECR repository `build-tools` does not let CodeBuild pull the build's image",
    fix: "command",
    build: awsBuild(
      "PROVISIONING",
      PULL,
      unable(
        `Error response from daemon: pull access denied for ${ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/build-tools, repository does not exist or may require 'docker login': denied: User: CodeBuild`,
      ),
      { environment: { image: ECR } },
    ),
  },
  {
    id: "T21",
    shown: "build",
    notReal: "Kiln's builds have no VPC",
    code: "vpc/insufficient-subnet",
    says: "had no free address for the build's network interface",
    field: "vpcConfig.subnets",
    fix: "command",
    build: awsBuild("QUEUED", "INSUFFICIENT_SUBNET", "", VPC),
  },
  {
    id: "T35",
    shown: "build",
    notReal: "Kiln's builds have no VPC",
    code: "vpc/no-internet",
    says: "the build's subnets have no way to the internet",
    field: "vpcConfig.subnets",
    fix: "command",
    build: awsBuild(
      "DOWNLOAD_SOURCE",
      "CLIENT_ERROR",
      "Build does not have internet connectivity. Please check subnet network configuration",
      VPC,
    ),
  },
  {
    id: "T36",
    shown: "build",
    notReal: "Kiln's builds have no VPC",
    code: "vpc/ec2-denied",
    says: "may not make the network interface that a build in a VPC needs",
    field: "vpcConfig.vpcId",
    fix: "policy",
    build: awsBuild("PROVISIONING", "VPC_CLIENT_ERROR", "Unexpected EC2 error: UnauthorizedOperation", VPC),
  },
  {
    id: "T37",
    shown: "build",
    notReal: "Kiln mounts no file systems of EFS",
    code: "efs/not-mounted",
    says: "the policy of the file system `fs-0123456789abcdef0` refuses the build",
    field: "fileSystemLocations[].location",
    fix: "command",
    build: awsBuild("PROVISIONING", "CLIENT_ERROR", "mounting '127.0.0.1:/' failed. permission denied", EFS),
  },
  {
    id: "T38",
    shown: "build",
    notReal: "Kiln mounts no file systems of EFS",
    code: "efs/not-mounted",
    says: "no mount target of the file system `fs-0123456789abcdef0` can be reached",
    field: "fileSystemLocations[].location",
    fix: "command",
    build: awsBuild("PROVISIONING", "CLIENT_ERROR", "mounting '127.0.0.1:/' failed. connection reset by peer", EFS),
  },
  {
    id: "R34",
    shown: "build",
    notReal: "Kiln registers no runners at a provider",
    code: "runner/token-unavailable",
    says: "the provider gave the runner of this job no token",
    field: "source.auth",
    fix: "command",
    build: awsBuild(
      "DOWNLOAD_SOURCE",
      "CLIENT_ERROR",
      "Error while fetching runner token: error code 400: GitHub runner JIT configuration unavailable: Already exists - A runner with the name already exists",
      { source: { type: "GITHUB", location: "https://github.com/example/shop.git" } },
    ),
  },
  {
    id: "T08",
    shown: "build",
    notReal: "Kiln has no Windows hosts in any region",
    code: "image/windows-region",
    says: "this region has no hosts for the Windows environment type",
    field: "environment.type",
    fix: "next",
    build: `\nAn error occurred (InvalidInputException) when calling the CreateProject operation: The environment type WINDOWS_SERVER_2019_CONTAINER is not supported in region ap-south-2\n`,
  },
  {
    id: "T28",
    shown: "build",
    notReal: "Kiln's workers have no identity documents: tags of a role do not disturb them",
    code: "iam/role-tag-job-id",
    says: "has a tag with the key `jobId`",
    field: "serviceRole",
    fix: "command",
    build: awsBuild("SUBMITTED", "CLIENT_ERROR", "Unable to verify JobWorker identity", { serviceRole: ROLE }),
  },
];
