/** `kiln images`: base images for docker builds: list, map a name to another, make one, import a tar or OCI folder. */
import { join } from "node:path";
import { Argument, Command } from "commander";
import type { Kiln } from "../app.ts";
import { KilnError, usageError } from "../core/errors.ts";
import {
  type BaseImageKind,
  InvalidReference,
  importImage,
  LayerStore,
  listMappedImages,
  loadIntoRegistry,
  makeBaseImage,
  mapImage,
  parseReference,
  unmapImage,
} from "../images/index.ts";
import { type CommandContext, commandContext, withKiln } from "./command-context.ts";
import type { CliIo } from "./io.ts";
import { absolute, addCommonOptions, option, settingsOf } from "./settings.ts";
import { withSignals } from "./signals.ts";
import { table } from "./table.ts";

const KINDS: readonly BaseImageKind[] = ["python", "node", "busybox"];

interface ImagesValues {
  readonly as?: string;
  readonly rm?: boolean;
}

type Act = (context: CommandContext, kiln: Kiln, argument: string, values: ImagesValues) => Promise<number>;

export function imagesCommand(io: CliIo, exit: (code: number) => void): Command {
  const group = new Command("images").description("base images for docker builds: list, map, make, import");
  const add = (name: string, text: string, example: string, argument: Argument | undefined, act: Act): Command => {
    const command = new Command(name).description(text);
    if (argument) command.addArgument(argument);
    addCommonOptions(command);
    command.addHelpText("after", `\nExample:\n  kiln images ${example}`);
    command.action(async (...all: unknown[]) => {
      const values = all[argument ? 1 : 0] as ImagesValues;
      const context = commandContext(io, settingsOf(values, io));
      exit(await withKiln(context, (kiln) => act(context, kiln, argument ? String(all[0]) : "", values)));
    });
    group.addCommand(command);
    return command;
  };
  add("ls", "mapped names and local images", "ls", undefined, list);
  add(
    "map",
    "use an image in place of a name that cannot be had",
    "map python:3.11-slim=my-python:1",
    new Argument("<name=image>", "the FROM name, and the image to use"),
    map,
  ).addOption(option("--rm", "forget the mapping of a name"));
  add(
    "make",
    "make a base image from Debian packages: no root, no engine, no Docker Hub",
    "make python --as python:3.11-slim",
    new Argument("<kind>", "which").choices([...KINDS]),
    make,
  ).addOption(option("--as <name>", "name to give it"));
  add(
    "import",
    "take an image from a `docker save` tar or an OCI folder",
    "import python.tar --as python:3.11-slim",
    new Argument("<path>", "tar or folder"),
    importArchive,
  ).addOption(option("--as <name>", "name to give it"));
  return group;
}

async function list(context: CommandContext, kiln: Kiln): Promise<number> {
  const mappings = listMappedImages(kiln.store);
  const repositories = kiln.registry
    .repositories()
    .map((repository) => ({ name: repository.name, images: kiln.registry.imagesOf(repository.name) }));
  if (context.settings.output === "json") {
    context.printJson({ mappings, repositories });
    return 0;
  }
  if (mappings.length + repositories.length === 0)
    context.note("no images yet: `kiln images make python`, or `kiln images import FILE`");
  if (mappings.length > 0) context.print(table(mappings.map(({ from, to }) => [from, "→", to])));
  for (const { name, images } of repositories) {
    const tags = images.flatMap((image) => image.tags);
    context.print(`${name}${tags.length === 0 ? "" : `  ${tags.join(", ")}`}`);
  }
  return 0;
}

async function map(context: CommandContext, kiln: Kiln, argument: string, values: ImagesValues): Promise<number> {
  if (values.rm) {
    const removed = await unmapImage(kiln.store, argument);
    if (!removed) {
      throw new KilnError({
        code: "KILN_E_NO_MAPPING",
        message: `\`${argument}\` is not mapped`,
        fix: ["see the mappings with `kiln images ls`"],
        exitCode: 1,
      });
    }
    context.note(`${argument} is no longer mapped`);
    return 0;
  }
  const [from, to, ...more] = argument.split("=");
  if (!from || !to || more.length > 0) {
    throw usageError(`expected NAME=IMAGE, not \`${argument}\``, ["write it like python:3.11-slim=my-python:1"]);
  }
  const mapping = await checkedName(mapImage(kiln.store, from, to));
  if (context.settings.output === "json") context.printJson(mapping);
  else context.note(`${mapping.from} is now ${mapping.to}`);
  const target = kiln.registry.reference(mapping.to);
  if (!target || !kiln.registry.images.find(target.address, target.reference))
    context.note(`note: Kiln's registry has no \`${mapping.to}\` yet; \`kiln images ls\` shows what it has`);
  return 0;
}

/** A name that is no image name is the user's mistake, not a bug. */
async function checkedName<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof InvalidReference)
      throw new KilnError({ code: "KILN_E_IMAGE_NAME", message: error.message, exitCode: 2, cause: error });
    throw error;
  }
}

/** Before the work, which may be long. */
async function requireName(name: string | undefined): Promise<void> {
  if (name !== undefined) await checkedName((async () => parseReference(name))());
}

/** The folder app.ts gives to the embedded builder. */
const storeDir = ({ settings }: CommandContext): string => join(settings.stateDir, "images");

async function make(context: CommandContext, kiln: Kiln, kind: string, values: ImagesValues): Promise<number> {
  await requireName(values.as);
  return withSignals(async ({ first }) => {
    const onProgress = (text: string) => context.note(text);
    const options = { outputDir: storeDir(context), onProgress, signal: first };
    const { image, suggestedReference, store } = await makeBaseImage(kind as BaseImageKind, options);
    const name = values.as ?? suggestedReference;
    const digest = await checkedName(loadIntoRegistry(store, image, name, access(kiln, first)));
    const other = otherVersion(name, suggestedReference);
    if (other !== undefined)
      context.note(`note: ${name} is ${kind} ${other}, the only one of this machine's Debian packages`);
    return printed(context, name, digest);
  });
}

/** The version in the image, where the name it gets promises another one. */
function otherVersion(name: string, suggestedReference: string): string | undefined {
  const [made, named] = [suggestedReference, name].map((reference) => /:(\d+(?:\.\d+)*)[^/]*$/.exec(reference)?.[1]);
  if (made === undefined || named === undefined) return undefined;
  return `${named}.`.startsWith(`${made}.`) || `${made}.`.startsWith(`${named}.`) ? undefined : made;
}

async function importArchive(context: CommandContext, kiln: Kiln, path: string, values: ImagesValues): Promise<number> {
  await requireName(values.as);
  return withSignals(async ({ first }) => {
    const store = await LayerStore.open(storeDir(context));
    const file = absolute(path, context.io.cwd);
    const { reference, digest } = await checkedName(importImage(store, file, values.as, access(kiln, first)));
    return printed(context, reference, digest);
  });
}

const access = (kiln: Kiln, signal: AbortSignal) => ({
  registryUrl: kiln.url,
  rootKey: kiln.credentials,
  signal,
});

function printed(context: CommandContext, name: string, digest: string): number {
  if (context.settings.output === "json") context.printJson({ name, digest });
  else context.print(`${name} ${digest}`);
  return 0;
}
