/** Instructions that change only the image's config. History texts as docker writes them, values expanded. */

import { goList, goQuotedList, goSet } from "../../../dockerfile/go-text.ts";
import { DockerfileError, type Instruction } from "../../../dockerfile/instruction.ts";
import { expandWord, expandWords } from "../../../dockerfile/words.ts";
import type { RunConfig } from "../../../images/image.ts";
import { type Conversion, commandOf, lookupIn, type StageState } from "./stage-state.ts";

const change = (state: StageState, part: Partial<RunConfig>): void => {
  state.config = { ...state.config, ...part };
};

const wordOf = (state: StageState, text: string): string => expandWord(text, lookupIn(state), state.scope.escape);

export function convertUser(state: StageState, { text }: Instruction): Conversion {
  const User = wordOf(state, text);
  change(state, { User });
  return { createdBy: `USER ${User}` };
}

export function convertExpose(state: StageState, { text }: Instruction): Conversion {
  const isClassic = state.scope.request.style === "classic";
  const words = text.split(/\s+/).sort();
  const given = words.flatMap((word) => expandWords(word, lookupIn(state), state.scope.escape));
  const ports = given.flatMap(portsOf);
  change(state, {
    ExposedPorts: { ...state.config.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) },
  });
  return { createdBy: `EXPOSE ${isClassic ? given.join(" ") : goSet(ports)}` };
}

function portsOf(text: string): string[] {
  const [, host, first, last, protocol = "tcp"] = /^(?:.*?([^/]*):)?(\d+)(?:-(\d+))?(?:\/([a-z]+))?$/i.exec(text) ?? [];
  const kind = protocol.toLowerCase();
  const from = Number(first);
  const to = Number(last ?? first);
  if (first === undefined || host !== undefined || to > 65_535 || from > to)
    throw new DockerfileError(`invalid containerPort: ${text.replace(/\/.*$/, "")}`);
  if (!["tcp", "udp", "sctp"].includes(kind)) throw new DockerfileError(`invalid proto: ${protocol}`);
  return Array.from({ length: to - from + 1 }, (_, i) => `${from + i}/${kind}`);
}

export function convertVolume(state: StageState, { text, json }: Instruction): Conversion {
  const words = json ?? text.split(/\s+/);
  const folders = words.map((word) => wordOf(state, word).trim());
  if (folders.includes("")) throw new DockerfileError("VOLUME specified can not be an empty string");
  change(state, { Volumes: { ...state.config.Volumes, ...Object.fromEntries(folders.map((path) => [path, {}])) } });
  return { createdBy: `VOLUME ${goList(folders)}` };
}

export function convertCmd(state: StageState, instruction: Instruction): Conversion {
  const Cmd = commandOf(instruction, state.config);
  state.hasOwnCmd = true;
  change(state, { Cmd, ...(state.scope.request.style === "buildkit" && { ArgsEscaped: true }) });
  return { createdBy: `CMD ${goQuotedList(Cmd)}` };
}

export function convertEntrypoint(state: StageState, instruction: Instruction): Conversion {
  const isEmpty = instruction.text === "" || instruction.json?.length === 0;
  const Entrypoint = isEmpty ? [] : commandOf(instruction, state.config);
  const { Cmd: _, Entrypoint: __, ...rest } = state.config;
  const kept = state.hasOwnCmd && state.config.Cmd ? { Cmd: state.config.Cmd } : {};
  state.config = { ...rest, ...kept, ...(Entrypoint.length > 0 && { Entrypoint }) };
  return { createdBy: `ENTRYPOINT ${goQuotedList(Entrypoint)}` };
}

export function convertShell(state: StageState, { json }: Instruction): Conversion {
  const Shell = [...(json ?? [])];
  change(state, { Shell });
  return { createdBy: `SHELL ${goList(Shell)}` };
}

const SIGNALS = new Set(
  [
    ..."ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM".split(
      " ",
    ),
    ..."TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX".split(" "),
    ...Array.from({ length: 15 }, (_, i) => `RTMIN+${i + 1}`),
    ...Array.from({ length: 14 }, (_, i) => `RTMAX-${i + 1}`),
  ].flatMap((name) => [name, `SIG${name}`]),
);

export function convertStopSignal(state: StageState, { text }: Instruction): Conversion {
  const StopSignal = wordOf(state, text);
  const isKnown = /^\d+$/.test(StopSignal) ? Number(StopSignal) > 0 : SIGNALS.has(StopSignal.toUpperCase());
  if (!isKnown) throw new DockerfileError(`invalid signal: ${StopSignal}`);
  change(state, { StopSignal });
  return { createdBy: `STOPSIGNAL ${StopSignal}` };
}

export function convertMaintainer(state: StageState, { text }: Instruction): Conversion {
  state.author = text;
  return { createdBy: `MAINTAINER ${text}` };
}

/** BuildKit keeps no history of it. */
export function convertOnbuild(state: StageState, instruction: Instruction): Conversion {
  const bodies = instruction.heredocs.map(({ name, content }) => `\n${content}${name}`).join("");
  change(state, { OnBuild: [...(state.config.OnBuild ?? []), instruction.text + bodies] });
  return { createdBy: state.scope.request.style === "classic" ? `ONBUILD ${instruction.text}` : undefined };
}
