/**
 * Ends a build's processes when Kiln itself is killed (`kill -9`, out of memory) and can no longer do it: a small shell in
 * a session of its own that reads from a pipe whose other end only this process holds. The pipe's end without a goodbye
 * means that Kiln is gone; then the build's processes get SIGTERM, SIGKILL half a second later, and the folder with the
 * saved environment is removed. The record of the build is closed by the next Kiln (services/codebuild/builds/build-runner.ts).
 * A shell rather than Node: it starts in a millisecond, needs next to no memory, and works while Kiln is being replaced.
 *
 * What belongs to a build is said in process-sweep.ts: its mark, its folder, descent; here also the running command's group.
 */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { debug } from "../core/log.ts";
import type { ProcessEntry } from "../core/process-table.ts";
import { BUILD_MARK } from "./process-sweep.ts";

/** Arguments: the mark as `NAME=value`, the work folder, the folder to remove (may be empty). Standard input: see `Watchdog`. */
const SCRIPT = `
mark=$1 work=$2 private=$3 group= keepers=
trap '' HUP INT TERM
while read -r word value rest; do
  case $word in
    group) group=$value keepers=$rest ;;
    goodbye) exit 0 ;;
  esac
done

belonging() {
  {
    if [ -d /proc/self ]; then
      # A build id ends in a uuid: no id is the beginning of another.
      grep -lsF -- "$mark" /proc/[0-9]*/environ | sed 's|^/proc/\\([0-9]*\\)/.*|marked \\1|'
      ls -ld /proc/[0-9]*/cwd 2>/dev/null | WORK=$work awk '{
        rest = substr($0, index($0, " /proc/") + 7)
        folder = substr(rest, index(rest, " -> ") + 4)
        if (folder == ENVIRON["WORK"] || index(folder, ENVIRON["WORK"] "/") == 1) print "marked", rest + 0
      }'
      cat /proc/[0-9]*/stat 2>/dev/null | sed 's/ (.*) / /' | awk '$2 != "Z" && $2 != "X" { print "process", $1, $3, $4, $21 }'
    else
      ps -A -E -ww -o pid=,ppid=,pgid=,command= | MARK=$mark awk '{
        print "process", $1, $2, $3, ""
        if (index($0 " ", " " ENVIRON["MARK"] " ")) print "marked", $1
      }'
    fi
  } | GROUP=$group KEEPERS=" $keepers " awk '
    $1 == "marked" { marked[$2] = 1 }
    $1 == "process" {
      parent[$2] = $3; started[$2] = $5
      if ($4 "" == ENVIRON["GROUP"]) {
        member[$2] = 1
        if (index(ENVIRON["KEEPERS"], " " $2 ":" $5 " ")) isKept = 1
      }
    }
    END {
      # The number of a group that was empty meanwhile is another one.
      if (isKept || ENVIRON["KEEPERS"] == "  ") for (pid in member) marked[pid] = 1
      for (pid in parent) {
        for (up = pid; up > 1 && (up in parent); up = parent[up]) if (up in marked) { print pid ":" started[pid]; break }
      }
    }'
}

# Whether the number is that process's yet.
isStill() {
  [ -n "$2" ] || return 0
  read -r stat < "/proc/$1/stat" || return 1
  set -- "$2" \${stat##*) }
  [ "$1" = "\${21}" ]
}

round=0 signal=TERM
while [ "$round" -lt 40 ]; do
  pids=$(belonging)
  [ -z "$pids" ] && break
  for one in $pids; do
    if isStill "\${one%%:*}" "\${one#*:}"; then kill "-$signal" "\${one%%:*}" 2>/dev/null; fi
  done
  keepers="$keepers $(echo $pids)"
  round=$((round + 1))
  [ "$round" -ge 5 ] && signal=KILL
  sleep 0.1
done
[ -n "$private" ] && rm -rf -- "$private"
exit 0
`;

export interface Watchdog {
  /** The process group of the command that runs now, and who is in it; the one before it is forgotten. */
  watchGroup(group: number, members: readonly ProcessEntry[]): void;
  /** The command ended and left no process behind: the group's number may become another program's. */
  forgetGroup(): void;
  /** The build is over and cleaned up. Resolves when nothing of the watchdog is left. */
  dismiss(): Promise<void>;
}

/** What the watchdog looks after. */
export interface WatchTarget {
  readonly buildId: string;
  readonly workDir: string;
  /** Removed when the processes are gone. */
  readonly privateDir?: string | undefined;
}

/** How the watchdog is started; its standard input is the pipe. */
export function watchdogCommand(target: WatchTarget): { file: string; args: string[]; options: SpawnOptions } {
  const words = [`${BUILD_MARK}=${target.buildId}`, target.workDir, target.privateDir ?? ""];
  return {
    file: "sh",
    args: ["-c", SCRIPT, "kiln-watchdog", ...words],
    options: {
      // Neither mark nor folder of the build: the engine's own sweep must not find it.
      cwd: "/",
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin" },
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    },
  };
}

/** Never fails: a build without a watchdog is cleaned up by the next Kiln. */
export function startWatchdog(target: WatchTarget): Watchdog {
  const { file, args, options } = watchdogCommand(target);
  const child: ChildProcess = spawn(file, args, options);
  const { stdin } = child;
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", (error) => {
      debug("engine", () => `no watchdog: ${error.message}`);
      resolve();
    });
  });
  stdin?.on("error", () => {});
  child.unref();
  (stdin as { unref?(): void } | null)?.unref?.();
  return {
    watchGroup(group, members) {
      const keepers = members.map(({ pid, started }) => ` ${pid}:${started}`);
      stdin?.write(`group ${group}${keepers.join("")}\n`);
    },
    forgetGroup: () => void stdin?.write("group\n"),
    async dismiss() {
      child.ref();
      stdin?.end("goodbye\n");
      await gone;
    },
  };
}
