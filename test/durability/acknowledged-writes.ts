/**
 * Writers that use every kind of write at once, over HTTP with unmodified SDK clients, and remember what was acknowledged.
 * `check` then finds each of it with its value. A write whose answer never came may be there or not.
 */
import { createHash, randomBytes } from "node:crypto";
import * as Logs from "@aws-sdk/client-cloudwatch-logs";
import * as CodeBuild from "@aws-sdk/client-codebuild";
import * as Iam from "@aws-sdk/client-iam";
import * as Kms from "@aws-sdk/client-kms";
import * as S3 from "@aws-sdk/client-s3";
import * as Secrets from "@aws-sdk/client-secrets-manager";
import * as Ssm from "@aws-sdk/client-ssm";
import { CODEBUILD_TRUST } from "../support/policy-documents.ts";
import { clientSettings } from "../support/start-endpoint.ts";

interface Clients {
  readonly ssm: Ssm.SSM;
  readonly kms: Kms.KMS;
  readonly secrets: Secrets.SecretsManager;
  readonly logs: Logs.CloudWatchLogs;
  readonly s3: S3.S3;
  readonly iam: Iam.IAM;
  readonly builds: CodeBuild.CodeBuild;
}

function clientsOf(url: string): Clients {
  const settings = clientSettings(url);
  return {
    ssm: new Ssm.SSM(settings),
    kms: new Kms.KMS(settings),
    secrets: new Secrets.SecretsManager(settings),
    logs: new Logs.CloudWatchLogs(settings),
    s3: new S3.S3({ ...settings, forcePathStyle: true }),
    iam: new Iam.IAM(settings),
    builds: new CodeBuild.CodeBuild(settings),
  };
}

async function withClients<R>(url: string, run: (clients: Clients) => Promise<R>): Promise<R> {
  const clients = clientsOf(url);
  try {
    return await run(clients);
  } finally {
    for (const client of Object.values(clients) as { destroy(): void }[]) client.destroy();
  }
}

/** How to find one acknowledged write again; rejects or gives a text that says what is wrong. */
type Check = (clients: Clients) => Promise<string | undefined>;

export interface Written {
  /** Acknowledged writes of this run, by kind. */
  readonly counts: Readonly<Record<string, number>>;
  /** What ended each writer: the reasons of refusals and broken connections. */
  readonly reasons: readonly unknown[];
}

/** Of how many checks one is made again at the end. */
const SAMPLE_EVERY = 8;
const PROJECT = "slow";
const GROUP = "/durability";

export class AcknowledgedWrites {
  #checks: Check[] = [];
  readonly #sample: Check[] = [];
  readonly #roles: string[] = [];
  readonly #buildIds: string[] = [];
  readonly #name: string;
  #number = 0;
  #longestMs = 0;
  #totalMs = 0;
  #count = 0;

  /** `name` keeps the names of several apart on one state. */
  constructor(name: string) {
    this.#name = name;
  }

  /** How long the longest write took. */
  get longestMs(): number {
    return this.#longestMs;
  }

  /** How long a write took on the average. */
  get meanMs(): number {
    return this.#totalMs / this.#count;
  }

  /** Builds that were acknowledged. */
  get buildIds(): readonly string[] {
    return this.#buildIds;
  }

  /** What the writers need. */
  async prepare(url: string): Promise<void> {
    await withClients(url, async ({ logs, s3, iam, builds }) => {
      await logs.createLogGroup({ logGroupName: GROUP }).catch(existing);
      await s3.createBucket({ Bucket: "durability" }).catch(existing);
      const made = await iam
        .createRole({ RoleName: "builder", AssumeRolePolicyDocument: CODEBUILD_TRUST })
        .catch(existing);
      const arn = made?.Role?.Arn ?? "arn:aws:iam::000000000000:role/builder";
      const source = {
        type: "NO_SOURCE",
        buildspec: "version: 0.2\nphases:\n  build:\n    commands:\n      - sleep 60\n",
      };
      await builds
        .createProject({
          name: PROJECT,
          source: source as CodeBuild.ProjectSource,
          artifacts: { type: "NO_ARTIFACTS" },
          environment: {
            type: "LINUX_CONTAINER",
            image: "aws/codebuild/standard:7.0",
            computeType: "BUILD_GENERAL1_SMALL",
          },
          serviceRole: arn,
        })
        .catch(existing);
    });
  }

