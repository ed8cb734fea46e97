/**
 * The image of a build, in the engine: from Kiln's registry when it has the name, else what the engine has under it, else
 * the same for the image that the user's map names, else from the network with the project's credentials.
 * What Kiln gives is loaded under a name of its own, so that no name of the user's changes its meaning.
 * Source: https://docs.docker.com/reference/api/engine/ (image create, load); texts are the engine's.
 */
import { debug } from "../../core/log.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type EngineClient, messageOf } from "../../engine-api/index.ts";
import type { ImageSupply, SuppliedImage } from "../engine.ts";

/** Images that Kiln gave are kept under it, by their id. */
const KILN_NAME = "localhost/kiln-build";

/** What `POST /containers/create` is told, or the engine's words why there is none. */
export async function obtainImage(
  client: EngineClient,
  image: string,
  images: ImageSupply | undefined,
  tools: { readonly signal: AbortSignal; onNotice(level: "info" | "warning", text: string): void },
): Promise<Result<string, string>> {
  const mapped = images?.mapped(image);
  for (const name of [image, ...(mapped === undefined ? [] : [mapped])]) {
    const isMapped = name !== image;
    let supplied: SuppliedImage | undefined;
    try {
      supplied = await images?.find(name);
    } catch (error) {
      tools.signal.throwIfAborted();
      return err((error as Error).message);
    }
    try {
      const found = supplied ? await take(client, supplied, tools.signal) : ok(await inEngine(client, name));
      if (!found.ok) return found;
      if (found.value === undefined) continue;
      const where = supplied ? "Kiln's registry" : "the engine";
      if (isMapped) tools.onNotice("info", `\`${image}\` is \`${name}\` of ${where}, as the image map says`);
      else if (supplied) tools.onNotice("info", `\`${image}\` is the image of that name in Kiln's registry`);
      return ok(found.value);
    } finally {
      supplied?.close();
    }
  }
  const wanted = mapped ?? image;
  const unwanted = images?.pullRefusal(wanted);
  if (unwanted !== undefined) return err(unwanted);
  tools.onNotice("info", `pulling the image \`${wanted}\``);
  return pull(client, wanted, images?.credentials, tools.signal);
}

/** Its id: what a name means may change at any time. */
async function inEngine(client: EngineClient, name: string): Promise<string | undefined> {
  return (await client.json<{ Id: string }>(`/images/${encodeURIComponent(name)}/json`))?.Id;
}

/** What the engine is to be told for an image of Kiln's. */
async function take(
  client: EngineClient,
  supplied: SuppliedImage,
  signal: AbortSignal,
): Promise<Result<string, string>> {
  const name = `${KILN_NAME}:${supplied.id.replace(/^sha256:/, "").slice(0, 32)}`;
  for (const known of [supplied.id, name]) {
    const id = await inEngine(client, known);
    if (id !== undefined) return ok(id);
  }
  const { status, text } = await client.text("POST", "/images/load?quiet=1", {
    headers: { "content-type": "application/x-tar" },
    body: supplied.archive(name),
    signal,
  });
  const failure = status < 400 ? inLine(text) : messageOf(text);
  return failure === undefined ? ok(name) : err(failure);
}

async function pull(
  client: EngineClient,
  name: string,
  credentials: ImageSupply["credentials"],
  signal: AbortSignal,
): Promise<Result<string, string>> {
  // Without a tag an engine pulls all of them.
  const isWhole = /@sha(?:256|512):|:[^/]+$/.test(name);
  const query = new URLSearchParams({ fromImage: name, ...(isWhole ? {} : { tag: "latest" }) });
  const auth = credentials && Buffer.from(JSON.stringify(credentials)).toString("base64url");
  const response = await client.send("POST", `/images/create?${query.toString()}`, {
    ...(auth === undefined ? {} : { headers: { "x-registry-auth": auth } }),
    signal,
  });
  let text = "";
  response.setEncoding("utf8");
  // The last lines tell of a failure; the many before them of progress.
  for await (const chunk of response) text = (text + String(chunk)).slice(-64 * 1024);
  if ((response.statusCode ?? 500) >= 400) return err(messageOf(text));
  const failure = inLine(text);
  debug("engine", () => `pull of ${name}: ${failure ?? "done"}`);
  return failure === undefined ? ok(name) : err(failure);
}

/** The failure among an answer's JSON lines. */
function inLine(text: string): string | undefined {
  for (const line of text.split("\n")) {
    if (!line.includes('"error"')) continue;
    try {
      const { error } = JSON.parse(line) as { error?: string };
      if (error !== undefined) return error;
    } catch {
      // The first line may be cut.
    }
  }
  return undefined;
}
