/**
 * The build's own image cannot be pulled (T11, T34, R27): which of the reasons it was, from docker's words and the
 * project's settings. What Kiln's engines say about it is docker-base-image.ts's.
 */
import type { BuildFacts } from "../build-facts.ts";
import type { Cause, Finding } from "../cause.ts";
import { decisionEvidence, findDenial, policyFix, scopeOf, serviceRoleName } from "../denial.ts";
import type { Failure } from "../failures.ts";
import { remedy, whyDenied } from "../remedy.ts";
import { firstLine } from "./finding-parts.ts";
import { fieldOf } from "./source-parts.ts";
import { largerCompute, updateEnvironment } from "./update-project.ts";

const SOURCES = [
  "https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html#troubleshooting-unable-to-pull-image",
];
const CREDENTIALS = "https://docs.aws.amazon.com/codebuild/latest/userguide/sample-private-registry.html";
export const PULL_ACTIONS = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
export const ECR_IMAGE = /^(\d{12})\.dkr[.-]ecr\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/([^:@]+)/;

/** What the failure says when the build's image could not be pulled. */
function pullFailure(failure: Failure): string | undefined {
  const isPull =
    failure.statusCode === "BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE" ||
    /BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE|Unable to pull customer's container image|CannotPullContainerError/.test(
      failure.message,
    );
  return isPull ? failure.message : undefined;
}

