/** COPY and ADD: flags and words read, sources found and hashed, a layer made of them. */
import { createReadStream } from "node:fs";
import { ignoreRules } from "../../../dockerfile/ignore-file.ts";
import { DockerfileError, type Heredoc, type Instruction } from "../../../dockerfile/instruction.ts";
import { expandHeredoc, expandWord, splitWords } from "../../../dockerfile/words.ts";
import type { LayerRecord } from "../../../images/layer-store.ts";
import type { FileOwner, LayerWriter } from "../../../images/layer-writer.ts";
import type { LayeredRoot } from "../../../images/layered-root.ts";
import { removeTree } from "../../../images/remove-tree.ts";
import { imageUser } from "../image-user.ts";
import { type Download, download, isGit, isUrl, nameOf } from "./add-url.ts";
import { type ModeChange, parseChmod } from "./chmod.ts";
import { copySources, placeFor } from "./copy-files.ts";
import { CopyError, type CopyOrigin, clean, findSources, hashSources, type SourceQuery } from "./copy-sources.ts";
import { type Conversion, lookupIn, type PreparedStep, type StageState, type StepRun } from "./stage-state.ts";

interface TextFile {
  readonly name: string;
  readonly text: string;
}

/** An instruction with its variables filled in. */
interface CopyOrder {
  readonly state: StageState;
  readonly keyword: "COPY" | "ADD";
  readonly from: string | undefined;
  readonly patterns: readonly string[];
  readonly urls: readonly string[];
  readonly texts: readonly TextFile[];
  /** Absolute. */
  readonly destination: string;
  readonly chown: string | undefined;
  readonly mode: ModeChange | undefined;
  readonly chmod: string | undefined;
  readonly checksum: string | undefined;
  readonly isLinked: boolean;
  readonly parents: boolean;
  readonly exclude: readonly string[];
  readonly unpacks: boolean;
  /** Of BuildKit's history, and the classic builder's without the contents' hash. */
  readonly shownFlags: string;
  readonly shownDestination: string;
}

export function convertCopy(state: StageState, instruction: Instruction): Conversion {
  const order = readOrder(state, instruction);
  const { keyword, shownFlags, patterns, urls, texts, shownDestination } = order;
  const shown = [...patterns, ...urls, ...texts.map(({ name }) => `<<${name}`), shownDestination].join(" ");
  return {
    createdBy: `${keyword}${shownFlags} ${shown} # buildkit`,
    step: { title: titleOf(state, instruction), prepare: (run) => prepare(order, run) },
  };
}

function titleOf(state: StageState, { original, keyword }: Instruction): string {
  try {
    return keyword + expandWord(original, lookupIn(state), state.scope.escape).slice(keyword.length);
  } catch {
    return original;
  }
}

