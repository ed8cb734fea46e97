/** Real builds that leak, and ones that do not: what the leak guard tells in their events. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import type { BuildEvent } from "../../../build/run/index.ts";
import { createHostEngine } from "../../../engines/index.ts";

const PASSWORD = "c0rrect/horse+battery<staple>";
let account: TestAccount;

beforeEach(async () => {
  account = await openTestAccount([createHostEngine({ graceMs: 100 })]);
  await account.makeRole(["*"]);
  await account.root.call("ssm", "PutParameter", { Name: "/app/password", Value: PASSWORD, Type: "SecureString" });
  await account.root.call("ssm", "PutParameter", { Name: "/app/stage", Value: "production", Type: "String" });
  await account.root.call("secretsmanager", "CreateSecret", {
    Name: "db",
    ClientRequestToken: "leak-check-0000000000000000000000000",
    SecretString: JSON.stringify({
      username: "app_user",
      password: "Zx8!kq_2Lm",
      host: "db.example.com",
      port: "5432",
    }),
  });
});
afterEach(() => account.close());

const ENV = `env:
  shell: bash
  parameter-store:
    PASSWORD: /app/password
    STAGE: /app/stage
  secrets-manager:
    DB_PASSWORD: db:password
    DB_USER: db:username
`;
const spec = (commands: readonly string[], more = "", env = ENV): string =>
  `version: 0.2\n${env}phases:\n  build:\n    commands: ${JSON.stringify(commands)}\n${more}`;

type Leak = Extract<BuildEvent, { type: "leak" }>;
type Check = Extract<BuildEvent, { type: "leak-check" }>;

/** Builds and answers what was told of leaks; fails where a value is told, too. */
async function leaksOf(
  buildspec: string,
  project: object = {},
): Promise<{ leaks: Leak[]; check: Check | undefined; build: Record<string, unknown>; events: BuildEvent[] }> {
  await account.makeProject(buildspec, project);
  const build = await account.build();
  const events: BuildEvent[] = [];
  for await (const event of account.service.runner.events(String(build["id"]))) events.push(event);
  const leaks = events.filter((event) => event.type === "leak");
  const told = JSON.stringify(events.filter(({ type }) => type.startsWith("leak")));
  for (const value of [PASSWORD, "Zx8!kq_2Lm", Buffer.from(PASSWORD).toString("base64").slice(2, -4)]) {
    expect(told).not.toContain(value);
  }
  expect(build["buildStatus"]).toBe("SUCCEEDED");
  return { leaks, check: events.find((event) => event.type === "leak-check"), build, events };
}

describe("the log of a build", () => {
  it("leaks what CodeBuild does not mask, with the line of the log and of the buildspec", async () => {
    const { leaks, events } = await leaksOf(
      spec([
        "echo $PASSWORD",
        'echo -n "$PASSWORD" | base64 -w 20',
        'printf %s "$DB_PASSWORD" | od -An -tx1 | tr -d " \\n"',
      ]),
    );
    const lines = events.flatMap((event) => (event.type === "log" ? event.text.split("\n") : []));
    const first = lines.indexOf(Buffer.from(PASSWORD).toString("base64").slice(0, 20)) + 1;
    expect(leaks).toEqual([
      expect.objectContaining({
        secret: {
          title: "`PASSWORD` (parameter `/app/password`)",
          variables: ["PASSWORD"],
          parameter: "/app/password",
        },
        place: { kind: "log", line: first },
        form: "base64",
        isWrapped: true,
        occurrences: 1,
        message: `\`PASSWORD\` (parameter \`/app/password\`) is in the log, line ${first} (base64, over several lines)`,
        why: "CodeBuild hides the exact value only, not its base64 form: whoever may read the log can turn it back",
        fix: [
          "do not print what is made of `$PASSWORD`: pipe it into the command that needs it, and keep `set -x` off",
          "change the secret: it must count as known",
        ],
        at: { file: "buildspec.yml", line: 12 },
      }),
      expect.objectContaining({
        secret: expect.objectContaining({
          title: "`DB_PASSWORD` (key `password` of secret `db`)",
          jsonKey: "password",
        }),
        form: "hex",
      }),
    ]);
  });

  it("leaks values that commands fetched by themselves: nobody masks them", async () => {
    // Without an endpoint here the build's session asks through the dispatcher, as a command's CLI would.
    const name = "AWSCodeBuild-";
    // The command goes on once its answer was noted.
    const folder = mkdtempSync(join(tmpdir(), "kiln-leak-"));
    const go = join(folder, "go");
    await account.makeProject(spec([`until [ -e ${go} ]; do sleep 0.02; done`, "echo tok3n-of-the-run-time"], "", ""));
    await account.root.call("ssm", "PutParameter", {
      Name: "/app/token",
      Value: "tok3n-of-the-run-time",
      Type: "SecureString",
    });
    const { build } = await account.root.call<{ build: { id: string } }>("codebuild", "StartBuild", {
      projectName: "my-project",
    });
    const leaks: BuildEvent[] = [];
    for await (const event of account.service.runner.events(build.id)) {
      if (event.type === "command-started") {
        account.service.runner.noteAnswer(
          {
            service: "ssm",
            operation: "GetParametersByPath",
            input: { WithDecryption: true },
            principal: { arn: `arn:aws:sts::111122223333:assumed-role/r/${name}${build.id.split(":")[1]}` } as never,
            scope: {} as never,
          },
          { Parameters: [{ Name: "/app/token", Type: "SecureString", Value: "tok3n-of-the-run-time" }] },
        );
        writeFileSync(go, "");
      }
      if (event.type === "leak") leaks.push(event);
    }
    rmSync(folder, { recursive: true });
    expect(leaks).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(/^parameter `\/app\/token` is in the log, line \d+$/),
        why: "whoever may read the log reads it; CodeBuild hides the values of the build's parameter-store and secrets-manager variables, and no other",
      }),
    ]);
  });
});

