/**
 * The language server on a pair of streams: the protocol's life cycle, its messages, and which part answers which.
 * A request that fails is answered with an error and logged; nothing but `exit`, or the end of the input, ends the server.
 * Source: https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/
 */
import type { Readable, Writable } from "node:stream";
import { type CancellationToken, ErrorCodes, ResponseError } from "vscode-jsonrpc";
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from "vscode-jsonrpc/node";
import type * as lsp from "vscode-languageserver-protocol";
import type { Workspace } from "../check/index.ts";
import type { Clock } from "../core/clock.ts";
import { type Analysis, Buildspecs, type OpenBuildspec, pathOfUri } from "./buildspecs.ts";
import { type ActionData, CODE_ACTION_KINDS, codeActions, resolveAction } from "./code-actions.ts";
import { complete } from "./completion.ts";
import { asLocation, definitionAt, documentLinks, referencesAt } from "./definition.ts";
import { diagnosticsByUri } from "./diagnostics.ts";
import { hoverAt } from "./hover.ts";
import type { KnowledgeSource } from "./knowledge.ts";
import { Publisher } from "./publisher.ts";
import { symbolsOf } from "./symbols.ts";

export interface LanguageServerOptions {
  readonly input: Readable;
  readonly output: Writable;
  readonly version: string;
  readonly clock: Clock;
  readonly knowledge: KnowledgeSource;
  workspaceOf(root: string): Workspace;
  /** AWS's grammar only. */
  readonly strict?: boolean;
}

/** Time for what was sent before the input ended. */
const LAST_WORDS_MS = 200;

/** The protocol's codes, of which vscode-jsonrpc names only some. */
const REQUEST_CANCELLED = -32800;

/** Serves until the client says `exit` or goes away; answers the exit code that the protocol asks for. */
export function serveLanguage(options: LanguageServerOptions): Promise<number> {
  return new LanguageServer(options).run();
}

class LanguageServer {
  readonly #options: LanguageServerOptions;
  readonly #connection: MessageConnection;
  readonly #buildspecs: Buildspecs;
  readonly #publisher: Publisher;
  #state: "new" | "running" | "shut-down" = "new";
  #client: lsp.ClientCapabilities = {};

