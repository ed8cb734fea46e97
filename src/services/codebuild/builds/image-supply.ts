/**
 * The image of a build in a container, and who may have it. An ECR image is asked for as the service role
 * (imagePullCredentialsType SERVICE_ROLE: the role's authorization token, each request decided) or as CodeBuild itself
 * (CODEBUILD: the repository's policy must name codebuild.amazonaws.com). Other private registries get the user name and
 * password of the project's secret, which the role reads. Kiln's registry stands in for ECR, so ECR is never asked.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/sample-ecr.html,
 * https://docs.aws.amazon.com/codebuild/latest/userguide/sample-private-registry.html; the denial's text from a published log.
 * Not published, chosen here: the text where the secret cannot be read, or is not what it should be.
 */

import type { BuildRequest, ImageSupply } from "../../../build/run/index.ts";
import type { AwsCaller } from "../../../core/aws.ts";
import { parseEcrImage } from "../../../core/ecr-host.ts";
import { AwsError } from "../../../core/errors.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";
import { errorText } from "./error-text.ts";

type Credentials = NonNullable<ImageSupply["credentials"]>;

interface EcrName {
  readonly registryId: string;
  readonly region: string;
  readonly repositoryName: string;
  readonly imageId: { readonly imageTag: string } | { readonly imageDigest: string };
  /** Without tag and digest, as docker names it. */
  readonly name: string;
}

export async function imageSupply(
  request: BuildRequest,
  outside: Pick<CodeBuildDependencies, "images" | "callerForService">,
  role: AwsCaller,
): Promise<ImageSupply> {
  const { images } = outside;
  const ecr = parseEcrName(request.image);
  const asRole = request.imagePullCredentialsType === "SERVICE_ROLE";
  const secretId = request.registryCredential;
  const secret = secretId === undefined ? ok(undefined) : await readSecret(role, secretId);
  const credentials = secret.ok ? secret.value : undefined;
  let token: Credentials | undefined;
  return {
    ...(credentials ? { credentials } : {}),
    async refusal() {
      if (!secret.ok) return secret.error;
      if (!ecr) return undefined;
      try {
        if (asRole) token = await ecrToken(role);
        else await askAsCodeBuild(ecr, request, outside);
        return undefined;
      } catch (error) {
        if (!(error instanceof AwsError)) throw error;
        const reason = asRole ? error.message : "User: CodeBuild";
        return `CannotPullContainerError: Error response from daemon: ${deniedText(ecr, reason)}`;
      }
    },
    mapped: (image) => images?.mapped(image),
    async find(image) {
      if (ecr && image === request.image && asRole) {
        try {
          return await images?.find(image, token);
        } catch (error) {
          throw new Error(deniedText(ecr, (error as Error).message));
        }
      }
      const found = await images?.find(image, undefined);
      if (!found || !credentials || image !== request.image) return found;
      // Kiln has the name: whether with these credentials is for its registry to say.
      found.close();
      return images?.find(image, credentials);
    },
    pullRefusal: (image) => pullRefusal(image),
  };
}

function parseEcrName(image: string): EcrName | undefined {
  const parsed = parseEcrImage(image);
  if (!parsed) return undefined;
  const { name, accountId: registryId, region, repository: repositoryName, tag, digest } = parsed;
  const imageId = digest === undefined ? { imageTag: tag ?? "latest" } : { imageDigest: digest };
  return { registryId, region, repositoryName, imageId, name };
}

/** What a docker client logs in with. */
async function ecrToken(role: AwsCaller): Promise<Credentials> {
  const { authorizationData = [] } = await role.call<{
    authorizationData?: readonly { readonly authorizationToken?: string }[];
  }>("ecr", "GetAuthorizationToken", {});
  const text = Buffer.from(authorizationData[0]?.authorizationToken ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Throws where the repository's policy does not let CodeBuild do all that a pull takes. */
async function askAsCodeBuild(
  { registryId, region, repositoryName, imageId }: EcrName,
  request: BuildRequest,
  { callerForService }: Pick<CodeBuildDependencies, "callerForService">,
): Promise<void> {
  const caller = callerForService("codebuild.amazonaws.com", request.projectArn, { ...request.scope, region });
  const about = { registryId, repositoryName };
  const { images = [] } = await caller.call<{ images?: readonly { readonly imageManifest?: string }[] }>(
    "ecr",
    "BatchGetImage",
    { ...about, imageIds: [imageId] },
  );
  const manifest = JSON.parse(images[0]?.imageManifest ?? "{}") as ImageManifest;
  const layerDigest = manifest.config?.digest ?? manifest.manifests?.[0]?.digest;
  // No such image: that is said where it is looked for.
  if (layerDigest === undefined) return;
  await caller.call("ecr", "BatchCheckLayerAvailability", { ...about, layerDigests: [layerDigest] });
  try {
    await caller.call("ecr", "GetDownloadUrlForLayer", { ...about, layerDigest });
  } catch (error) {
    // Of an index no layer is known here; the right to layers has been decided all the same.
    if (!(error instanceof AwsError) || error.code !== "LayersNotFoundException") throw error;
  }
}

/** An image's manifest, or an index of several. */
interface ImageManifest {
  readonly config?: { readonly digest: string };
  readonly manifests?: readonly { readonly digest: string }[];
}

async function readSecret(role: AwsCaller, secretId: string): Promise<Result<Credentials, string>> {
  let text: string | undefined;
  try {
    text = (await role.call<{ SecretString?: string }>("secretsmanager", "GetSecretValue", { SecretId: secretId }))
      .SecretString;
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return err(errorText(error));
  }
  try {
    const { username, password } = JSON.parse(text ?? "") as { username?: unknown; password?: unknown };
    if (typeof username === "string" && typeof password === "string") return ok({ username, password });
  } catch {
    // Said below: a parser's message would show the secret.
  }
  return err(`the secret \`${secretId}\` is not a JSON object with \`username\` and \`password\``);
}

const deniedText = ({ name }: EcrName, reason: string): string =>
  `pull access denied for ${name}, repository does not exist or may require 'docker login': ${reason.startsWith("denied: ") ? reason : `denied: ${reason}`}`;

/** Names whose registry on the network is not asked. */
function pullRefusal(image: string): string | undefined {
  if (parseEcrName(image)) return `manifest for ${image} not found: manifest unknown: Requested image not found`;
  if (!image.startsWith("aws/codebuild/")) return undefined;
  return `pull access denied for ${image.replace(/:.*$/, "")}: CodeBuild's own images are in no public registry under this name; say which image stands for it with \`kiln run -P ${image}=IMAGE\` or \`kiln images map\``;
}