function imageOf(facts: BuildFacts, message: string): string | undefined {
  return (
    facts.build.environment?.image ||
    (
      /pull access denied for ([^\s,]+)|manifest for (\S+) not found|(\d{12}\.dkr[.-]ecr\.[^\s"',]+\/[^\s"',:]+)/.exec(
        message,
      ) ?? []
    )
      .slice(1)
      .find(Boolean) ||
    imageOfUrl(message)
  );
}

/** `https://HOST/v2/REPOSITORY/manifests/TAG`, as docker asks a registry. */
function imageOfUrl(message: string): string | undefined {
  const [, host = "", repository, tag] =
    /https:\/\/([^/\s]+)\/v2\/(\S+?)\/manifests\/([^\s":]+)"?:/.exec(message) ?? [];
  if (repository === undefined) return undefined;
  return `${host === "registry-1.docker.io" ? "" : `${host}/`}${repository.replace(/^library\//, "")}:${tag}`;
}

const name = (image: string | undefined): string =>
  image === undefined ? "the build's image" : `the build's image \`${image}\``;

const base = (facts: BuildFacts, failure: Failure, image: string | undefined) => ({
  ...fieldOf("environment.image", facts.build.environment?.image ?? image),
  evidence: [failure.message || failure.statusCode],
  confidence: "certain" as const,
});

export const buildImageRateLimited: Cause = {
  id: "image/rate-limited",
  sources: [...SOURCES, CREDENTIALS],
  match(failure, facts): Finding | undefined {
    const message = pullFailure(failure);
    if (message === undefined || !/toomanyrequests|rate limit|429 Too Many Requests/i.test(message)) return undefined;
    const image = imageOf(facts, message);
    return {
      ...base(facts, failure, image),
      cause: `${name(image)} was not pulled: Docker Hub's limit for pulls without a login was reached`,
      why: "builds of many accounts share the addresses from which CodeBuild pulls",
      fix: {
        kind: "command",
        title: "let CodeBuild log in: keep the account in a secret and name it in `environment.registryCredential`",
        commands: [
          `aws secretsmanager create-secret --name dockerhub --secret-string '{"username":"USER","password":"ACCESS_TOKEN"}'`,
          updateEnvironment(facts, {
            imagePullCredentialsType: "SERVICE_ROLE",
            registryCredential: "{credential=dockerhub,credentialProvider=SECRETS_MANAGER}",
          }),
        ],
      },
      next: `or keep a copy of the image in ECR (a pull-through cache rule does it), or take it from \`public.ecr.aws\`${mirror(image)}; the role needs \`secretsmanager:GetSecretValue\` on the secret`,
      prove: `\`aws codebuild batch-get-projects --names ${facts.build.projectName ?? "PROJECT"} --query 'projects[0].environment.registryCredential'\` prints the secret, and a new build gets past PROVISIONING`,
    };
  },
};

/** Docker's official images are in ECR Public under their names. */
export function mirror(image: string | undefined): string {
  const official = /^(?:docker\.io\/)?(?:library\/)?([a-z0-9._-]+(?::[\w.-]+)?)$/.exec(image ?? "")?.[1];
  return official === undefined ? "" : `: \`public.ecr.aws/docker/library/${official}\``;
}

export const buildImageWindows: Cause = {
  id: "image/windows-version",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/troubleshooting.html"],
  match(failure, facts): Finding | undefined {
    const match = /Windows version (\S+?)-based image is incompatible with a (\S+?) host/.exec(failure.message);
    if (!match) return undefined;
    const [, image = "", host = ""] = match;
    const type = WINDOWS_TYPES.find(([build]) => image.startsWith(build))?.[1] ?? "WINDOWS_SERVER_2019_CONTAINER";
    return {
      cause: `the build's image is made for Windows ${image}, and the project's environment type gives a host with Windows ${host}`,
      ...fieldOf("environment.type", facts.build.environment?.type),
      evidence: [failure.message],
      why: "a Windows container runs only on the Windows version it was made for",
      fix: {
        kind: "command",
        title: `use the environment type \`${type}\``,
        commands: [updateEnvironment(facts, { type })],
      },
      confidence: "certain",
    };
  },
};

const WINDOWS_TYPES: readonly (readonly [string, string])[] = [
  ["10.0.20348", "WINDOWS_SERVER_2022_CONTAINER"],
  ["10.0.17763", "WINDOWS_SERVER_2019_CONTAINER"],
  ["10.0.14393", "WINDOWS_CONTAINER"],
];

export const buildImageDenied: Cause = {
  id: "image/ecr-denied",
  sources: ["https://docs.aws.amazon.com/codebuild/latest/userguide/sample-ecr.html", ...SOURCES],
  match(failure, facts): Finding | undefined {
    const message = pullFailure(failure);
    if (message === undefined) return undefined;
    const image = imageOf(facts, message);
    const [, account = "", region = "", repository] = ECR_IMAGE.exec(image ?? "") ?? [];
    const denial = findDenial(message);
    if (denial?.action.startsWith("ecr:") && denial.roleName !== undefined) {
      const role = serviceRoleName(facts, denial);
      const resource =
        repository === undefined ? denial.resource : `arn:aws:ecr:${region}:${account}:repository/${repository}`;
      return {
        ...base(facts, failure, image),
        cause: `the service role \`${role}\` may not pull ${name(image)}: ${whyDenied(denial)}`,
        evidence: [firstLine(message), ...decisionEvidence(facts.decisions, denial)],
        why: "with `imagePullCredentialsType` SERVICE_ROLE the image is pulled with the service role",
        ...remedy(
          facts,
          denial,
          policyFix("allow pulling this image, and nothing else", role, "kiln-pull-build-image", [
            { Sid: "LogInToEcr", Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] },
            { Sid: "PullBuildImage", Effect: "Allow", Action: PULL_ACTIONS, Resource: [resource] },
          ]),
        ),
      };
    }
    const isDenied =
      /denied: User: CodeBuild|pull access denied|no basic auth credentials|403 Forbidden|not authorized/.test(message);
    if (!isDenied || repository === undefined) return undefined;
    const isElsewhere = facts.build.arn !== undefined && region !== scopeOf(facts).region;
    if (isElsewhere && !message.includes("User: CodeBuild")) return undefined;
    if (facts.build.environment?.imagePullCredentialsType === "SERVICE_ROLE") {
      const role = serviceRoleName(facts);
      return {
        ...base(facts, failure, image),
        cause: `the service role \`${role}\` may not pull ${name(image)}, or the repository \`${repository}\` does not exist`,
        why: `the project pulls with its service role; in another account than the repository's (${account}) the repository's policy must allow it, too`,
        fix: policyFix("allow pulling this image, and nothing else", role, "kiln-pull-build-image", [
          { Sid: "LogInToEcr", Effect: "Allow", Action: ["ecr:GetAuthorizationToken"], Resource: ["*"] },
          {
            Sid: "PullBuildImage",
            Effect: "Allow",
            Action: PULL_ACTIONS,
            Resource: [`arn:aws:ecr:${region}:${account}:repository/${repository}`],
          },
        ]),
        confidence: "likely",
      };
    }
    const policy = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Principal: { Service: "codebuild.amazonaws.com" }, Action: PULL_ACTIONS }],
    };
    return {
      ...base(facts, failure, image),
      cause: `the policy of the ECR repository \`${repository}\` does not let CodeBuild pull the build's image`,
      why: "the project's imagePullCredentialsType is CODEBUILD: CodeBuild pulls as itself, whatever the service role may do",
      fix: {
        kind: "command",
        title: `give ${image} a policy that lets it`,
        commands: [
          `aws ecr set-repository-policy --region ${region} --repository-name ${repository} --policy-text '${JSON.stringify(policy)}'`,
        ],
      },
      next: "or let the service role pull: `imagePullCredentialsType` SERVICE_ROLE, with the same actions and `ecr:GetAuthorizationToken` in its policy",
      prove: `\`aws ecr get-repository-policy --region ${region} --repository-name ${repository}\` names \`codebuild.amazonaws.com\`, and a new build gets past PROVISIONING`,
      confidence: message.includes("User: CodeBuild") ? "certain" : "likely",
    };
  },
};