  constructor(options: LanguageServerOptions) {
    this.#options = options;
    const reader = new StreamMessageReader(options.input);
    // Its timer about half a message would keep the process when the client died in the middle of one.
    reader.partialMessageTimeout = 0;
    this.#connection = createMessageConnection(reader, new StreamMessageWriter(options.output));
    this.#buildspecs = new Buildspecs(options);
    this.#buildspecs.strict = options.strict ?? false;
    this.#publisher = new Publisher({
      clock: options.clock,
      check: async (uri) => {
        const analysis = await this.#analysisOf(uri);
        const hasRelated = this.#client.textDocument?.publishDiagnostics?.relatedInformation ?? false;
        return analysis && { version: analysis.document.version, found: diagnosticsByUri(analysis, { hasRelated }) };
      },
      send: (params) => this.#notify("textDocument/publishDiagnostics", params),
      failed: (error) => this.#log(error),
    });
  }

  run(): Promise<number> {
    return new Promise((resolve) => {
      const end = (): void => {
        this.#publisher.close();
        this.#connection.dispose();
        // Nothing is read any more, so nothing keeps the process.
        this.#options.input.pause();
        resolve(this.#state === "shut-down" ? 0 : 1);
      };
      this.#connection.onNotification("exit", end);
      // A client that dies says nothing. What it said before is still being read.
      this.#options.input.once("end", () => setTimeout(end, LAST_WORDS_MS));
      this.#connection.onClose(end);
      this.#connection.onError(([error]) => this.#log(error));
      this.#lifecycle();
      this.#documents();
      this.#features();
      this.#connection.listen();
    });
  }

  #lifecycle(): void {
    this.#connection.onRequest("initialize", (params: lsp.InitializeParams): lsp.InitializeResult => {
      if (this.#state !== "new") throw new ResponseError(ErrorCodes.InvalidRequest, "initialize was called before");
      this.#state = "running";
      this.#client = params.capabilities;
      const folders = params.workspaceFolders ?? (params.rootUri ? [{ uri: params.rootUri, name: "" }] : []);
      this.#buildspecs.folders = folders.flatMap(({ uri }) => pathOfUri(uri) ?? []);
      return { capabilities: CAPABILITIES, serverInfo: { name: "kiln", version: this.#options.version } };
    });
    this.#connection.onNotification("initialized", () => this.#watchFiles());
    this.#connection.onRequest("shutdown", () => {
      if (this.#state !== "running") throw outOfOrder(this.#state);
      this.#state = "shut-down";
      this.#publisher.close();
      return null;
    });
  }

  #documents(): void {
    this.#on("textDocument/didOpen", ({ textDocument }: lsp.DidOpenTextDocumentParams) => {
      this.#buildspecs.open(textDocument);
      this.#publisher.schedule(textDocument.uri, true);
    });
    this.#on("textDocument/didChange", ({ textDocument, contentChanges }: lsp.DidChangeTextDocumentParams) => {
      this.#buildspecs.change(textDocument.uri, textDocument.version, contentChanges);
      this.#publisher.schedule(textDocument.uri);
    });
    this.#on("textDocument/didSave", () => {
      this.#options.knowledge.forget();
      this.#recheckAll();
    });
    this.#on("textDocument/didClose", ({ textDocument }: lsp.DidCloseTextDocumentParams) => {
      this.#buildspecs.close(textDocument.uri);
      this.#publisher.forget(textDocument.uri);
    });
    this.#on("workspace/didChangeWatchedFiles", () => this.#recheckAll());
    this.#on("workspace/didChangeWorkspaceFolders", ({ event }: lsp.DidChangeWorkspaceFoldersParams) => {
      const paths = (folders: readonly lsp.WorkspaceFolder[]) => folders.flatMap(({ uri }) => pathOfUri(uri) ?? []);
      const removed = paths(event.removed);
      this.#buildspecs.folders = [
        ...this.#buildspecs.folders.filter((folder) => !removed.includes(folder)),
        ...paths(event.added),
      ];
      this.#recheckAll();
    });
  }

  #features(): void {
    this.#at("textDocument/completion", (analysis, offset) => ({
      isIncomplete: false,
      items: complete(analysis, offset),
    }));
    this.#at("textDocument/hover", (analysis, offset) =>
      hoverAt(analysis, offset, (subject) => this.#options.knowledge.access(analysis.root, subject)),
    );
    this.#at("textDocument/definition", (analysis, offset) => {
      const links = definitionAt(analysis, offset);
      return this.#client.textDocument?.definition?.linkSupport ? links : links.map(asLocation);
    });
    this.#at<lsp.ReferenceParams>("textDocument/references", (analysis, offset, { context }) =>
      referencesAt(analysis, offset, context.includeDeclaration),
    );
    this.#of("textDocument/documentSymbol", (analysis) => symbolsOf(analysis));
    this.#of("textDocument/documentLink", (analysis) => documentLinks(analysis));
    this.#of<lsp.CodeActionParams>("textDocument/codeAction", (analysis, { range, context }) => {
      const { document } = analysis;
      return codeActions(
        analysis,
        document.offsetAt(range.start),
        document.offsetAt(range.end),
        context,
        this.#edits(),
      );
    });
    this.#request("codeAction/resolve", async (action: lsp.CodeAction) => {
      const data = action.data as ActionData | undefined;
      const analysis = data && (await this.#analysisOf(data.uri));
      if (!data || analysis?.document.version !== data.version) return action;
      const edit = resolveAction(analysis, data, this.#edits());
      return { ...action, ...(edit && { edit }) };
    });
  }

  #edits(): Parameters<typeof resolveAction>[2] {
    return {
      hasVersions: this.#client.workspace?.workspaceEdit?.documentChanges ?? false,
      canResolve: this.#client.textDocument?.codeAction?.resolveSupport?.properties.includes("edit") ?? false,
    };
  }

  /** The newest analysis of a document; undefined when it is no buildspec, or is not open. */
  async #analysisOf(uri: string): Promise<Analysis | undefined> {
    const open = this.#buildspecs.find(uri);
    if (!open) return undefined;
    const knowledge = await this.#options.knowledge.read(open.root, this.#textsIn(open));
    // The text may have changed meanwhile.
    const current = this.#buildspecs.find(uri);
    return current && this.#buildspecs.analyse(current, knowledge);
  }

  #textsIn({ root }: OpenBuildspec): string[] {
    return this.#buildspecs
      .all()
      .filter((one) => one.root === root)
      .map(({ document }) => document.getText());
  }

  #recheckAll(): void {
    this.#buildspecs.forgetFiles();
    for (const { document } of this.#buildspecs.all()) this.#publisher.schedule(document.uri);
  }

  /** The client watches; what it is asked to watch decides what the checks say. */
  #watchFiles(): void {
    if (!this.#client.workspace?.didChangeWatchedFiles?.dynamicRegistration) return;
    const watchers = WATCHED.map((globPattern) => ({ globPattern }));
    const registrations = [{ id: "files", method: "workspace/didChangeWatchedFiles", registerOptions: { watchers } }];
    this.#connection
      .sendRequest("client/registerCapability", { registrations })
      .catch((error: unknown) => this.#log(error));
  }

  /** A notification; before `initialize` and after `shutdown` there are none. */
  #on<P>(method: string, handle: (params: P) => void): void {
    this.#connection.onNotification(method, (params: P) => {
      if (this.#state !== "running") return;
      try {
        handle(params);
      } catch (error) {
        this.#log(error);
      }
    });
  }

  #request<P>(method: string, handle: (params: P, token: CancellationToken) => Promise<unknown>): void {
    this.#connection.onRequest(method, async (params: P, token: CancellationToken) => {
      if (this.#state !== "running") throw outOfOrder(this.#state);
      try {
        const answer = await handle(params, token);
        if (token.isCancellationRequested) throw new ResponseError(REQUEST_CANCELLED, `${method} was cancelled`);
        return answer ?? null;
      } catch (error) {
        if (error instanceof ResponseError) throw error;
        this.#log(error);
        throw new ResponseError(ErrorCodes.InternalError, error instanceof Error ? error.message : String(error));
      }
    });
  }

  /** A request about a document. */
  #of<P extends { readonly textDocument: lsp.TextDocumentIdentifier }>(
    method: string,
    handle: (analysis: Analysis, params: P) => unknown,
  ): void {
    this.#request(method, async (params: P, token) => {
      const analysis = await this.#analysisOf(params.textDocument.uri);
      return analysis && !token.isCancellationRequested ? handle(analysis, params) : null;
    });
  }

  /** A request about a place in a document. */
  #at<P extends lsp.TextDocumentPositionParams>(
    method: string,
    handle: (analysis: Analysis, offset: number, params: P) => unknown,
  ): void {
    this.#of<P>(method, (analysis, params) => handle(analysis, analysis.document.offsetAt(params.position), params));
  }

  #notify(method: string, params: object): void {
    this.#connection.sendNotification(method, params).catch(() => {
      // The client is gone; onClose ends the server.
    });
  }

  #log(error: unknown): void {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#notify("window/logMessage", { type: 1, message });
  }
}

const outOfOrder = (state: "new" | "running" | "shut-down"): ResponseError<void> =>
  state === "new"
    ? new ResponseError(ErrorCodes.ServerNotInitialized, "the server is not initialized")
    : new ResponseError(ErrorCodes.InvalidRequest, "the server was shut down");

/** What checks read, besides the buildspecs that are open. */
const WATCHED = [
  "**/*.{yml,yaml,json,toml,txt,sh,mk}",
  "**/{Dockerfile,Makefile,makefile,go.mod,pom.xml,.gitignore,.dockerignore}*",
  "**/.kiln/kiln.db*",
];

const CAPABILITIES: lsp.ServerCapabilities = {
  positionEncoding: "utf-16",
  textDocumentSync: { openClose: true, change: 2, save: { includeText: false } },
  completionProvider: { triggerCharacters: [":", " ", "-", "$", "{", "/", '"', "'"] },
  hoverProvider: true,
  definitionProvider: true,
  referencesProvider: true,
  documentSymbolProvider: true,
  documentLinkProvider: {},
  codeActionProvider: { codeActionKinds: [...CODE_ACTION_KINDS], resolveProvider: true },
  workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
};
