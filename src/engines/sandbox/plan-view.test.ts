import { describe, expect, it } from "vitest";
import { type MachineFiles, planView, type ViewRequest } from "./plan-view.ts";

/** Folders end in `/`, links in `@`. */
function machine(...paths: string[]): MachineFiles {
  const kinds = new Map(
    paths.map(
      (path) =>
        [path.replace(/[/@]$/, ""), path.endsWith("/") ? "folder" : path.endsWith("@") ? "link" : "file"] as const,
    ),
  );
  return {
    kindOf: (path) => kinds.get(path),
    names: (folder) =>
      [...kinds.keys()].flatMap((path) => {
        const inside = folder === "/" ? path.slice(1) : path.slice(folder.length + 1);
        return path.startsWith(folder) && inside !== "" && !inside.includes("/") ? [inside] : [];
      }),
  };
}

const request = (more: Partial<ViewRequest>): ViewRequest => ({
  isRoot: true,
  mounts: [{ path: "/", type: "ext4" }],
  hidden: [],
  shared: [],
  ...more,
});

describe("root's view", () => {
  const files = machine("/data/", "/data/inner/", "/etc/resolv.conf", "/snap/");

  it("has an overlay for each real file system, outer ones first", () => {
    const mounts = [
      { path: "/", type: "ext4" },
      { path: "/data/inner", type: "xfs" },
      { path: "/data", type: "ext4" },
      { path: "/sys/fs/cgroup", type: "cgroup2" },
      { path: "/tmp", type: "tmpfs" },
      { path: "/run/user/1000", type: "tmpfs" },
    ];
    expect(planView(request({ mounts }), files)).toEqual({
      ...{ overlays: ["/", "/data", "/data/inner"], folders: [], links: [], shown: [], copied: [] },
      ...{ whiteouts: [], emptied: [] },
    });
  });

  it("copies files that are mounts of their own", () => {
    const mounts = [
      { path: "/", type: "overlay" },
      { path: "/etc/resolv.conf", type: "ext4" },
    ];
    expect(planView(request({ mounts }), files)).toMatchObject({ overlays: ["/"], copied: ["/etc/resolv.conf"] });
  });

  it("takes hidden paths away where an overlay shows them, and what is mounted below them", () => {
    const mounts = [
      { path: "/", type: "ext4" },
      { path: "/data", type: "ext4" },
      { path: "/var/lib/docker/overlay2/x/merged", type: "overlay" },
    ];
    const hidden = ["/var/lib/docker", "/data/keys", "/run/docker.sock", "/var/lib/docker/swarm"];
    expect(planView(request({ mounts, hidden }), files)).toMatchObject({
      overlays: ["/", "/data"],
      whiteouts: [
        { overlay: "/", path: "/var/lib/docker" },
        { overlay: "/data", path: "/data/keys" },
      ],
      emptied: [],
    });
  });

  it("empties a hidden folder that the build's own folder lies in", () => {
    const shared = [{ path: "/home/me/app/.kiln/builds/1", isReadOnly: false }];
    expect(planView(request({ hidden: ["/home/me/app/.kiln"], shared }), files)).toMatchObject({
      whiteouts: [],
      emptied: ["/home/me/app/.kiln"],
    });
  });
});

describe("an ordinary user's view", () => {
  const files = machine(
    ...[
      "/bin@",
      "/usr/",
      "/etc/",
      "/tmp/",
      "/proc/",
      "/swapfile",
      "/home/",
      "/home/me/",
      "/home/me/disk/",
      "/home/me/notes",
    ],
    ...["/var/", "/var/lib/", "/var/lib/a/", "/var/log/", "/var/tmp/", "/var/run@"],
  );

  it("is an overlay of each top-level folder, with links and files of the machine", () => {
    expect(planView(request({ isRoot: false }), files)).toEqual({
      overlays: ["/usr", "/etc", "/home", "/var"],
      folders: ["/tmp", "/proc"],
      links: ["/bin"],
      shown: ["/swapfile"],
      ...{ copied: [], whiteouts: [], emptied: [] },
    });
  });

  it("opens up folders with mounts below, down to those without", () => {
    const mounts = [
      { path: "/", type: "ext4" },
      { path: "/home/me/disk", type: "ext4" },
      { path: "/var/lib/a", type: "ext4" },
    ];
    expect(planView(request({ isRoot: false, mounts }), files)).toMatchObject({
      overlays: ["/usr", "/etc", "/home/me/disk", "/var/lib/a", "/var/log"],
      folders: ["/tmp", "/proc", "/home", "/home/me", "/var", "/var/lib", "/var/tmp"],
      links: ["/bin", "/var/run"],
      shown: ["/swapfile", "/home/me/notes"],
    });
  });

  it("leaves hidden paths out of folders that it opens up", () => {
    const mounts = [
      { path: "/", type: "ext4" },
      { path: "/home/me/disk", type: "ext4" },
    ];
    const view = planView(request({ isRoot: false, mounts, hidden: ["/home/me/notes"] }), files);
    expect(view.shown).toEqual(["/swapfile"]);
    expect([...view.whiteouts, ...view.emptied]).toEqual([]);
  });
});
