/** Logins, pushes and pulls before an engine: they go to Kiln's registry, as the names and credentials of the build say. */
import type { Socket } from "node:net";
import { join } from "node:path";
import { pushArchive } from "../../images/push-archive.ts";
import {
  familiarName,
  familiarReference,
  formatReference,
  type ImageReference,
  InvalidReference,
  parseReference,
  standInRepository,
  withDefaultTag,
} from "../../images/reference.ts";
import { RegistryClient, RegistryRequestError } from "../../images/registry-client.ts";
import { credentialsOf } from "../registry-credentials.ts";
import { type AuthBody, checkLogin, registryHost } from "../registry-login.ts";
import { headerOf, type RequestHead, readBody } from "./http-head.ts";
import { answer, isHere, type ProxySession, startLines } from "./session.ts";

/** An empty object in the form of `X-Registry-Auth`: no credentials. */
export const NO_CREDENTIALS = "e30=";
/** Asked for only to see how the registry wants to be asked. */
const NO_BLOB = `sha256:${"0".repeat(64)}`;

export async function login(client: Socket, head: RequestHead, { request }: ProxySession): Promise<void> {
  const body = JSON.parse((await readBody(head, client)).toString("utf8")) as AuthBody;
  const host = registryHost(body.serveraddress);
  if (host === undefined) return answer(client, 400, { message: `invalid registry address: ${body.serveraddress}` });
  try {
    await checkLogin(request.registryUrl, body, host, request.signal);
    answer(client, 200, { IdentityToken: "", Status: "Login Succeeded" });
  } catch (error) {
    if (!(error instanceof RegistryRequestError)) throw error;
    answer(client, error.status === 401 ? 401 : 500, { message: error.message });
  }
}

/** The name under which the engine reaches Kiln's registry: it talks plain HTTP to loopback addresses. */
const nameInKiln = (reference: ImageReference, registryUrl: string): string =>
  `${new URL(registryUrl).host}/${standInRepository(reference, registryUrl)}`;

/** Tags for Kiln's registry, pushes that name, translates the answer back, removes the tag. */
export async function pushToKiln(
  client: Socket,
  head: RequestHead,
  name: string,
  tag: string | null,
  session: ProxySession,
): Promise<void> {
  const { registryUrl, onPushed } = session.request;
  const reference = withDefaultTag(parseReference(tag ? `${name}:${tag}` : name));
  const wanted = reference.tag ?? "latest";
  if (!isHere(session.engine)) return pushThroughHere(client, head, reference, wanted, session);
  const own = nameInKiln(reference, registryUrl);
  const shown = `${reference.host}/${reference.repository}`;
  const tagged = await session.client.text(
    "POST",
    `/images/${familiarName(reference)}:${wanted}/tag?repo=${encodeURIComponent(own)}&tag=${wanted}`,
  );
  const send = startLines(client);
  if (tagged.status >= 400) {
    const message = `An image does not exist locally with the tag: ${familiarName(reference)}`;
    send({ errorDetail: { message }, error: message });
    client.end();
    return;
  }
  const given = headerOf(head, "x-registry-auth");
  try {
    // An engine asks `/v2/` how to log in, which is one answer for all the registries that Kiln stands in for.
    if (credentialsOf(given) === undefined && (await wantsBasic(session, standInRepository(reference, registryUrl)))) {
      const message = "no basic auth credentials";
      send({ status: `The push refers to repository [${shown}]` });
      send({ errorDetail: { message }, error: message });
      return;
    }
    // Podman talks plain HTTP to a loopback address only when told to.
    const plain = session.engine.kind === "podman" ? "&tlsVerify=false" : "";
    const response = await session.client.send("POST", `/images/${own}/push?tag=${wanted}${plain}`, {
      headers: { "x-registry-auth": given || NO_CREDENTIALS },
    });
    let rest = "";
    let digest: string | undefined;
    response.setEncoding("utf8");
    for await (const chunk of response) {
      rest += String(chunk);
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) pass(line);
    }
    pass(rest);
    if (digest !== undefined) onPushed(formatReference({ ...reference, tag: wanted }), digest);
    function pass(line: string): void {
      if (line.trim() === "") return;
      // Podman names the tag here, too.
      const translated = line.replaceAll(own, shown).replace(`[${shown}:${wanted}]`, `[${shown}]`);
      client.write(`${translated.trimEnd()}\r\n`);
      const { aux, status } = JSON.parse(line) as { aux?: { Digest?: string }; status?: string };
      if (aux?.Digest !== undefined) digest = aux.Digest;
      else digest ??= /: digest: (sha256:[0-9a-f]{64}) size: /.exec(status ?? "")?.[1];
    }
  } finally {
    // Before the client knows that it is over: the next command must not see the name.
    try {
      if (own !== shown) await session.client.text("DELETE", `/images/${own}:${wanted}?noprune=1`);
    } finally {
      client.end();
    }
  }
}

