import { createHash } from "node:crypto";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expectThat, say } from "../stage.mjs";
import { PASSWORD } from "./1-parameters-and-role.mjs";

export const title = "the policy is attached: built, logged in, pushed";
export const shows =
  "AmazonSSMReadOnlyAccess is attached with the documents' command. The same build now installs, tests, builds the image,\n" +
  "logs in with the credentials from Parameter Store and pushes. Then the image is fetched back and verified, and the\n" +
  "password is searched for in everything that Kiln wrote.";

export async function play(stage) {
  await stage.awsCommand(
    "aws iam attach-role-policy --role-name CodeBuildServiceRole --policy-arn arn:aws:iam::aws:policy/AmazonSSMReadOnlyAccess",
  );
  const watch = watchProcesses(PASSWORD);
  const { output } = await stage
    .kiln(["run", "--project", "sample-python-flask-app"], { status: 0 })
    .finally(() => watch.stop());
  await verifyImage(stage.url, "docker.io/your_username/sample-python-flask-app", "latest");

  const leaks = filesContaining(stage.stateDir, PASSWORD);
  expectThat(!output.includes(PASSWORD), "the password appeared in the output");
  expectThat(leaks.length === 0, `the password is in clear in ${leaks.join(", ")}`);
  expectThat(watch.seen() === 0, "the password appeared in a process's arguments");
  say(
    `\nThe password is in no output line, in no file of the state folder (${leaks.searched} files searched) and in no process's arguments.`,
  );
}

async function verifyImage(url, repository, tag) {
  const headers = { Authorization: `Basic ${Buffer.from("test:test").toString("base64")}` };
  const answer = await fetch(`${url}/v2/${repository}/manifests/${tag}`, {
    headers: {
      ...headers,
      Accept: "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json",
    },
  });
  expectThat(answer.status === 200, `the registry answered ${answer.status} for the manifest`);
  const bytes = Buffer.from(await answer.arrayBuffer());
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  expectThat(digest === answer.headers.get("docker-content-digest"), "the manifest's digest does not match");
  say(`\nmanifest ${repository}:${tag} ${digest}`);
  const manifest = JSON.parse(bytes.toString());
  for (const part of [manifest.config, ...manifest.layers]) {
    const blob = await fetch(`${url}/v2/${repository}/blobs/${part.digest}`, { headers });
    const hash = createHash("sha256");
    let size = 0;
    for await (const chunk of blob.body) {
      hash.update(chunk);
      size += chunk.length;
    }
    expectThat(`sha256:${hash.digest("hex")}` === part.digest && size === part.size, `blob ${part.digest} is damaged`);
    say(`  verified ${part.digest} ${size} bytes`);
  }
}

function filesContaining(folder, secret) {
  const found = [];
  found.searched = 0;
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const file = join(folder, path);
    // Not through links: one of the state leads to this very output.
    if (!lstatSync(file, { throwIfNoEntry: false })?.isFile()) continue;
    let content;
    try {
      content = readFileSync(file);
    } catch (error) {
      // The endpoint is running: it has removed the file meanwhile.
      if (error.code === "ENOENT") continue;
      throw error;
    }
    found.searched++;
    if (content.includes(secret)) found.push(path);
  }
  return found;
}

/** Looks at every process's arguments ten times a second (Linux), except this one's. */
function watchProcesses(secret) {
  let seen = 0;
  const timer = setInterval(() => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
      try {
        if (readFileSync(`/proc/${pid}/cmdline`, "latin1").includes(secret)) seen++;
      } catch {
        // the process has ended
      }
    }
  }, 100);
  if (process.platform !== "linux") clearInterval(timer);
  return { stop: () => clearInterval(timer), seen: () => seen };
}
