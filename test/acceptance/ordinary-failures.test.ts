/**
 * Builds that failed for ordinary reasons, as their logs from AWS read: no special cause may be claimed for any of them. A
 * wrong diagnosis costs more than none.
 */
import { expect, it } from "vitest";
import { explainBuild, readEvidence } from "../../src/explain/index.ts";
import { awsLog } from "./aws-log.ts";

/** What may be said of a command that failed by itself. */
const ORDINARY =
  /^(?:commands\/exit-status|build\/unknown|build\/out-of-memory|build\/timed-out|tools?\/|tests?\/|code\/|lint\/|compile\/|dependencies\/|commands\/)/;
/** Causes that say something about AWS, the project or docker. */
const SPECIAL =
  /^(?:iam|s3|ssm|kms|secretsmanager|docker|ecr|image|vpc|efs|network|aws|account|project|source|runtime|buildspec|env|run-as|maven|gpu|runner|artifacts|reports|api)\//;

const failing = (text: string, output: string, exit = 1) => ({ build: [{ text, output, exit }] });

const CASES: readonly (readonly [name: string, log: string])[] = [
  [
    "a unit test of pytest",
    awsLog(
      failing(
        "pytest -q",
        `F.                                                                       [100%]
=================================== FAILURES ===================================
_________________________________ test_total ___________________________________

    def test_total():
>       assert total([1, 2]) == 4
E       assert 3 == 4
E        +  where 3 = total([1, 2])

tests/test_cart.py:7: AssertionError
=========================== short test summary info ============================
FAILED tests/test_cart.py::test_total - assert 3 == 4
1 failed, 1 passed in 0.12s`,
      ),
    ),
  ],
  [
    "a test whose name speaks of access denied",
    awsLog(
      failing(
        "npm test",
        `> shop@1.0.0 test
> jest

FAIL src/upload.test.ts
  ● answers AccessDenied when the bucket refuses

    expect(received).toBe(expected)

    Expected: "AccessDenied"
    Received: "NoSuchBucket"

      at Object.<anonymous> (src/upload.test.ts:31:22)

Tests:       1 failed, 12 passed, 13 total
npm ERR! Test failed.  See above for more details.`,
      ),
    ),
  ],
  [
    "a test that prints docker's words and fails of an assertion",
    awsLog(
      failing(
        "go test ./...",
        `--- FAIL: TestExplainsDaemon (0.00s)
    daemon_test.go:18: got "ok", want an error about the daemon
FAIL
FAIL	example.com/shop/internal/daemon	0.004s
ok  	example.com/shop/internal/cart	0.002s
FAIL`,
      ),
    ),
  ],
  [
    "tests whose titles quote docker, AWS and the network",
    awsLog(
      failing(
        "npx jest",
        `FAIL src/errors.test.ts
  ✓ explains "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?" (3 ms)
  ✕ explains Unable to locate credentials (2 ms)
  ✓ explains getaddrinfo ENOTFOUND registry.example (1 ms)
  ● explains Unable to locate credentials
    - Expected
    + Received
    - Unable to locate credentials. You can configure credentials by running "aws configure".
    + NoCredentials
Tests:       1 failed, 2 passed, 3 total`,
      ),
    ),
  ],
  [
    "an assertion about a denial",
    awsLog(
      failing(
        "pytest tests/test_denials.py",
        `    def test_denial():
>       assert explain(DENIED) == "x"
E       AssertionError: assert 'User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k' == 'x'
E         - x
E         + User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k
FAILED tests/test_denials.py::test_denial - AssertionError: assert 'User: arn:aws:sts::111122223333:assumed-role/r/s is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k' == 'x'`,
      ),
    ),
  ],
  [
    "a Go test that compares texts",
    awsLog(
      failing(
        "go test ./explain/...",
        `--- FAIL: TestRateLimit (0.00s)
    limit_test.go:9: got "ok", want "toomanyrequests: You have reached your pull rate limit"
FAIL	example.com/shop/explain	0.002s`,
      ),
    ),
  ],
  [
    "a linter",
    awsLog(
      failing(
        "npx eslint src",
        "\n/codebuild/output/src48989638/src/src/cart.js\n  3:7  error  'total' is assigned a value but never used  no-unused-vars\n\n✖ 1 problem (1 error, 0 warnings)",
      ),
    ),
  ],
  ["flake8", awsLog(failing("flake8 app", "app/main.py:12:80: E501 line too long (93 > 79 characters)"))],
  [
    "a type error",
    awsLog(
      failing(
        "npx tsc --noEmit",
        "src/cart.ts(4,7): error TS2322: Type 'string' is not assignable to type 'number'.",
        2,
      ),
    ),
  ],
  [
    "a Java compiler error",
    awsLog(
      failing(
        "mvn -B package",
        "[INFO] Compiling 12 source files to /codebuild/output/src48989638/src/target/classes\n[ERROR] COMPILATION ERROR : \n[ERROR] /codebuild/output/src48989638/src/src/main/java/shop/Cart.java:[14,9] cannot find symbol\n  symbol:   variable totl\n[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin:3.11.0:compile (default-compile) on project shop: Compilation failure",
      ),
    ),
  ],
  [
    "a C compiler error",
    awsLog(
      failing(
        "make all",
        "cc -c -o cart.o cart.c\ncart.c:9:5: error: expected ';' before 'return'\nmake: *** [<builtin>: cart.o] Error 1",
        2,
      ),
    ),
  ],
  [
    "a Go compiler error",
    awsLog(failing("go build ./...", "# example.com/shop/cart\ncart/cart.go:8:2: undefined: total")),
  ],
  [
    "a Rust compiler error",
    awsLog(
      failing(
        "cargo build --release",
        'error[E0425]: cannot find value `totl` in this scope\n --> src/main.rs:4:5\nerror: could not compile `shop` (bin "shop") due to 1 previous error',
        101,
      ),
    ),
  ],
  [
    "a script of the user's that exits with 1",
    awsLog(failing("./scripts/verify.sh", "checking 14 files\nverification failed")),
  ],
  ["a script that exits with 3 and prints nothing", awsLog(failing("./scripts/gate.sh", "", 3))],
  [
    "a segmentation fault",
    awsLog(
      failing(
        "./bin/shop --self-test",
        "/codebuild/output/tmp/script.sh: line 4:   117 Segmentation fault      (core dumped) ./bin/shop --self-test",
        139,
      ),
    ),
  ],
  ["a process that was killed", awsLog(failing("npm run build", "> webpack --mode production\n\nKilled", 137))],
  [
    "a Python exception of the user's code",
    awsLog(
      failing(
        "python manage.py migrate",
        'Traceback (most recent call last):\n  File "manage.py", line 22, in <module>\n    main()\n  File "shop/db.py", line 9, in connect\n    raise RuntimeError("schema version 4 is newer than 3")\nRuntimeError: schema version 4 is newer than 3',
      ),
    ),
  ],
  [
    "a failing terraform plan",
    awsLog(
      failing(
        "terraform validate",
        'Error: Unsupported argument\n\n  on main.tf line 12, in resource "aws_s3_bucket" "logs":\n  12:   acll = "private"\n\nAn argument named "acll" is not expected here. Did you mean "acl"?',
      ),
    ),
  ],
  ["a grep that finds nothing", awsLog(failing("grep -q RELEASE CHANGELOG.md", ""))],
  [
    "a security audit",
    awsLog(
      failing(
        "npm audit --audit-level=high",
        "# npm audit report\n\nlodash  <=4.17.20\nSeverity: high\nCommand Injection in lodash - https://github.com/advisories/GHSA-35jh-r3h4-6jhm\nfix available via `npm audit fix`\n\n1 high severity vulnerability",
      ),
    ),
  ],
  [
    "a coverage threshold",
    awsLog(
      failing(
        "npx vitest run --coverage",
        " ✓ src/cart.test.ts (12 tests) 21ms\n\nERROR: Coverage for lines (71.2%) does not meet global threshold (80%)",
      ),
    ),
  ],
  ["a command that is told to fail", awsLog(failing('test "$(git rev-parse --abbrev-ref HEAD)" = main', ""))],
  [
    "a health check of the user's own server",
    awsLog(failing("curl -fsS http://localhost:8080/health", "curl: (22) The requested URL returned error: 503", 22)),
  ],
  [
    "a failing test in pre_build",
    awsLog({ preBuild: [{ text: "make unit", output: "unit: 3 of 41 failed", exit: 2 }] }),
  ],
];

it.each(CASES)("claims nothing special of %s", (_, log) => {
  const [facts] = readEvidence(log).builds;
  if (!facts) throw new Error("the log was not read");
  const diagnosis = explainBuild(facts);
  expect(diagnosis.code).not.toMatch(SPECIAL);
  expect(diagnosis.code).toMatch(ORDINARY);
  expect(diagnosis.alsoSeen).toEqual([]);
  expect(diagnosis.next ?? diagnosis.fix).toBeDefined();
  expect(diagnosis.evidence.length).toBeGreaterThan(0);
});

it("calls a build that ran into its timeout just that", () => {
  const log = awsLog(failing("make soak", "iteration 41", 1)).replace(
    /\[Container\][^\n]*Command did not exit[\s\S]*$/,
    "[Container] 2026/03/04 11:10:00.100000 Phase complete: BUILD State: TIMED_OUT\n[Container] 2026/03/04 11:10:00.100000 Phase context status code: BUILD_TIMED_OUT Message: Build has timed out.\n",
  );
  const [facts] = readEvidence(log).builds;
  expect(facts && explainBuild(facts)).toMatchObject({
    code: "build/timed-out",
    evidence: ["Build has timed out.", "iteration 41"],
  });
});
