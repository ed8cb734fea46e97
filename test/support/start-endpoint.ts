/** A Kiln in memory on a random port, for tests that talk to it over HTTP. */
import { systemClock } from "../../src/core/clock.ts";
import { systemIds } from "../../src/core/ids.ts";
import { startEndpoint as listen } from "../../src/endpoint/index.ts";
import { createIdentity, rootPrincipal } from "../../src/identity/index.ts";
import { iam } from "../../src/services/iam/index.ts";
import { createDispatcher, type Dispatcher } from "../../src/services/index.ts";
import { kms } from "../../src/services/kms/index.ts";
import { logs } from "../../src/services/logs/index.ts";
import { secretsmanager } from "../../src/services/secretsmanager/index.ts";
import { ssm } from "../../src/services/ssm/index.ts";
import { sts } from "../../src/services/sts/index.ts";
import { openStore, type Store } from "../../src/store/index.ts";

export const ACCOUNT = "000000000000";
const SCOPE = { partition: "aws", region: "us-east-1", accountId: ACCOUNT };
const ROOT_KEY = { accessKeyId: "test", secretAccessKey: "test" };

export interface StartedEndpoint {
  readonly url: string;
  readonly store: Store;
  readonly dispatcher: Dispatcher;
  close(): Promise<void>;
}

export async function startEndpoint(): Promise<StartedEndpoint> {
  const [clock, ids] = [systemClock, systemIds];
  const store = await openStore({ ids });
  const identity = createIdentity({ store, clock, ids, scope: SCOPE, rootKey: ROOT_KEY });
  const services = [ssm, kms, secretsmanager, iam, sts, logs];
  const dispatcher = createDispatcher({ services, identity, store, clock, ids });
  const options = { dispatcher, identity, scope: SCOPE, clock, ids, routes: [], host: "127.0.0.1", port: 0 };
  const endpoint = await listen(options);
  return {
    url: endpoint.url,
    store,
    dispatcher,
    async close() {
      await endpoint.close();
      await dispatcher.flush();
      await store.close();
    },
  };
}

export const rootArn = rootPrincipal(SCOPE).arn;

/** Settings that every SDK client takes; `credentials` are root's unless given. */
export const clientSettings = (
  url: string,
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string } = ROOT_KEY,
) => ({ endpoint: url, region: SCOPE.region, credentials, maxAttempts: 1 });
