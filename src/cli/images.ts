/** `kiln images`: base images for docker builds: list, map a name to another, make one, import a tar or OCI folder. */
import { Command } from "commander";
import type { CliIo } from "./io.ts";

export function imagesCommand(_io: CliIo, _exit: (code: number) => void): Command {
  return new Command("images").description("base images: list, map, make, import");
}
