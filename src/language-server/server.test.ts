/** The server over streams, asked by the protocol's own client. A process of its own: test/language-server/. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Diagnostic, DocumentLink, PublishDiagnosticsParams } from "vscode-languageserver-protocol";
import { LanguageClient, uriOf } from "../../test/support/language-client.ts";
import { createFolderWorkspace, type Knowledge, type Workspace } from "../check/index.ts";
import { systemClock } from "../core/clock.ts";
import type { KnowledgeSource } from "./knowledge.ts";
import { serveLanguage } from "./server.ts";

let folder: string;
const ends: (() => Promise<unknown>)[] = [];

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "kiln-lsp-")));
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  rmSync(folder, { recursive: true, force: true });
});

interface Options {
  readonly knowledge?: Knowledge;
  readonly workspaceOf?: (root: string) => Workspace;
  readonly source?: KnowledgeSource;
}

function start({ knowledge = {}, workspaceOf = createFolderWorkspace, source }: Options = {}) {
  const [toServer, toClient] = [new PassThrough(), new PassThrough()];
  const exitCode = serveLanguage({
    input: toServer,
    output: toClient,
    version: "0.0.0",
    clock: systemClock,
    knowledge: source ?? { read: async () => knowledge, forget: () => {}, access: async () => undefined },
    workspaceOf,
  });
  const client = new LanguageClient(toClient, toServer);
  ends.push(async () => {
    toServer.end();
    await exitCode;
    client.connection.dispose();
  });
  return { client, exitCode, toServer };
}

async function started(options: Options = {}): Promise<LanguageClient> {
  const { client } = start(options);
  await client.initialize([folder]);
  return client;
}

function file(path: string, text = ""): string {
  const full = join(folder, path);
  mkdirSync(dirname(full), { recursive: true });
  writeFileSync(full, text);
  return full;
}

const codes = (diagnostics: readonly Diagnostic[]): unknown[] => diagnostics.map(({ code }) => code);
const good = "version: 0.2\nphases:\n  build:\n    commands:\n      - make\n";
const bad = "version: 0.2\nphases:\n  build:\n    comands:\n      - make\n";

describe("the life cycle", () => {
  it("says what it can do, and ends with 0 after shutdown", async () => {
    const { client, exitCode } = start();
    const { capabilities, serverInfo } = await client.initialize([folder]);
    expect(serverInfo).toEqual({ name: "kiln", version: "0.0.0" });
    expect(capabilities).toMatchObject({
      positionEncoding: "utf-16",
      textDocumentSync: { openClose: true, change: 2 },
    });
    await client.end();
    expect(await exitCode).toBe(0);
  });

  it("ends with 1 without shutdown", async () => {
    const { client, exitCode } = start();
    await client.initialize([folder]);
    await client.connection.sendNotification("exit");
    expect(await exitCode).toBe(1);
  });

  it("ends with 1 when the client goes away", async () => {
    const { client, exitCode, toServer } = start();
    await client.initialize([folder]);
    toServer.end();
    expect(await exitCode).toBe(1);
  });

  it("refuses requests before initialize, after shutdown, and a second initialize", async () => {
    const { client } = start();
    const hover = () =>
      client.about("textDocument/hover", join(folder, "buildspec.yml"), { position: { line: 0, character: 0 } });
    await expect(hover()).rejects.toMatchObject({ code: -32002, message: "the server is not initialized" });
    await client.initialize([folder]);
    await expect(client.initialize([folder])).rejects.toMatchObject({ code: -32600 });
    await client.connection.sendRequest("shutdown");
    await expect(hover()).rejects.toMatchObject({ code: -32600, message: "the server was shut down" });
  });
});

describe("diagnostics", () => {
  it("come with place, rule, page and reason, and follow each change", async () => {
    const client = await started();
    const path = file("buildspec.yml");
    file("Makefile", "all:\n");
    const found = (await client.open(path, bad)).find(({ code }) => code === "buildspec/unknown-key");
    expect(found).toMatchObject({
      code: "buildspec/unknown-key",
      severity: 1,
      source: "kiln",
      range: { start: { line: 3, character: 4 }, end: { line: 3, character: 11 } },
      codeDescription: { href: expect.stringContaining("https://docs.aws.amazon.com/codebuild/") },
    });
    expect(found?.message).toMatch(/^unknown key `comands`.*\nCodeBuild ignores it/);
    const at = bad.indexOf("comands");
    expect(codes(await client.edit(path, at, at + 3, "comm"))).not.toContain("buildspec/unknown-key");
    expect(client.published.at(-1)?.version).toBe(2);
  });

  it("count UTF-16 units, and lines that end in CRLF", async () => {
    const client = await started();
    const path = file("buildspec.yml");
    const text = `version: 0.2\r\nphases:\r\n  build:\r\n    commands: ["echo 😀é"]\r\n    bogus: 1\r\n`;
    const found = (await client.open(path, text)).find(({ code }) => code === "buildspec/unknown-key");
    expect(found?.range).toEqual({ start: { line: 4, character: 4 }, end: { line: 4, character: 9 } });
    const after = text.replace("😀é", "😀 docker push $X");
    expect(codes(await client.edit(path, text.indexOf("é"), text.indexOf("é") + 1, " docker push $X"))).toContain(
      "buildspec/unknown-key",
    );
    expect(client.document(path).getText()).toBe(after);
  });

  it("send only the last of several quick changes", async () => {
    const client = await started();
    const path = file("buildspec.yml");
    await client.open(path, bad);
    const before = client.published.length;
    const all = [1, 2, 3, 4].map(() => client.edit(path, bad.length, bad.length, "\n"));
    await all[3];
    expect(client.published.slice(before).map(({ version }) => version)).toEqual([5]);
  });

  it("are of files by any name, and of none that is something else", async () => {
    const client = await started();
    expect(codes(await client.open(file("ci/linux.yaml"), bad))).toContain("buildspec/unknown-key");
    const before = client.published.length;
    const other = {
      uri: uriOf(file("compose.yml")),
      languageId: "yaml",
      version: 1,
      text: "version: '3'\nservices: {}\n",
    };
    await client.connection.sendNotification("textDocument/didOpen", { textDocument: other });
    expect(await client.about("textDocument/documentSymbol", join(folder, "compose.yml"))).toBeNull();
    expect(client.published.length).toBe(before);
  });

  it("stay while a line is typed that leaves no buildspec behind", async () => {
    const client = await started();
    const path = file("ci/linux.yaml");
    await client.open(path, bad);
    expect(codes(await client.edit(path, 0, bad.length, "version: 0.2\nphas"))).not.toEqual([]);
  });

  it("are taken back when the document is closed", async () => {
    const client = await started();
    const path = file("buildspec.yml");
    await client.open(path, bad);
    const next = client.nextDiagnostics(path);
    await client.connection.sendNotification("textDocument/didClose", { textDocument: { uri: uriOf(path) } });
    expect(await next).toEqual([]);
  });

  it("look at files again when one is saved", async () => {
    const client = await started();
    const path = file("buildspec.yml");
    const text = good.replace("make", "pip install -r requirements.txt");
    file("README.md");
    expect(codes(await client.open(path, text))).toContain("paths/not-found");
    file("requirements.txt");
    const next = client.nextDiagnostics(path);
    await client.connection.sendNotification("textDocument/didSave", { textDocument: { uri: uriOf(path) } });
    expect(codes(await next)).not.toContain("paths/not-found");
  });

  it("go by the git work tree around the file, and by each workspace folder", async () => {
    const { client } = start();
    const [one, two] = [join(folder, "one"), join(folder, "two")];
    file("one/service/app.py");
    execFileSync("git", ["init", "-q", join(one, "service")]);
    file("two/tool.py");
    await client.initialize([one, two]);
    const [inService, inTwo] = [file("one/service/ci/buildspec.yml"), file("two/ci/buildspec.yml")];
    await client.open(inService, good.replace("make", "python app.py"));
    await client.open(inTwo, good.replace("make", "python tool.py"));
    const links = async (path: string) =>
      (await client.about<DocumentLink[]>("textDocument/documentLink", path)).map(({ tooltip }) => tooltip);
    expect([await links(inService), await links(inTwo)]).toEqual([["app.py"], ["tool.py"]]);
    await client.connection.sendNotification("workspace/didChangeWorkspaceFolders", {
      event: { added: [], removed: [{ uri: uriOf(two), name: "two" }] },
    });
    expect(await links(inTwo)).toEqual([]);
  });

  it("are said about a document that is no file", async () => {
    const client = await started();
    const uri = "untitled:Untitled-1";
    const said = client.when(() => client.published.find((params: PublishDiagnosticsParams) => params.uri === uri));
    await client.connection.sendNotification("textDocument/didOpen", {
      textDocument: { uri, languageId: "yaml", version: 1, text: bad },
    });
    expect(codes((await said).diagnostics)).toContain("buildspec/unknown-key");
  });
});

describe("a mistake of ours", () => {
  it("is logged, keeps what was said, and ends nothing", async () => {
    let isBroken = false;
    const client = await started({
      source: {
        forget: () => {},
        read: async () => {
          if (isBroken) throw new Error("no such thing");
          return {};
        },
        access: async () => undefined,
      },
    });
    const path = file("buildspec.yml");
    await client.open(path, bad);
    isBroken = true;
    const before = client.published.length;
    const logged = client.when(() => client.logged.find((line) => line.includes("no such thing")));
    void client.edit(path, bad.length, bad.length, "\n");
    await logged;
    expect(client.published.length).toBe(before);
    await expect(client.at("textDocument/hover", path, "phases")).rejects.toMatchObject({
      code: -32603,
      message: "no such thing",
    });
    isBroken = false;
    expect(codes(await client.edit(path, bad.length, bad.length, "\n"))).toContain("buildspec/unknown-key");
  });
});

describe("cancelling", () => {
  it("answers the request as cancelled", async () => {
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const path = file("buildspec.yml");
    const knowledge: Knowledge = { parameters: { list: () => [{ name: "/a", type: "String" }] } };
    const client = await started({
      source: {
        read: async () => knowledge,
        forget: () => {},
        access: async () => {
          await held;
          return undefined;
        },
      },
    });
    await client.open(path, `${good}env:\n  parameter-store:\n    A: /a\n`);
    const { CancellationTokenSource } = await import("vscode-languageserver-protocol");
    const source = new CancellationTokenSource();
    const position = client.document(path).positionAt(client.document(path).getText().indexOf("/a") + 1);
    const answer = client.connection.sendRequest(
      "textDocument/hover",
      { textDocument: { uri: uriOf(path) }, position },
      source.token,
    );
    // One more request goes through meanwhile: the server has taken the first.
    await client.about("textDocument/documentSymbol", path);
    source.cancel();
    await client.about("textDocument/documentSymbol", path);
    release();
    await expect(answer).rejects.toMatchObject({ code: -32800, message: "textDocument/hover was cancelled" });
  });
});
