/**
 * Two accounts, two roles and a chain of AssumeRole, with unmodified aws CLIs whose credentials come from the environment:
 * what crosses from one account into the other, what does not, and the words of each refusal.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Account, type Answer, type CredentialsInEnv, inEnv, rootOf, sessionArn } from "../support/accounts.ts";
import { findAwsClis, runAws } from "../support/aws-cli.ts";
import { allow, allowTo, documentText } from "../support/policy-documents.ts";
import { type StartedEndpoint, startEndpoint } from "../support/start-endpoint.ts";

const A = "111122223333";
const B = "444455556666";
const EXTERNAL_ID = "tenant-7";
const clis = findAwsClis();

const denied = (who: string, action: string, resource: string, why = "") =>
  `User: ${who} is not authorized to perform: ${action} on resource: ${resource}${why}`;
const because = (kind: string, action: string) => ` because no ${kind} policy allows the ${action} action`;

describe.skipIf(clis.length === 0).each(clis)("$version", (cli) => {
  let kiln: StartedEndpoint;
  /** For bytes: the versions of the CLI differ in how they take them as words. */
  let folder: string;
  let a: Account;
  let b: Account;
  let dev: CredentialsInEnv;
  let hub: string;
  let reader: string;
  const arns = { url: "", shared: "", secret: "", closedSecret: "", defaultSecret: "", key: "", keeperKey: "" };

  const devArn = `arn:aws:iam::${A}:user/dev`;

  beforeAll(async () => {
    kiln = await startEndpoint();
    folder = await mkdtemp(join(tmpdir(), "kiln-accounts-"));
    await writeFile(join(folder, "plain"), "hello");
    a = new Account(kiln, A);
    b = new Account(kiln, B);
    arns.url = b.regionalArn("ssm", "parameter/app/url");
    arns.shared = b.regionalArn("ssm", "parameter/app/shared");
    hub = a.arn("iam", "role/hub");
    reader = b.arn("iam", "role/reader");
    dev = await a.user(
      "dev",
      allow("sts:AssumeRole", hub),
      allow(
        ["ssm:GetParameter", "secretsmanager:GetSecretValue"],
        [`arn:aws:ssm:*:${B}:*`, `arn:aws:secretsmanager:*:${B}:*`],
      ),
      allow(["kms:Encrypt", "kms:Decrypt"], `arn:aws:kms:us-east-1:${B}:key/*`),
      allow("sts:AssumeRole", reader),
    );
    await a.role("hub", allowTo({ AWS: devArn }, "sts:AssumeRole"), [allow("sts:AssumeRole", b.arn("iam", "role/*"))]);
    await b.role(
      "reader",
      allowTo({ AWS: hub }, "sts:AssumeRole", { Condition: { StringEquals: { "sts:ExternalId": EXTERNAL_ID } } }),
      [allow(["ssm:GetParameter", "secretsmanager:GetSecretValue", "kms:Decrypt"])],
      { MaxSessionDuration: 43_200 },
    );
    await fillB();
  });

  afterAll(async () => {
    await kiln.close();
    await rm(folder, { recursive: true, force: true });
  });

  const encrypt = (key: string): string => `kms encrypt --plaintext fileb://${folder}/plain --key-id ${key}`;

  /** The same parameter name is in both accounts; what B shares with A, and what it does not. */
  async function fillB(): Promise<void> {
    const parameter = { Name: "/app/url", Type: "String" };
    await a.call("ssm", "PutParameter", { ...parameter, Value: "of A" });
    await b.call("ssm", "PutParameter", { ...parameter, Value: "of B" });
    await b.call("ssm", "PutParameter", { ...parameter, Name: "/app/shared", Value: "for A", Tier: "Advanced" });
    const Policy = documentText(allowTo({ AWS: A }, "ssm:GetParameter", { Resource: arns.shared }));
    await b.call("ssm", "PutResourcePolicy", { ResourceArn: arns.shared, Policy });
    const own = allowTo({ AWS: b.arn("iam", "root") }, "kms:*");
    arns.key = await b.key(own, allowTo({ AWS: A }, ["kms:Encrypt", "kms:Decrypt"]));
    await b.user("keeper");
    arns.keeperKey = await b.key(allowTo({ AWS: b.arn("iam", "user/keeper") }, "kms:*"));
    await b.call("kms", "CreateAlias", { AliasName: "alias/shared", TargetKeyId: arns.key });
    const secret = async (Name: string, KmsKeyId?: string): Promise<string> => {
      const { ARN } = await b.call("secretsmanager", "CreateSecret", {
        ...{ Name, SecretString: "hunter2", ClientRequestToken: Name.padEnd(32, "0"), KmsKeyId },
      });
      return ARN;
    };
    arns.secret = await secret("db", arns.key);
    arns.closedSecret = await secret("closed", arns.key);
    arns.defaultSecret = await secret("default");
    const ResourcePolicy = documentText(allowTo({ AWS: devArn }, "secretsmanager:GetSecretValue", { Resource: "*" }));
    for (const SecretId of [arns.secret, arns.defaultSecret]) {
      await b.call("secretsmanager", "PutResourcePolicy", { SecretId, ResourcePolicy });
    }
  }

  /** Output of a command that must succeed, as JSON. */
  async function aws(env: CredentialsInEnv, command: string, ...more: string[]): Promise<Answer> {
    const result = await runAws(cli, kiln.url, [...command.split(" "), ...more], env);
    expect(result.stderr).toBe("");
    return result.stdout.trim() === "" ? {} : JSON.parse(result.stdout);
  }

  /** What a command that must fail prints. */
  async function failure(env: CredentialsInEnv, command: string, ...more: string[]): Promise<string> {
    const result = await runAws(cli, kiln.url, [...command.split(" "), ...more], env);
    expect(result.exitCode).not.toBe(0);
    return result.stderr.trim();
  }

  const error = (code: string, operation: string, text: string) =>
    `An error occurred (${code}) when calling the ${operation} operation: ${text}`;
  const noEntry = (operation: string, text: string) => error("AccessDeniedException", operation, text);
  const assume = (role: string, more = "") => `sts assume-role --role-session-name e2e --role-arn ${role}${more}`;
  const external = ` --external-id ${EXTERNAL_ID}`;
  const atHub = async () => inEnv(await aws(dev, assume(hub)));
  const atReader = async () => inEnv(await aws(await atHub(), assume(reader, external)));

  describe("a chain of roles", () => {
    it("goes from a user of A over a role of A into a role of B, which reads what B has", async () => {
      const session = await atReader();
      expect(await aws(session, "sts get-caller-identity")).toMatchObject({
        ...{ Account: B, Arn: `arn:aws:sts::${B}:assumed-role/reader/e2e` },
      });
      expect((await aws(session, "ssm get-parameter --name /app/url"))["Parameter"]).toMatchObject({
        ...{ Value: "of B", ARN: arns.url },
      });
      expect((await aws(session, "secretsmanager get-secret-value --secret-id db"))["SecretString"]).toBe("hunter2");
      expect((await aws(rootOf(A), "ssm get-parameter --name /app/url"))["Parameter"].Value).toBe("of A");
      const id = session["AWS_ACCESS_KEY_ID"];
      expect(await aws(dev, `sts get-access-key-info --access-key-id ${id}`).catch(String)).toContain("AccessDenied");
      expect(await aws(rootOf(A), `sts get-access-key-info --access-key-id ${id}`)).toEqual({ Account: B });
    });

    it("lasts an hour a link", async () => {
      const first = await atHub();
      expect(await failure(first, assume(reader, `${external} --duration-seconds 3601`))).toBe(
        error(
          "ValidationError",
          "AssumeRole",
          "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
        ),
      );
    });

    it("needs the external id and the role in between", async () => {
      const refused = (who: string) => error("AccessDenied", "AssumeRole", denied(who, "sts:AssumeRole", reader));
      const first = await atHub();
      expect(await failure(first, assume(reader))).toBe(refused(sessionArn(hub, "e2e")));
      expect(await failure(first, assume(reader, " --external-id tenant-8"))).toBe(refused(sessionArn(hub, "e2e")));
      expect(await failure(dev, assume(reader, external))).toBe(refused(devArn));
    });
  });

  describe("by ARN", () => {
    it("a parameter is read when B shares it", async () => {
      const shown = await aws(rootOf(B), `ssm get-resource-policies --resource-arn ${arns.shared}`);
      expect(shown["Policies"]).toHaveLength(1);
      expect((await aws(dev, `ssm get-parameter --name ${arns.shared}`))["Parameter"].Value).toBe("for A");
      expect(await failure(dev, `ssm get-parameter --name ${arns.url}`)).toBe(
        noEntry(
          "GetParameter",
          denied(devArn, "ssm:GetParameter", arns.url, because("resource-based", "ssm:GetParameter")),
        ),
      );
      expect(await failure(await atHub(), `ssm get-parameter --name ${arns.shared}`)).toBe(
        noEntry(
          "GetParameter",
          denied(
            sessionArn(hub, "e2e"),
            "ssm:GetParameter",
            arns.shared,
            because("identity-based", "ssm:GetParameter"),
          ),
        ),
      );
    });

    it("a secret is read when B shares it and its key", async () => {
      const get = (arn: string) => `secretsmanager get-secret-value --secret-id ${arn}`;
      const action = "secretsmanager:GetSecretValue";
      expect((await aws(dev, get(arns.secret)))["SecretString"]).toBe("hunter2");
      expect(await failure(dev, get(arns.closedSecret))).toBe(
        noEntry("GetSecretValue", denied(devArn, action, arns.closedSecret, because("resource-based", action))),
      );
      expect(await failure(dev, get(arns.defaultSecret))).toBe(
        "An error occurred (InvalidRequestException) when calling the GetSecretValue operation: You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.",
      );
    });

    it("a key is used when its policy and the caller's say so", async () => {
      const { CiphertextBlob, KeyId } = await aws(dev, encrypt(arns.key.replace(/key\/.*/, "alias/shared")));
      expect(KeyId).toBe(arns.key);
      await writeFile(join(folder, "encrypted"), Buffer.from(CiphertextBlob, "base64"));
      const { Plaintext } = await aws(dev, `kms decrypt --ciphertext-blob fileb://${folder}/encrypted`);
      expect(Plaintext).toBe("aGVsbG8=");
      expect(await failure(dev, encrypt(arns.keeperKey))).toBe(noEntry("Encrypt", HIDDEN_KEY));
      expect(await failure(await atHub(), encrypt(arns.key))).toContain(
        denied(sessionArn(hub, "e2e"), "kms:Encrypt", arns.key, because("identity-based", "kms:Encrypt")),
      );
    });
  });

  describe("in one account", () => {
    it("a key that is not delegated is closed to administrators, one that is needs an identity policy", async () => {
      const admin = await b.user("admin", allow("*"));
      const plain = await b.user("plain");
      expect(await failure(admin, encrypt(arns.keeperKey))).toBe(
        noEntry(
          "Encrypt",
          denied(b.arn("iam", "user/admin"), "kms:Encrypt", arns.keeperKey, because("resource-based", "kms:Encrypt")),
        ),
      );
      await aws(admin, encrypt(arns.key));
      expect(await failure(plain, encrypt(arns.key))).toBe(
        noEntry(
          "Encrypt",
          denied(b.arn("iam", "user/plain"), "kms:Encrypt", arns.key, because("identity-based", "kms:Encrypt")),
        ),
      );
    });

    it("a session policy narrows", async () => {
      const policy = documentText(allow("ssm:GetParameter", arns.shared));
      const first = await atHub();
      const narrow = inEnv(await aws(first, assume(reader, `${external} --policy`), policy));
      expect((await aws(narrow, "ssm get-parameter --name /app/shared"))["Parameter"].Value).toBe("for A");
      expect(await failure(narrow, "ssm get-parameter --name /app/url")).toBe(
        noEntry(
          "GetParameter",
          denied(sessionArn(reader, "e2e"), "ssm:GetParameter", arns.url, because("session", "ssm:GetParameter")),
        ),
      );
    });

    it("a boundary limits, and its explicit deny is named", async () => {
      const { Policy } = await b.call("iam", "CreatePolicy", {
        PolicyName: "edge",
        PolicyDocument: documentText(allow("ssm:Get*"), { ...allow("*", arns.shared), Effect: "Deny" }),
      });
      const bounded = await b.role("bounded", allowTo({ AWS: hub }, "sts:AssumeRole"), [allow("*")], {
        PermissionsBoundary: Policy.Arn,
      });
      const session = inEnv(await aws(await atHub(), assume(bounded)));
      const who = sessionArn(bounded, "e2e");
      await aws(session, "ssm get-parameter --name /app/url");
      expect(await failure(session, "ssm delete-parameter --name /app/url")).toBe(
        noEntry(
          "DeleteParameter",
          denied(
            who,
            "ssm:DeleteParameter",
            arns.url,
            " because no permissions boundary allows the ssm:DeleteParameter action",
          ),
        ),
      );
      expect(await failure(session, "ssm get-parameter --name /app/shared")).toBe(
        noEntry(
          "GetParameter",
          denied(
            who,
            "ssm:GetParameter",
            arns.shared,
            ` with an explicit deny in a permissions boundary: ${Policy.Arn}`,
          ),
        ),
      );
    });

    it("a federated user has what its policy leaves, and IAM does not know it", async () => {
      const maker = await a.user("maker", allow(["sts:GetFederationToken", "ssm:*"]));
      const ask = "sts get-federation-token --name guest --policy";
      const answer = await aws(
        maker,
        ask,
        documentText(allow("ssm:GetParameter", a.regionalArn("ssm", "parameter/app/*"))),
      );
      expect(answer["FederatedUser"]).toEqual({
        ...{ FederatedUserId: `${A}:guest`, Arn: `arn:aws:sts::${A}:federated-user/guest` },
      });
      const guest = inEnv(answer);
      expect((await aws(guest, "ssm get-parameter --name /app/url"))["Parameter"].Value).toBe("of A");
      expect(await failure(guest, "iam list-users")).toBe(
        error("InvalidClientTokenId", "ListUsers", "The security token included in the request is invalid"),
      );
    });
  });

  describe("a confused deputy", () => {
    const environment = "type=LINUX_CONTAINER,image=aws/codebuild/standard:7.0,computeType=BUILD_GENERAL1_SMALL";
    const buildspec = JSON.stringify({ version: "0.2", phases: { build: { commands: ["true"] } } });

    it("is kept out of a service role whose trust names the project", async () => {
      const root = rootOf(B);
      const trust = (Condition?: object) =>
        allowTo({ Service: "codebuild.amazonaws.com" }, "sts:AssumeRole", Condition && { Condition });
      const role = await b.role("build", trust(), [allow("logs:*")]);
      const create = (name: string) =>
        `codebuild create-project --name ${name} --artifacts type=NO_ARTIFACTS --environment ${environment} --service-role ${role} --source`;
      const source = JSON.stringify({ type: "NO_SOURCE", buildspec });
      for (const name of ["right", "wrong"]) await aws(root, create(name), source);
      const Condition = {
        ArnEquals: { "aws:SourceArn": b.regionalArn("codebuild", "project/right") },
        StringEquals: { "aws:SourceAccount": B },
      };
      await aws(
        root,
        "iam update-assume-role-policy --role-name build --policy-document",
        documentText(trust(Condition)),
      );
      const run = async (project: string): Promise<Answer> => {
        const { build } = await aws(root, `codebuild start-build --project-name ${project}`);
        for await (const event of kiln.events(build.id)) void event;
        return (await aws(root, `codebuild batch-get-builds --ids ${build.id}`))["builds"][0];
      };
      expect(await run("right")).toMatchObject({ buildStatus: "SUCCEEDED" });
      expect(await failure(root, "codebuild start-build --project-name wrong")).toBe(
        error("InvalidInputException", "StartBuild", NOT_TRUSTED),
      );
      expect(await failure(root, create("third"), source)).toBe(
        error("InvalidInputException", "CreateProject", NOT_TRUSTED),
      );
    });
  });
});

/** AWS tells callers of other accounts nothing about a key. */
const HIDDEN_KEY =
  `User: arn:aws:iam::${A}:user/dev is not authorized to perform: kms:Encrypt on this resource because the resource ` +
  "does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies " +
  "access";

const NOT_TRUSTED =
  "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify that: 1) The provided service " +
  "role exists, 2) The role name is case-sensitive and matches exactly, and 3) The role has the necessary trust policy " +
  "configured.";
