/**
 * Which credentials a git source is taken with, in CodeBuild's order: the source's own `auth`, else those imported for
 * its kind of server. Those written into the location are used where there are no others; the user's own git settings
 * where there are none at all.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/multiple-access-tokens.html,
 * https://docs.aws.amazon.com/codebuild/latest/userguide/asm-create-secret.html (members of the secret)
 */
import { AwsError } from "../../../core/errors.ts";
import { err, ok, type Result } from "../../../core/result.ts";
import type { PhaseContext } from "../events.ts";
import type { GitUrl, UserAndPassword } from "./git-url.ts";
import { authorizationFailed, clientError } from "./source-failures.ts";
import type { SourceTools, WantedSource } from "./taken-source.ts";

/** Git settings that serve the credentials; empty where there are none. */
export async function credentialsOf(
  wanted: WantedSource,
  url: GitUrl,
  tools: SourceTools,
): Promise<Result<string[], PhaseContext>> {
  const { host, protocol } = url;
  if (host === undefined || (protocol !== "https" && protocol !== "http")) return ok([]);
  const found = await lookUp(wanted, tools);
  if (!found.ok) return found;
  const given = found.value ?? url.credentials;
  if (given === undefined) return ok([]);
  if (/[\n\r\0]/.test(given.username + given.password)) {
    return err(clientError("the source's credentials hold a line end, which git cannot be given"));
  }
  return ok(await tools.credentials.add({ protocol, host }, given));
}

async function lookUp(
  wanted: WantedSource,
  tools: SourceTools,
): Promise<Result<UserAndPassword | undefined, PhaseContext>> {
  const { auth } = wanted.source;
  if (auth?.type === "SECRETS_MANAGER" && auth.resource !== undefined) return fromSecret(auth.resource, wanted, tools);
  // There are no connections on this machine, so none can be used.
  if (auth?.type === "CODECONNECTIONS") return err(authorizationFailed(wanted));
  try {
    return ok(await tools.imported?.(wanted.source));
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return err(error.code === "InvalidInputException" ? authorizationFailed(wanted) : secretError(error));
  }
}

async function fromSecret(
  secretArn: string,
  wanted: WantedSource,
  tools: SourceTools,
): Promise<Result<UserAndPassword, PhaseContext>> {
  let text: string;
  try {
    const answer = await tools.role.call<{ SecretString?: string }>("secretsmanager", "GetSecretValue", {
      SecretId: secretArn,
    });
    text = answer.SecretString ?? "";
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return err(secretError(error));
  }
  const token = member(text, "Token");
  if (token === undefined) {
    return err(
      clientError(
        `the secret \`${secretArn}\` has no member \`Token\`; CodeBuild expects {"ServerType", "AuthType", "Token"}`,
      ),
    );
  }
  const username = member(text, "Username");
  return ok({ username: username ?? tokenUser(member(text, "ServerType") ?? wanted.source.type), password: token });
}

const secretError = (error: AwsError): PhaseContext => ({
  statusCode: "Secrets Manager Error",
  message: `${error.code}: ${error.message}\n\tstatus code: ${error.status}, request id: ${error.requestId ?? ""}`,
});

/** The user name that goes with an access token. */
function tokenUser(serverType: string): string {
  if (serverType.startsWith("GITLAB")) return "oauth2";
  return serverType === "BITBUCKET" ? "x-token-auth" : "x-access-token";
}

function member(text: string, name: string): string | undefined {
  try {
    const value: unknown = (JSON.parse(text) as Record<string, unknown>)[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  } catch {
    return undefined;
  }
}
