/**
 * The service role of one build: assumed by CodeBuild as `AWSCodeBuild-<uuid>`, renewed before it expires. Serves the
 * build's own calls (logs, parameters) and, over the container-credentials route, its commands.
 * Sources: https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html,
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import type { AwsScope } from "../../../core/arn.ts";
import type { AwsCaller } from "../../../core/aws.ts";
import { type Clock, MINUTE_MS } from "../../../core/clock.ts";
import type { CodeBuildDependencies } from "../dependencies.ts";

const DURATION_SECONDS = 3600;
/** SDKs ask for new credentials from 15 minutes before the end on: theirs must be fresh by then. */
const RENEW_BEFORE_MS = 20 * MINUTE_MS;

export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expirationMs: number;
  readonly roleArn: string;
}

export interface RoleSessionInput {
  readonly uuid: string;
  readonly roleArn: string;
  readonly scope: AwsScope;
  readonly clock: Clock;
  /** Calls as `codebuild.amazonaws.com` on behalf of the project. */
  readonly service: AwsCaller;
  callerForAccessKey(accessKeyId: string, scope: AwsScope): AwsCaller;
  authorizeAccessKey: CodeBuildDependencies["authorizeAccessKey"];
}

export class RoleSession {
  readonly #input: RoleSessionInput;
  #credentials: RoleCredentials | undefined;
  #renewing: Promise<RoleCredentials> | undefined;
  #areGiven = false;
  #onSecrets: ((values: readonly string[]) => void) | undefined;

  constructor(input: RoleSessionInput) {
    this.#input = input;
  }

  /** Valid credentials. Throws what AssumeRole throws. */
  async credentials(): Promise<RoleCredentials> {
    const current = this.#credentials;
    if (current && current.expirationMs - this.#input.clock.nowMs() > RENEW_BEFORE_MS) return current;
    this.#renewing ??= this.#assume().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  /** Valid credentials for the build's commands, which from then on have them. */
  credentialsForCommands(): Promise<RoleCredentials> {
    this.#areGiven = true;
    return this.credentials();
  }

  /** What was given lasts longer: the clock was moved. The access key whose session must last longer, too. */
  lengthen(byMs: number): string | undefined {
    const current = this.#credentials;
    if (!current) return undefined;
    this.#credentials = { ...current, expirationMs: current.expirationMs + byMs };
    return current.accessKeyId;
  }

  /** Commands have asked for credentials. */
  get areCredentialsGiven(): boolean {
    return this.#areGiven;
  }

  /** Calls as the role. */
  readonly caller: AwsCaller = {
    call: async (service, operation, input) => {
      const { accessKeyId } = await this.credentials();
      return this.#input.callerForAccessKey(accessKeyId, this.#input.scope).call(service, operation, input);
    },
  };

  /** Decides actions of the role that are no API operation, e.g. `codebuild:CreateReport`. Throws AccessDeniedException. */
  async authorize(
    requests: readonly AuthorizationRequest[],
    about: Parameters<CodeBuildDependencies["authorizeAccessKey"]>[3],
  ): Promise<void> {
    const { accessKeyId } = await this.credentials();
    this.#input.authorizeAccessKey(accessKeyId, this.#input.scope, requests, about);
  }

  /** Tells what of the credentials must not be shown: now, if there are any, and whenever they are renewed. */
  onSecrets(listener: (values: readonly string[]) => void): void {
    this.#onSecrets = listener;
    if (this.#credentials) listener(secretsOf(this.#credentials));
  }

  async #assume(): Promise<RoleCredentials> {
    const { Credentials: answer } = await this.#input.service.call<{
      Credentials: { AccessKeyId: string; SecretAccessKey: string; SessionToken: string; Expiration: number };
    }>("sts", "AssumeRole", {
      RoleArn: this.#input.roleArn,
      RoleSessionName: `AWSCodeBuild-${this.#input.uuid}`,
      DurationSeconds: DURATION_SECONDS,
    });
    this.#credentials = {
      accessKeyId: answer.AccessKeyId,
      secretAccessKey: answer.SecretAccessKey,
      sessionToken: answer.SessionToken,
      expirationMs: Number(answer.Expiration),
      roleArn: this.#input.roleArn,
    };
    this.#onSecrets?.(secretsOf(this.#credentials));
    return this.#credentials;
  }
}

const secretsOf = ({ secretAccessKey, sessionToken }: RoleCredentials): string[] => [secretAccessKey, sessionToken];
