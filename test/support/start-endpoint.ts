/** A Kiln in memory on a random port, for tests that talk to it over HTTP. */
import { type Kiln, startKiln } from "../../src/app.ts";
import { rootPrincipal } from "../../src/identity/index.ts";

export const ACCOUNT = "000000000000";
const SCOPE = { partition: "aws", region: "us-east-1", accountId: ACCOUNT };
const ROOT_KEY = { accessKeyId: "test", secretAccessKey: "test" };

export type StartedEndpoint = Kiln;

export const startEndpoint = (): Promise<StartedEndpoint> => startKiln({ memory: true, port: 0 });

export const rootArn = rootPrincipal(SCOPE).arn;

/** Settings that every SDK client takes; `credentials` are root's unless given. */
export const clientSettings = (
  url: string,
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } = ROOT_KEY,
) => ({ endpoint: url, region: SCOPE.region, credentials, maxAttempts: 1 });