  /**
   * Writes until the signal or, each writer, its first refusal that `goesOnAfter` does not accept; a server that is gone is
   * one. `onAcknowledged` is told what was acknowledged so far.
   */
  async run(
    url: string,
    options: {
      readonly withBuild?: boolean;
      readonly signal: AbortSignal;
      readonly onAcknowledged?: (counts: Readonly<Record<string, number>>) => void;
      readonly goesOnAfter?: (error: unknown) => boolean;
    },
  ): Promise<Written> {
    const counts: Record<string, number> = {};
    const reasons: unknown[] = [];
    await withClients(url, async (clients) => {
      const writers = Object.entries(this.#writers(clients, options.withBuild ?? false));
      const write = async ([kind, once]: (typeof writers)[number]): Promise<void> => {
        while (!options.signal.aborted) {
          const sentAtMs = performance.now();
          try {
            const check = await once();
            const tookMs = performance.now() - sentAtMs;
            this.#longestMs = Math.max(this.#longestMs, tookMs);
            this.#totalMs += tookMs;
            this.#count++;
            if (check) this.#checks.push(check);
            counts[kind] = (counts[kind] ?? 0) + 1;
            options.onAcknowledged?.(counts);
            if (check === undefined) return;
          } catch (error) {
            reasons.push(error);
            if (options.goesOnAfter?.(error) !== true) return;
          }
        }
      };
      await Promise.all(writers.map(write));
    });
    return { counts, reasons };
  }

  /** What is wrong with the writes acknowledged since the last check. */
  async check(url: string): Promise<string[]> {
    const checks = this.#checks;
    this.#checks = [];
    this.#sample.push(...checks.filter((_, index) => index % SAMPLE_EVERY === 0));
    return faultsOf(url, checks);
  }

  /** The same for some of all writes ever acknowledged. */
  checkSample(url: string): Promise<string[]> {
    return faultsOf(url, this.#sample);
  }

  /** Each does one write and says how to find it again; undefined: it is done. */
  #writers(clients: Clients, withBuild: boolean): Record<string, () => Promise<Check | undefined>> {
    const next = (): string => `${this.#name}-${++this.#number}`;
    const overwritten = { sent: 0, name: `/over/${next()}` };
    const stream = { logGroupName: GROUP, logStreamName: next() };
    const secret = { id: "", versions: 0 };
    let isStreamMade = false;
    const acknowledged: string[] = [];
    return {
      PutParameter: async () => {
        const [Name, Value] = [`/p/${next()}`, randomText(200)];
        await clients.ssm.putParameter({ Name, Value, Type: "SecureString" });
        return async ({ ssm }) =>
          same(Name, (await ssm.getParameter({ Name, WithDecryption: true })).Parameter?.Value, Value);
      },
      "PutParameter again": async () => {
        const [Name, sent] = [overwritten.name, ++overwritten.sent];
        await clients.ssm.putParameter({ Name, Value: String(sent), Type: "String", Overwrite: true });
        return async ({ ssm }) => {
          const { Value, Version = 0 } = (await ssm.getParameter({ Name })).Parameter ?? {};
          return Number(Value) >= sent && Version === Number(Value) ? undefined : `${Name}: ${Value} of ${sent}`;
        };
      },
      PutSecretValue: async () => {
        const SecretString = randomText(300);
        // A secret has a hundred versions at most.
        if (secret.versions % 50 === 0) {
          secret.id = `secret-${next()}`;
          await clients.secrets.createSecret({ Name: secret.id, SecretString: "first" });
        }
        secret.versions++;
        const { id: SecretId } = secret;
        const { VersionId } = await clients.secrets.putSecretValue({ SecretId, SecretString });
        return async ({ secrets }) =>
          same(SecretId, (await secrets.getSecretValue({ SecretId, VersionId })).SecretString, SecretString);
      },
      CreateKey: async () => {
        const { KeyMetadata } = await clients.kms.createKey({ Description: next() });
        const plaintext = randomBytes(100);
        const { CiphertextBlob } = await clients.kms.encrypt({ KeyId: KeyMetadata?.KeyId, Plaintext: plaintext });
        return async ({ kms }) => {
          const { Plaintext = Buffer.alloc(0) } = await kms.decrypt({ CiphertextBlob });
          return plaintext.equals(Plaintext) ? undefined : `key ${KeyMetadata?.KeyId}: another plaintext`;
        };
      },
      PutLogEvents: async () => {
        if (!isStreamMade) await clients.logs.createLogStream(stream);
        isStreamMade = true;
        // Big batches lie in files, small ones in records.
        const message = `${next()} ${randomText(this.#number % 3 === 0 ? 60_000 : 100)}`;
        await clients.logs.putLogEvents({ ...stream, logEvents: [{ timestamp: Date.now(), message }] });
        if (acknowledged.push(message) > 1) return async () => undefined;
        return async ({ logs }) => {
          const found = new Set<string | undefined>();
          for (let nextToken: string | undefined; ; ) {
            const page = await logs.getLogEvents({ ...stream, startFromHead: true, ...(nextToken && { nextToken }) });
            for (const event of page.events ?? []) found.add(event.message);
            if (page.nextForwardToken === nextToken) break;
            nextToken = page.nextForwardToken;
          }
          const missing = acknowledged.filter((one) => !found.has(one));
          return missing.length === 0 ? undefined : `${stream.logStreamName}: no ${missing[0]?.slice(0, 20)}`;
        };
      },
      PutObject: async () => {
        const [Key, Body] = [next(), randomBytes((this.#number * 7_919) % 300_000)];
        await clients.s3.putObject({ Bucket: "durability", Key, Body });
        return async ({ s3 }) => {
          const { Body: found } = await s3.getObject({ Bucket: "durability", Key });
          return same(Key, digestOf(await found?.transformToByteArray()), digestOf(Body));
        };
      },
      CreateRole: async () => {
        const RoleName = `role-${next()}`;
        await clients.iam.createRole({ RoleName, AssumeRolePolicyDocument: CODEBUILD_TRUST });
        // An account has a thousand of them at most.
        const oldest = this.#roles.push(RoleName) > 100 ? this.#roles.shift() : undefined;
        if (oldest !== undefined) await clients.iam.deleteRole({ RoleName: oldest });
        return async ({ iam }) =>
          this.#roles.includes(RoleName)
            ? same(RoleName, (await iam.getRole({ RoleName })).Role?.RoleName, RoleName)
            : undefined;
      },
      ...(withBuild && {
        StartBuild: async () => {
          const { build } = await clients.builds.startBuild({ projectName: PROJECT });
          if (build?.id !== undefined) this.#buildIds.push(build.id);
          return undefined;
        },
      }),
    };
  }
}

async function faultsOf(url: string, checks: readonly Check[]): Promise<string[]> {
  const wrong: string[] = [];
  const left = [...checks];
  await withClients(url, async (clients) => {
    const work = async (): Promise<void> => {
      for (let check = left.pop(); check; check = left.pop()) {
        const found = await check(clients).catch((error: Error) => `${error.stack}`);
        if (found !== undefined) wrong.push(found);
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
  });
  return wrong;
}

/** For what an earlier run has made. */
function existing(error: Error): undefined {
  if (!/Exist|Conflict|BucketAlreadyOwnedByYou/.test(error.name)) throw error;
}

const randomText = (length: number): string => randomBytes(length).toString("base64").slice(0, length);
const digestOf = (bytes: Uint8Array = Buffer.alloc(0)): string => createHash("sha256").update(bytes).digest("hex");
const same = (name: string, found: string | undefined, wanted: string): string | undefined =>
  found === wanted ? undefined : `${name}: ${found} instead of ${wanted}`;
