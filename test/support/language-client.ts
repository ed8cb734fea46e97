/** An editor for tests of the language server: the protocol's own client library over a pair of streams. */
import type { Readable, Writable } from "node:stream";
import { pathToFileURL } from "node:url";
import {
  type ClientCapabilities,
  type CompletionItem,
  createProtocolConnection,
  type Diagnostic,
  type InitializeResult,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
  StreamMessageReader,
  StreamMessageWriter,
  type TextEdit,
} from "vscode-languageserver-protocol/node";
import { TextDocument } from "vscode-languageserver-textdocument";

/** What common editors can do. */
export const fullCapabilities: ClientCapabilities = {
  workspace: { workspaceEdit: { documentChanges: true }, workspaceFolders: true },
  textDocument: {
    publishDiagnostics: { relatedInformation: true, codeDescriptionSupport: true, versionSupport: true },
    definition: { linkSupport: true },
    codeAction: { resolveSupport: { properties: ["edit"] }, dataSupport: true },
    hover: { contentFormat: ["markdown"] },
  },
};

export class LanguageClient {
  readonly connection: ProtocolConnection;
  /** Lines that the server logged. */
  readonly logged: string[] = [];
  readonly published: PublishDiagnosticsParams[] = [];
  readonly #documents = new Map<string, TextDocument>();
  readonly #waiting = new Set<() => void>();

  constructor(input: Readable, output: Writable) {
    this.connection = createProtocolConnection(new StreamMessageReader(input), new StreamMessageWriter(output));
    this.connection.onNotification("textDocument/publishDiagnostics", (params: PublishDiagnosticsParams) => {
      this.published.push(params);
      for (const wake of this.#waiting) wake();
    });
    this.connection.onNotification("window/logMessage", ({ message }: { message: string }) => {
      this.logged.push(message);
      for (const wake of this.#waiting) wake();
    });
    this.connection.onRequest("client/registerCapability", () => null);
    this.connection.listen();
  }

  async initialize(
    folders: readonly string[],
    capabilities: ClientCapabilities = fullCapabilities,
  ): Promise<InitializeResult> {
    const result: InitializeResult = await this.connection.sendRequest("initialize", {
      processId: process.pid,
      rootUri: null,
      capabilities,
      workspaceFolders: folders.map((folder) => ({ uri: uriOf(folder), name: folder })),
    });
    await this.connection.sendNotification("initialized", {});
    return result;
  }

  /** Opens a document and waits for what is said about it. */
  async open(path: string, text: string, languageId = "yaml"): Promise<Diagnostic[]> {
    const uri = uriOf(path);
    this.#documents.set(uri, TextDocument.create(uri, languageId, 1, text));
    const said = this.nextDiagnostics(path);
    await this.connection.sendNotification("textDocument/didOpen", {
      textDocument: { uri, languageId, version: 1, text },
    });
    return said;
  }

  /** Replaces `[from, to)` by offsets, as one incremental change, and waits for what is said about that version. */
  async edit(path: string, from: number, to: number, text: string): Promise<Diagnostic[]> {
    const document = this.document(path);
    const range = { start: document.positionAt(from), end: document.positionAt(to) };
    const version = document.version + 1;
    this.#documents.set(document.uri, TextDocument.update(document, [{ range, text }], version));
    const said = this.nextDiagnostics(path, version);
    await this.connection.sendNotification("textDocument/didChange", {
      textDocument: { uri: document.uri, version },
      contentChanges: [{ range, text }],
    });
    return said;
  }

  document(path: string): TextDocument {
    const document = this.#documents.get(uriOf(path));
    if (!document) throw new Error(`${path} is not open`);
    return document;
  }

  /** The document's text with edits in it. */
  applied(path: string, edits: readonly TextEdit[]): string {
    return TextDocument.applyEdits(this.document(path), [...edits]);
  }

  /** What is published next about a file, of at least that version. */
  nextDiagnostics(path: string, version = 0): Promise<Diagnostic[]> {
    const uri = uriOf(path);
    const from = this.published.length;
    return this.when(() =>
      this.published.slice(from).find((params) => params.uri === uri && (params.version ?? version) >= version),
    ).then(({ diagnostics }) => diagnostics);
  }

  /** Resolves with what `find` answers once it answers. */
  when<T>(find: () => T | undefined): Promise<T> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = find();
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** A request about the place of a text: at `offset` characters into its first occurrence. */
  at<T>(method: string, path: string, needle: string, offset = 0, more: object = {}): Promise<T> {
    const document = this.document(path);
    const found = document.getText().indexOf(needle);
    if (found === -1) throw new Error(`${path} does not hold ${needle}`);
    const position = document.positionAt(found + offset);
    return this.connection.sendRequest(method, { textDocument: { uri: document.uri }, position, ...more });
  }

  about<T>(method: string, path: string, more: object = {}): Promise<T> {
    return this.connection.sendRequest(method, { textDocument: { uri: uriOf(path) }, ...more });
  }

  async completions(path: string, needle: string, offset = needle.length): Promise<CompletionItem[]> {
    const list = await this.at<{ items: CompletionItem[] }>("textDocument/completion", path, needle, offset);
    return list.items;
  }

  async end(): Promise<void> {
    await this.connection.sendRequest("shutdown");
    await this.connection.sendNotification("exit");
  }
}

export const uriOf = (path: string): string => pathToFileURL(path).href;
