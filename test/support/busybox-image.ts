/** A root folder of Debian's static busybox as a tar, for tests that need an image without building one. */
import { readFile } from "node:fs/promises";
import { TAR_END, tarHeader, tarPadding } from "../../src/images/tar.ts";
import { staticBusybox } from "./docker-fixture.ts";

const APPLETS = (
  "sh ls cat echo sleep true false env id pwd mkdir touch rm wc head tail nc printf ps kill stat tar tee grep sed wget " +
  "httpd hostname mount chmod dd find ln test sort stty nproc df ulimit"
).split(" ");

/** Undefined where busybox cannot be had. */
export async function busyboxRootTar(): Promise<Buffer | undefined> {
  const path = await staticBusybox();
  if (path === undefined) return undefined;
  const base = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 1_700_000_000, sizeBytes: 0, linkName: "" };
  const parts: Buffer[] = [];
  const file = (name: string, bytes: Buffer, mode: number): void =>
    void parts.push(
      tarHeader({ ...base, name, type: "file", mode, sizeBytes: bytes.length }),
      bytes,
      tarPadding(bytes.length),
    );
  for (const name of ["bin", "etc", "tmp", "home", "home/app"])
    parts.push(tarHeader({ ...base, name, type: "directory", mode: name === "tmp" ? 0o1777 : 0o755 }));
  file("bin/busybox", await readFile(path), 0o755);
  for (const applet of APPLETS)
    parts.push(tarHeader({ ...base, name: `bin/${applet}`, type: "symlink", linkName: "busybox" }));
  file("etc/passwd", Buffer.from("root:x:0:0:root:/:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n"), 0o644);
  file("etc/group", Buffer.from("root:x:0:\napp:x:1001:\nwheel:x:10:app\n"), 0o644);
  return Buffer.concat([...parts, TAR_END]);
}
