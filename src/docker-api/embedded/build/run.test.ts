/** RUN: environment, users, mounts, what is left of them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BASE, BuildFixture } from "../../../../test/support/build-fixture.ts";
import { staticBusybox } from "../../../../test/support/docker-fixture.ts";

const isRoot = process.geteuid?.() === 0;

describe.skipIf((await staticBusybox()) === undefined)("RUN", () => {
  let at: BuildFixture;
  beforeAll(async () => {
    at = await BuildFixture.open();
    at.images.set("base", (await at.build(BASE)).image);
  });
  afterAll(() => at.close());

  it("has the image's user with its groups, home and folder, hosts, shared memory and limits", async () => {
    const built = await at.build(
      "FROM base\nRUN id > /tmp/id; echo $HOME >> /tmp/id; df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2 >> /tmp/id; grep fixed /etc/hosts >> /tmp/id; ulimit -n >> /tmp/id; umask >> /tmp/id\n" +
        (isRoot ? "USER app\nRUN id > /tmp/app; echo $HOME >> /tmp/app\n" : ""),
      {},
      {
        extraHosts: [{ name: "fixed.example", address: "10.1.2.3" }],
        shmSizeBytes: 128 * 1024 * 1024,
        ulimits: [{ name: "nofile", soft: 512, hard: 1024 }],
      },
    );
    expect(await built.file("/tmp/id")).toBe(
      "uid=0(root) gid=0(root)\n/root\n131072\n10.1.2.3\tfixed.example\n512\n0022\n",
    );
    if (isRoot)
      expect(await built.file("/tmp/app")).toBe(
        "uid=1000(app) gid=1001(app) groups=50(extra),1001(app)\n/home/app\n".replace(
          "groups=50(extra),1001(app)",
          "groups=50(extra)",
        ),
      );
  });

  it("keeps caches between builds, by id, with first contents and rights", async () => {
    const dockerfile = (n: number): string =>
      `FROM base AS seed\nRUN mkdir /s && echo seed > /s/seed\nFROM base\nRUN --mount=type=cache,target=/c,id=one echo ${n} >> /c/log; cat /c/log > /seen\nRUN --mount=type=cache,target=/d,id=two,from=seed,source=/s,mode=0700,uid=1000 cat /d/seed > /seeded; stat -c '%a %u' /d >> /seeded\n`;
    await at.build(dockerfile(1));
    const second = await at.build(dockerfile(2));
    expect(await second.file("/seen")).toBe("1\n2\n");
    expect(await second.file("/seeded")).toBe(isRoot ? "seed\n700 1000\n" : "seed\n700 0\n");
    expect(await second.file("/c/log")).toBeUndefined();
  });

  it("lets one command at a time have a locked cache", async () => {
    const step = (name: string): string =>
      `RUN --mount=type=cache,target=/c,id=locked-${name.length},sharing=locked test ! -e /c/busy && touch /c/busy && sleep 0.3 && rm /c/busy && echo done > /${name}`;
    const built = await at.build(
      `FROM base AS a\n${step("a")}\nFROM base AS b\n${step("b")}\nFROM base\nCOPY --from=a /a /\nCOPY --from=b /b /\n`,
    );
    expect([await built.file("/a"), await built.file("/b")]).toEqual(["done\n", "done\n"]);
  });

  it("shows files of the context, of stages and images without keeping them, and forgets what is written there", async () => {
    const built = await at.build(
      "FROM base AS tools\nRUN mkdir /t && echo tool > /t/one\nRUN echo two > /t/two\nFROM base\nRUN --mount=target=/ctx --mount=type=bind,from=tools,source=/t,target=/t --mount=type=bind,source=a,target=/mnt/deep/a --mount=type=bind,from=tools,source=/t,target=/w,rw cat /ctx/a /t/one /t/two /mnt/deep/a > /seen; ls /ctx >> /seen; echo x > /w/one; ! touch /t/x 2>/dev/null && echo read-only >> /seen\n",
      { a: "A\n", "skip.md": "", ".dockerignore": "*.md\nbusybox\nDockerfile\n" },
    );
    expect(await built.file("/seen")).toBe("A\ntool\ntwo\nA\na\nread-only\n");
    for (const path of ["/ctx", "/t", "/mnt", "/w"]) expect(await built.meta(path)).toBeUndefined();
  });

  it("shows secrets in memory and in variables, asks for them by id, and keeps nothing of them", async () => {
    const secrets: Record<string, string> = { token: "s3cr3t", "with\nline": "x" };
    const built = await at.build(
      "FROM base\nRUN --mount=type=secret,id=token cat /run/secrets/token > /seen; stat -c ' %a %u' /run/secrets/token >> /seen\nRUN --mount=type=secret,id=token,target=/root/.key,mode=0440,uid=7,gid=8 stat -c '%a %u:%g' /root/.key >> /seen\nRUN --mount=type=secret,id=token,env=TOKEN test \"$TOKEN\" = s3cr3t && test ! -e /run/secrets\nRUN --mount=type=secret,id=absent test ! -e /run/secrets/absent\n",
      {},
      { secret: async (id) => (secrets[id] === undefined ? undefined : Buffer.from(secrets[id])) },
    );
    expect(await built.file("/seen")).toBe(`s3cr3t 400 0\n${isRoot ? "440 7:8" : "440 0:0"}\n`);
    for (const path of ["/run", "/root/.key"]) expect(await built.meta(path)).toBeUndefined();
    const error = await at.failure("FROM base\nRUN --mount=type=secret,id=absent,required true\n");
    expect(error.message).toBe("secret absent: not found");
  });

  it("has folders in memory, of a size", async () => {
    const built = await at.build(
      "FROM base\nRUN --mount=type=tmpfs,target=/scratch,size=1m df -k /scratch | tail -1 | tr -s ' ' | cut -d' ' -f2 > /seen; touch /scratch/x\n",
    );
    expect(await built.file("/seen")).toBe("1024\n");
    expect(await built.meta("/scratch")).toBeUndefined();
  });

  it("runs heredocs with the shell or with their own interpreter, and has no network when told", async () => {
    const built = await at.build(
      'FROM base\nRUN <<EOF\necho one > /o\necho two >> /o\nEOF\nRUN <<"X"\n#!/bin/busybox sh\necho $0 >> /o\nX\nRUN cat <<A - <<B >> /o\na\nA\nb\nB\nRUN --network=none tail -n +2 /proc/net/route | wc -l >> /o\n',
    );
    expect(await built.file("/o")).toBe("one\ntwo\n/dev/pipes/X\nb\n0\n");
  });

  it.runIf(isRoot)(
    "may make devices that nobody can open, pipes and capabilities, and they are in the layer",
    async () => {
      const built = await at.build(
        "FROM base\nRUN mknod /sda b 8 0 && mkfifo /pipe && ! head -c1 /sda 2>/dev/null && echo closed > /seen\nRUN ls -l /sda | cut -c1 > /kind\n",
      );
      expect(await built.file("/seen")).toBe("closed\n");
      expect(await built.file("/kind")).toBe("b\n");
    },
  );

  it("ends with the build that is given up", async () => {
    const stop = new AbortController();
    const going = at.build("FROM base\nRUN echo started; sleep 600\n", {}, { signal: stop.signal });
    setTimeout(() => stop.abort(), 700);
    await expect(going).rejects.toThrow();
  });
});