/** Takes the image out of the engine and pushes it from here. */
async function pushThroughHere(
  client: Socket,
  head: RequestHead,
  reference: ImageReference,
  tag: string,
  session: ProxySession,
): Promise<void> {
  const { registryUrl, workDir, signal, onPushed } = session.request;
  const name = familiarReference({ ...reference, tag });
  const response = await session.client.send("GET", `/images/${encodeURIComponent(name)}/get`, { signal });
  const send = startLines(client);
  const fail = (message: string): void => send({ errorDetail: { message }, error: message });
  const registry = new RegistryClient({
    url: registryUrl,
    credentials: credentialsOf(headerOf(head, "x-registry-auth")),
    signal,
  });
  try {
    if ((response.statusCode ?? 500) >= 400) {
      response.resume();
      fail(`An image does not exist locally with the tag: ${familiarName(reference)}`);
      return;
    }
    send({ status: `The push refers to repository [${reference.host}/${reference.repository}]` });
    const repository = standInRepository(reference, registryUrl);
    const digest = await pushArchive(registry, repository, tag, response, join(workDir, "docker"), send);
    onPushed(formatReference({ ...reference, tag }), digest);
  } catch (error) {
    if (!(error instanceof RegistryRequestError)) throw error;
    fail(error.message);
  } finally {
    registry.close();
    client.end();
  }
}

/** Whether Kiln's registry asks for a user and a password themselves, as ECR does, rather than for a token. */
async function wantsBasic({ request }: ProxySession, repository: string): Promise<boolean> {
  const client = new RegistryClient({ url: request.registryUrl, signal: request.signal });
  try {
    await client.hasBlob(repository, NO_BLOB);
    return false;
  } catch (error) {
    if (error instanceof RegistryRequestError) return error.code === "NO_CREDENTIALS";
    throw error;
  } finally {
    client.close();
  }
}

/** False when Kiln's registry does not have the image: then the engine is asked, without the build's credentials. */
export async function pullFromKiln(
  client: Socket,
  head: RequestHead,
  query: URLSearchParams,
  { images }: ProxySession,
): Promise<boolean> {
  const name = query.get("fromImage") ?? "";
  if (name === "") return false;
  const tag = query.get("tag") ?? "";
  let asked: ImageReference;
  try {
    asked = withDefaultTag(parseReference(tag === "" ? name : `${name}${tag.includes(":") ? "@" : ":"}${tag}`));
  } catch (error) {
    if (error instanceof InvalidReference) return false;
    throw error;
  }
  try {
    const pulled = await images.pull(asked, credentialsOf(headerOf(head, "x-registry-auth")));
    if (!pulled) return false;
    await readBody(head, client);
    const send = startLines(client);
    send({ status: `Pulling from ${asked.repository}`, id: asked.tag ?? "latest" });
    send({ status: `Digest: ${pulled.digest}` });
    send({ status: `Status: Downloaded newer image for ${familiarReference(asked)}` });
    client.end();
  } catch (error) {
    if (!(error instanceof RegistryRequestError)) throw error;
    answer(client, error.status === 404 ? 404 : 500, { message: error.message });
  }
  return true;
}

/** `GET /distribution/{name}/json`: what the registry has under a name; buildx asks it after a push. */
export async function distribution(
  client: Socket,
  head: RequestHead,
  name: string,
  { request }: ProxySession,
): Promise<void> {
  const { registryUrl, rootKey, signal } = request;
  const own = { username: rootKey.accessKeyId, password: rootKey.secretAccessKey };
  const registry = new RegistryClient({
    url: registryUrl,
    credentials: credentialsOf(headerOf(head, "x-registry-auth")) ?? own,
    signal,
  });
  try {
    const reference = withDefaultTag(parseReference(name));
    const repository = standInRepository(reference, registryUrl);
    const found = await registry.manifest(repository, reference.digest ?? reference.tag ?? "latest");
    if (!found) {
      const message = `kiln's registry has no ${familiarReference(reference)}, and the real one is not asked in a build`;
      return answer(client, 404, { message });
    }
    const manifest = JSON.parse(found.bytes.toString("utf8")) as {
      config?: { digest: string };
      manifests?: { platform?: Record<string, unknown> }[];
    };
    const platforms = manifest.config
      ? [await platformOf(registry, repository, manifest.config.digest)]
      : (manifest.manifests ?? []).flatMap(({ platform }) => (platform ? [platform] : []));
    answer(client, 200, {
      Descriptor: { mediaType: found.mediaType, digest: found.digest, size: found.bytes.length },
      Platforms: platforms,
    });
  } catch (error) {
    const isTheirs = error instanceof RegistryRequestError || error instanceof InvalidReference;
    if (!isTheirs) throw error;
    answer(client, error instanceof RegistryRequestError ? error.status : 400, { message: error.message });
  } finally {
    registry.close();
  }
}

async function platformOf(
  registry: RegistryClient,
  repository: string,
  digest: string,
): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of await registry.blob(repository, digest)) chunks.push(chunk as Buffer);
  const config = JSON.parse(Buffer.concat(chunks).toString("utf8")) as Record<string, unknown>;
  const { architecture, os, variant } = config;
  return { architecture, os, ...(variant !== undefined && { variant }) };
}
