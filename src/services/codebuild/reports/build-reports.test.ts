/** Reports of whole builds on the host engine: found, read, stored as the service role, told in the log and the record. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openTestAccount, type TestAccount } from "../../../../test/support/codebuild-account.ts";
import type { BuildEvent } from "../../../build/run/index.ts";
import { createHostEngine } from "../../../engines/index.ts";
import type { Report, TestCase } from "../shapes.gen.ts";

const engine = createHostEngine({ graceMs: 100 });
const ARN = "arn:aws:codebuild:us-east-1:111122223333";
const GROUP_ACTIONS = [
  "codebuild:CreateReportGroup",
  "codebuild:CreateReport",
  "codebuild:UpdateReport",
  "codebuild:BatchPutTestCases",
  "codebuild:BatchPutCodeCoverages",
];
const JUNIT =
  '<testsuite name="cart"><testcase classname="Cart" name="adds" time="0.5"/><testcase classname="Cart" name="pays" time="1"><failure message="no money">at cart.js:1</failure></testcase></testsuite>';
const CLOVER =
  '<coverage generated="1"><project><file name="a.js" path="/src/a.js"><line num="1" type="stmt" count="1"/><line num="2" type="stmt" count="0"/></file></project></coverage>';

const write = (path: string, text: string): string =>
  `mkdir -p "$(dirname ${path})" && printf '%s' ${JSON.stringify(text).replaceAll("$", "\\$")} > ${path}`;
const spec = (reports: object, ...commands: string[]): string =>
  JSON.stringify({ version: "0.2", phases: { build: { commands } }, reports });

interface Finished {
  readonly build: Record<string, unknown>;
  readonly log: readonly string[];
  readonly events: readonly BuildEvent[];
  readonly notices: readonly string[];
}

describe("reports of a build", () => {
  let account: TestAccount;
  beforeEach(async () => {
    account = await openTestAccount([engine]);
  });
  afterEach(() => account.close());

  async function run(buildspec: string, more: object = {}): Promise<Finished> {
    await account.makeProject(buildspec, more);
    const build = await account.build();
    const events: BuildEvent[] = [];
    for await (const event of account.service.runner.events(String(build["id"]))) events.push(event);
    const upload = events.findIndex(
      (event) => event.type === "phase-started" && event.phaseType === "UPLOAD_ARTIFACTS",
    );
    const log = events
      .slice(upload)
      .flatMap((event) => (event.type === "log" ? [event.text.replace(/\S*\/output\/src\d+\/src/g, "SRC")] : []));
    return { build, log, events, notices: events.flatMap((event) => (event.type === "notice" ? [event.text] : [])) };
  }
  const call = <O>(operation: string, input: object): Promise<O> => account.root.call<O>("codebuild", operation, input);
  const reportsOf = async ({ build }: Finished): Promise<readonly Report[]> =>
    (await call<{ reports: Report[] }>("BatchGetReports", { reportArns: build["reportArns"] })).reports;
  const uploadContext = ({ build }: Finished) =>
    (build["phases"] as { phaseType: string; contexts?: { statusCode: string; message: string }[] }[]).find(
      ({ phaseType }) => phaseType === "UPLOAD_ARTIFACTS",
    )?.contexts?.[0];

  it("makes a test report in a group of its own, with CodeBuild's log lines", async () => {
    await account.makeRole(GROUP_ACTIONS);
    const done = await run(
      spec(
        { $GROUP: { files: ["**/*.xml"], "base-directory": "out" } },
        "export GROUP=unit",
        write("out/deep/junit.xml", JUNIT),
      ),
    );
    expect(done.build["buildStatus"]).toBe("SUCCEEDED");
    const [report, ...others] = await reportsOf(done);
    expect(others).toEqual([]);
    expect(report).toEqual({
      arn: expect.stringMatching(`^${ARN}:report/my-project-unit:[0-9a-f-]{36}$`),
      type: "TEST",
      name: "my-project-unit",
      reportGroupArn: `${ARN}:report-group/my-project-unit`,
      executionId: done.build["arn"],
      status: "FAILED",
      created: expect.any(Number),
      expired: expect.any(Number),
      exportConfig: { exportConfigType: "NO_EXPORT" },
      truncated: false,
      testSummary: {
        total: 2,
        statusCounts: { SUCCEEDED: 1, FAILED: 1, ERROR: 0, SKIPPED: 0, UNKNOWN: 0 },
        durationInNanoSeconds: 1_500_000_000,
      },
    });
    expect(report?.expired).toBe(Math.floor(((report?.created ?? 0) + 30 * 86_400_000) / 1000) * 1000);
    const { testCases } = await call<{ testCases: TestCase[] }>("DescribeTestCases", { reportArn: report?.arn });
    expect(testCases[1]).toEqual({
      reportArn: report?.arn,
      testRawDataPath: "deep/junit.xml",
      prefix: "Cart",
      name: "pays",
      testSuiteName: "cart",
      status: "FAILED",
      durationInNanoSeconds: 1_000_000_000,
      message: "no money\nat cart.js:1",
      expired: report?.expired,
    });
    expect(done.log.map((line) => line.replace(/\d+\.\d{6}/, "T"))).toEqual([
      "Preparing to copy TEST report unit",
      "Expanding base directory path: out",
      "Assembling file list",
      "Expanding out",
      "Expanding file paths for base directory out",
      "Assembling file list",
      "Expanding **/*.xml",
      "Found 1 file(s)",
      "Set report auto-discover timeout to 5 seconds",
      "Expanding base directory path:  .",
      "Assembling file list",
      "Expanding .",
      "Expanding file paths for base directory .",
      "Assembling file list",
      "Expanding **/*",
      "No matching auto-discover report paths found",
      "Report auto-discover file discovery took T seconds",
      "Phase complete: UPLOAD_ARTIFACTS State: SUCCEEDED",
      "Phase context status code:  Message: ",
    ]);
    expect(done.events.find((event) => event.type === "report")).toMatchObject({
      group: "my-project-unit",
      reportArn: report?.arn,
      format: "JUNITXML",
      reportType: "TEST",
      status: "FAILED",
      files: 1,
      total: 2,
      statusCounts: { FAILED: 1 },
    });
  });

  it("makes a report although the tests failed the build", async () => {
    await account.makeRole(GROUP_ACTIONS);
    const done = await run(spec({ unit: { files: ["junit.xml"] } }, write("junit.xml", JUNIT), "exit 1"));
    expect(done.build["buildStatus"]).toBe("FAILED");
    expect(await reportsOf(done)).toMatchObject([{ status: "FAILED" }]);
  });

  it("makes a coverage report", async () => {
    await account.makeRole(GROUP_ACTIONS);
    const done = await run(
      spec({ coverage: { files: ["clover.xml"], "file-format": "cloverxml" } }, write("clover.xml", CLOVER)),
    );
    const [report] = await reportsOf(done);
    expect(report).toMatchObject({
      type: "CODE_COVERAGE",
      status: "SUCCEEDED",
      codeCoverageSummary: {
        lineCoveragePercentage: 50,
        linesCovered: 1,
        linesMissed: 1,
        branchCoveragePercentage: 0,
        branchesCovered: 0,
        branchesMissed: 0,
      },
    });
    const { codeCoverages } = await call<{ codeCoverages: object[] }>("DescribeCodeCoverages", {
      reportArn: report?.arn,
    });
    expect(codeCoverages).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        reportARN: report?.arn,
        filePath: "/src/a.js",
        lineCoveragePercentage: 50,
        linesCovered: 1,
        linesMissed: 1,
        branchCoveragePercentage: 0,
        branchesCovered: 0,
        branchesMissed: 0,
        expired: report?.expired,
      },
    ]);
  });

  it("fails the phase with AWS's text when the role may not make the group", async () => {
    await account.makeRole([]);
    const done = await run(spec({ unit: { files: ["junit.xml"] } }, write("junit.xml", JUNIT)));
    const uuid = String(done.build["id"]).split(":")[1];
    expect(done.build["buildStatus"]).toBe("FAILED");
    expect(done.build["reportArns"]).toBeUndefined();
    const context = uploadContext(done);
    expect(context?.statusCode).toBe("CLIENT_ERROR");
    expect(context?.message.replace(/request id: [0-9a-f-]+/, "request id: ID")).toBe(
      `Error in UPLOAD_ARTIFACTS phase: [unit: [error creating report group: AccessDeniedException: User: arn:aws:sts::111122223333:assumed-role/CodeBuildServiceRole/AWSCodeBuild-${uuid} is not authorized to perform: codebuild:CreateReportGroup on resource: ${ARN}:report-group/my-project-unit because no identity-based policy allows the codebuild:CreateReportGroup action\n\tstatus code: 400, request id: ID]]`,
    );
  });

  it.each([
    ["codebuild:CreateReport", "error creating report", 0],
    ["codebuild:BatchPutTestCases", "error uploading test cases", 1],
    ["codebuild:UpdateReport", "error updating report", 1],
  ])("says which permission is missing: %s", async (action, step, reports) => {
    await account.makeRole(GROUP_ACTIONS.filter((one) => one !== action));
    const done = await run(spec({ unit: { files: ["junit.xml"] } }, write("junit.xml", JUNIT)));
    expect(done.build["buildStatus"]).toBe("FAILED");
    expect(uploadContext(done)?.message).toContain(`[unit: [${step}: AccessDeniedException: User: `);
    expect(uploadContext(done)?.message).toContain(
      `perform: ${action} on resource: ${ARN}:report-group/my-project-unit`,
    );
    const made = (done.build["reportArns"] ?? []) as string[];
    expect(made).toHaveLength(reports);
    if (reports === 1) expect(await reportsOf(done)).toMatchObject([{ status: "INCOMPLETE" }]);
  });

  it.each([
    [{ unit: { files: ["nothing.xml"] } }, "unit: [report files not found in build]"],
    [{ unit: { files: ["a"], "base-directory": "no" } }, "unit: [no matching base directory path found for no]"],
    [
      { unit: { files: ["clover.xml"] } },
      "unit: [error processing report: [SRC/clover.xml: expected element type <testsuite> but have <coverage>]]",
    ],
    [
      { unit: { files: ["broken.xml"] }, lost: { files: ["x"] } },
      "unit: [error processing report: [SRC/broken.xml: XML syntax error on line 1: unclosed tag: a]] lost: [report files not found in build]",
    ],
    [
      { unit: { files: ["x"], "file-format": "TAP" } },
      "unit: [unknown file-format `TAP`: expected one of CUCUMBERJSON, JUNITXML, NUNITXML, NUNIT3XML, TESTNGXML, VISUALSTUDIOTRX, CLOVERXML, COBERTURAXML, JACOCOXML, SIMPLECOV]",
    ],
    [
      Object.fromEntries(["a", "b", "c", "d", "e", "f"].map((name) => [name, { files: ["x"] }])),
      "the buildspec names 6 report groups, at most 5 are allowed",
    ],
  ])("fails the phase, and leaves the report INCOMPLETE: %j", async (reports, text) => {
    await account.makeRole(GROUP_ACTIONS);
    const done = await run(
      spec(
        reports,
        "export CODEBUILD_CONFIG_AUTO_DISCOVER=false",
        write("clover.xml", CLOVER),
        write("broken.xml", "<a>"),
      ),
    );
    expect(done.build["buildStatus"]).toBe("FAILED");
    const message = uploadContext(done)?.message.replace(/[^\s[]*\/output\/src\d+\/src/g, "SRC");
    expect(message).toBe(`Error in UPLOAD_ARTIFACTS phase: [${text}]`);
    if (text.includes("error processing report: ["))
      expect(done.log.join("\n")).toContain("Error processing report file");
    for (const report of done.build["reportArns"] ? await reportsOf(done) : [])
      expect(report.status).toBe("INCOMPLETE");
  });

  it("keeps what the readable files say when one is malformed", async () => {
    await account.makeRole(GROUP_ACTIONS);
    const done = await run(spec({ unit: { files: ["*.xml"] } }, write("a.xml", JUNIT), write("b.xml", "<a>")));
    expect(await reportsOf(done)).toMatchObject([{ status: "INCOMPLETE", testSummary: { total: 2 } }]);
  });

  it("uses a group given by its ARN, and exports the files as the role", async () => {
    await account.makeRole([...GROUP_ACTIONS.slice(1), "s3:PutObject"]);
    await account.root.call("s3", "CreateBucket", { Bucket: "raw-reports" });
    await call("CreateReportGroup", {
      name: "shared",
      type: "TEST",
      exportConfig: {
        exportConfigType: "S3",
        s3Destination: { bucket: "raw-reports", path: "a/b" },
      },
    });
    const done = await run(
      spec(
        { [`${ARN}:report-group/shared`]: { files: ["out/*.xml"], "discard-paths": "yes" } },
        write("out/junit.xml", JUNIT),
      ),
    );
    expect(uploadContext(done)).toEqual({ statusCode: "", message: "" });
    const [report] = await reportsOf(done);
    const uuid = report?.arn?.split(":").at(-1);
    expect(report?.name).toBe("shared");
    const { Contents } = await account.root.call<{ Contents: { Key: string }[] }>("s3", "ListObjectsV2", {
      Bucket: "raw-reports",
    });
    expect(Contents.map(({ Key }) => Key)).toEqual([`a/b/${uuid}/junit.xml`]);
    expect(done.notices).toContain(`reports: the files of shared are in s3://raw-reports/a/b/${uuid}`);
  });

  it.each([
    [
      ["s3:PutObject"],
      { bucketOwner: "999999999999" },
      /\[error exporting report: AccessDenied: The bucket owner for the report group does not match the owner of the S3 bucket\]/,
    ],
    [
      [],
      { packaging: "ZIP" },
      /\[error exporting report: AccessDenied: User: .* is not authorized to perform: s3:PutObject on resource: "arn:aws:s3:::raw-reports\/[0-9a-f-]{36}\.zip" /,
    ],
  ])("says why files could not be exported", async (actions, destination, message) => {
    await account.makeRole([...GROUP_ACTIONS, ...actions]);
    await account.root.call("s3", "CreateBucket", { Bucket: "raw-reports" });
    await call("CreateReportGroup", {
      name: "my-project-unit",
      type: "TEST",
      exportConfig: {
        exportConfigType: "S3",
        s3Destination: { bucket: "raw-reports", encryptionDisabled: true, ...destination },
      },
    });
    const done = await run(spec({ unit: { files: ["junit.xml"] } }, write("junit.xml", JUNIT)));
    expect(uploadContext(done)?.message).toMatch(message);
    expect(await reportsOf(done)).toMatchObject([{ status: "INCOMPLETE", testSummary: { total: 2 } }]);
  });

  describe("auto-discovery", () => {
    it("makes one report for each format it finds", async () => {
      await account.makeRole(GROUP_ACTIONS);
      const done = await run(
        spec(
          {},
          write("one/TEST-a.xml", JUNIT),
          write("two/TEST-b.xml", JUNIT),
          write("coverage/clover.xml", CLOVER),
          write("pom.xml", "<project/>"),
        ),
      );
      expect(done.build["buildStatus"]).toBe("SUCCEEDED");
      const reports = await reportsOf(done);
      expect(reports.map(({ name, status, testSummary }) => [name, status, testSummary?.total])).toEqual([
        ["my-project-CLOVERXML-AutoDiscovered", "SUCCEEDED", undefined],
        ["my-project-JUNITXML-AutoDiscovered", "FAILED", 4],
      ]);
      expect(done.log).toContain("Found 3 file(s)");
    });

    it("is turned off, and narrowed, by variables that commands may change", async () => {
      await account.makeRole(GROUP_ACTIONS);
      const off = await run(spec({}, write("a.xml", JUNIT), "export CODEBUILD_CONFIG_AUTO_DISCOVER=false"));
      expect(off.build["reportArns"]).toBeUndefined();
      expect(off.log).not.toContain("Set report auto-discover timeout to 5 seconds");
      const buildspecOverride = spec(
        {},
        write("a/a.xml", JUNIT),
        write("b.xml", JUNIT),
        "export CODEBUILD_CONFIG_AUTO_DISCOVER_DIR='a/*.xml'",
      );
      const narrow = await account.build({ buildspecOverride });
      const { reports } = await call<{ reports: Report[] }>("BatchGetReports", { reportArns: narrow["reportArns"] });
      expect(reports).toMatchObject([{ testSummary: { total: 2 } }]);
    });

    it("leaves alone what a report of the buildspec has read", async () => {
      await account.makeRole(GROUP_ACTIONS);
      const done = await run(spec({ unit: { files: ["a.xml"] } }, write("a.xml", JUNIT)));
      expect((await reportsOf(done)).map(({ name }) => name)).toEqual(["my-project-unit"]);
    });

    it("does not fail a build whose role may not make reports", async () => {
      await account.makeRole([]);
      const done = await run(spec({}, write("a.xml", JUNIT)));
      expect(done.build["buildStatus"]).toBe("SUCCEEDED");
      expect(done.build["reportArns"]).toBeUndefined();
      expect(done.notices.find((text) => text.startsWith("the discovered report"))).toMatch(
        /^the discovered report `JUNITXML-AutoDiscovered` was not made: error creating report group: AccessDeniedException: User: .*, status code: 400, request id: \S+; `CODEBUILD_CONFIG_AUTO_DISCOVER=false` turns the discovery off$/,
      );
    });

    it("asks the role for nothing when there is nothing to report", async () => {
      await account.makeRole([]);
      const done = await run(spec({}, "true"));
      expect(done.build["buildStatus"]).toBe("SUCCEEDED");
      expect(done.notices.filter((text) => !text.startsWith("engine "))).toEqual([]);
    });
  });

  it("leaves no report open when the build is stopped", async () => {
    await account.makeRole(GROUP_ACTIONS);
    await account.makeProject(spec({ unit: { files: ["a.xml"] } }, write("a.xml", JUNIT)));
    const { build } = await call<{ build: { id: string } }>("StartBuild", { projectName: "my-project" });
    for await (const event of account.service.runner.events(build.id)) {
      if (event.type === "log" && event.text.startsWith("Preparing to copy TEST report"))
        await call("StopBuild", { id: build.id });
    }
    const { reports } = await call<{ reports: string[] }>("ListReports", { filter: { status: "GENERATING" } });
    expect(reports).toEqual([]);
  });
});