function readOrder(state: StageState, instruction: Instruction): CopyOrder {
  const { scope, config } = state;
  const { style } = scope.request;
  const keyword = instruction.keyword === "ADD" ? "ADD" : "COPY";
  const expand = (text: string): string => expandWord(text, lookupIn(state), scope.escape);
  const flag = (name: string): string | undefined => instruction.flags.find((one) => one.name === name)?.value;
  const words = (instruction.json ?? splitWords(instruction.text, scope.escape)).map(expand);
  const shownDestination = words.at(-1) ?? "";
  const heredocs = new Map(instruction.heredocs.map((heredoc) => [heredoc.name, heredoc]));
  const named = words.slice(0, -1).map((word): string | Heredoc => {
    const name = /^<<-?\s*(.+)$/.exec(word)?.[1];
    return (name === undefined ? undefined : heredocs.get(name)) ?? word;
  });
  const plain = named.filter((word): word is string => typeof word === "string");
  const texts = named.filter((word): word is Heredoc => typeof word !== "string");
  const git = plain.find(isGit);
  if (git !== undefined && keyword === "ADD")
    throw new DockerfileError(`kiln's embedded builder does not ADD git repositories: \`${git}\``, instruction);
  if (keyword === "COPY" && plain.some((word) => isUrl(word) || isGit(word)))
    throw new DockerfileError(`source can't be a ${plain.some(isGit) ? "git ref" : "URL"} for COPY`, instruction);
  const [chown, chmod, checksum] = [flag("chown"), flag("chmod"), flag("checksum")].map((text) =>
    text === undefined || text === "" ? undefined : expand(text),
  );
  const mode = chmod === undefined ? undefined : parseChmod(chmod);
  if (chmod !== undefined && !mode)
    throw new DockerfileError(
      `invalid chmod parameter: '${chmod}'. it should be octal string and between 0 and 07777`,
      instruction,
    );
  const urls = keyword === "ADD" ? plain.filter(isUrl) : [];
  if (checksum !== undefined) {
    if (named.length !== 1) throw new DockerfileError("checksum can't be specified for multiple sources", instruction);
    if (urls.length === 0) throw new DockerfileError("checksum requires HTTP(S) or Git sources", instruction);
    if (!/^sha(256:[a-f0-9]{64}|512:[a-f0-9]{128})$/.test(checksum))
      throw new DockerfileError(`invalid checksum digest format: ${checksum}`, instruction);
    if (!checksum.startsWith("sha256:"))
      throw new DockerfileError("kiln's embedded builder takes sha256 checksums only", instruction);
  }
  if (style === "classic" && named.length > 1 && !isFolderName(shownDestination))
    throw new DockerfileError(
      `When using ${keyword} with more than one source file, the destination must be a directory and end with a /`,
      instruction,
    );
  const from = flag("from");
  if (from !== undefined && /\$./.test(from) && style === "buildkit" && expand(from) !== from)
    throw new DockerfileError(
      "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround",
      instruction,
    );
  const parents = flag("parents") === "true";
  const base = shownDestination.startsWith("/") ? "" : `${config.WorkingDir ?? ""}/`;
  const isBuildKit = style === "buildkit";
  return {
    ...{
      state,
      keyword,
      from: from === undefined ? undefined : expand(from),
      urls,
      chown,
      mode,
      chmod,
      checksum,
      parents,
    },
    ...{ shownDestination, isLinked: isBuildKit && flag("link") === "true" },
    patterns: plain.filter((word) => !urls.includes(word)),
    texts: texts.map(({ name, content, isExpanded }) => ({
      name,
      text: isExpanded ? expandHeredoc(content, lookupIn(state)) : content,
    })),
    destination: `/${clean(`${base}${shownDestination}`)}${isFolderName(shownDestination) ? "/" : ""}`.replace(
      /^\/\/$/,
      "/",
    ),
    exclude: instruction.flags.filter(({ name }) => name === "exclude").map(({ value }) => expand(value)),
    unpacks: keyword === "ADD" && flag("unpack") !== "false",
    shownFlags: [
      ...(parents ? ["--parents"] : []),
      ...(chown === undefined ? [] : [`--chown=${chown}`]),
      ...(chmod === undefined || !isBuildKit ? [] : [`--chmod=${chmod}`]),
    ]
      .map((text) => ` ${text}`)
      .join(""),
  };
}

const isFolderName = (path: string): boolean => path === "" || /(^|\/)\.?\.?$/.test(path);

