/**
 * Who pulls the image of the build: CodeBuild or the service role. A curated image is CodeBuild's, one of another account
 * or of a private registry the role's.
 */
import { evaluate, principalContext } from "../../authorize/index.ts";
import type { ServicePrincipal } from "../../core/aws.ts";
import { type EcrImage, parseEcrImage } from "../../core/ecr-host.ts";
import { scopeOf } from "../role/role-needs.ts";
import type { CheckContext, Finding, Rule } from "../rule.ts";

export const imagePullCredentials: Rule = {
  id: "image/pull-credentials",
  severity: "error",
  title: "pull credentials that do not fit the image",
  source: "https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ProjectEnvironment.html",
  *run(context) {
    const { image, imagePullCredentialsType: type, registryCredential } = context.project;
    if (image === undefined) return;
    const isCurated = image.startsWith("aws/codebuild/");
    const ecr = parseEcrImage(image);
    if (isCurated && type === "SERVICE_ROLE") {
      yield {
        message: `imagePullCredentialsType is SERVICE_ROLE, and the curated image \`${image}\` needs CODEBUILD`,
        why: "CodeBuild pulls its own images itself, and refuses the setting",
      };
    }
    if (registryCredential?.credential) yield* ofRegistryCredential(context, isCurated || ecr !== undefined);
    if (ecr && !isCurated) yield* ofEcr(context, ecr);
  },
};

function* ofRegistryCredential({ project }: CheckContext, isOfAws: boolean): Iterable<Finding> {
  const { image, imagePullCredentialsType: type, registryCredential } = project;
  if (isOfAws) {
    yield {
      message: `registryCredential is set, and \`${image}\` is no image of a private registry`,
      why: "it is for registries other than ECR; curated images and ECR's take none, and CodeBuild refuses it",
    };
  } else if (type === "CODEBUILD") {
    yield {
      message: "registryCredential needs imagePullCredentialsType SERVICE_ROLE, and it is CODEBUILD",
      why: "CodeBuild reads the secret with the service role, and refuses the setting otherwise",
    };
  }
  const provider = registryCredential?.credentialProvider;
  if (provider !== undefined && provider !== "SECRETS_MANAGER") {
    yield {
      message: `registryCredential.credentialProvider is \`${provider}\`, expected \`SECRETS_MANAGER\``,
      why: "CodeBuild takes no other provider",
    };
  }
}

function* ofEcr(context: CheckContext, { accountId, region, repository }: EcrImage): Iterable<Finding> {
  const { imagePullCredentialsType: type, image } = context.project;
  const scope = scopeOf(context.known);
  if (scope.region !== "*" && region !== scope.region) {
    yield {
      severity: "warning",
      message: `the image is in region \`${region}\`, and the project in \`${scope.region}\``,
      why: "CodeBuild's documentation wants both in one region; else PROVISIONING may end with `BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE`",
    };
  }
  if (type !== "CODEBUILD" || scope.accountId === "*") return;
  if (accountId !== scope.accountId) {
    yield {
      message: `\`${image}\` is of another account, so imagePullCredentialsType must be SERVICE_ROLE`,
      why: "PROVISIONING ends with `BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE`: `denied: User: CodeBuild`",
    };
    return;
  }
  const arn = `arn:${scope.partition}:ecr:${region}:${accountId}:repository/${repository}`;
  const policy = context.known.resourcePolicies?.get(arn);
  if (!policy) return;
  const principal: ServicePrincipal = {
    type: "AWSService",
    serviceName: "codebuild.amazonaws.com",
    arn: "codebuild.amazonaws.com",
    accountId,
    userId: "codebuild.amazonaws.com",
    sourceArn: `arn:${scope.partition}:codebuild:${region}:${accountId}:project/${context.project.name ?? "project"}`,
  };
  const missing = ["ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"].filter(
    (action) =>
      evaluate({
        principal,
        policies: { identity: [] },
        request: { action, resource: arn, resourcePolicy: policy },
        context: principalContext(principal),
      }).effect !== "allowed",
  );
  if (missing.length === 0) return;
  yield {
    message: `the policy of repository \`${repository}\` does not let CodeBuild pull: ${missing.map((one) => `\`${one}\``).join(", ")}`,
    why: "with imagePullCredentialsType CODEBUILD the service itself pulls: PROVISIONING ends with `denied: User: CodeBuild`",
    fix: {
      kind: "command",
      title: "let the service principal pull, or set imagePullCredentialsType to SERVICE_ROLE",
      commands: [
        `aws ecr set-repository-policy --repository-name ${repository} --policy-text '${JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            {
              Effect: "Allow",
              Principal: { Service: "codebuild.amazonaws.com" },
              Action: ["ecr:GetDownloadUrlForLayer", "ecr:BatchGetImage", "ecr:BatchCheckLayerAvailability"],
            },
          ],
        })}'`,
      ],
    },
  };
}