export const buildImageOtherRegion: Cause = {
  id: "image/other-region",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    const message = pullFailure(failure);
    if (message === undefined || facts.build.arn === undefined) return undefined;
    const image = imageOf(facts, message);
    const [, account = "", region = "", repository = ""] = ECR_IMAGE.exec(image ?? "") ?? [];
    const own = scopeOf(facts).region;
    if (region === "" || region === own) return undefined;
    return {
      ...base(facts, failure, image),
      cause: `${name(image)} is in ECR in \`${region}\`, and the build runs in \`${own}\``,
      why: "the build's image is pulled from ECR of the project's own region",
      fix: {
        kind: "command",
        title: `replicate the repository to \`${own}\`, then name the image there`,
        commands: [
          `aws ecr put-replication-configuration --region ${region} --replication-configuration '{"rules":[{"destinations":[{"region":"${own}","registryId":"${account}"}],"repositoryFilters":[{"filter":"${repository}","filterType":"PREFIX_MATCH"}]}]}'`,
          updateEnvironment(facts, { image: (image ?? "").replace(`.${region}.`, `.${own}.`) }),
        ],
      },
      next: "replication takes what is pushed from now on: push the image again",
      prove: `\`aws ecr describe-images --region ${own} --repository-name ${repository}\` lists the image, and a new build gets past PROVISIONING`,
      confidence: /denied|not found|timeout/i.test(message) ? "likely" : "certain",
    };
  },
};

export const buildImageTooLarge: Cause = {
  id: "image/too-large",
  sources: [...SOURCES, "https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-compute-types.html"],
  match(failure, facts): Finding | undefined {
    const message = pullFailure(failure);
    if (
      message === undefined ||
      !/no space left on device|not enough (?:disk )?space|disk quota exceeded/i.test(message)
    ) {
      return undefined;
    }
    const image = imageOf(facts, message);
    const { computeType } = facts.build.environment ?? {};
    const larger = largerCompute(computeType);
    return {
      ...base(facts, failure, image),
      ...fieldOf("environment.computeType", computeType),
      cause: `${name(image)} is larger, unpacked, than the disk of the compute type${computeType === undefined ? "" : ` \`${computeType}\``}`,
      ...(larger === undefined
        ? {}
        : {
            fix: {
              kind: "command" as const,
              title: `use the compute type \`${larger}\`, which has a larger disk`,
              commands: [updateEnvironment(facts, { computeType: larger })],
            },
          }),
      next: "or make the image smaller: `docker image history IMAGE` shows what its layers hold",
    };
  },
};

