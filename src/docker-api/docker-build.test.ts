/**
 * Dockerfile features, one by one, through a docker client and the embedded builder. A client that has BuildKit builds as
 * that does, another as the classic builder; the tests ask which it is.
 */
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type DockerClient,
  type DockerFixture,
  openDockerFixture,
  realDocker,
  smallDocker,
  staticBusybox,
} from "../../test/support/docker-fixture.ts";

const BASE = `FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p /etc /tmp && echo root:x:0:0:root:/root:/bin/sh > /etc/passwd && echo app:x:1000:1001::/home/app:/bin/sh >> /etc/passwd && echo app:x:1001: > /etc/group
`;

const clients = ["the docker CLI", "Kiln's small docker"] as const;

describe.skipIf((await staticBusybox()) === undefined).each(clients)("docker build with %s", (name) => {
  let at: DockerFixture;
  let docker: DockerClient | undefined;
  beforeAll(async () => {
    at = await openDockerFixture();
    // The classic builder's words: BuildKit's are in embedded/buildkit/buildkit-clients.test.ts.
    const classic = { DOCKER_BUILDKIT: "0" };
    docker =
      name === "the docker CLI"
        ? realDocker(at.socket, classic)
        : smallDocker({ ...at.socket, variables: { ...at.socket.variables, ...classic } });
    if (!docker) process.stderr.write("the docker CLI is not on this machine: its tests are skipped\n");
    const tried = docker && (await build(docker, "FROM scratch\nLABEL a=b"));
    isClassic = tried?.out.includes("Step 1/2") === true;
  });
  afterAll(() => at.close());

  const test = (title: string, run: (client: DockerClient) => Promise<void>) =>
    it(title, async ({ skip }) => {
      if (!docker) skip();
      await run(docker as DockerClient);
    });
  let isClassic = true;
  const build = async (
    client: DockerClient,
    dockerfile: string,
    files: Record<string, string> = {},
    args: string[] = [],
  ) => client(["build", ...args, "."], { cwd: await at.context({ Dockerfile: dockerfile, ...files }) });
  /** Output of a command in the image that the Dockerfile makes. */
  const output = async (
    client: DockerClient,
    dockerfile: string,
    files: Record<string, string>,
    command: string,
    args: string[] = [],
  ) => {
    const built = await build(client, BASE + dockerfile, files, ["-t", "probe", ...args]);
    const tagged = isClassic ? "Successfully tagged probe:latest" : "naming to docker.io/library/probe:latest done";
    expect(built.err.replace(/DEPRECATED[\s\S]*?\n\n/, "") + built.out).toContain(tagged);
    return (await client(["run", "--rm", "probe", "sh", "-c", command])).out;
  };

  test("prints the steps, the image and its name", async (client) => {
    const ran = await build(client, `${BASE}RUN echo from-run`, {}, ["-t", "me/app:1"]);
    expect(ran.code).toBe(0);
    if (!isClassic) {
      expect(ran.err).toMatch(/#\d+ \[4\/4\] RUN echo from-run\n#\d+ \d+\.\d+ from-run\n#\d+ DONE \d+\.\ds\n/);
      expect(ran.err).toMatch(/ writing image sha256:[0-9a-f]{64} done\n#\d+ naming to docker\.io\/me\/app:1 done\n/);
      return;
    }
    expect(ran.out).toMatch(
      /Step 5\/5 : RUN echo from-run\n ---> Running in [0-9a-f]{12}\nfrom-run\n ---> Removed intermediate container [0-9a-f]{12}\n ---> [0-9a-f]{12}\nSuccessfully built [0-9a-f]{12}\nSuccessfully tagged me\/app:1\n/,
    );
  });

  test("ends with the command's exit code and docker's text when a RUN fails", async (client) => {
    const ran = await build(client, `${BASE}RUN exit 3`);
    expect(ran.code).toBe(isClassic ? 3 : 1);
    expect(ran.err).toContain(
      isClassic
        ? "The command '/bin/sh -c exit 3' returned a non-zero code: 3"
        : 'process "/bin/sh -c exit 3" did not complete successfully: exit code: 3',
    );
  });

  test("uses the cache for equal steps and not for changed files", async (client) => {
    const dockerfile = `${BASE}COPY a.txt /a\nRUN cat /a`;
    await build(client, dockerfile, { "a.txt": "cache-one" });
    const again = await build(client, dockerfile, { "a.txt": "cache-one" });
    if (isClassic) expect(again.out.match(/ ---> Using cache/g)).toHaveLength(5);
    else expect(again.err.match(/^#\d+ CACHED$/gm)).toHaveLength(5);
    const changed = await build(client, dockerfile, { "a.txt": "cache-two" });
    expect(changed.out + changed.err).toContain("cache-two");
  });

  test("expands ARG and ENV with defaults", async (client) => {
    const dockerfile = [
      "ARG V=1",
      "ARG W",
      "ENV A=${V:-x} B=${W:-none} C=${W:+set} D='$V' E=\"two words\"",
      'RUN echo "$A/$B/$C/$D/$E/$V" > /out',
    ].join("\n");
    expect(await output(client, dockerfile, {}, "cat /out", ["--build-arg", "V=7"])).toBe("7/none//$V/two words/7\n");
  });

  test("copies with wildcards, folders, --chown and --chmod, and leaves out what .dockerignore says", async (client) => {
    const files = {
      "a.txt": "a",
      "b.txt": "b",
      "c.md": "c",
      "dir/x": "x",
      "dir/sub/y": "y",
      ".dockerignore": "*.md\n!keep.md\ndir/sub\n",
      "keep.md": "k",
    };
    const dockerfile = "COPY *.txt /t/\nCOPY . /all/\nCOPY --chown=app --chmod=640 a.txt /owned";
    const listed = await output(client, dockerfile, files, "ls /t; ls /all; ls /all/dir; stat -c '%u:%g %a' /owned");
    expect(listed).toBe("a.txt\nb.txt\nDockerfile\na.txt\nb.txt\nbusybox\ndir\nkeep.md\nx\n1000:1001 640\n");
  });

  test("builds several stages, copies between them and leaves out what the target does not need", async (client) => {
    const dockerfile = `RUN echo built > /result\nFROM base AS unused\nRUN exit ${isClassic ? 0 : 9}\nFROM scratch AS first\nFROM base\nCOPY --from=0 /result /r`;
    expect(await output(client, dockerfile, {}, "cat /r")).toBe("built\n");
  });

  test("runs heredocs, with the shell or with their own interpreter", async (client) => {
    const dockerfile =
      'RUN <<EOF\necho one > /o\n# kept\necho two >> /o\nEOF\nRUN <<"X"\n#!/bin/busybox sh\necho $0 >> /o\nX\nCOPY <<T /text\nhello $PATH_NOT_SET.\nT';
    expect(await output(client, dockerfile, {}, "cat /o /text")).toBe("one\ntwo\n/dev/pipes/X\nhello .\n");
  });

  test("keeps deletions and replaced folders in the layers", async (client) => {
    const dockerfile =
      "RUN mkdir /d && touch /d/old /gone\nRUN rm /gone && rm -r /d && mkdir /d && touch /d/new\nRUN ls /d > /seen";
    expect(await output(client, dockerfile, {}, "ls /d; test -e /gone || echo no; cat /seen")).toBe("new\nno\nnew\n");
  });

  test("switches user and folder, and gives the command its environment", async (client) => {
    const dockerfile =
      "RUN mkdir -p /home/app && mkdir /home/app/w && chown app /home/app /home/app/w\nUSER app\nWORKDIR /home/app/w\nRUN id -u > who; pwd >> who; echo $HOME >> who";
    expect(await output(client, dockerfile, {}, "cat /home/app/w/who; id -g")).toBe(
      "1000\n/home/app/w\n/home/app\n1001\n",
    );
  });

  test("unpacks archives with ADD, and refuses git repositories by name", async (client) => {
    const packed = join(at.dir, "packed");
    await mkdir(packed, { recursive: true });
    await writeFile(join(packed, "f"), "packed\n");
    const cwd = await at.context({ Dockerfile: `${BASE}ADD a.tgz /in/\nRUN cat /in/f > /seen` });
    await promisify(execFile)("tar", ["czf", join(cwd, "a.tgz"), "-C", packed, "f"]);
    await client(["build", "-t", "unpacked", "."], { cwd });
    expect((await client(["run", "--rm", "unpacked", "cat", "/seen"])).out).toBe("packed\n");
    const git = await build(client, `${BASE}ADD https://example.com/x.git /x`);
    expect(git.code).toBe(1);
    expect(git.err).toContain("kiln's embedded builder does not ADD git repositories: `https://example.com/x.git`");
  });

  test("records the config instructions", async (client) => {
    const dockerfile = `${BASE}LABEL a="b c"\nEXPOSE 80 53/udp\nVOLUME /v\nENTRYPOINT ["sh"]\nCMD ["-c", "true"]\nSTOPSIGNAL SIGINT\nHEALTHCHECK --interval=5s --retries=2 CMD true`;
    await build(client, dockerfile, {}, ["-t", "configured", "--label", "x=y"]);
    const [image] = JSON.parse((await client(["inspect", "configured"])).out) as [{ Config: Record<string, unknown> }];
    expect(image.Config).toMatchObject({
      Labels: { a: "b c", x: "y" },
      ExposedPorts: { "80/tcp": {}, "53/udp": {} },
      Volumes: { "/v": {} },
      Entrypoint: ["sh"],
      Cmd: ["-c", "true"],
      StopSignal: "SIGINT",
      Healthcheck: { Test: ["CMD-SHELL", "true"], Interval: 5e9, Retries: 2 },
    });
  });

  for (const [title, dockerfile, text, buildKitText] of [
    [
      "a missing file",
      `${BASE}COPY requirements.txt /`,
      "COPY failed: file not found in build context or excluded by .dockerignore: stat requirements.txt: file does not exist",
      '"/requirements.txt": not found',
    ],
    [
      "a path outside the context",
      `${BASE}COPY ../x /`,
      "COPY failed: forbidden path outside the build context: ../x ()",
      '"/x": not found',
    ],
    [
      "an unknown instruction",
      "FROM scratch\nCOP a b",
      "dockerfile parse error on line 2: unknown instruction: COP (did you mean COPY?)",
    ],
    ["a Dockerfile without FROM", "RUN true", "no build stage in current context"],
    ["an empty base name", "FROM $BASE", "base name ($BASE) should not be blank"],
    [
      "a base image that is nowhere",
      "FROM python:3.11-slim",
      "pull access denied for python:3.11-slim: kiln's embedded builder has no image of that name and does not ask the network; map it to one you have: `kiln images map python:3.11-slim=IMAGE` or make one: `kiln images make python`",
    ],
    [
      "an ssh mount",
      `${BASE}RUN --mount=type=ssh true`,
      "kiln's embedded builder does not do RUN --mount=type=ssh",
      "kiln's embedded builder does not do RUN --mount=type=ssh",
    ],
  ] as const) {
    test(`says what is wrong with ${title}`, async (client) => {
      const ran = await build(client, dockerfile);
      expect(ran.code).toBe(1);
      expect(ran.err).toContain(isClassic ? text : (buildKitText ?? text));
    });
  }

  test("checks names as docker does", async (client) => {
    const ran = await build(client, BASE, {}, ["-t", "https://docker.io/me/app"]);
    expect(ran.code).toBe(125);
    expect(ran.err).toContain(
      'invalid argument "https://docker.io/me/app" for "-t, --tag" flag: invalid reference format\n',
    );
    const upper = await client(["tag", "a", "B"]);
    // The name in brackets is there from docker CLI 23 on.
    expect(upper.err).toMatch(
      /Error parsing reference: "B" is not a valid repository\/tag: invalid reference format: repository name (\(library\/B\) )?must be lowercase/,
    );
    expect((await client(["tag", "nope", "me/x"])).err).toContain(
      "Error response from daemon: No such image: nope:latest",
    );
  });

  test("logs in and pushes to the registry that stands in for Docker Hub, with docker's refusals", async (client) => {
    await at.registry.registry.accounts.declare("docker.io", "me", "secret");
    await build(client, `${BASE}RUN echo pushed`, {}, ["-t", "me/pushed:1"]);
    await client(["logout"]);
    expect((await client(["push", "me/pushed:1"])).err).toContain("denied: requested access to the resource is denied");
    expect((await client(["login", "-u", "me", "--password-stdin"], { stdin: "wrong\n" })).err).toContain(
      'Error response from daemon: Get "https://registry-1.docker.io/v2/": unauthorized: incorrect username or password',
    );
    expect((await client(["login", "-u", "me", "--password-stdin"], { stdin: "secret\n" })).out).toBe(
      "Login Succeeded\n",
    );
    const pushed = await client(["push", "me/pushed:1"]);
    expect(pushed.code).toBe(0);
    expect(pushed.out).toMatch(/\n1: digest: sha256:[0-9a-f]{64} size: \d+\n/);
    expect(at.pushed.at(-1)?.reference).toBe("docker.io/me/pushed:1");
    const kept = await at.registry.registry.manifest("docker.io/me/pushed:1");
    expect(pushed.out).toContain(String(at.pushed.at(-1)?.digest));
    expect(kept).toBeDefined();
    expect((await client(["push", "me/never"])).err).toContain(
      "An image does not exist locally with the tag: me/never",
    );
    expect((await client(["push", "000000000000.dkr.ecr.us-east-1.amazonaws.com/x"])).err).toContain(
      "An image does not exist locally",
    );
  });

  test("asks for a login at an ECR host", async (client) => {
    await build(client, BASE, {}, ["-t", "000000000000.dkr.ecr.us-east-1.amazonaws.com/app"]);
    const ran = await client(["push", "000000000000.dkr.ecr.us-east-1.amazonaws.com/app"]);
    expect(ran.err).toContain("no basic auth credentials");
  });

  test("refuses a login without a password", async (client) => {
    const ran = await client(["login", "-u", "me"], { stdin: "" });
    expect(ran.code).toBe(1);
    expect(ran.err).toContain("Cannot perform an interactive login from a non TTY device");
  });

  test("runs a container with its input, output and exit code", async (client) => {
    await build(client, BASE, {}, ["-t", "runner"]);
    expect(await client(["run", "--rm", "-i", "runner", "cat"], { stdin: "piped" })).toMatchObject({
      code: 0,
      out: "piped",
    });
    expect(await client(["run", "--rm", "runner", "sh", "-c", "echo e >&2; exit 7"])).toMatchObject({
      code: 7,
      err: "e\n",
    });
    expect((await client(["run", "--rm", "--privileged", "runner", "true"])).err).toContain(
      "privileged containers are refused in a build",
    );
    expect((await client(["run", "--rm", "-v", "/etc:/x", "runner", "true"])).err).toContain(
      "bind mounts outside the build's folder are refused: /etc",
    );
  });

  test("never leaves the context or the image through links", async (client) => {
    const cwd = await at.context({ Dockerfile: `${BASE}COPY link /x\n` });
    const { symlink } = await import("node:fs/promises");
    await symlink("/etc/hostname", `${cwd}/link`);
    const ran = await client(["build", "."], { cwd });
    // The link is followed inside the context, where there is no such file.
    expect(ran.code).toBe(1);
    const through = await build(client, `${BASE}RUN ln -s /tmp /out\nCOPY a /out/a\nRUN cat /tmp/a`, { a: "inside" });
    expect(through.code).toBe(0);
    expect(await readFile("/tmp/a", "utf8").catch(() => "absent")).not.toBe("inside");
  });
});