async function prepare(order: CopyOrder, run: StepRun): Promise<PreparedStep> {
  const { state, keyword, patterns, urls, texts, destination, exclude } = order;
  const { scope } = state;
  const { store, style } = scope.request;
  const below = store.root(run.below);
  const owner = order.chown === undefined ? undefined : await ownerOf(below, order.chown, style);
  const origin = patterns.length > 0 ? await originOf(order, run) : undefined;
  const query: SourceQuery | undefined = origin && {
    ...{ style, keyword, origin, patterns, parents: order.parents },
    exclude: exclude.length > 0 ? ignoreRules(exclude) : undefined,
  };
  const sources = query ? await findSources(query) : [];
  const contentHash = query ? await hashSources(query, sources) : "";
  const downloads: Download[] = [];
  const holders: string[] = [];
  const release = async (): Promise<void> => {
    for (const holder of holders.splice(0)) await removeTree(holder);
  };
  try {
    for (const url of urls) {
      const dir = await store.temporary();
      holders.push(dir);
      const { signal } = scope.request;
      const id = `downloading ${nameOf(url)}`;
      const onBytes = (currentBytes: number, totalBytes: number): void =>
        run.vertex.status({ id, currentBytes, totalBytes, isDone: false });
      const fetched = await download(url, { dir, style, checksum: order.checksum, signal, onBytes });
      run.vertex.status({ id, currentBytes: fetched.sizeBytes, totalBytes: fetched.sizeBytes, isDone: true });
      downloads.push(fetched);
    }
  } catch (error) {
    await release();
    throw error;
  }
  const kind =
    sources.length + downloads.length + texts.length > 1
      ? "multi"
      : sources[0]?.entry.stats.isDirectory()
        ? "dir"
        : "file";
  const { mode: _, state: __, ...described } = order;
  const key = [described, contentHash, owner, downloads.map(({ digest, mtimeSeconds }) => [digest, mtimeSeconds])];
  const make = async (): Promise<LayerRecord> =>
    store.newLayer(
      order.isLinked ? [] : run.below,
      async (writer) => {
        if (query)
          await copySources(
            query,
            { destination, owner, mode: order.mode, unpacks: order.unpacks },
            sources,
            writer,
            scope.request.signal,
          );
        const meta = { uid: 0, gid: 0, ...owner };
        for (const fetched of downloads) {
          const path = await placeFor(writer, destination, fetched.name, meta);
          await copyDownload(writer, path, fetched, { ...meta, mode: order.mode?.(0o600, false) ?? 0o600 });
        }
        for (const { name, text } of texts) {
          const path = await placeFor(writer, destination, name, meta);
          await writer.write(path, Buffer.from(text), {
            ...meta,
            mode: order.mode?.(0o644, false) ?? 0o644,
            mtimeSeconds: run.nowSeconds,
          });
        }
        await writer.finish();
        return store.commit(run.below.at(-1), writer, scope.epochSeconds);
      },
      run.nowSeconds,
    );
  return {
    key,
    ...(style === "classic" && {
      createdBy: `${keyword}${order.shownFlags}${order.shownFlags === "" ? " " : ""}${kind}:${contentHash || downloads[0]?.digest.slice(7)} in ${order.shownDestination} `,
    }),
    make,
    release,
  };
}

async function copyDownload(
  writer: LayerWriter,
  path: string,
  fetched: Download,
  meta: FileOwner & { mode: number },
): Promise<void> {
  const entry = {
    ...{ name: path, type: "file" as const, sizeBytes: fetched.sizeBytes, linkName: "", xattrs: {} },
    ...{ ...meta, mtimeSeconds: fetched.mtimeSeconds },
  };
  await writer.entry(path, entry, createReadStream(fetched.path), meta);
}

async function originOf({ from }: CopyOrder, run: StepRun): Promise<CopyOrigin> {
  const source = await run.source(from);
  return source.kind === "folder"
    ? { root: source.root, ignore: source.ignore, isContext: true }
    : { root: source.root, ignore: undefined, isContext: false };
}

/** `--chown`: a number alone is the group's, too; for the classic builder also a name. */
export async function ownerOf(root: LayeredRoot, spec: string, style: "buildkit" | "classic"): Promise<FileOwner> {
  if (style === "classic") return classicOwner(root, spec);
  const [user = "", group] = spec.split(":", 2);
  const isNumber = /^\d+$/.test(user);
  try {
    const { uid, gid } = await imageUser(root, spec);
    return { uid, gid: isNumber && group === undefined ? uid : gid };
  } catch {
    // AWS: BuildKit takes a name that the image does not know for root.
    return { uid: isNumber ? Number(user) : 0, gid: isNumber ? Number(user) : 0 };
  }
}

async function classicOwner(root: LayeredRoot, spec: string): Promise<FileOwner> {
  const [user = "", group = user, ...rest] = spec.split(":");
  if (rest.length > 0) throw new CopyError(`invalid chown string format: ${spec}`);
  const unknown = (kind: "user" | "group", name: string): CopyError =>
    new CopyError(
      `unable to convert uid/gid chown string to host mapping: can't find ${kind === "user" ? "uid" : "gid"} for ${kind} ${name}: no such ${kind}: ${name}`,
    );
  const owner = user === "" ? undefined : await imageUser(root, user).catch(() => undefined);
  if (!owner) throw unknown("user", user);
  const of = group === "" ? undefined : await imageUser(root, `0:${group}`).catch(() => undefined);
  if (!of) throw unknown("group", group);
  return { uid: owner.uid, gid: of.gid };
}
