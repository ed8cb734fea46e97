/**
 * ImportSourceCredentials, ListSourceCredentials, DeleteSourceCredentials: one credential per server type and region.
 * Tokens are sealed under the master key and answered by no operation; builds' git downloads ask for them here.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_ImportSourceCredentials.html
 * Gap: CODECONNECTIONS names a connection, and there is no such service here: the credential is kept and shown, and a
 * build that needs it is told so.
 */
import { type AwsScope, arnIn, parseArn } from "../../../core/arn.ts";
import type { AwsCaller } from "../../../core/aws.ts";
import type { Collection, Key, Store } from "../../../store/store.ts";
import { type OperationDefinition, operation } from "../../service.ts";
import { invalidInput, notOffered, sourceCredentialAlreadyExists, sourceCredentialNotFound } from "../errors.ts";
import type {
  DeleteSourceCredentialsInput,
  DeleteSourceCredentialsOutput,
  ImportSourceCredentialsInput,
  ImportSourceCredentialsOutput,
  ListSourceCredentialsInput,
  ListSourceCredentialsOutput,
} from "../shapes.gen.ts";
import { contextOf } from "./condition-keys.ts";
import { onAnything } from "./project-access.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

type ServerType = ImportSourceCredentialsInput["serverType"];
type AuthType = ImportSourceCredentialsInput["authType"];

interface SourceCredentialRecord {
  readonly serverType: ServerType;
  readonly authType: AuthType;
  /** ARN of the connection or the secret, where the credential is one. */
  readonly resource?: string | undefined;
  readonly username?: string | undefined;
  /** Absent where `resource` stands for it. */
  readonly sealedToken?: string | undefined;
}

/** User name and password for a git server. */
export interface GitCredential {
  readonly username: string;
  readonly password: string;
}

const AUTH_TYPES: Readonly<Record<ServerType, readonly AuthType[]>> = {
  GITHUB: ["OAUTH", "PERSONAL_ACCESS_TOKEN", "CODECONNECTIONS", "SECRETS_MANAGER"],
  GITHUB_ENTERPRISE: ["PERSONAL_ACCESS_TOKEN", "CODECONNECTIONS", "SECRETS_MANAGER"],
  BITBUCKET: ["OAUTH", "BASIC_AUTH", "PERSONAL_ACCESS_TOKEN", "CODECONNECTIONS", "SECRETS_MANAGER"],
  GITLAB: ["CODECONNECTIONS", "PERSONAL_ACCESS_TOKEN", "SECRETS_MANAGER"],
  GITLAB_SELF_MANAGED: ["CODECONNECTIONS", "PERSONAL_ACCESS_TOKEN", "SECRETS_MANAGER"],
};
/** What git servers take as the user name beside a token. */
const TOKEN_USERS: Readonly<Record<ServerType, string>> = {
  GITHUB: "x-access-token",
  GITHUB_ENTERPRISE: "x-access-token",
  BITBUCKET: "x-token-auth",
  GITLAB: "oauth2",
  GITLAB_SELF_MANAGED: "oauth2",
};

const recordsOf = (store: Store): Collection<SourceCredentialRecord> =>
  store.collection("codebuild.source-credentials");
const keyOf = (scope: AwsScope, serverType: string): Key => [scope.accountId, scope.region, serverType];
const sealContext = (scope: AwsScope, serverType: string): string =>
  `codebuild source credential ${scope.accountId} ${scope.region} ${serverType}`;

/** AWS: `…:token/github`. */
const credentialArn = (scope: AwsScope, serverType: string): string =>
  arnIn(scope, "codebuild", `token/${serverType.toLowerCase()}`);

