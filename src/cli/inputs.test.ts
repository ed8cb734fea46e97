/** What people give: assignments, .env files, folders, buildspecs, missing parameters. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { FLASK_BUILDSPEC } from "../../test/support/build-facts.ts";
import { parseBuildspec } from "../build/buildspec/index.ts";
import { planBuild } from "../build/plan/index.ts";
import { isOldCli, redact } from "./doctor.ts";
import { parseAssignment, parseEnvText } from "./env-file.ts";
import { memoryIo } from "./io.ts";
import { parseAssignments, variableName } from "./params/params-files.ts";
import { buildspecPath, isBuildspecFile, projectNameOf, readProject, sourceDir } from "./project/project-files.ts";
import { missingError, missingParameters } from "./run/missing-parameters.ts";
import { settingsOf } from "./settings.ts";
import { findStateDir } from "./state-dir.ts";
import { table } from "./table.ts";

const temporary = mkdtempSync(join(tmpdir(), "kiln-inputs-"));
afterAll(() => rmSync(temporary, { recursive: true, force: true }));
const folder = () => mkdtempSync(join(temporary, "folder-"));

it("an aws CLI that does not read AWS_ENDPOINT_URL is known by its version", () => {
  const old = ["aws-cli/1.28.9 Python/3", "aws-cli/2.9.19 Python/3.11.2", "aws-cli/2.12.7 x"];
  expect(old.map(isOldCli)).toEqual([true, true, true]);
  expect([undefined, "aws-cli/1.29.0 x", "aws-cli/2.13.0 x", "aws-cli/2.31.1 x"].some(isOldCli)).toBe(false);
});

it.skipIf(process.getuid?.() === 0)("a buildspec that this user may not read is named, with its cure", () => {
  const dir = folder();
  const path = join(dir, "buildspec.yml");
  writeFileSync(path, "version: 0.2\n");
  chmodSync(path, 0);
  expect(() => readProject(dir, undefined)).toThrow(`the buildspec \`${path}\` is not readable for this user`);
});

it("a project's buildspec is a file, unless it is the text itself or lies in S3", () => {
  expect(["buildspec.yml", "ci/a b.yaml"].every(isBuildspecFile)).toBe(true);
  const others = ["version: 0.2\nphases: {}", "{version: 0.2}", "version: 0.2", "arn:aws:s3:::bucket/spec.yml"];
  expect(others.some(isBuildspecFile)).toBe(false);
});

describe("assignments", () => {
  it("keeps everything after the first equals sign", () => {
    expect(parseAssignment("URL=https://x/?a=b", "--env")).toEqual({ name: "URL", value: "https://x/?a=b" });
  });

  it("says what is expected", () => {
    expect(() => parseAssignment("URL", "--env")).toThrow("--env expects NAME=VALUE, not `URL`");
  });

  it("never repeats a value that has no name", () => {
    expect(() => parseAssignment("=hunter2", "--parameter")).toThrow(/^--parameter expects NAME=VALUE, not `=…`$/);
  });

  it("reads .env files", () => {
    const text = `# comment\nA=1\nexport B='two # 2'\nC="three\\nlines"  # why\nD = four # 4\n\n`;
    expect(parseEnvText(text, ".env")).toEqual([
      { name: "A", value: "1" },
      { name: "B", value: "two # 2" },
      { name: "C", value: "three\nlines" },
      { name: "D", value: "four" },
    ]);
    expect(() => parseEnvText("A=1\nnonsense", ".env")).toThrow(".env:2: expected NAME=VALUE");
  });

  it("reads nested JSON and YAML as paths", () => {
    const expected = [
      { name: "/app/url", value: "docker.io" },
      { name: "/app/list", value: "a,b" },
    ];
    expect(parseAssignments('{"/app": {"url": "docker.io", "list": ["a", "b"]}}', "json", "f")).toEqual(expected);
    expect(parseAssignments("/app:\n  url: docker.io\n  list: [a, b]\n", "yaml", "f")).toEqual(expected);
    expect(() => parseAssignments("{", "json", "f.json")).toThrow("`f.json` is not JSON");
  });

  it("makes variable names from parameter names", () => {
    expect(variableName("/my-app/db/url", "/my-app")).toBe("db_url");
    expect(variableName("my-app-url", undefined)).toBe("my_app_url");
    expect(variableName("/a/1st", "/a")).toBe("_1st");
  });
});

describe("folders", () => {
  it("finds the nearest state folder up the tree", () => {
    const top = folder();
    mkdirSync(join(top, ".kiln"));
    mkdirSync(join(top, "a/b"), { recursive: true });
    expect(findStateDir(join(top, "a/b"))).toBe(join(top, ".kiln"));
  });

  it("names the nearest file where the buildspec is missing", () => {
    const dir = folder();
    writeFileSync(join(dir, "buildspec.yaml"), "version: 0.2\n");
    expect(() => readProject(dir, undefined)).toThrow(
      `there is no \`buildspec.yml\` in \`${dir}\`; the nearest is \`buildspec.yaml\``,
    );
  });

  it("refuses a folder that is none, and a buildspec outside the source", () => {
    expect(() => sourceDir("nope", "/")).toThrow("`nope` is not a folder");
    expect(() => buildspecPath("/src/app", "../other.yml")).toThrow(
      "the buildspec `../other.yml` is outside the source folder `/src/app`",
    );
  });

  it("makes a project name of a folder's name", () => {
    expect([projectNameOf("/x/my app (2)"), projectNameOf("/x/_a"), projectNameOf("/")]).toEqual([
      "my-app-2",
      "project-a",
      "project-here",
    ]);
  });
});

describe("missing parameters", () => {
  const { buildspec } = parseBuildspec(FLASK_BUILDSPEC, "buildspec.yml");
  if (!buildspec) throw new Error("the buildspec of the test is wrong");
  const environment = { type: "LINUX_CONTAINER", image: "i", computeType: "c" };
  const { plan } = planBuild({ buildspec, project: { name: "p", environment } });

  it("are those that the store has neither with nor without the leading slash", () => {
    const existing = ["my_app_Docker_registry_URL", "/my_app_Docker_credentials_username"];
    expect(missingParameters(plan, existing)).toEqual([
      {
        name: "my_app_Docker_credentials_password",
        variable: "DOCKER_PASSWORD",
        line: 7,
        nearest: "/my_app_Docker_credentials_username",
      },
    ]);
  });

  it("are told with the commands that store them", () => {
    const error = missingError([{ name: "db/url", variable: "DB", line: 4 }], "buildspec.yml");
    expect(error.message).toBe("a parameter is missing: `db/url` (buildspec.yml:4)");
    expect(error.exitCode).toBe(4);
    expect(error.fix).toEqual([
      "kiln params put db/url --secure   (reads the value from standard input)",
      'aws ssm put-parameter --name "db/url" --value "VALUE" --type "SecureString"',
    ]);
    expect(error.why).toContain("CodeBuild would end in DOWNLOAD_SOURCE");
  });

  it("named as `ssm:/…` are Kiln's affair alone", () => {
    const text = "version: 0.2\nenv:\n  variables: { S: 'ssm:/name' }\nphases: { build: { commands: [a] } }\n";
    const read = parseBuildspec(text, "buildspec.yml");
    if (!read.buildspec) throw new Error("the buildspec of the test is wrong");
    const { plan: of } = planBuild({ buildspec: read.buildspec, project: { name: "p", environment } });
    expect(missingError(missingParameters(of, []), "buildspec.yml").why).toBe(
      "the buildspec names them as `ssm:…`, which Kiln reads and CodeBuild does not: `kiln check` says what to write instead",
    );
  });
});

describe("output", () => {
  it("aligns columns", () => {
    expect(
      table([
        ["a", "bb", "c"],
        ["aaa", "b", ""],
      ]),
    ).toBe("a    bb  c\naaa  b");
  });

  it("redacts folders in reports", () => {
    const io = memoryIo({ cwd: "/work/secret-project" });
    const settings = settingsOf({ stateDir: "/work/secret-project/.kiln" }, io);
    expect(redact("state /work/secret-project/.kiln in /work/secret-project", { io, settings })).toBe(
      "state STATE-DIR in CWD",
    );
  });

  it("has no colour and asks nothing without a terminal", () => {
    expect(settingsOf({}, memoryIo())).toMatchObject({ hasColor: false, isInteractive: false, output: "text" });
  });
});