describe("what leaves a build as files", () => {
  it("is searched, archives within archives, names and links included", async () => {
    const { leaks } = await leaksOf(
      spec(
        [
          "mkdir -p out/deep nested && printf '%s' \"$PASSWORD\" > out/plain.txt",
          "printf '# settings\\nuser: x\\npassword: %s\\n' \"$DB_PASSWORD\" > out/deep/app.yml",
          'python3 -c \'import urllib.parse,os;print("https://x/?p="+urllib.parse.quote(os.environ["PASSWORD"]))\' > nested/url.txt',
          'tar czf nested.tgz nested && python3 -c \'import zipfile;z=zipfile.ZipFile("out/lib.jar","w",zipfile.ZIP_DEFLATED);z.write("nested.tgz")\'',
          "ln -s token-$DB_PASSWORD out/link",
        ],
        "artifacts:\n  files: ['out/**/*']\n  base-directory: .\n  enable-symlinks: yes\n",
      ),
      { artifacts: { type: "S3", location: "file:///tmp/kiln-leak-test", packaging: "ZIP", name: "a.zip" } },
    );
    const places = leaks.map(({ place, form, secret }) => [secret.variables[0], place, form]);
    expect(places).toEqual(
      expect.arrayContaining([
        ["PASSWORD", { kind: "artifact", path: "out/plain.txt", line: 1 }, "raw"],
        ["DB_PASSWORD", { kind: "artifact", path: "out/deep/app.yml", line: 3 }, "raw"],
        ["PASSWORD", { kind: "artifact", path: "out/lib.jar!/nested.tgz!/nested/url.txt", line: 1 }, "url-encoded"],
      ]),
    );
    expect(JSON.stringify(places)).toContain("out/link -> token-***");
    expect(places).toHaveLength(4);
  });

  it("is searched in reports and caches, too", async () => {
    const { leaks } = await leaksOf(
      spec(
        [
          'mkdir -p cache && printf %s "$PASSWORD" | base64 -w 0 > cache/settings',
          'echo "<testsuite><testcase name=\\"a\\"><failure message=\\"no $(printf %s "$PASSWORD" | sed "s/</\\&lt;/g;s/>/\\&gt;/g")\\"/></testcase></testsuite>" > r.xml',
        ],
        "cache:\n  paths: ['cache/**/*']\nreports:\n  unit:\n    files: [r.xml]\n",
      ),
      { cache: { type: "S3", location: await bucket() } },
    );
    expect(leaks.map(({ place, form }) => [place, form])).toEqual([
      [{ kind: "report", group: "my-project-unit", path: "r.xml" }, "xml-escaped"],
      [{ kind: "cache", path: "cache/settings" }, "base64"],
    ]);
  });

  it("is searched in exported variables, short values as whole words", async () => {
    await account.root.call("ssm", "PutParameter", { Name: "/app/pin-password", Value: "q7x2", Type: "SecureString" });
    const env = `${ENV}  exported-variables: [ENCODED, CLEAN]\n`.replace(
      "    STAGE:",
      "    PIN_PASSWORD: /app/pin-password\n    STAGE:",
    );
    const { leaks, check } = await leaksOf(spec(['ENCODED="$(printf %s "$PASSWORD" | base64)"; CLEAN=1'], "", env));
    expect(leaks.map(({ place }) => place)).toEqual([{ kind: "exported-variable", name: "ENCODED" }]);
    expect(check).toMatchObject({ leaks: 1, notLookedAt: [], notSearched: [] });
  });
});

describe("nothing is told", () => {
  it("of a build that was given no secret: it is not even looked", async () => {
    const { leaks, check } = await leaksOf(spec(["echo hello"], "", ""));
    expect([leaks, check]).toEqual([[], undefined]);
  });

  it("of a build that keeps its secrets, uses what is none, and prints what looks alike", async () => {
    const { leaks, check } = await leaksOf(
      spec(
        [
          "echo $STAGE app_user db.example.com 5432 production; mkdir out",
          'printf %s "$PASSWORD" | sha256sum > out/digest; printf %s "$PASSWORD" | wc -c',
          "head -c 300000 /dev/urandom > out/noise; head -c 300000 /dev/urandom | base64 > out/noise.txt",
          "printf 'stage=%s\\nhost=db.example.com\\nuser=app_user\\n' $STAGE > out/settings",
        ],
        "artifacts:\n  files: ['out/*']\n",
      ),
      { artifacts: { type: "S3", location: "file:///tmp/kiln-leak-test", name: "clean" } },
    );
    expect(leaks).toEqual([]);
    expect(check).toMatchObject({ leaks: 0, notLookedAt: [], notSearched: [] });
    expect(check?.bytes).toBeGreaterThan(700_000);
  });
});

async function bucket(): Promise<string> {
  await account.root.call("s3", "CreateBucket", { Bucket: "out" });
  return "out/cache";
}
