/** Logins, pushes and pulls before an engine: they go to Kiln's registry, as the names and credentials of the build say. */
import type { Socket } from "node:net";
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
import { RegistryRequestError } from "../../images/registry-client.ts";
import { credentialsOf } from "../registry-credentials.ts";
import { type AuthBody, checkLogin, registryHost } from "../registry-login.ts";
import { headerOf, type RequestHead, readBody } from "./http-head.ts";
import { answer, type ProxySession, startLines } from "./session.ts";

/** An empty object in the form of `X-Registry-Auth`: no credentials. */
export const NO_CREDENTIALS = "e30=";

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
  try {
    const auth = headerOf(head, "x-registry-auth") || NO_CREDENTIALS;
    const response = await session.client.send("POST", `/images/${own}/push?tag=${wanted}`, {
      headers: { "x-registry-auth": auth },
    });
    let rest = "";
    response.setEncoding("utf8");
    for await (const chunk of response) {
      rest += String(chunk);
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) pass(line);
    }
    pass(rest);
    function pass(line: string): void {
      if (line.trim() === "") return;
      client.write(`${line.replaceAll(own, shown).trimEnd()}\r\n`);
      const { aux } = JSON.parse(line) as { aux?: { Digest?: string } };
      if (aux?.Digest !== undefined) onPushed(formatReference({ ...reference, tag: wanted }), aux.Digest);
    }
  } finally {
    client.end();
    if (own !== shown) await session.client.text("DELETE", `/images/${own}:${wanted}?noprune=1`);
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
