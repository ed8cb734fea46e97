/** A language server over streams with a small source folder and a scripted store. In marked texts `¦` is the cursor. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PassThrough } from "node:stream";
import type { CompletionItem, Hover, TextEdit } from "vscode-languageserver-protocol";
import { createFolderWorkspace, type Knowledge } from "../../src/check/index.ts";
import { systemClock } from "../../src/core/clock.ts";
import { serveLanguage } from "../../src/language-server/index.ts";
import { LanguageClient, uriOf } from "./language-client.ts";

const knowledge: Knowledge = {
  parameters: {
    list: () => [
      {
        name: "/app/db-password",
        type: "SecureString",
        version: 3,
        lastModifiedMs: Date.UTC(2026, 0, 2, 3, 4, 5),
        keyId: "alias/app",
      },
      { name: "/app/db-user", type: "String", value: "never shown", version: 1, description: "who logs in" },
    ],
  },
  secrets: [
    {
      name: "prod/api",
      arn: "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/api-AbCdEf",
      jsonKeys: ["token"],
    },
  ],
};

const FILES: Readonly<Record<string, string>> = {
  Dockerfile: "FROM scratch\n",
  "app/Dockerfile": "FROM scratch\n",
  "requirements.txt": "",
  "scripts/deploy.sh": "",
  "ci/lint.yml": "version: 0.2\nphases:\n  build:\n    commands: [make]\n",
  "dist/index.html": "",
};

export class LanguageFixture {
  readonly folder: string;
  readonly client: LanguageClient;
  #opened = 0;

  constructor() {
    this.folder = realpathSync(mkdtempSync(join(tmpdir(), "kiln-lsp-")));
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), text);
    }
    const [toServer, toClient] = [new PassThrough(), new PassThrough()];
    void serveLanguage({
      input: toServer,
      output: toClient,
      version: "0.0.0",
      clock: systemClock,
      knowledge: {
        read: async () => knowledge,
        forget: () => {},
        access: async (_folder, { name }) => ({
          project: "web",
          role: "builder",
          isAllowed: name !== "/app/db-user",
          because:
            name === "/app/db-user" ? "no statement allows it" : "statement `Read` of `builder-policy` allows it",
        }),
      },
      workspaceOf: createFolderWorkspace,
    });
    this.client = new LanguageClient(toClient, toServer);
  }

  async close(): Promise<void> {
    await this.client.end();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Opens a new buildspec whose text has a cursor, or none. */
  async opened(marked: string): Promise<{ path: string; name: string; offset: number }> {
    this.#opened++;
    const name = `buildspec-${this.#opened}.yml`;
    const path = join(this.folder, name);
    await this.client.open(path, marked.replace("¦", ""));
    return { path, name, offset: marked.indexOf("¦") };
  }

  async #asked<T>(method: string, marked: string): Promise<{ readonly answer: T; readonly path: string }> {
    const { path, offset } = await this.opened(marked);
    const position = this.client.document(path).positionAt(offset);
    const answer: T = await this.client.connection.sendRequest(method, {
      textDocument: { uri: uriOf(path) },
      position,
    });
    return { answer, path };
  }

  async completed(marked: string): Promise<CompletionItem[]> {
    return (await this.#asked<{ items: CompletionItem[] }>("textDocument/completion", marked)).answer.items;
  }

  async labels(marked: string): Promise<string[]> {
    return (await this.completed(marked)).map(({ label }) => label);
  }

  /** The text after the item with that label was taken. */
  async taken(marked: string, label: string): Promise<string> {
    const { answer, path } = await this.#asked<{ items: CompletionItem[] }>("textDocument/completion", marked);
    const item = answer.items.find((one) => one.label === label);
    if (!item) throw new Error(`no ${label} among ${answer.items.map((one) => one.label).join(", ")}`);
    return this.client.applied(path, [item.textEdit as TextEdit]);
  }

  async hovered(marked: string): Promise<string> {
    const { answer } = await this.#asked<Hover | null>("textDocument/hover", marked);
    return answer === null ? "" : (answer.contents as { value: string }).value;
  }
}
