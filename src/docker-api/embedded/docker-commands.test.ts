/** What builds do with docker besides building, through the docker CLIs of this machine and Kiln's small one: the same texts. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { busyboxRootTar } from "../../../test/support/busybox-image.ts";
import { dockerClients } from "../../../test/support/docker-clients.ts";
import { type DockerClient, type DockerFixture, openDockerFixture } from "../../../test/support/docker-fixture.ts";
import { freePort } from "../../../test/support/free-port.ts";

const rootTar = await busyboxRootTar();

describe.skipIf(!rootTar).each(dockerClients)("docker commands with $name", ({ open }) => {
  let at: DockerFixture;
  let docker: DockerClient;
  beforeAll(async () => {
    at = await openDockerFixture();
    docker = open(at.socket);
    await writeFile(join(at.dir, "work/root.tar"), rootTar ?? "");
    await docker(["import", join(at.dir, "work/root.tar"), "bb:1"]);
  });
  afterAll(() => at.close());

  const run = (args: readonly string[], stdin?: string) =>
    docker(["run", "--rm", ...args], stdin === undefined ? {} : { stdin });

  it("runs a command and ends with its exit code and both its streams", async () => {
    const ran = await run(["bb:1", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    expect(ran).toMatchObject({ code: 7, out: "out\n", err: "err\n" });
    expect((await docker(["ps", "-aq"])).out).toBe("");
  });

  it("gives the command its input", async () => {
    expect((await run(["-i", "bb:1", "wc", "-c"], "12345")).out).toBe("5\n");
  });

  it("ends with 127 and 126 for what cannot be started, in the runtime's words", async () => {
    const missing = await run(["bb:1", "nope"]);
    expect(missing.code).toBe(127);
    expect(missing.err).toContain(
      'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "nope": executable file not found in $PATH: unknown',
    );
    expect(await run(["bb:1", "/etc/passwd"])).toMatchObject({ code: 126 });
    expect((await run(["bb:1", "/no/such"])).err).toContain(
      'exec: "/no/such": stat /no/such: no such file or directory: unknown',
    );
    expect((await run(["absent:1", "true"])).code).toBe(125);
    expect((await docker(["ps", "-aq"])).out).toBe("");
  });

  it("takes variables, user, working folder, entrypoint, host names and labels", async () => {
    const ran = await run([
      ...["-e", "A=b", "-u", "app", "-w", "/made/here", "--entrypoint", "sh", "--add-host", "db:10.1.2.3", "-h", "box"],
      ...["bb:1", "-c", 'echo "$A $HOME $(id -u):$(id -g) $(id -G) $(pwd) $(cat /etc/hostname)"; grep db /etc/hosts'],
    ]);
    expect(ran.out).toBe("b /home/app 1000:1001 1001 10 /made/here box\n10.1.2.3\tdb\n");
  });

  it("shows folders of the build, named volumes and tmpfs, and keeps a read-only root folder so", async () => {
    const dir = join(at.dir, "work/bound");
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, "f"), "text");
    const script = "cat /in/f; echo x > /in/g; echo y > /vol/h; echo z > /scratch/i; touch /no || echo kept";
    const ran = await run([
      "--read-only",
      "-v",
      `${dir}:/in`,
      "-v",
      "vol:/vol",
      "--tmpfs",
      "/scratch",
      "bb:1",
      "sh",
      "-c",
      script,
    ]);
    expect(ran.out).toBe("textkept\n");
    expect(await readFile(join(dir, "g"), "utf8")).toBe("x\n");
    expect((await run(["-v", "vol:/v:ro", "bb:1", "sh", "-c", "cat /v/h; touch /v/j || echo ro"])).out).toBe("y\nro\n");
    expect((await docker(["volume", "ls", "-q"])).out).toBe("vol\n");
    expect(await docker(["volume", "rm", "vol"])).toMatchObject({ code: 0, out: "vol\n" });
  });

  it("refuses what reaches the machine, and what it does not do, by name", async () => {
    const texts: readonly [readonly string[], string][] = [
      [["--privileged"], "privileged containers are refused in a build"],
      [["-v", "/etc:/x"], "bind mounts outside the build's folder are refused: /etc"],
      [["--pid", "host"], "--pid=host is refused in a build"],
      [["--cap-add", "SYS_ADMIN"], "--cap-add is refused in a build: "],
      [["--device", "/dev/sda"], "--device is refused in a build"],
      [["--network", "absent"], "network absent not found"],
    ];
    for (const [flags, text] of texts) {
      const ran = await run([...flags, "bb:1", "true"]);
      expect(ran.code).toBe(125);
      expect(ran.err).toContain(text);
    }
  });

  it("says in docker's words which limits are not kept", async () => {
    const ran = await run(["-m", "64m", "bb:1", "true"]);
    expect(ran.code).toBe(0);
    expect(ran.err).toContain(
      "WARNING: Your kernel does not support memory limit capabilities or the cgroup is not mounted. Limitation discarded.\n",
    );
  });

  it("keeps a container in the background: ps, logs, exec, top, inspect, stop, rm", async () => {
    const script = 'trap "echo bye; exit 5" TERM; echo ready; echo oops >&2; while :; do sleep 0.1; done';
    const started = await docker(["run", "-d", "--name", "svc", "-l", "k=v", "bb:1", "sh", "-c", script]);
    expect(started.out).toMatch(/^[0-9a-f]{64}\n$/);
    await expect.poll(() => docker(["logs", "svc"])).toMatchObject({ out: "ready\n", err: "oops\n" });
    expect((await docker(["logs", "--tail", "1", "-t", "svc"])).err).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z oops\n$/);
    expect((await docker(["ps", "--filter", "label=k=v", "--format", "{{.Names}} {{.Image}} {{.State}}"])).out).toBe(
      "svc bb:1 running\n",
    );
    expect(
      await docker([
        "exec",
        "-e",
        "X=1",
        "-w",
        "/tmp",
        "-u",
        "app",
        "svc",
        "sh",
        "-c",
        "echo $X $(pwd) $(id -u); exit 3",
      ]),
    ).toMatchObject({
      code: 3,
      out: "1 /tmp 1000\n",
    });
    expect((await docker(["exec", "-i", "svc", "cat"], { stdin: "in" })).out).toBe("in");
    expect((await docker(["top", "svc"])).out).toContain("while :; do sleep 0.1; done");
    expect(
      (await docker(["inspect", "-f", "{{.State.Running}} {{.Config.Labels.k}} {{json .Config.Cmd}}", "svc"])).out,
    ).toMatch(/^true v \["sh","-c",/);
    expect((await docker(["rm", "svc"])).err).toContain(
      'cannot remove container "/svc": container is running: stop the container before removing or force remove',
    );
    expect(await docker(["stop", "svc"])).toMatchObject({ code: 0, out: "svc\n" });
    expect((await docker(["logs", "svc"])).out).toBe("ready\nbye\n");
    expect((await docker(["wait", "svc"])).out).toBe("5\n");
    expect((await docker(["exec", "svc", "true"])).err).toMatch(/[Cc]ontainer [0-9a-f]{64} is not running/);
    expect(await docker(["rm", "svc"])).toMatchObject({ code: 0, out: "svc\n" });
    expect((await docker(["logs", "svc"])).err).toMatch(/^Error.*: No such container: svc\n$/);
  });

  it("ends with 127 for a command that exec does not find", async () => {
    await docker(["run", "-d", "--name", "plain", "bb:1", "sleep", "100"]);
    const ran = await docker(["exec", "plain", "nope"]);
    expect(ran.code).toBe(127);
    expect(ran.out + ran.err).toContain(
      'OCI runtime exec failed: exec failed: unable to start container process: exec: "nope": executable file not found in $PATH: unknown',
    );
    expect(await docker(["kill", "plain"])).toMatchObject({ code: 0, out: "plain\n" });
    expect((await docker(["wait", "plain"])).out).toBe("137\n");
    expect((await docker(["kill", "plain"])).err).toMatch(/cannot kill container: .*is not running/);
    await docker(["rm", "plain"]);
  });

  it("gives a terminal", async () => {
    expect((await run(["-t", "bb:1", "sh", "-c", "test -t 0 && test -t 1 && echo terminal"])).out).toBe("terminal\r\n");
  });

  it("copies out of a container that never ran, and in", async () => {
    const dir = join(at.dir, "work/copied");
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, "in.txt"), "in");
    expect((await docker(["create", "--name", "still", "bb:1"])).err).toContain("no command specified");
    await docker(["create", "--name", "still", "bb:1", "cat", "/tmp/in.txt"]);
    expect((await docker(["cp", "still:/etc/passwd", join(dir, "passwd")])).code).toBe(0);
    expect(await readFile(join(dir, "passwd"), "utf8")).toContain("app:x:1000");
    expect((await docker(["cp", "still:/etc", join(dir, "etc")])).code).toBe(0);
    expect(await readFile(join(dir, "etc/group"), "utf8")).toContain("wheel");
    expect((await docker(["cp", join(dir, "in.txt"), "still:/tmp/"])).code).toBe(0);
    expect((await docker(["cp", "still:/absent", dir])).err).toMatch(
      /(?:Could not find the file|No such container:path: still:)/,
    );
    expect(await docker(["start", "-a", "still"])).toMatchObject({ code: 0, out: "in" });
    expect((await docker(["diff", "still"])).out).toBe("C /tmp\nA /tmp/in.txt\n");
    expect((await docker(["rmi", "bb:1"])).err).toMatch(
      /conflict: unable to remove repository reference "bb:1" \(must force\) - container [0-9a-f]{12} is using its referenced image [0-9a-f]{12}/,
    );
    await docker(["rm", "-f", "still"]);
  });

  it("makes an image of a container", async () => {
    await docker(["run", "--name", "work", "bb:1", "sh", "-c", "echo made > /made; rm /etc/group"]);
    expect(
      (await docker(["commit", "-m", "why", "-c", 'CMD ["cat","/made"]', "-c", "ENV A=1", "work", "made:1"])).out,
    ).toMatch(/^sha256:[0-9a-f]{64}\n$/);
    expect((await run(["made:1"])).out).toBe("made\n");
    expect((await run(["made:1", "sh", "-c", "echo $A; ls /etc"])).out).toContain("1\n");
    expect((await docker(["history", "--format", "{{.Comment}}", "made:1"])).out).toMatch(/^why\n/);
    const saved = join(at.dir, "work/made.tar");
    await docker(["save", "-o", saved, "made:1"]);
    await docker(["rm", "work"]);
    expect((await docker(["rmi", "made:1"])).out).toMatch(/^Untagged: made:1\nDeleted: sha256:/);
    expect((await docker(["load", "-i", saved])).out).toBe("Loaded image: made:1\n");
    expect((await run(["made:1"])).out).toBe("made\n");
  });

  it("tags, lists, pushes and pulls", async () => {
    await docker(["login", "-u", "me", "--password-stdin"], { stdin: "secret" });
    for (const name of ["me/app:1", "me/app:2"]) await docker(["tag", "bb:1", name]);
    expect((await docker(["images", "--format", "{{.Repository}}:{{.Tag}}", "me/app"])).out.split("\n").sort()).toEqual(
      ["", "me/app:1", "me/app:2"],
    );
    const pushed = await docker(["push", "-a", "me/app"]);
    expect(pushed.out).toMatch(/1: digest: sha256:[0-9a-f]{64} size: \d+\n[\s\S]*2: digest: sha256:/);
    const digest = at.pushed.at(-1)?.digest ?? "";
    await docker(["rmi", "me/app:1", "me/app:2"]);
    expect((await docker(["pull", `me/app@${digest}`])).out).toContain(
      `Status: Downloaded newer image for me/app@${digest}`,
    );
    expect((await docker(["pull", "-a", "me/app"])).out).toMatch(
      /Downloaded newer image for me\/app:1[\s\S]*me\/app:2|up to date/,
    );
    const absent = await docker(["pull", "me/absent:9"]);
    expect(absent.code).toBe(1);
    expect(absent.err).toContain(
      "pull access denied for me/absent, repository does not exist or may require 'docker login': kiln's embedded builder has no image of that name",
    );
    expect((await docker(["push", "never:1"])).err).toContain("An image does not exist locally with the tag: never");
    expect((await docker(["tag", "nope", "x"])).err).toBe("Error response from daemon: No such image: nope:latest\n");
  });

  it("publishes ports, under the same number or another", async () => {
    const [inner, outer] = [await freePort(), await freePort()];
    const serve = `mkdir /w; echo page > /w/index.html; exec httpd -f -p ${inner} -h /w`;
    await docker(["run", "-d", "--name", "web", "-p", `${outer}:${inner}`, "bb:1", "sh", "-c", serve]);
    expect((await docker(["port", "web"])).out).toBe(`${inner}/tcp -> 127.0.0.1:${outer}\n`);
    const get = `while ! wget -qO- http://127.0.0.1:${outer}/; do sleep 0.2; done`;
    expect((await run(["bb:1", "sh", "-c", get])).out).toBe("page\n");
    const taken = await docker(["run", "--rm", "-p", `${outer}:1`, "bb:1", "true"]);
    expect(taken.err).toContain(`Bind for 0.0.0.0:${outer} failed: port is already allocated`);
    await docker(["rm", "-f", "web"]);
  });

  it("lets containers of a network find each other by name", async () => {
    expect((await docker(["network", "create", "front"])).out).toMatch(/^[0-9a-f]{64}\n$/);
    await docker(["run", "-d", "--name", "one", "--network", "front", "--network-alias", "db", "bb:1", "sleep", "100"]);
    expect((await run(["--network", "front", "bb:1", "cat", "/etc/hosts"])).out).toMatch(
      /127.0.0.1\tone\n127.0.0.1\tdb\n/,
    );
    expect((await docker(["network", "rm", "front"])).err).toContain("has active endpoints");
    await docker(["rm", "-f", "one"]);
    expect((await docker(["network", "rm", "front"])).out).toBe("front\n");
  });

  it("prunes, and tells what is used", async () => {
    await docker(["create", "--name", "old", "bb:1", "true"]);
    expect((await docker(["system", "df", "--format", "{{.Type}} {{.TotalCount}}"])).out).toContain("Containers 1");
    expect((await docker(["system", "prune", "-f"])).out).toMatch(
      /^Deleted Containers:\n[0-9a-f]{64}\n[\s\S]*Total reclaimed space: /,
    );
    expect((await docker(["ps", "-aq"])).out).toBe("");
    expect((await docker(["info", "--format", "{{.Driver}}"])).out).toBe("overlay2\n");
    expect((await docker(["version", "--format", "{{.Server.Version}}"])).out).toBe("28.0.0-kiln\n");
    expect(
      (
        await docker([
          "events",
          "--since",
          "1h",
          "--until",
          String(Date.now() / 1000),
          "--filter",
          "event=create",
          "--filter",
          "container=old",
          "--format",
          "{{.Action}}",
        ])
      ).out,
    ).toBe("create\n");
  });

  it("refuses other commands by name", async () => {
    expect((await docker(["stats", "--no-stream", "x"])).code).not.toBe(0);
    expect((await docker(["search", "python"])).code).not.toBe(0);
    expect((await docker(["pause", "x"])).err).not.toBe("");
  });
});
