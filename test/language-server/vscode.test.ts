/** The VS Code extension: a manifest that VS Code takes, and a start of the right command. No VS Code runs here. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const folder = fileURLToPath(new URL("../../editors/vscode/", import.meta.url));
const manifest = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));

interface Started {
  readonly server: { readonly command: string; readonly args: readonly string[] };
  readonly client: { readonly documentSelector: readonly object[] };
}

/** Loads the extension with stand-ins for the editor's modules. */
function loaded(settings: Readonly<Record<string, unknown>>, startFails?: Error) {
  const started: Started[] = [];
  const shown: string[] = [];
  let stops = 0;
  const registered = new Map<string, () => unknown>();
  let configured = (_event: { affectsConfiguration(section: string): boolean }): unknown => undefined;
  const modules: Record<string, unknown> = {
    vscode: {
      commands: { registerCommand: (name: string, run: () => unknown) => registered.set(name, run) },
      window: { showErrorMessage: (text: string) => shown.push(text) },
      workspace: {
        getConfiguration: () => ({ get: (name: string) => settings[name] }),
        onDidChangeConfiguration: (run: typeof configured) => {
          configured = run;
        },
      },
    },
    "vscode-languageclient/node": {
      LanguageClient: class {
        constructor(_id: string, _name: string, server: Started["server"], client: Started["client"]) {
          started.push({ server, client });
        }
        async start(): Promise<void> {
          if (startFails) throw startFails;
        }
        async stop(): Promise<void> {
          stops++;
        }
      },
    },
  };
  const module = { exports: {} as { activate(context: object): Promise<void>; deactivate(): Promise<void> } };
  const run = new Function("require", "module", readFileSync(`${folder}${manifest.main}`, "utf8"));
  run((name: string) => modules[name], module);
  return { ...module.exports, started, shown, registered, stops: () => stops, configured: () => configured };
}

it("has a manifest with what VS Code asks for, and files that exist", () => {
  expect(manifest).toMatchObject({
    name: expect.stringMatching(/^[a-z0-9-]+$/),
    publisher: expect.any(String),
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    engines: { vscode: expect.stringMatching(/^\^\d+\.\d+\.\d+$/) },
  });
  expect(existsSync(`${folder}${manifest.main}`)).toBe(true);
  expect(Object.keys(manifest.dependencies)).toEqual(["vscode-languageclient"]);
  expect(manifest.scripts.schema).toContain("data/buildspec.schema.json");
  expect(manifest.contributes.yamlValidation[0].url).toBe("./buildspec.schema.json");
});

it("starts kiln lsp with what the settings say", async () => {
  const plain = loaded({});
  await plain.activate({ subscriptions: [] });
  expect(plain.started[0]?.server).toEqual({ command: "kiln", args: ["lsp", "--stdio"] });
  expect(plain.started[0]?.client.documentSelector).toContainEqual({ scheme: "file", language: "yaml" });
  const set = loaded({ command: "/opt/kiln", project: "web", stateDir: "/s", strict: true });
  await set.activate({ subscriptions: [] });
  expect(set.started[0]?.server).toEqual({
    command: "/opt/kiln",
    args: ["lsp", "--stdio", "--project", "web", "--state-dir", "/s", "--strict"],
  });
});

it("starts anew when its settings change or the user asks, and stops with the window", async () => {
  const extension = loaded({});
  await extension.activate({ subscriptions: [] });
  await extension.configured()({ affectsConfiguration: (section) => section === "kiln" });
  await extension.registered.get("kiln.restart")?.();
  expect([extension.started.length, extension.stops()]).toEqual([3, 2]);
  await extension.deactivate();
  expect(extension.stops()).toBe(3);
});

it("says what to do when kiln is not there", async () => {
  const extension = loaded({}, new Error("ENOENT"));
  await extension.activate({ subscriptions: [] });
  expect(extension.shown).toEqual([
    "Kiln's language server does not start: `kiln` ENOENT. The setting kiln.command says where it is.",
  ]);
});
