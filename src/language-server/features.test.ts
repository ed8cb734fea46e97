/** What hover, code actions, definitions, links and symbols say, asked over the wire. `¦` is the cursor. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type {
  CodeAction,
  DocumentLink,
  DocumentSymbol,
  Location,
  LocationLink,
  TextDocumentEdit,
  TextEdit,
} from "vscode-languageserver-protocol";
import { uriOf } from "../../test/support/language-client.ts";
import { LanguageFixture } from "../../test/support/language-fixture.ts";

let fixture: LanguageFixture;
beforeAll(async () => {
  fixture = new LanguageFixture();
  await fixture.client.initialize([fixture.folder]);
});
afterAll(() => fixture.close());

const head = "version: 0.2\n";

describe("hover", () => {
  it("explains a key", async () => {
    expect(await fixture.hovered(`${head}phases:\n  build:\n    on-fail¦ure: ABORT\n    commands: [x]\n`)).toContain(
      "What a failure of the phase does: stop, go on, or build again.",
    );
  });

  it("tells a parameter's type, version, date and who may read it", async () => {
    expect(await fixture.hovered(`${head}env:\n  parameter-store:\n    A: /app/db-pass¦word\n`)).toBe(
      "Parameter `/app/db-password`: SecureString, version 3, last modified 2026-01-02T03:04:05Z, key `alias/app`\n\nRole `builder` of project `web` may read it: statement `Read` of `builder-policy` allows it",
    );
    expect(await fixture.hovered(`${head}env:\n  parameter-store:\n    A: /app/db-us¦er\n`)).toContain(
      "who logs in\n\nRole `builder` of project `web` may **not** read it: no statement allows it",
    );
    expect(await fixture.hovered(`${head}env:\n  parameter-store:\n    A: /app/no¦ne\n`)).toContain(
      "not in Kiln's store",
    );
  });

  it("tells where a variable comes from", async () => {
    const text = `${head}env:\n  parameter-store:\n    PW: /app/db-password\nphases:\n  build:\n    commands:\n`;
    expect(await fixture.hovered(`${text}      - echo $P¦W\n`)).toContain("The parameter `/app/db-password`");
    expect(await fixture.hovered(`${text}      - echo $CODEBUILD_SRC¦_DIR_lib\n`)).toContain("secondary source `lib`");
    expect(await fixture.hovered(`${text}      - X=1\n      - echo \${X¦:-2}\n`)).toContain(
      "Set by a command of the build.",
    );
    expect(await fixture.hovered(`${text}      - echo $OTH¦ER\n`)).toContain("Declared nowhere in this file");
  });

  it("tells which images have a runtime", async () => {
    expect(await fixture.hovered(`${head}phases:\n  install:\n    runtime-versions:\n      python: 3.1¦2\n`)).toContain(
      "- `aws/codebuild/standard:7.0`: has 3.12;",
    );
  });

  it("gives a finding's reason, fix and page", async () => {
    const text = await fixture.hovered(`${head}phases:\n  build:\n    coma¦nds:\n      - make\n`);
    expect(text).toMatch(/^\*\*buildspec\/unknown-key\*\*: unknown key `comands`/);
    expect(text).toContain("Fix: rename it to `commands`");
    expect(text).toContain("[AWS documentation](https://docs.aws.amazon.com/");
  });

  it("shows a plaintext value, and none that looks like a secret", async () => {
    const text = `${head}env:\n  variables:\n    STAGE: beta\n    DB_PASSWORD: hunter2-s3cret\nphases:\n  build:\n    commands:\n`;
    expect(await fixture.hovered(`${text}      - echo $STA¦GE\n`)).toContain("Plaintext in `env.variables`: `beta`.");
    expect(await fixture.hovered(`${text}      - echo $DB_PASS¦WORD\n`)).toContain(
      "Plaintext in `env.variables`, and a secret by its looks.",
    );
  });

  it("makes no link of a name, and answers to names that every object has", async () => {
    const steered = await fixture.hovered(`${head}phases:\n  "x\` [b](command:y) \`¦z": {}\n`);
    expect(steered).toContain("\\[b\\](command:y)");
    const runtime = await fixture.hovered(`${head}phases:\n  install:\n    runtime-versions:\n      constr¦uctor: 1\n`);
    expect(runtime).toContain("unknown runtime `constructor`");
    expect(
      await fixture.hovered(`${head}phases:\n  build:\n    on-failure: toStr¦ing\n    commands: [a]\n`),
    ).not.toContain("native code");
  });

  it("names secrets without their values", async () => {
    expect(await fixture.hovered(`${head}env:\n  secrets-manager:\n    A: prod/a¦pi:token\n`)).toContain(
      "Secret `prod/api`: members `token`\n\nRole `builder`",
    );
  });
});

describe("code actions", () => {
  const text = `${head}env:\n  variables:\n    A: ssm:/app/db-user\nphases:\n  build:\n    comands:\n      - echo $A\n`;

  async function actions(path: string, only?: string[]): Promise<CodeAction[]> {
    const document = fixture.client.document(path);
    const range = { start: document.positionAt(0), end: document.positionAt(document.getText().length) };
    const found = await fixture.client.about<CodeAction[]>("textDocument/codeAction", path, {
      range,
      context: { diagnostics: [], ...(only && { only }) },
    });
    return Promise.all(
      found.map((action) =>
        action.edit ? action : fixture.client.connection.sendRequest<CodeAction>("codeAction/resolve", action),
      ),
    );
  }

  const editsOf = (action: CodeAction | undefined): TextEdit[] =>
    ((action?.edit?.documentChanges ?? []) as TextDocumentEdit[]).flatMap(({ edits }) => edits as TextEdit[]);

  it("offer each finding's fix", async () => {
    const { path } = await fixture.opened(text);
    const found = await actions(path, ["quickfix"]);
    const rename = found.find(({ title }) => title === "Rename it to `commands`");
    expect(rename).toMatchObject({
      kind: "quickfix",
      isPreferred: true,
      diagnostics: [{ code: "buildspec/unknown-key" }],
    });
    expect(fixture.client.applied(path, editsOf(rename))).toBe(text.replace("comands", "commands"));
    expect(rename?.edit?.documentChanges).toMatchObject([{ textDocument: { uri: uriOf(path), version: 1 } }]);
  });

  it("fix all that is safe at once", async () => {
    const { path } = await fixture.opened(text);
    const [all, ...more] = await actions(path, ["source.fixAll"]);
    expect(more).toEqual([]);
    expect(all?.kind).toBe("source.fixAll.kiln");
    const fixed = fixture.client.applied(path, editsOf(all));
    expect(fixed).toContain("parameter-store:\n    A: /app/db-user\n");
    expect(fixed).toContain("    commands:\n");
  });

  it("keep a finding by a comment that works", async () => {
    const { path } = await fixture.opened(text);
    const keep = (await actions(path)).find(
      ({ title }) => title === "Keep it, with a comment: # kiln-ignore buildspec/unknown-key",
    );
    const kept = fixture.client.applied(path, editsOf(keep));
    expect(kept).toContain("    # kiln-ignore buildspec/unknown-key: say here why it stays\n    comands:\n");
    const diagnostics = await fixture.client.edit(path, 0, text.length, kept);
    expect(diagnostics.map(({ code }) => code)).not.toContain("buildspec/unknown-key");
    expect(diagnostics.map(({ code }) => code)).not.toContain("check/suppression");
  });
});

describe("going to definitions", () => {
  const text = `${head}env:
  variables:
    STAGE: dev
  exported-variables:
    - STAGE
batch:
  build-graph:
    - identifier: lint
      buildspec: ci/lint.yml
    - identifier: test
      depend-on: [lint]
phases:
  build:
    commands:
      - pip install -r requirements.txt
      - ./scripts/deploy.sh "$STAGE"
      - cd app && docker build .
      - docker build -f Dockerfile.prod .
artifacts:
  base-directory: dist
  files:
    - index.html
    - '**/*'