export const buildImageUnreachable: Cause = {
  id: "image/registry-unreachable",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    const message = pullFailure(failure);
    const problem =
      /x509: |i\/o timeout|no such host|connection refused|connection reset|context deadline exceeded|Client\.Timeout exceeded|request canceled while waiting for connection|network is unreachable|TLS handshake timeout/.exec(
        message ?? "",
      )?.[0];
    if (message === undefined || problem === undefined) return undefined;
    const image = imageOf(facts, message);
    const host = /(?:Get|Head) "?https?:\/\/([^/"\s]+)/.exec(message)?.[1] ?? image?.split("/")[0];
    const of = host === undefined ? "" : ` \`${host}\``;
    const isCertificate = problem === "x509: ";
    const isPrivate = /\b(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+/.test(message);
    return {
      ...base(facts, failure, image),
      cause: isCertificate
        ? `CodeBuild does not accept the certificate of the registry${of} of the build's image`
        : `the registry${of} of the build's image cannot be reached from where CodeBuild pulls (${problem})`,
      ...(isPrivate
        ? { why: "the image is pulled before the build is in your VPC: a private address is never in reach" }
        : {}),
      next: isCertificate
        ? "a registry of your own needs a certificate for this name from a public authority; one of AWS's that has another name is an outage or a wrong resolver (the VPC's endpoint, private DNS): see `openssl s_client -connect HOST:443 -servername HOST`"
        : `${facts.build.vpcConfig?.vpcId === undefined ? "give the registry an address on the internet" : `give the subnets of \`${facts.build.vpcConfig.vpcId}\` a route to the internet: a private subnet with a NAT gateway`}, or copy the image to ECR and name it in \`environment.image\``,
      confidence: "likely",
    };
  },
};

export const buildImageLoginRefused: Cause = {
  id: "image/login-refused",
  sources: [CREDENTIALS, ...SOURCES],
  match(failure, facts): Finding | undefined {
    const message = pullFailure(failure);
    if (message === undefined || !/incorrect username or password/.test(message)) return undefined;
    const image = imageOf(facts, message);
    return {
      ...base(facts, failure, image),
      ...fieldOf("environment.registryCredential", undefined),
      cause: `the registry of ${name(image)} did not accept the user name and password of the project's registry credential`,
      next: 'the secret must be JSON, `{"username": "USER", "password": "PASSWORD"}`, with a password or an access token that `docker login` takes: see it with `aws secretsmanager get-secret-value --secret-id SECRET`; Docker Hub wants the user\'s name, not the mail address',
    };
  },
};

export const buildImageInvalid: Cause = {
  id: "image/invalid-name",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    const message = pullFailure(failure);
    if (message === undefined || !facts.isSaved || !/invalid reference format/.test(message)) return undefined;
    const image = facts.build.environment?.image;
    return {
      ...base(facts, failure, image),
      cause: `${name(image)} has a name that docker does not accept`,
      why: "a name is `HOST/REPOSITORY:TAG` in lower case, without blanks, without `https://` and without an empty part",
      next: "see what the project has: `aws codebuild batch-get-projects --names PROJECT --query 'projects[0].environment.image'`; a template that puts it together may have left a part empty",
    };
  },
};

export const buildImageMissing: Cause = {
  id: "image/not-pulled",
  sources: SOURCES,
  match(failure, facts): Finding | undefined {
    const message = pullFailure(failure);
    if (message === undefined || !facts.isSaved) return undefined;
    const image = imageOf(facts, message);
    const isAbsent =
      /manifest unknown|manifest for \S+ not found|repository does not exist|: not found|name unknown/i.test(message);
    const isRefused = /CodeBuild is not authorized to perform:? ecr:/.test(message);
    const isPrivate = /pull access denied|authentication required|unauthorized|no basic auth/i.test(message);
    const isForeign = /no matching manifest for|does not match the (?:specified|expected) platform/.test(message);
    const problem = isForeign
      ? "has no variant for the processor of the environment type"
      : isRefused
        ? "may not be pulled by CodeBuild: the policy of its ECR repository does not allow it"
        : isPrivate
          ? "does not exist, or needs a login"
          : isAbsent
            ? "does not exist in its registry"
            : "could not be pulled, and the message does not say why";
    return {
      ...base(facts, failure, image),
      ...(isForeign ? fieldOf("environment.type", facts.build.environment?.type) : {}),
      cause: `${name(image)} ${problem}`,
      ...(isAbsent || isPrivate || isForeign || isRefused
        ? {}
        : {
            why: "it is larger than the compute type's disk, CodeBuild may not pull it, it is in another region, or its registry is not in reach",
          }),
      next: isForeign
        ? "build the image for both (`docker buildx build --platform linux/amd64,linux/arm64`), or choose the other environment type"
        : `try it by hand: \`docker pull ${image ?? "IMAGE"}\`; a private registry needs \`environment.registryCredential\` (a secret with user name and password), ECR a permission for CodeBuild or the role`,
      confidence: isAbsent || isForeign || isRefused ? "likely" : "possible",
    };
  },
};
