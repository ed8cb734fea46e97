/**
 * `GET /_kiln/credentials/<build uuid>`: the container-credentials endpoint of a build. Only the build knows the token.
 * Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { isoSeconds } from "../../../core/clock.ts";
import type { BuildRunner } from "./build-runner.ts";

export const CREDENTIALS_PREFIX = "/_kiln/credentials/";

export interface CredentialsRoute {
  readonly prefix: string;
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** `realTimeOf`: the machine's time at a moment of the services' clock; clients compare with their own. */
export const credentialsRoute = (
  runner: Pick<BuildRunner, "credentialsFor">,
  realTimeOf: (ms: number) => number = (ms) => ms,
): CredentialsRoute => ({
  prefix: CREDENTIALS_PREFIX,
  async handle(request, response) {
    const uuid = new URL(request.url ?? "/", "http://localhost").pathname.slice(CREDENTIALS_PREFIX.length);
    const running = runner.credentialsFor(uuid);
    const given = request.headers.authorization ?? "";
    if (request.method !== "GET" || !running || !equal(given, running.token)) {
      return answer(response, 403, { code: "AccessDenied", message: "no credentials for this request" });
    }
    try {
      const credentials = await running.session.credentialsForCommands();
      answer(response, 200, {
        AccessKeyId: credentials.accessKeyId,
        SecretAccessKey: credentials.secretAccessKey,
        Token: credentials.sessionToken,
        Expiration: isoSeconds(realTimeOf(credentials.expirationMs)),
        RoleArn: credentials.roleArn,
      });
    } catch (error) {
      answer(response, 400, { code: "AssumeRoleFailed", message: error instanceof Error ? error.message : "unknown" });
    }
  },
});

function equal(given: string, expected: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(expected)];
  return one.length === other.length && timingSafeEqual(one, other);
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(body));
}