/** True when a credential was imported for the server type. */
export const hasSourceCredential = (store: Store, scope: AwsScope, serverType: string): boolean =>
  recordsOf(store).has(keyOf(scope, serverType));

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const sourceCredentialOperations: readonly OperationDefinition<any, object>[] = [
  operation<ImportSourceCredentialsInput, ImportSourceCredentialsOutput>({
    name: "ImportSourceCredentials",
    support: "partial",
    gaps: ["CODECONNECTIONS is kept and shown; there are no connections to use it with"],
    source: `${API}API_ImportSourceCredentials.html`,
    authorize: ({ authType, serverType, shouldOverwrite, token, username }) => [
      onAnything("ImportSourceCredentials", contextOf({ authType, serverType, shouldOverwrite, token, username })),
    ],
    errors: [invalidInput, sourceCredentialAlreadyExists],
    async run(input, { store, scope }) {
      const { serverType, authType, username, token } = input;
      checkCredential(input);
      const isReference = authType === "CODECONNECTIONS" || authType === "SECRETS_MANAGER";
      const record: SourceCredentialRecord = {
        serverType,
        authType,
        ...(username === undefined ? {} : { username }),
        ...(isReference
          ? { resource: token }
          : { sealedToken: store.seal(Buffer.from(token), sealContext(scope, serverType)) }),
      };
      const key = keyOf(scope, serverType);
      await store.write(() => {
        const credentials = recordsOf(store);
        if (input.shouldOverwrite === false && credentials.has(key)) {
          throw sourceCredentialAlreadyExists(credentialArn(scope, serverType));
        }
        credentials.put(key, record);
      });
      return { arn: credentialArn(scope, serverType) };
    },
  }),

  operation<ListSourceCredentialsInput, ListSourceCredentialsOutput>({
    name: "ListSourceCredentials",
    support: "supported",
    source: `${API}API_ListSourceCredentials.html`,
    authorize: () => [onAnything("ListSourceCredentials")],
    errors: [],
    run(_input, { store, scope }) {
      const credentials = recordsOf(store).list([scope.accountId, scope.region]);
      return {
        sourceCredentialsInfos: credentials.map(({ value: { serverType, authType, resource } }) => ({
          arn: credentialArn(scope, serverType),
          serverType,
          authType,
          ...(resource === undefined ? {} : { resource }),
        })),
      };
    },
  }),

  operation<DeleteSourceCredentialsInput, DeleteSourceCredentialsOutput>({
    name: "DeleteSourceCredentials",
    support: "supported",
    source: `${API}API_DeleteSourceCredentials.html`,
    authorize: () => [onAnything("DeleteSourceCredentials")],
    errors: [invalidInput, sourceCredentialNotFound],
    async run({ arn }, { store, scope }) {
      const parsed = parseArn(arn);
      if (!parsed?.resource.startsWith("token/")) throw invalidInput(`Invalid source credentials ARN: ${arn}`);
      const serverType = parsed.resource.slice("token/".length).toUpperCase();
      if (arn !== credentialArn(scope, serverType)) throw sourceCredentialNotFound(arn);
      await store.write(() => {
        const key = keyOf(scope, serverType);
        if (!recordsOf(store).has(key)) throw sourceCredentialNotFound(arn);
        recordsOf(store).delete(key);
      });
      return { arn };
    },
  }),
];

function checkCredential({ serverType, authType, username, token }: ImportSourceCredentialsInput): void {
  if (!AUTH_TYPES[serverType].includes(authType)) {
    throw invalidInput(`Invalid source credentials: ${authType} is not supported for server type ${serverType}`);
  }
  // AWS: the user name is for Bitbucket's basic authentication, and not valid for other types.
  if (authType === "BASIC_AUTH" && username === undefined) {
    throw invalidInput("Invalid source credentials: BASIC_AUTH needs a username");
  }
  if (authType !== "BASIC_AUTH" && username !== undefined) {
    throw invalidInput(`Invalid source credentials: username is not supported for ${authType}`);
  }
  const service = parseArn(token)?.service;
  if (authType === "SECRETS_MANAGER" && service !== "secretsmanager") {
    throw invalidInput("Invalid source credentials: token must be the ARN of a secret for SECRETS_MANAGER");
  }
  if (authType === "CODECONNECTIONS" && service !== "codeconnections" && service !== "codestar-connections") {
    throw invalidInput("Invalid source credentials: token must be the ARN of a connection for CODECONNECTIONS");
  }
}

/**
 * The credential imported for the source's kind of server, for a build's git download; undefined where there is none.
 * A secret is read with the build's role. Rejects with the AwsError of that read, or one for what cannot be had.
 */
export async function importedCredential(
  source: { readonly type: string },
  { store, scope, role }: { readonly store: Store; readonly scope: AwsScope; readonly role: AwsCaller },
): Promise<GitCredential | undefined> {
  const record = recordsOf(store).get(keyOf(scope, source.type));
  if (!record) return undefined;
  const { authType, resource, serverType, sealedToken, username } = record;
  if (resource === undefined) {
    const token = store.unseal(sealedToken ?? "", sealContext(scope, serverType)).toString("utf8");
    return { username: username ?? TOKEN_USERS[serverType], password: token };
  }
  if (authType !== "SECRETS_MANAGER") {
    throw notOffered(`connections: ${resource} gives no token; import a PERSONAL_ACCESS_TOKEN instead`);
  }
  const { SecretString = "" } = await role.call<{ SecretString?: string }>("secretsmanager", "GetSecretValue", {
    SecretId: resource,
  });
  return fromSecret(SecretString, resource, serverType);
}

/** AWS: the secret is JSON with ServerType, AuthType, Token and, for BASIC_AUTH, Username. */
function fromSecret(secret: string, arn: string, serverType: ServerType): GitCredential {
  let parsed: { readonly Token?: unknown; readonly Username?: unknown } | undefined;
  try {
    parsed = JSON.parse(secret) as typeof parsed;
  } catch {
    parsed = undefined;
  }
  if (typeof parsed?.Token !== "string") throw invalidInput(`The secret ${arn} has no member Token`);
  const username = typeof parsed.Username === "string" ? parsed.Username : TOKEN_USERS[serverType];
  return { username, password: parsed.Token };
}