`;

  const definition = async (path: string, needle: string, offset = 1): Promise<string[]> =>
    (await fixture.client.at<LocationLink[]>("textDocument/definition", path, needle, offset)).map(
      ({ targetUri, targetSelectionRange }) =>
        `${targetUri.slice(uriOf(fixture.folder).length + 1)}:${targetSelectionRange.start.line}`,
    );

  it("leads to files and declarations", async () => {
    const { path, name } = await fixture.opened(text);
    expect(await definition(path, "ci/lint.yml")).toEqual(["ci/lint.yml:0"]);
    expect(await definition(path, "requirements.txt")).toEqual(["requirements.txt:0"]);
    expect(await definition(path, "./scripts/deploy.sh")).toEqual(["scripts/deploy.sh:0"]);
    expect(await definition(path, "docker build .", 13)).toEqual(["app/Dockerfile:0"]);
    expect(await definition(path, "index.html")).toEqual(["dist/index.html:0"]);
    expect(await definition(path, "$STAGE")).toEqual([`${name}:3`]);
    expect(await definition(path, "- STAGE", 3)).toEqual([`${name}:3`]);
    expect(await definition(path, "[lint]", 2)).toEqual([`${name}:8`]);
    expect(await definition(path, "version")).toEqual([]);
  });

  it("finds every use of a variable", async () => {
    const { path } = await fixture.opened(text);
    const lines = async (needle: string, offset: number, includeDeclaration: boolean) =>
      (
        await fixture.client.at<Location[]>("textDocument/references", path, needle, offset, {
          context: { includeDeclaration },
        })
      ).map(({ range }) => range.start.line);
    expect(await lines("STAGE: dev", 1, true)).toEqual([3, 5, 16]);
    expect(await lines("$STAGE", 2, false)).toEqual([5, 16]);
  });

  it("links the same files", async () => {
    const { path } = await fixture.opened(text);
    const links = await fixture.client.about<DocumentLink[]>("textDocument/documentLink", path);
    expect(links.map(({ tooltip }) => tooltip).toSorted()).toEqual([
      "app/Dockerfile",
      "ci/lint.yml",
      "dist/index.html",
      "requirements.txt",
      "scripts/deploy.sh",
    ]);
  });

  it("outlines sections, phases and commands", async () => {
    const { path } = await fixture.opened(text);
    const symbols = await fixture.client.about<DocumentSymbol[]>("textDocument/documentSymbol", path);
    expect(symbols.map(({ name, children }) => [name, (children ?? []).map((child) => child.name)])).toEqual([
      ["env", ["STAGE"]],
      ["batch", ["lint", "test"]],
      [
        "build",
        [
          "pip install -r requirements.txt",
          './scripts/deploy.sh "$STAGE"',
          "cd app && docker build .",
          "docker build -f Dockerfile.prod .",
        ],
      ],
      ["artifacts", ["index.html", "**/*"]],
    ]);
  });
});
